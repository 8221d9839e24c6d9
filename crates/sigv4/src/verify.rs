//! Proving a claim.

use crate::canonical::{
    ALGORITHM, CanonicalQuery, Field, HashSink, Sink, Spelling, sign_request, sorted_fields,
    write_end, write_fields, write_start,
};
use crate::claim::Claim;
use crate::encode::canonical_path;
use crate::error::{AuthError, Mismatch};
use crate::key_cache::{KeyCache, KeyScope};
use crate::payload::{ChunkChain, Payload, PayloadMode};
use crate::signature::{HexDigest, SigningKey, sha256};
use std::borrow::Cow;
use types::{AccessKeyId, SecretString, TenantId, Timestamp};

/// How much of a canonical request travels in an error.
const MAX_SHOWN_BYTES: usize = 4_096;

/// How many unsigned headers an error names, and how much of an absent one's name.
const MAX_SHOWN_HEADERS: usize = 16;
const MAX_SHOWN_NAME: usize = 80;

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
        let fields = sorted_fields(claim.request.headers);
        let request = Request {
            claim,
            fields: signed_fields(claim, &fields)?,
        };
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
        match (request.matching_host(&self.public_hosts, &signing_key), key) {
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
                let mismatch = AuthError::SignatureDoesNotMatch(Box::new(request.explain()));
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

/// The fields that the claim signs, sorted; every signed header is among them, and every header
/// that must be signed is signed. Both lists are sorted, so one walk along both decides.
fn signed_fields<'a>(claim: &'a Claim<'_>, all: &[Field<'a>]) -> Result<Vec<Field<'a>>, AuthError> {
    let mut signed: Vec<Field<'a>> = Vec::with_capacity(all.len());
    let mut unsigned: Vec<&str> = Vec::new();
    let mut rest = all.iter().copied().peekable();
    for name in claim.signed_headers.split(';') {
        while let Some(skipped) = rest.next_if(|(found, _)| *found < name) {
            unsigned.push(skipped.0);
        }
        let before = signed.len();
        while let Some(field) = rest.next_if(|(found, _)| *found == name) {
            signed.push(field);
        }
        if signed.len() == before {
            let value = restored(claim, name).ok_or_else(|| {
                AuthError::SignedHeaderAbsent(name.chars().take(MAX_SHOWN_NAME).collect())
            })?;
            signed.push((name, value.as_bytes()));
        }
    }
    unsigned.extend(rest.map(|(name, _)| name));
    unsigned.retain(|name| *name == "host" || name.starts_with("x-amz-"));
    if unsigned.is_empty() {
        return Ok(signed);
    }
    unsigned.dedup();
    unsigned.truncate(MAX_SHOWN_HEADERS);
    Err(AuthError::HeadersNotSigned(unsigned.join(", ")))
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

/// A claim with the fields that it signs.
struct Request<'a> {
    claim: &'a Claim<'a>,
    fields: Vec<Field<'a>>,
}

/// One way to read a request, to be held against the signature.
struct Reading<'r> {
    host: &'r str,
    path: &'r str,
    query: &'r CanonicalQuery<'r>,
}

impl Request<'_> {
    /// Tries the request as it came, then the readings that mean the same: other spellings of
    /// path and query, and other names of this host. All spellings decode to the same path and
    /// parameters, so none lets a signature stand for another request.
    fn matching_host<'h>(
        &self,
        public_hosts: &'h [String],
        key: &SigningKey,
    ) -> Option<SignedHost<'h>> {
        let (raw, query) = (self.claim.request.path, self.claim.request.query);
        let received = self.claim.host;
        let canonical = CanonicalQuery::new(query, Spelling::Canonical);
        let reads = |host, path, query| self.matches(key, &Reading { host, path, query });
        if reads(received, raw, &canonical) {
            return Some(SignedHost::AsReceived);
        }
        let as_sent = CanonicalQuery::new(query, Spelling::AsSent);
        let path = canonical_path(raw);
        let other_spelling = |host| {
            (path != raw && reads(host, &path, &canonical))
                || (as_sent != canonical && reads(host, raw, &as_sent))
        };
        let other_ports = with_other_port(received);
        let any_spelling = |host| reads(host, raw, &canonical) || other_spelling(host);
        if other_spelling(received) || other_ports.iter().any(|host| any_spelling(host)) {
            return Some(SignedHost::AsReceived);
        }
        let public = public_hosts.iter().find(|host| any_spelling(host));
        public.map(|host| SignedHost::Rewritten(host))
    }

    fn matches(&self, key: &SigningKey, reading: &Reading<'_>) -> bool {
        let mut sink = HashSink::new();
        self.write_canonical(&mut sink, reading);
        let (date, scope) = (&self.claim.date, self.claim.scope());
        sign_request(key, date, scope, &sink.finish()).matches(&self.claim.signature)
    }

    fn write_canonical(&self, sink: &mut impl Sink, reading: &Reading<'_>) {
        write_start(sink, self.claim.request.method, reading.path, reading.query);
        let fields = self.fields.iter().map(|(name, value)| match *name {
            "host" => (*name, reading.host.as_bytes()),
            _ => (*name, *value),
        });
        write_fields(sink, fields);
        write_end(sink, &self.claim.signed_headers, &self.claim.payload_text);
    }

    /// The client's own request as we read it, for the client to compare.
    fn explain(&self) -> Mismatch {
        let claim = self.claim;
        let query = CanonicalQuery::new(claim.request.query, Spelling::Canonical);
        let reading = Reading {
            host: claim.host,
            path: claim.request.path,
            query: &query,
        };
        let mut canonical = Vec::with_capacity(1_024);
        self.write_canonical(&mut canonical, &reading);
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
            suspect: self
                .fields
                .iter()
                .find(|(name, _)| is_fragile(name))
                .map(|(name, _)| name.chars().take(MAX_SHOWN_NAME).collect()),
        }
    }
}

/// Whether proxies are known to rewrite a header.
fn is_fragile(name: &str) -> bool {
    matches!(
        name,
        "accept-encoding" | "connection" | "te" | "transfer-encoding" | "user-agent" | "via"
    ) || name.starts_with("x-forwarded-")
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
