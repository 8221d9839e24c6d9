//! The `aws-sigv4` crate as a signer of requests and chunks.

use crate::request::{ACCESS_KEY_ID, NOW, Request, SECRET};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
    SigningInstructions, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::http::Headers;
use bytes::Bytes;
use sigv4::encode_query_value;
use std::time::Duration;

/// As S3 wants requests to be signed.
fn settings() -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    settings
}

fn identity(token: Option<&str>) -> Identity {
    Credentials::new(
        ACCESS_KEY_ID,
        SECRET,
        token.map(String::from),
        None,
        "judge",
    )
    .into()
}

fn parameters<S: Default>(identity: &Identity, settings: S) -> v4::SigningParams<'_, S> {
    v4::SigningParams::builder()
        .identity(identity)
        .region("eu-central-1")
        .name("s3")
        .time(NOW.system_time())
        .settings(settings)
        .build()
        .unwrap()
}

fn instructions(
    request: &Request,
    body: SignableBody<'_>,
    token: Option<&str>,
    settings: SigningSettings,
) -> SigningInstructions {
    let url = format!(
        "http://{}{}",
        request.headers["host"].to_str().unwrap(),
        request.target()
    );
    let headers = request
        .headers
        .iter()
        .map(|(n, v)| (n.as_str(), v.to_str().unwrap()));
    let signable = SignableRequest::new(&request.method, url, headers, body).unwrap();
    let identity = identity(token);
    let parameters = parameters(&identity, settings).into();
    sign(signable, &parameters).unwrap().into_parts().0
}

/// Adds an `Authorization` header and what belongs to it.
pub(crate) fn sign_headers(request: &mut Request, body: SignableBody<'_>, token: Option<&str>) {
    let instructions = instructions(request, body, token, settings());
    instructions
        .headers()
        .for_each(|(name, value)| request.append(name, value));
}

/// Adds the parameters of a presigned URL.
pub(crate) fn presign(request: &mut Request, expires_in: u64, token: Option<&str>) {
    let mut settings = settings();
    settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(Duration::from_secs(expires_in));
    let instructions = instructions(request, SignableBody::UnsignedPayload, token, settings);
    let mut parts: Vec<String> = request.query.take().into_iter().collect();
    for (name, value) in instructions.params() {
        parts.push(format!("{name}={}", encode_query_value(value)));
    }
    request.query = Some(parts.join("&"));
}

/// The body of a signed request as a chain of signed chunks, with trailers if there are any.
pub(crate) fn signed_chunks(
    request: &Request,
    chunks: &[&[u8]],
    trailers: Option<&[(&'static str, &str)]>,
) -> Vec<u8> {
    let identity = identity(None);
    let parameters = parameters(&identity, ());
    let mut running = request.signature();
    let mut body = Vec::new();
    for chunk in chunks.iter().copied().chain([&b""[..]]) {
        let data = Bytes::copy_from_slice(chunk);
        running = v4::sign_chunk(&data, &running, &parameters)
            .unwrap()
            .into_parts()
            .1;
        let header = format!("{:x};chunk-signature={running}\r\n", chunk.len());
        body.extend_from_slice(header.as_bytes());
        body.extend_from_slice(chunk);
        if !chunk.is_empty() || trailers.is_none() {
            body.extend_from_slice(b"\r\n");
        }
    }
    if let Some(trailers) = trailers {
        let mut headers = Headers::new();
        for (name, value) in trailers {
            headers.insert(*name, (*value).to_string());
            body.extend_from_slice(format!("{name}:{value}\r\n").as_bytes());
        }
        let signature = v4::sign_trailer(&headers, &running, &parameters)
            .unwrap()
            .into_parts()
            .1;
        let last = format!("x-amz-trailer-signature:{signature}\r\n\r\n");
        body.extend_from_slice(last.as_bytes());
    }
    body
}
