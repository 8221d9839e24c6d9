//! An upstream that records every byte and answers by script.

use super::documents;
use super::message::{field, head_length, parse_head};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

/// One thing that the upstream does, once it has the head of a request.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Reads the body to its end, or to the end of the connection.
    ReadBody,
    /// Reads at least so much of the body.
    ReadSome(usize),
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends these bytes one by one, with a pause after each.
    Drip(Vec<u8>, Duration),
    /// Waits until the test opens the gate.
    Wait(Gate),
    /// Closes in order.
    Close,
    /// Breaks off.
    Reset,
    /// Says and reads nothing more.
    Silence,
}

/// What a test opens when an upstream may go on.
#[derive(Debug, Clone)]
pub(crate) struct Gate(Arc<Semaphore>);

impl Gate {
    pub(crate) fn closed() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    pub(crate) fn open(&self) {
        self.0.add_permits(Semaphore::MAX_PERMITS / 2);
    }

    async fn pass(&self) {
        self.0.acquire().await.unwrap().forget();
    }
}

/// A request as it arrived.
#[derive(Clone)]
pub(crate) struct Received {
    /// Which connection, counted from 0.
    pub(crate) connection: usize,
    /// Which request on it, counted from 0.
    pub(crate) turn: usize,
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Head and body, as they came.
    pub(crate) raw: Vec<u8>,
}

impl std::fmt::Debug for Received {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (connection, turn, length) = (self.connection, self.turn, self.body.len());
        let head = self.raw.len() - length;
        let head = String::from_utf8_lossy(&self.raw[..head]);
        write!(out, "{connection}.{turn}, {length} bytes of body: {head}")
    }
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        field(&self.headers, name)
    }

    pub(crate) fn method(&self) -> &str {
        self.line.split(' ').next().unwrap_or_default()
    }

    /// The raw request target.
    pub(crate) fn target(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }

    /// What the head announces.
    pub(crate) fn length(&self) -> usize {
        assert_eq!(
            self.header("transfer-encoding"),
            None,
            "framed: {}",
            self.line
        );
        let length = self.header("content-length").map(|length| length.parse());
        length.transpose().unwrap().unwrap_or(0)
    }

    /// Whether the whole body came: a store commits it then.
    pub(crate) fn is_complete(&self) -> bool {
        self.body.len() >= self.length()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.raw).into_owned()
    }
}

type Script = Arc<dyn Fn(&Received) -> Vec<Step> + Send + Sync>;

#[derive(Default)]
struct Seen {
    requests: Vec<Received>,
    /// So many of them nobody asks about any more.
    forgotten: usize,
    connections: usize,
    /// So many of them are over.
    closed: usize,
    bytes: usize,
}

struct Shared {
    seen: Mutex<Seen>,
    script: Mutex<Script>,
    tls: Option<TlsAcceptor>,
}

/// The upstream. It ends with the test.
pub(crate) struct Stub {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

impl Stub {
    pub(crate) async fn start(tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            seen: Mutex::default(),
            script: Mutex::new(Arc::new(documents::answer)),
            tls: tls.map(TlsAcceptor::from),
        });
        let serving = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&serving).connection(stream));
            }
        });
        Self {
            address,
            shared,
            task,
        }
    }

    /// From now on does what `script` says to each request.
    pub(crate) fn script(&self, script: impl Fn(&Received) -> Vec<Step> + Send + Sync + 'static) {
        *self.shared.script.lock().unwrap() = Arc::new(script);
    }

    /// From now on behaves like a store again.
    pub(crate) fn behave(&self) {
        self.script(documents::answer);
    }

    /// All requests so far, finished or not.
    pub(crate) fn received(&self) -> Vec<Received> {
        let seen = self.shared.seen.lock().unwrap();
        seen.requests[seen.forgotten..].to_vec()
    }

    /// The only request so far.
    pub(crate) fn only(&self) -> Received {
        let mut received = self.received();
        assert_eq!(received.len(), 1, "{received:#?}");
        received.remove(0)
    }

    pub(crate) fn count(&self) -> usize {
        let seen = self.shared.seen.lock().unwrap();
        seen.requests.len() - seen.forgotten
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.seen.lock().unwrap().connections
    }

    /// How many connections are over.
    pub(crate) fn closed(&self) -> usize {
        self.shared.seen.lock().unwrap().closed
    }

    /// From now on nobody listens here.
    pub(crate) async fn close(&self) {
        self.task.abort();
        super::eventually("the listener is gone", || self.task.is_finished()).await;
    }

    /// Every byte on every connection.
    pub(crate) fn bytes(&self) -> usize {
        self.shared.seen.lock().unwrap().bytes
    }

    /// Not even a connection.
    pub(crate) fn assert_untouched(&self, why: &str) {
        assert_eq!((self.connections(), self.bytes()), (0, 0), "{why}");
    }

    /// No request arrived whole that asks for something to be stored or deleted.
    pub(crate) fn assert_nothing_stored(&self, why: &str) {
        for request in self.received() {
            let stores = matches!(request.method(), "PUT" | "POST" | "DELETE");
            assert!(!(stores && request.is_complete()), "{why}: {request:?}");
        }
    }

    /// What came until now does not count.
    pub(crate) fn forget(&self) {
        let mut seen = self.shared.seen.lock().unwrap();
        seen.forgotten = seen.requests.len();
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    async fn connection(self: Arc<Self>, tcp: TcpStream) {
        tcp.set_nodelay(true).unwrap();
        let number = {
            let mut seen = self.seen.lock().unwrap();
            seen.connections += 1;
            seen.connections - 1
        };
        match &self.tls {
            None => self.converse(tcp, number).await,
            Some(tls) => match tls.accept(tcp).await {
                Ok(stream) => self.converse(stream, number).await,
                // The gateway did not trust us, which is what such tests are about.
                Err(_) => None,
            },
        };
        self.seen.lock().unwrap().closed += 1;
    }

    async fn converse(&self, mut stream: impl Wire, connection: usize) -> Option<()> {
        let mut buffer = Vec::new();
        for turn in 0.. {
            let index = self
                .head(&mut stream, &mut buffer, connection, turn)
                .await?;
            let request = self.request(index);
            let script = Arc::clone(&*self.script.lock().unwrap());
            for step in script(&request) {
                self.take(&mut stream, &mut buffer, index, step).await?;
            }
        }
        None
    }

    /// Reads a head; `None` at the end of the connection.
    async fn head(
        &self,
        stream: &mut impl Wire,
        buffer: &mut Vec<u8>,
        connection: usize,
        turn: usize,
    ) -> Option<usize> {
        let length = loop {
            if let Some(length) = head_length(buffer) {
                break length;
            }
            self.fill(stream, buffer).await?;
        };
        let raw: Vec<u8> = buffer.drain(..length).collect();
        let (line, headers) = parse_head(&raw);
        let received = Received {
            connection,
            turn,
            line,
            headers,
            body: Vec::new(),
            raw,
        };
        let mut seen = self.seen.lock().unwrap();
        seen.requests.push(received);
        Some(seen.requests.len() - 1)
    }

    async fn take(
        &self,
        stream: &mut impl Wire,
        buffer: &mut Vec<u8>,
        index: usize,
        step: Step,
    ) -> Option<()> {
        match step {
            Step::ReadBody => self.body(stream, buffer, index, usize::MAX).await,
            Step::ReadSome(at_least) => self.body(stream, buffer, index, at_least).await,
            Step::Send(bytes) => {
                stream.write_all(&bytes).await.ok()?;
                stream.flush().await.ok()
            }
            Step::Drip(bytes, pause) => {
                for byte in bytes {
                    stream.write_all(&[byte]).await.ok()?;
                    stream.flush().await.ok()?;
                    tokio::time::sleep(pause).await;
                }
                Some(())
            }
            Step::Wait(gate) => {
                gate.pass().await;
                Some(())
            }
            Step::Close => {
                let _ = stream.shutdown().await;
                None
            }
            Step::Reset => {
                stream.break_off();
                None
            }
            Step::Silence => std::future::pending().await,
        }
    }

    /// Reads the body as far as asked, noting what comes.
    async fn body(
        &self,
        stream: &mut impl Wire,
        buffer: &mut Vec<u8>,
        index: usize,
        at_least: usize,
    ) -> Option<()> {
        loop {
            let request = self.request(index);
            let (have, whole) = (request.body.len(), request.length());
            if !buffer.is_empty() && have < whole {
                let taken = buffer.len().min(whole - have);
                let piece: Vec<u8> = buffer.drain(..taken).collect();
                let mut seen = self.seen.lock().unwrap();
                seen.requests[index].body.extend_from_slice(&piece);
                seen.requests[index].raw.extend_from_slice(&piece);
                continue;
            }
            if have >= whole.min(at_least) {
                return Some(());
            }
            self.fill(stream, buffer).await?;
        }
    }

    async fn fill(&self, stream: &mut impl Wire, buffer: &mut Vec<u8>) -> Option<()> {
        let count = stream.read_buf(buffer).await.ok()?;
        self.seen.lock().unwrap().bytes += count;
        (count > 0).then_some(())
    }

    fn request(&self, index: usize) -> Received {
        self.seen.lock().unwrap().requests[index].clone()
    }
}

/// A connection that can be broken off.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {
    fn break_off(&self);
}

impl Wire for TcpStream {
    fn break_off(&self) {
        self.set_zero_linger().unwrap();
    }
}

impl Wire for tokio_rustls::server::TlsStream<TcpStream> {
    fn break_off(&self) {
        self.get_ref().0.set_zero_linger().unwrap();
    }
}
