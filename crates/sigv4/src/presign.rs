//! Presigned URLs, off the hot path, signed by the `aws-sigv4` crate.

use crate::encode::encode_query_value;
use crate::sign::SigningCredentials;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SessionTokenMode, SignableBody, SignableRequest,
    SignatureLocation, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use std::fmt;
use std::time::Duration;
use types::{Endpoint, Region, SecretString, Timestamp};

/// What a presigned URL allows whoever holds it to do.
#[derive(Clone, Copy)]
pub struct PresignRequest<'a> {
    /// The method.
    pub method: &'a str,
    /// Where the URL points, with the bucket's label when the bucket is in the host.
    pub endpoint: &'a Endpoint,
    /// The path, in the spelling of [`crate::encode_path`], beginning with `/`.
    pub path: &'a str,
    /// Further parameters, in the spelling of [`crate::encode_query_value`].
    pub query: Option<&'a str>,
    /// Headers that whoever uses the URL must send, besides `host`.
    pub headers: &'a [(&'a str, &'a str)],
    /// How long the URL lives: 1 to 604,800 seconds.
    pub expires_in: Duration,
}

impl fmt::Debug for PresignRequest<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("PresignRequest")
            .field("method", &self.method)
            .field("endpoint", &self.endpoint)
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

/// Why a URL cannot be presigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PresignError {
    /// Not 1 to 604,800 seconds.
    #[error("a presigned URL lives 1 to 604800 seconds")]
    Expiry,
    /// The path or query is not encoded, or a header is not a header.
    #[error("the path, query or headers cannot stand in a URL or a request as they are")]
    Request,
}

/// A URL that lets its holder in. `Debug` shows its scheme and host only, and there is no
/// `Display`: it belongs in an answer to the person who asked for it and nowhere else.
#[derive(Clone)]
pub struct SafeUrl {
    text: SecretString,
    shown: String,
}

impl SafeUrl {
    /// The whole URL, for the person who asked for it.
    pub fn expose(&self) -> &str {
        self.text.expose()
    }
}

impl fmt::Debug for SafeUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SafeUrl({}/..)", self.shown)
    }
}

/// Signs a URL for `request` that begins to live at `now`.
pub fn presign(
    request: &PresignRequest<'_>,
    credentials: &SigningCredentials<'_>,
    region: &Region,
    now: Timestamp,
) -> Result<SafeUrl, PresignError> {
    let expires = request.expires_in.as_secs();
    if !(1..=u64::from(crate::MAX_PRESIGN_SECONDS)).contains(&expires) {
        return Err(PresignError::Expiry);
    }
    let base = request.endpoint.to_string();
    let mut url = format!("{base}{}", request.path);
    if let Some(query) = request.query.filter(|query| !query.is_empty()) {
        url.push('?');
        url.push_str(query);
    }
    let host = request.endpoint.host_header();
    let headers = request
        .headers
        .iter()
        .copied()
        .chain([("host", host.as_str())]);
    let body = SignableBody::UnsignedPayload;
    let signable = SignableRequest::new(request.method, url.as_str(), headers, body)
        .map_err(|_| PresignError::Request)?;
    let identity = Credentials::new(
        credentials.access_key_id,
        credentials.secret.expose(),
        credentials
            .session_token
            .map(|token| token.expose().clone()),
        None,
        "byos",
    )
    .into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region.as_str())
        .name("s3")
        .time(now.system_time())
        .settings(settings(Duration::from_secs(expires)))
        .build()
        .expect("every part of the signing parameters is set")
        .into();
    let output = sign(signable, &params).map_err(|_| PresignError::Request)?;
    let (instructions, _) = output.into_parts();
    for (name, value) in instructions.params() {
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(name);
        url.push('=');
        url.push_str(&encode_query_value(value));
    }
    Ok(SafeUrl {
        text: url.into(),
        shown: base,
    })
}

/// As S3 wants it: the path is encoded once and never normalised.
fn settings(expires_in: Duration) -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(expires_in);
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.session_token_mode = SessionTokenMode::Include;
    settings
}
