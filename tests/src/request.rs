//! Requests and responses byte for byte: what no well-behaved client would send, and everything
//! that comes back.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// An HTTP request before it is sent. Path and query are sent as they stand.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path, already encoded.
    pub path: String,
    /// The query without its question mark, already encoded.
    pub query: String,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    /// Sent with its length unless a header says otherwise.
    pub body: Vec<u8>,
}

impl Request {
    /// A request without a query or a body to `host`, that is host and port.
    pub fn new(method: &str, host: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: String::new(),
            headers: vec![("host".to_owned(), host.to_owned())],
            body: Vec::new(),
        }
    }

    /// With a query.
    pub fn query(mut self, query: &str) -> Self {
        self.add_query(query);
        self
    }

    /// With one more header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    /// With a body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets a header, in place of one of the same name.
    pub fn set(&mut self, name: &str, value: &str) {
        self.headers.retain(|(present, _)| present != name);
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    /// Adds to the query.
    pub fn add_query(&mut self, more: &str) {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        self.query.push_str(more);
    }

    /// The names of the headers, sorted.
    pub fn header_names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// The path with the query.
    pub fn target(&self) -> String {
        match self.query.as_str() {
            "" => self.path.clone(),
            query => format!("{}?{query}", self.path),
        }
    }

    /// Request line and headers, ready to be sent.
    pub fn head(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target());
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        let says_length = |name: &str| name == "content-length" || name == "transfer-encoding";
        let is_said = self.headers.iter().any(|(name, _)| says_length(name));
        if !is_said && (!self.body.is_empty() || self.method == "PUT" || self.method == "POST") {
            head += &format!("content-length: {}\r\n", self.body.len());
        }
        head += "\r\n";
        head.into_bytes()
    }
}

/// An HTTP response.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    /// All of it.
    pub body: Vec<u8>,
    /// Whether `100 Continue` came before it.
    pub continued: bool,
}

impl Response {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(present, _)| present == name)?;
        Some(&found.1)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The status and what stands in the S3 error's `Code`, as in `403 AccessDenied`.
    pub fn verdict(&self) -> String {
        let text = self.text();
        match element(&text, "Code") {
            Some(code) => format!("{} {code}", self.status),
            None => self.status.to_string(),
        }
    }
}

/// What stands in the first element of this name.
pub fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    elements(xml, name).into_iter().next()
}

/// What stands in every element of this name. Good enough for flat documents.
pub fn elements<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(&open)
        .skip(1)
        .filter_map(|rest| rest.split_once(&close))
        .map(|(content, _)| content)
        .collect()
}

/// One keep-alive connection.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects to `host`, that is host and port.
    pub fn open(host: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.set_write_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self {
            stream: BufReader::with_capacity(1 << 16, stream),
        })
    }

    /// Sends the request and reads its response.
    pub fn send(&mut self, request: &Request) -> io::Result<Response> {
        self.write(&request.head())?;
        // A server that refuses early may close before it has read the body.
        let written = self.write(&request.body);
        match self.response(&request.method) {
            Ok(response) => Ok(response),
            Err(error) => Err(written.err().unwrap_or(error)),
        }
    }

    /// Sends bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Reads the response to a request of this method.
    pub fn response(&mut self, method: &str) -> io::Result<Response> {
        let mut continued = false;
        loop {
            let (status, headers) = self.response_head()?;
            if status == 100 {
                continued = true;
                continue;
            }
            let mut response = Response {
                status,
                headers,
                body: Vec::new(),
                continued,
            };
            if method != "HEAD" && status != 204 && status != 304 {
                response.body = self.response_body(&response)?;
            }
            return Ok(response);
        }
    }

    /// Reads `100 Continue`; anything else is an error.
    pub fn wait_for_continue(&mut self) -> io::Result<()> {
        match self.response_head()? {
            (100, _) => Ok(()),
            (status, _) => Err(io::Error::other(format!("{status} instead of 100"))),
        }
    }

    fn response_head(&mut self) -> io::Result<(u16, Vec<(String, String)>)> {
        let first = self.line()?;
        let status = first
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .ok_or_else(|| io::Error::other(format!("not a status line: {first:?}")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else {
                return Ok((status, headers));
            };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    fn response_body(&mut self, response: &Response) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        if let Some(length) = response.header("content-length") {
            let length = length.parse().map_err(io::Error::other)?;
            body.resize(length, 0);
            self.stream.read_exact(&mut body)?;
        } else if response.header("transfer-encoding") == Some("chunked") {
            loop {
                let size = self.line()?;
                let size = usize::from_str_radix(&size, 16).map_err(io::Error::other)?;
                let start = body.len();
                body.resize(start + size, 0);
                self.stream.read_exact(&mut body[start..])?;
                self.line()?;
                if size == 0 {
                    break;
                }
            }
        } else {
            self.stream.read_to_end(&mut body)?;
        }
        Ok(body)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

/// Sends one request over a connection of its own to the host that it names.
pub fn send(request: &Request) -> Response {
    let host = &request
        .headers
        .iter()
        .find(|(name, _)| name == "host")
        .expect("a request begins with its host")
        .1;
    send_to(host, request)
}

/// The same to `host`, whatever the request names.
pub fn send_to(host: &str, request: &Request) -> Response {
    Connection::open(host)
        .and_then(|mut connection| connection.send(request))
        .unwrap_or_else(|error| panic!("{} {}: {error}", request.method, request.target()))
}

/// Encodes a key for a path: everything but unreserved characters and the slash.
pub fn encode_key(key: &str) -> String {
    encode(key, b"-_.~/")
}

/// Encodes a query parameter's name or value.
pub fn encode_parameter(text: &str) -> String {
    encode(text, b"-_.~")
}

fn encode(text: &str, kept: &[u8]) -> String {
    text.bytes()
        .map(|byte| match byte {
            byte if byte.is_ascii_alphanumeric() || kept.contains(&byte) => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
