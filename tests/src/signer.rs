//! A signature version 4 signer of the tests' own, written from AWS's description: it shares no
//! line with the code that it judges, and it signs whatever it is given, right or wrong.

use crate::client::Login;
use crate::request::Request;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::{digest, hmac};
use time::OffsetDateTime;
use time::macros::format_description;
use types::{Clock, SystemClock};

/// The `x-amz-content-sha256` of a body that nobody hashed.
pub const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
/// The `x-amz-content-sha256` of a body in chunks with a checksum behind it, nothing signed.
pub const UNSIGNED_TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
/// The `x-amz-content-sha256` of a body in signed chunks.
pub const SIGNED_CHUNKS: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";

/// Lower-case hexadecimal SHA-256.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}

/// SHA-256 as S3's checksum headers carry it.
pub fn sha256_base64(bytes: &[u8]) -> String {
    STANDARD.encode(digest::digest(&digest::SHA256, bytes))
}

/// A login at one moment.
#[derive(Debug, Clone)]
pub struct Signer {
    access_key_id: String,
    key: hmac::Key,
    time: String,
    scope: String,
}

impl Signer {
    /// Signs as `login`, now.
    pub fn now(login: &Login) -> Self {
        Self::at(login, SystemClock.now().unix())
    }

    /// Signs as `login`, as if it were `unix` seconds after 1970.
    pub fn at(login: &Login, unix: i64) -> Self {
        let moment = OffsetDateTime::from_unix_timestamp(unix).unwrap();
        let time = format_description!("[year][month][day]T[hour][minute][second]Z");
        let time = moment.format(time).unwrap();
        let date = &time[..8];
        let scope = format!("{date}/{}/s3/aws4_request", login.region);
        let secret = format!("AWS4{}", login.secret_access_key);
        let key = [date, &login.region, "s3", "aws4_request"]
            .into_iter()
            .fold(hmac_key(secret.as_bytes()), |key, word| {
                hmac_key(hmac::sign(&key, word.as_bytes()).as_ref())
            });
        Self {
            access_key_id: login.access_key_id.clone(),
            key,
            time,
            scope,
        }
    }

    /// Adds date, payload hash and `Authorization`, over every header that is already there.
    /// Returns the signature.
    pub fn sign(&self, request: &mut Request, payload_hash: &str) -> String {
        request.set("x-amz-date", &self.time);
        request.set("x-amz-content-sha256", payload_hash);
        let (signed_headers, signature) = self.signature(request, payload_hash);
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={signed_headers}, \
             Signature={signature}",
            self.access_key_id, self.scope
        );
        request.set("authorization", &authorization);
        signature
    }

    /// The same with the hash of the request's own body.
    pub fn sign_with_hash(&self, request: &mut Request) -> String {
        let hash = sha256(&request.body);
        self.sign(request, &hash)
    }

    /// Puts the signature into the query, for `seconds` from the signer's moment on.
    pub fn presign(&self, request: &mut Request, seconds: u64) {
        let credential = format!("{}/{}", self.access_key_id, self.scope).replace('/', "%2F");
        let names = request.header_names().join("%3B");
        let parameters = format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}&X-Amz-Date={}\
             &X-Amz-Expires={seconds}&X-Amz-SignedHeaders={names}",
            self.time
        );
        request.add_query(&parameters);
        let (_, signature) = self.signature(request, UNSIGNED);
        request.add_query(&format!("X-Amz-Signature={signature}"));
    }

    fn signature(&self, request: &Request, payload_hash: &str) -> (String, String) {
        let names = request.header_names().join(";");
        let mut headers: Vec<_> = request.headers.iter().collect();
        headers.sort();
        let headers: String = headers
            .into_iter()
            .map(|(name, value)| format!("{name}:{}\n", value.trim()))
            .collect();
        let canonical = format!(
            "{}\n{}\n{}\n{headers}\n{names}\n{payload_hash}",
            request.method,
            request.path,
            canonical_query(&request.query)
        );
        let text = format!(
            "AWS4-HMAC-SHA256\n{}\n{}\n{}",
            self.time,
            self.scope,
            sha256(canonical.as_bytes())
        );
        (names, self.hmac(&text))
    }

    /// `body` in signed chunks of `size` bytes, chained to the request's signature.
    pub fn signed_chunks(&self, request_signature: &str, body: &[u8], size: usize) -> Vec<u8> {
        let mut framed = Vec::with_capacity(body.len() + body.len() / size * 96 + 192);
        let mut previous = request_signature.to_owned();
        for chunk in body.chunks(size).chain([&[][..]]) {
            let text = format!(
                "AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{previous}\n{}\n{}",
                self.time,
                self.scope,
                sha256(b""),
                sha256(chunk)
            );
            previous = self.hmac(&text);
            let head = format!("{:x};chunk-signature={previous}\r\n", chunk.len());
            framed.extend_from_slice(head.as_bytes());
            framed.extend_from_slice(chunk);
            framed.extend_from_slice(b"\r\n");
        }
        framed
    }

    fn hmac(&self, text: &str) -> String {
        hex::encode(hmac::sign(&self.key, text.as_bytes()))
    }
}

fn hmac_key(bytes: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, bytes)
}

/// Sorted, and with the `=` that a parameter without a value lacks. Parameters arrive encoded.
fn canonical_query(query: &str) -> String {
    let mut parameters: Vec<_> = query
        .split('&')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
        .collect();
    parameters.sort_unstable();
    let parameters: Vec<_> = parameters
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    parameters.join("&")
}
