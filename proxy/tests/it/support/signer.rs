//! The `aws-sigv4` crate as the client's signer: what the gateway checks is not made by its own
//! code.

use super::request::Request;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
    SigningInstructions, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::http::Headers;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::time::Duration;
use types::Timestamp;

pub(crate) const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
pub(crate) const SIGNED_CHUNKS: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
pub(crate) const SIGNED_CHUNKS_TRAILER: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
pub(crate) const UNSIGNED_CHUNKS_TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

/// Headers that clients do not sign, because something on the way may change them.
const UNTOUCHED: [&str; 7] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "expect",
    "transfer-encoding",
    "user-agent",
];

/// An access key, and the time on its owner's clock.
#[derive(Debug, Clone)]
pub(crate) struct Signer {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) now: Timestamp,
}

/// SHA-256 in hexadecimal.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Signer {
    /// By header, over the hash of the body.
    pub(crate) fn sign(&self, request: Request) -> Request {
        let hash = sha256_hex(&request.body);
        self.sign_payload(request, &hash)
    }

    /// By header, with `payload` as the value of `x-amz-content-sha256`.
    pub(crate) fn sign_payload(&self, mut request: Request, payload: &str) -> Request {
        request.remove("x-amz-content-sha256");
        let instructions = self.instructions(&request, payload, settings());
        for (name, value) in instructions.headers() {
            request.set(name, value);
        }
        request
    }

    /// By query, for `seconds`; `payload` goes into a signed header unless it is empty.
    pub(crate) fn presign_payload(
        &self,
        mut request: Request,
        seconds: u64,
        payload: &str,
    ) -> Request {
        let mut settings = settings();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(seconds));
        settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
        let covered = if payload.is_empty() {
            UNSIGNED
        } else {
            request.set("x-amz-content-sha256", payload);
            payload
        };
        let instructions = self.instructions(&request, covered, settings);
        let mut parts = vec![request.query.clone()];
        parts.retain(|part| !part.is_empty());
        for (name, value) in instructions.params() {
            parts.push(format!("{name}={}", encoded(value)));
        }
        request.query = parts.join("&");
        request
    }

    /// A presigned URL of an hour.
    pub(crate) fn presign(&self, request: Request) -> Request {
        self.presign_payload(request, 3_600, "")
    }

    fn instructions(
        &self,
        request: &Request,
        payload: &str,
        settings: SigningSettings,
    ) -> SigningInstructions {
        let host = request.get("host").unwrap_or_default();
        let url = format!("http://{host}{}", request.target());
        let headers = request
            .headers
            .iter()
            .filter(|(name, _)| !UNTOUCHED.contains(&name.as_str()))
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let body = SignableBody::Precomputed(payload.to_string());
        let signable = SignableRequest::new(&request.method, url, headers, body).unwrap();
        let identity = self.identity();
        let parameters = self.parameters(&identity, settings).into();
        sign(signable, &parameters).unwrap().into_parts().0
    }

    fn identity(&self) -> Identity {
        Credentials::new(&self.id, &self.secret, None, None, "test").into()
    }

    fn parameters<'a, S: Default>(
        &self,
        identity: &'a Identity,
        settings: S,
    ) -> v4::SigningParams<'a, S> {
        v4::SigningParams::builder()
            .identity(identity)
            .region("eu-central-1")
            .name("s3")
            .time(self.now.system_time())
            .settings(settings)
            .build()
            .unwrap()
    }

    /// The chunks of a signed request, each signed after the one before, and the trailers signed
    /// after the last.
    pub(crate) fn chunks(
        &self,
        request: &Request,
        pieces: &[&[u8]],
        trailers: Option<&[(&'static str, &str)]>,
    ) -> Vec<u8> {
        let identity = self.identity();
        let parameters = self.parameters(&identity, ());
        let mut running = signature(request);
        let mut wire = Vec::new();
        for piece in pieces.iter().copied().chain([&b""[..]]) {
            let data = Bytes::copy_from_slice(piece);
            let output = v4::sign_chunk(&data, &running, &parameters).unwrap();
            running = output.into_parts().1;
            let head = format!("{:x};chunk-signature={running}\r\n", piece.len());
            wire.extend_from_slice(head.as_bytes());
            wire.extend_from_slice(piece);
            if !piece.is_empty() || trailers.is_none() {
                wire.extend_from_slice(b"\r\n");
            }
        }
        if let Some(trailers) = trailers {
            let mut headers = Headers::new();
            for (name, value) in trailers {
                headers.insert(*name, (*value).to_string());
                wire.extend_from_slice(format!("{name}:{value}\r\n").as_bytes());
            }
            let output = v4::sign_trailer(&headers, &running, &parameters).unwrap();
            let last = format!("x-amz-trailer-signature:{}\r\n\r\n", output.into_parts().1);
            wire.extend_from_slice(last.as_bytes());
        }
        wire
    }
}

/// The signature in a request's `Authorization`.
pub(crate) fn signature(request: &Request) -> String {
    let header = request.get("authorization").expect("the request is signed");
    header.rsplit_once("Signature=").unwrap().1.to_string()
}

/// As S3 wants requests to be signed.
fn settings() -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    settings
}

/// Percent-encodes all that is not unreserved.
pub(crate) fn encoded(value: &str) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}
