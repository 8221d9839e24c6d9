//! Proving a claim.

use crate::canonical::{
    ALGORITHM, CanonicalQuery, HashSink, Sink, Spelling, sign_request, write_end, write_header,
    write_headers, write_start,
};
use crate::claim::Claim;
use crate::encode::canonical_path;
use crate::error::{AuthError, Mismatch};
use crate::key_cache::{KeyCache, KeyScope};
use crate::payload::{ChunkChain, Payload, PayloadMode};
use crate::signature::{HexDigest, SigningKey, sha256};
use http::HeaderMap;
use std::borrow::Cow;
use types::{AccessKeyId, SecretString, TenantId, Timestamp};

/// How much of a canonical request travels in an error.
const MAX_SHOWN_BYTES: usize = 4_096;

/// What a signature is checked against.
#[derive(Debug, Clone)]
pub struct KeyMaterial {
    /// The key that the client names.
    pub access_key_id: AccessKeyId,
    /// Whose key it is.
    pub tenant: TenantId,
    /// What the client signs with.
    pub secret: SecretString,
    /// Grows whenever the secret changes.
    pub secret_version: u64,
}

/// A request whose signature was verified.
///
/// Only [`Verifier::verify`] makes one:
///
/// ```compile_fail
/// let forged = sigv4::Verified {
///     tenant: types::TenantId::parse("acme").unwrap(),
///     ..todo!()
/// };
/// ```
#[derive(Debug, Clone)]
pub struct Verified {
    tenant: TenantId,
    access_key_id: AccessKeyId,
    payload: Payload,
    signed_at: Timestamp,
    expires_at: Option<Timestamp>,
    rewritten_host: Option<String>,
}

impl Verified {
    /// Whose key signed.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Which key signed.
    pub fn access_key_id(&self) -> &AccessKeyId {
        &self.access_key_id
    }

    /// How the body is covered by the signature.
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// Whether the request is a presigned URL.
    pub fn is_presigned(&self) -> bool {
        self.expires_at.is_some()
    }

    /// When it was signed.
    pub fn signed_at(&self) -> Timestamp {
        self.signed_at
    }

    /// The last second of a presigned URL's life.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// The host that was signed, when it is not the one in the request's `Host` header (but for
    /// a default port): one of the verifier's public hosts.
    ///
    /// A bucket named by the host must be read from this one: the received host is not signed.
    pub fn rewritten_host(&self) -> Option<&str> {
        self.rewritten_host.as_deref()
    }
}

/// Verifies claims. Shared by all workers.
#[derive(Debug)]
pub struct Verifier {
    public_hosts: Vec<String>,
    keys: KeyCache,
    decoy: SecretString,
}

impl Verifier {
    /// How many derived signing keys are kept unless one says otherwise.
    pub const DEFAULT_CACHED_KEYS: usize = 10_000;

    /// A verifier that also accepts signatures over `public_hosts`: the names by which clients
    /// know this gateway where something in front of it rewrites the `Host` header. Each costs a
    /// wrong signature one more attempt, so name few.
    pub fn new(public_hosts: Vec<String>, cached_keys: usize) -> Self {
        Self {
            public_hosts,
            keys: KeyCache::new(cached_keys.max(1)),
            // Nobody can sign with it, because whatever matches it is refused all the same.
            decoy: SecretString::from("the secret of a key that was never issued"),
        }
    }

    /// Proves `claim` with `key`, the material of the access key that the claim names.
    ///
    /// `None` means that no such key is in force; the work is the same and the answer is
    /// [`AuthError::InvalidAccessKeyId`].
    pub fn verify(
        &self,
        claim: &Claim<'_>,
        key: Option<&KeyMaterial>,
        now: Timestamp,
    ) -> Result<Verified, AuthError> {
        claim.check_time(now)?;
        check_headers(claim)?;
        // A key of another name would be a mistake of the caller: never prove one key by another.
        let key = key.filter(|key| key.access_key_id.as_str() == claim.access_key_id());
        let (secret, secret_version) = match key {
            Some(key) => (&key.secret, key.secret_version),
            None => (&self.decoy, 0),
        };
        let scope = KeyScope {
            access_key_id: claim.access_key_id(),
            secret_version,
            day: claim.date.day(),
            region: claim.region(),
            service: "s3",
        };
        let cached = self.keys.find(&scope);
        let is_cached = cached.is_some();
        let signing_key = cached.unwrap_or_else(|| scope.derive(secret));
        match (matching_host(claim, &self.public_hosts, &signing_key), key) {
            (Some(host), Some(key)) => {
                if !is_cached {
                    self.keys.keep(&scope, signing_key.clone());
                }
                Ok(verified(claim, key, signing_key, host))
            }
            (_, key) => {
                if is_cached {
                    // Every refusal derives one key, so that its time does not tell a known
                    // access key from an unknown one.
                    std::hint::black_box(scope.derive(secret));
                }
                let mismatch = AuthError::SignatureDoesNotMatch(Box::new(explain(claim)));
                match key {
                    Some(_) => Err(mismatch),
                    None => Err(AuthError::InvalidAccessKeyId(claim.access_key_id().into())),
                }
            }
        }
    }

    /// How many derived signing keys are kept at the moment.
    pub fn cached_keys(&self) -> usize {
        self.keys.len()
    }
}

/// The host under which the claim was signed.
enum SignedHost<'a> {
    AsReceived,
    Rewritten(&'a str),
}

fn verified(
    claim: &Claim<'_>,
    key: &KeyMaterial,
    signing_key: SigningKey,
    host: SignedHost<'_>,
) -> Verified {
    let payload = match claim.payload_mode {
        PayloadMode::Sha256(hash) => Payload::Sha256(hash),
        PayloadMode::Unsigned => Payload::Unsigned,
        PayloadMode::UnsignedChunks => Payload::UnsignedChunks,
        PayloadMode::SignedChunks { trailer } => Payload::SignedChunks(ChunkChain {
            key: signing_key,
            date: claim.date,
            scope: claim.scope().into(),
            seed: claim.signature,
            trailer,
        }),
    };
    Verified {
        tenant: key.tenant.clone(),
        access_key_id: key.access_key_id.clone(),
        payload,
        signed_at: claim.signed_at(),
        expires_at: claim.expires_at(),
        rewritten_host: match host {
            SignedHost::AsReceived => None,
            SignedHost::Rewritten(host) => Some(host.to_string()),
        },
    }
}

/// Every signed header is there, and every header that must be signed is signed.
fn check_headers(claim: &Claim<'_>) -> Result<(), AuthError> {
    let signed = |name: &str| claim.signed_headers.split(';').any(|listed| listed == name);
    if !signed("host") {
        return Err(AuthError::HeadersNotSigned("host".into()));
    }
    let unsigned: Vec<&str> = claim
        .request
        .headers
        .keys()
        .map(http::HeaderName::as_str)
        .filter(|name| name.starts_with("x-amz-") && !signed(name))
        .take(16)
        .collect();
    if !unsigned.is_empty() {
        return Err(AuthError::HeadersNotSigned(unsigned.join(", ")));
    }
    for name in claim.signed_headers.split(';') {
        if !claim.request.headers.contains_key(name) && restored(claim, name).is_none() {
            let name = name.chars().take(80).collect();
            return Err(AuthError::SignedHeaderAbsent(name));
        }
    }
    Ok(())
}

/// The value of a signed header that a hop may take away and that can have had only one value.
fn restored(claim: &Claim<'_>, name: &str) -> Option<&'static str> {
    let framed = claim
        .request
        .headers
        .contains_key(http::header::TRANSFER_ENCODING);
    match name {
        "expect" => Some("100-continue"),
        "content-length" if !framed => Some("0"),
        _ => None,
    }
}

/// One reading of the request, to be held against the signature.
struct Reading<'r> {
    host: &'r str,
    path: &'r str,
    query: &'r CanonicalQuery<'r>,
}

fn write_canonical(sink: &mut impl Sink, claim: &Claim<'_>, reading: &Reading<'_>) {
    write_start(sink, claim.request.method, reading.path, reading.query);
    let headers: &HeaderMap = claim.request.headers;
    for name in claim.signed_headers.split(';') {
        match name {
            "host" => write_header(sink, name, reading.host.as_bytes()),
            _ if headers.contains_key(name) => write_headers(sink, name, headers),
            _ => {
                let value = restored(claim, name).unwrap_or_default();
                write_header(sink, name, value.as_bytes());
            }
        }
    }
    write_end(sink, claim.signed_headers.split(';'), &claim.payload_text);
}

fn matches(claim: &Claim<'_>, key: &SigningKey, reading: &Reading<'_>) -> bool {
    let mut sink = HashSink::new();
    write_canonical(&mut sink, claim, reading);
    sign_request(key, &claim.date, claim.scope(), &sink.finish()).matches(&claim.signature)
}

/// Tries the request as it came, then the readings that mean the same: other spellings of path
/// and query, and other names of this host. All spellings decode to the same path and
/// parameters, so none lets a signature stand for another request.
fn matching_host<'h>(
    claim: &Claim<'_>,
    public_hosts: &'h [String],
    key: &SigningKey,
) -> Option<SignedHost<'h>> {
    let raw = claim.request.path;
    let canonical = CanonicalQuery::new(claim.request.query, Spelling::Canonical);
    let received = Reading {
        host: claim.host,
        path: raw,
        query: &canonical,
    };
    if matches(claim, key, &received) {
        return Some(SignedHost::AsReceived);
    }
    let as_sent = CanonicalQuery::new(claim.request.query, Spelling::AsSent);
    let path = canonical_path(raw);
    let reads = |host, path, query| matches(claim, key, &Reading { host, path, query });
    let other_spelling = |host| {
        (path != raw && reads(host, &path, &canonical))
            || (as_sent != canonical && reads(host, raw, &as_sent))
    };
    let other_ports = with_other_port(claim.host);
    let any_spelling = |host| reads(host, raw, &canonical) || other_spelling(host);
    if other_spelling(claim.host) || other_ports.iter().any(|h| any_spelling(h)) {
        return Some(SignedHost::AsReceived);
    }
    public_hosts
        .iter()
        .find(|host| any_spelling(host))
        .map(|host| SignedHost::Rewritten(host))
}

/// The host with and without the default ports, but for its received form.
fn with_other_port(host: &str) -> Vec<Cow<'_, str>> {
    let bare = host
        .strip_suffix(":443")
        .or_else(|| host.strip_suffix(":80"));
    if let Some(bare) = bare {
        return vec![bare.into()];
    }
    let after_address = host.rsplit(']').next().unwrap_or(host);
    if after_address.contains(':') {
        return Vec::new();
    }
    vec![format!("{host}:443").into(), format!("{host}:80").into()]
}

/// The client's own request as we read it, for the client to compare.
fn explain(claim: &Claim<'_>) -> Mismatch {
    let query = CanonicalQuery::new(claim.request.query, Spelling::Canonical);
    let reading = Reading {
        host: claim.host,
        path: claim.request.path,
        query: &query,
    };
    let mut canonical = Vec::with_capacity(1_024);
    write_canonical(&mut canonical, claim, &reading);
    let hash = HexDigest::of(&sha256(&canonical));
    canonical.truncate(MAX_SHOWN_BYTES);
    Mismatch {
        access_key_id: claim.access_key_id().to_string(),
        signature_provided: claim.signature.hex().as_str().to_string(),
        string_to_sign: format!(
            "{ALGORITHM}\n{}\n{}\n{}",
            claim.date.as_str(),
            claim.scope(),
            hash.as_str()
        ),
        canonical_request: String::from_utf8_lossy(&canonical).into_owned(),
    }
}
