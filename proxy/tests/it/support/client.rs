//! A client of raw bytes.

use super::message::{field, head_length, parse_head};
use super::request::Request;
use super::{HIDDEN, PATIENCE};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// By its own framing.
    Complete,
    /// The connection was over first.
    Cut,
}

/// What the gateway answered.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) end: End,
    /// Statuses that came before.
    pub(crate) interim: Vec<u16>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        field(&self.headers, name)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The `Code` of an S3 error.
    pub(crate) fn code(&self) -> String {
        let text = self.text();
        super::message::element(&text, "Code")
            .unwrap_or_default()
            .to_string()
    }

    /// Status and code: `403 AccessDenied`.
    pub(crate) fn verdict(&self) -> String {
        let code = self.code();
        let separator = if code.is_empty() { "" } else { " " };
        format!("{}{separator}{code}", self.status)
    }

    /// Whether the client may take this for a success.
    pub(crate) fn is_whole_success(&self) -> bool {
        self.end == End::Complete && (200..300).contains(&self.status)
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (end, headers) = (self.end, &self.headers);
        let start: String = self.text().chars().take(400).collect();
        let length = self.body.len();
        write!(
            out,
            "{} {end:?} {headers:?} {length} bytes: {start}",
            self.status
        )
    }
}

/// One connection to the gateway.
pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    /// Sends all of it, unless the gateway closes first.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        let sent = timeout(PATIENCE, self.stream.write_all(bytes)).await;
        // A gateway that has answered may stop reading.
        let _ = sent.expect("the gateway neither reads nor closes");
    }

    /// Sends as much as the gateway takes within a moment; returns how much.
    pub(crate) async fn push(&mut self, bytes: &[u8]) -> usize {
        let mut sent = 0;
        while sent < bytes.len() {
            let write = self.stream.write(&bytes[sent..]);
            match timeout(std::time::Duration::from_millis(200), write).await {
                Ok(Ok(count)) if count > 0 => sent += count,
                _ => break,
            }
        }
        sent
    }

    /// No more bytes will come.
    pub(crate) async fn finish(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Breaks off with a reset.
    pub(crate) fn reset(self) {
        self.stream.set_zero_linger().unwrap();
    }

    /// Sends a request and reads its answer.
    pub(crate) async fn ask(&mut self, request: &Request) -> Answer {
        self.send(&request.bytes()).await;
        self.answer(&request.method).await
    }

    /// The next answer, which must come and must name its request.
    pub(crate) async fn answer(&mut self, method: &str) -> Answer {
        let answer = self.any_answer(method).await;
        let answer = answer.expect("the connection was closed without an answer");
        let id = answer.header("x-amz-request-id").unwrap_or_default();
        assert_eq!(id.len(), 16, "no request id: {answer:?}");
        answer
    }

    /// The next answer, or `None` when the connection ends before there is a head.
    pub(crate) async fn any_answer(&mut self, method: &str) -> Option<Answer> {
        let answer = self.read_answer(method).await?;
        check_nothing_shows(format!("{:?}", answer.headers).as_bytes());
        check_nothing_shows(&answer.body);
        Some(answer)
    }

    /// The next answer to a request that itself had words of the storage in it.
    pub(crate) async fn unsearched_answer(&mut self, method: &str) -> Answer {
        self.read_answer(method).await.expect("no answer")
    }

    async fn read_answer(&mut self, method: &str) -> Option<Answer> {
        let mut interim = Vec::new();
        loop {
            let head = self.head().await?;
            let (line, headers) = parse_head(&head);
            let status: u16 = line.split(' ').nth(1)?.parse().ok()?;
            if (100..200).contains(&status) {
                interim.push(status);
                continue;
            }
            let (body, end) = self.body(method, status, &headers).await;
            return Some(Answer {
                status,
                headers,
                body,
                end,
                interim,
            });
        }
    }

    /// The next interim answer's status.
    pub(crate) async fn interim(&mut self) -> u16 {
        let head = self.head().await.expect("no interim answer");
        let (line, _) = parse_head(&head);
        line.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// Reads until these bytes have come; they stay for [`Client::answer`].
    pub(crate) async fn wait_for(&mut self, bytes: &[u8]) {
        while !self.buffer.windows(bytes.len()).any(|there| there == bytes) {
            assert!(self.fill().await, "closed before {bytes:?}");
        }
    }

    /// Sends all of it, which must work.
    pub(crate) async fn must_send(&mut self, bytes: &[u8]) {
        let sent = timeout(PATIENCE, self.stream.write_all(bytes)).await;
        sent.expect("the gateway does not read")
            .expect("the connection was reset");
    }

    /// Whether the gateway closes without another byte.
    pub(crate) async fn is_closed(&mut self) -> bool {
        self.buffer.is_empty() && !self.fill().await
    }

    async fn head(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(length) = head_length(&self.buffer) {
                return Some(self.buffer.drain(..length).collect());
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    async fn body(
        &mut self,
        method: &str,
        status: u16,
        headers: &[(String, String)],
    ) -> (Vec<u8>, End) {
        if method == "HEAD" || status == 204 || status == 304 {
            return (Vec::new(), End::Complete);
        }
        if field(headers, "transfer-encoding") == Some("chunked") {
            assert_eq!(field(headers, "content-length"), None, "two framings");
            return self.chunked().await;
        }
        match field(headers, "content-length") {
            Some(length) => self.counted(length.parse().unwrap()).await,
            None => {
                while self.fill().await {}
                (std::mem::take(&mut self.buffer), End::Cut)
            }
        }
    }

    async fn counted(&mut self, length: usize) -> (Vec<u8>, End) {
        while self.buffer.len() < length {
            if !self.fill().await {
                return (std::mem::take(&mut self.buffer), End::Cut);
            }
        }
        (self.buffer.drain(..length).collect(), End::Complete)
    }

    async fn chunked(&mut self) -> (Vec<u8>, End) {
        let mut body = Vec::new();
        loop {
            let Some(line) = self.line().await else {
                return (body, End::Cut);
            };
            let size = usize::from_str_radix(line.trim(), 16).unwrap();
            let (piece, end) = self.counted(size + 2).await;
            if end == End::Cut {
                body.extend_from_slice(&piece);
                return (body, End::Cut);
            }
            body.extend_from_slice(&piece[..size]);
            if size == 0 {
                return (body, End::Complete);
            }
        }
    }

    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|two| two == b"\r\n") {
                let line: Vec<u8> = self.buffer.drain(..end + 2).collect();
                return Some(String::from_utf8_lossy(&line).into_owned());
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    /// Reads some bytes; `false` when there are no more.
    async fn fill(&mut self) -> bool {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await;
        matches!(read.expect("the gateway is silent"), Ok(count) if count > 0)
    }
}

/// No byte of an answer may tell where the tenant's storage is.
fn check_nothing_shows(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    assert!(!text.contains(HIDDEN), "the storage shows in {text}");
}
