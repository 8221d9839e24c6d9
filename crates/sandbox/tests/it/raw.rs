//! Requests byte by byte, signed by `aws-sigv4`, so that anything can be wrong with them.

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use sandbox::{KeyPair, Sandbox};
use std::time::SystemTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request that is going to be signed.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    /// Path and query, as they go over the wire.
    pub(crate) target: &'a str,
    /// Signed, all of them.
    pub(crate) headers: Vec<(String, String)>,
    /// What `x-amz-content-sha256` says.
    pub(crate) payload: String,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
    pub(crate) token: Option<String>,
    pub(crate) time: SystemTime,
}

/// A signed head, and what is needed to sign chunks behind it.
pub(crate) struct Signed {
    pub(crate) host: String,
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) signature: String,
    /// Whether the head leaves the end of the connection to the other side.
    pub(crate) keep_alive: bool,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl<'a> Request<'a> {
    /// A request to S3 in the first region, its body unsigned.
    pub(crate) fn s3(method: &'a str, target: &'a str) -> Self {
        Self {
            method,
            target,
            headers: Vec::new(),
            payload: "UNSIGNED-PAYLOAD".to_string(),
            region: "us-east-1",
            service: "s3",
            token: None,
            time: now(),
        }
    }

    /// One more signed header.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_string(), value.into()));
        self
    }

    /// Another `x-amz-content-sha256`.
    pub(crate) fn payload(mut self, payload: &str) -> Self {
        self.payload = payload.to_string();
        self
    }

    /// Signs.
    pub(crate) fn sign(self, sandbox: &Sandbox, keys: &KeyPair) -> Signed {
        self.sign_for(&sandbox.endpoint().host_header(), keys)
    }

    /// Signs for a sandbox that is not in this process.
    pub(crate) fn sign_for(self, host: &str, keys: &KeyPair) -> Signed {
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let identity = Credentials::new(
            &keys.access_key_id,
            keys.secret_access_key.expose(),
            self.token.clone(),
            None,
            "test",
        )
        .into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(self.time)
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let mut headers = self.headers;
        headers.insert(0, ("host".to_string(), host.to_string()));
        let uri = format!("http://{host}{}", self.target);
        let borrowed = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let body = SignableBody::Precomputed(self.payload);
        let request = SignableRequest::new(self.method, uri, borrowed, body).unwrap();
        let (instructions, signature) = sign(request, &parameters).unwrap().into_parts();
        for (name, value) in instructions.headers() {
            headers.push((name.to_string(), value.to_string()));
        }
        Signed {
            host: host.to_string(),
            method: self.method.to_string(),
            target: self.target.to_string(),
            headers,
            signature,
            keep_alive: false,
        }
    }
}

impl Signed {
    /// Without a header that was signed.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self
    }

    /// With a header that was not signed.
    pub(crate) fn and(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_string(), value.to_string()));
        self
    }

    /// Sends the head and `body`; the head says `length`.
    pub(crate) async fn send_claiming(&self, length: usize, body: &[u8]) -> Answer {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            bytes.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.keep_alive {
            bytes.push_str("connection: close\r\n");
        }
        bytes.push_str(&format!("content-length: {length}\r\n\r\n"));
        let bytes = [bytes.as_bytes(), body].concat();
        send(&self.host, &bytes, body.len() < length).await
    }

    /// Sends the head and `body`.
    pub(crate) async fn send(&self, body: &[u8]) -> Answer {
        self.send_claiming(body.len(), body).await
    }
}

impl Answer {
    fn of(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Self {
            status: status.unwrap_or(0),
            head: head.to_ascii_lowercase(),
            body: body.to_string(),
        }
    }

    /// The code of the error in the body.
    pub(crate) fn code(&self) -> &str {
        let after = self.body.split_once("<Code>").map(|(_, after)| after);
        after
            .and_then(|after| after.split_once("</Code>"))
            .map_or("", |(code, _)| code)
    }
}

/// The machine's time.
pub(crate) fn now() -> SystemTime {
    use types::Clock;
    types::SystemClock.now().system_time()
}

/// Sends bytes, and reads what comes until the other side closes. With `hang_up`, closes the
/// sending side as if there were nothing more to come.
pub(crate) async fn send(host: &str, bytes: &[u8], hang_up: bool) -> Answer {
    // Nobody there is an answer too: status 0.
    let Ok(mut stream) = TcpStream::connect(host).await else {
        return Answer::of("");
    };
    // The other side may answer and close before it has read everything.
    let _ = stream.write_all(bytes).await;
    if hang_up {
        let _ = stream.shutdown().await;
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    Answer::of(&String::from_utf8_lossy(&answer))
}

/// The target of a presigned URL.
pub(crate) fn presign(
    sandbox: &Sandbox,
    keys: &KeyPair,
    target: &str,
    seconds: u64,
    time: SystemTime,
) -> String {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.signature_location = aws_sigv4::http_request::SignatureLocation::QueryParams;
    settings.expires_in = Some(std::time::Duration::from_secs(seconds));
    let secret = keys.secret_access_key.expose();
    let identity = Credentials::new(&keys.access_key_id, secret, None, None, "test").into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("s3")
        .time(time)
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let uri = format!("{}{target}", sandbox.endpoint());
    let body = SignableBody::UnsignedPayload;
    let request = SignableRequest::new("GET", uri.clone(), std::iter::empty(), body).unwrap();
    let (instructions, _) = sign(request, &parameters).unwrap().into_parts();
    let mut request = http::Request::get(uri).body(()).unwrap();
    instructions.apply_to_request_http1x(&mut request);
    request.uri().path_and_query().unwrap().to_string()
}

/// Sends a request without any header but the host.
pub(crate) async fn send_plain(sandbox: &Sandbox, method: &str, target: &str) -> Answer {
    let host = sandbox.endpoint().host_header();
    let head = format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    send(&host, head.as_bytes(), false).await
}
