//! Signing towards an upstream, on the hot path: the verifier's canonicaliser and a cached key.

use crate::canonical::{
    ALGORITHM, CanonicalQuery, Field, HashSink, Spelling, sign_request, write_end, write_fields,
    write_start,
};
use crate::date::SigningDate;
use crate::key_cache::{KeyCache, KeyScope};
use crate::signature::HexDigest;
use crate::{EMPTY_SHA256, STREAMING_UNSIGNED_PAYLOAD_TRAILER, UNSIGNED_PAYLOAD};
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use std::fmt;
use types::{Region, SecretString, Timestamp};

const DATE: &str = "x-amz-date";
const CONTENT_SHA256: &str = "x-amz-content-sha256";
const SECURITY_TOKEN: &str = "x-amz-security-token";

/// What signs: borrowed from whoever keeps it.
#[derive(Debug, Clone, Copy)]
pub struct SigningCredentials<'a> {
    /// The key's id.
    pub access_key_id: &'a str,
    /// The key's secret.
    pub secret: &'a SecretString,
    /// What goes along with the keys of a session.
    pub session_token: Option<&'a SecretString>,
    /// Unique in this process to this pair of id and secret: two stores may have the same key id
    /// with different secrets, and a secret may change under its id.
    pub version: u64,
}

/// How the body of an outgoing request is covered by its signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutgoingPayload {
    /// There is no body.
    Empty,
    /// The body hashes to this; the upstream checks it.
    Sha256([u8; 32]),
    /// The body is not signed.
    Unsigned,
    /// The body is in unsigned chunks with trailers.
    UnsignedChunks,
}

/// A request on its way to an upstream, as it will stand on the wire.
#[derive(Clone, Copy)]
pub struct Outgoing<'a> {
    /// The method.
    pub method: &'a str,
    /// The path, in the spelling of [`crate::encode_path`].
    pub path: &'a str,
    /// The query behind the `?`, in the spelling of [`crate::encode_query_value`].
    pub query: Option<&'a str>,
    /// The headers, `host` included; those for which [`is_signed`] holds are signed.
    pub headers: &'a HeaderMap,
    /// How the body is covered.
    pub payload: OutgoingPayload,
}

impl fmt::Debug for Outgoing<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers hold session tokens and customers' encryption keys.
        out.debug_struct("Outgoing")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// The headers that make a request signed.
#[derive(Clone)]
pub struct SignatureHeaders {
    /// `authorization`.
    pub authorization: HeaderValue,
    /// `x-amz-date`.
    pub date: HeaderValue,
    /// `x-amz-content-sha256`.
    pub content_sha256: HeaderValue,
    /// `x-amz-security-token`, with session credentials.
    pub security_token: Option<HeaderValue>,
}

/// Why a request cannot be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// `now` is not in the years 0 to 9999.
    #[error("the clock is outside the years 0 to 9999")]
    Clock,
    /// The upstream cannot be without a name.
    #[error("the request has no host header")]
    HostMissing,
    /// A key id or session token holds bytes that no header may hold.
    #[error("the access key id or the session token is not plain text")]
    Credentials,
}

/// Whether a header is signed towards an upstream: `host`, `content-type`, `content-md5` and
/// `x-amz-*`.
///
/// Nothing that a hop may touch is signed: not `accept-encoding`, `user-agent`, `expect`,
/// `x-forwarded-*`, `x-amzn-trace-id`, `amz-sdk-*` or anything hop-by-hop.
pub fn is_signed(name: &str) -> bool {
    matches!(name, "host" | "content-type" | "content-md5") || name.starts_with("x-amz-")
}

/// Signs requests to S3 and its kin. Shared by all workers.
#[derive(Debug)]
pub struct Signer {
    keys: KeyCache,
}

impl Signer {
    /// How many derived signing keys are kept unless one says otherwise.
    pub const DEFAULT_CACHED_KEYS: usize = 10_000;

    /// A signer that keeps at most `cached_keys` derived keys.
    pub fn new(cached_keys: usize) -> Self {
        Self {
            keys: KeyCache::new(cached_keys.max(1)),
        }
    }

    /// Signs `request` with `credentials` for `region`.
    ///
    /// Whatever `request.headers` holds of the four headers that come out is ignored; the new
    /// ones are to replace it.
    pub fn sign(
        &self,
        request: &Outgoing<'_>,
        credentials: &SigningCredentials<'_>,
        region: &Region,
        now: Timestamp,
    ) -> Result<SignatureHeaders, SignError> {
        let date = SigningDate::of(now).ok_or(SignError::Clock)?;
        let payload = PayloadText::of(request.payload);
        let token = match credentials.session_token {
            Some(token) => Some(secret_header(token.expose())?),
            None => None,
        };
        let mut fields: Vec<Field<'_>> = Vec::with_capacity(16);
        fields.push((DATE, date.as_str().as_bytes()));
        fields.push((CONTENT_SHA256, payload.as_str().as_bytes()));
        fields.extend(token.iter().map(|token| (SECURITY_TOKEN, token.as_bytes())));
        add_signed_fields(&mut fields, request.headers)?;

        let scope = format!("{}/{region}/s3/aws4_request", date.day());
        let id = credentials.access_key_id;
        let mut text = String::with_capacity(256 + id.len() + 24 * fields.len());
        text.extend([
            ALGORITHM,
            " Credential=",
            id,
            "/",
            &scope,
            ", SignedHeaders=",
        ]);
        let names_from = text.len();
        push_names(&mut text, &fields);

        let mut sink = HashSink::new();
        let query = CanonicalQuery::new(request.query, Spelling::Canonical);
        write_start(&mut sink, request.method, request.path, &query);
        write_fields(&mut sink, fields.iter().copied());
        write_end(&mut sink, &text[names_from..], payload.as_str());
        let key = self.key(credentials, &date, region);
        let signature = sign_request(&key, &date, &scope, &sink.finish());
        text.extend([", Signature=", signature.hex().as_str()]);
        Ok(SignatureHeaders {
            authorization: secret_header(&text)?,
            date: HeaderValue::from_str(date.as_str()).expect("a date is plain text"),
            content_sha256: payload.header(),
            security_token: token,
        })
    }

    /// How many derived signing keys are kept at the moment.
    pub fn cached_keys(&self) -> usize {
        self.keys.len()
    }

    fn key(
        &self,
        credentials: &SigningCredentials<'_>,
        date: &SigningDate,
        region: &Region,
    ) -> crate::signature::SigningKey {
        let scope = KeyScope {
            access_key_id: credentials.access_key_id,
            secret_version: credentials.version,
            day: date.day(),
            region: region.as_str(),
            service: "s3",
        };
        self.keys.find(&scope).unwrap_or_else(|| {
            let key = scope.derive(credentials.secret);
            self.keys.keep(&scope, key.clone());
            key
        })
    }
}

impl SignatureHeaders {
    /// Puts the headers into `headers`, in place of any of the same names.
    pub fn apply(self, headers: &mut HeaderMap) {
        headers.insert(AUTHORIZATION, self.authorization);
        headers.insert(DATE, self.date);
        headers.insert(CONTENT_SHA256, self.content_sha256);
        match self.security_token {
            Some(token) => headers.insert(SECURITY_TOKEN, token),
            None => headers.remove(SECURITY_TOKEN),
        };
    }
}

impl fmt::Debug for SignatureHeaders {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SignatureHeaders")
            .field("date", &self.date)
            .finish_non_exhaustive()
    }
}

/// Adds what is to be signed of `headers`, but for what we write ourselves, and sorts.
fn add_signed_fields<'a>(
    fields: &mut Vec<Field<'a>>,
    headers: &'a HeaderMap,
) -> Result<(), SignError> {
    if !headers.contains_key(http::header::HOST) {
        return Err(SignError::HostMissing);
    }
    let theirs = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()));
    let is_ours = |name: &str| [DATE, CONTENT_SHA256, SECURITY_TOKEN].contains(&name);
    fields.extend(theirs.filter(|(name, _)| is_signed(name) && !is_ours(name)));
    fields.sort_by_key(|(name, _)| *name);
    Ok(())
}

/// The names of sorted fields, each once, joined with `;`.
fn push_names(text: &mut String, fields: &[Field<'_>]) {
    let mut previous = None;
    for (name, _) in fields {
        if previous.is_some() && previous != Some(name) {
            text.push(';');
        }
        if previous != Some(name) {
            text.push_str(name);
        }
        previous = Some(name);
    }
}

fn secret_header(text: &str) -> Result<HeaderValue, SignError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| SignError::Credentials)?;
    value.set_sensitive(true);
    Ok(value)
}

/// The payload hash as it is signed and sent.
enum PayloadText {
    Literal(&'static str),
    Hash(HexDigest),
}

impl PayloadText {
    fn of(payload: OutgoingPayload) -> Self {
        match payload {
            OutgoingPayload::Empty => Self::Literal(EMPTY_SHA256),
            OutgoingPayload::Unsigned => Self::Literal(UNSIGNED_PAYLOAD),
            OutgoingPayload::UnsignedChunks => Self::Literal(STREAMING_UNSIGNED_PAYLOAD_TRAILER),
            OutgoingPayload::Sha256(hash) => Self::Hash(HexDigest::of(&hash)),
        }
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Literal(text) => text,
            Self::Hash(digest) => digest.as_str(),
        }
    }

    fn header(&self) -> HeaderValue {
        match self {
            Self::Literal(text) => HeaderValue::from_static(text),
            Self::Hash(digest) => {
                HeaderValue::from_str(digest.as_str()).expect("hexadecimal digits are plain text")
            }
        }
    }
}
