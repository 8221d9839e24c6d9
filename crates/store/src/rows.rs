//! Row keys: a letter for the kind, then the ids, with a NUL between them (no id can hold one).
//!
//! The order of the letters is the order of an export: what one needs to judge the rest comes
//! first.

use types::{AccessKeyId, BucketAlias, ConfigVersion, JobId, TargetId, TenantId};

/// What a row holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// The only row in clear: format version and store id.
    Format = b'A',
    /// A constant, sealed: one per key-encryption key in use.
    Check = b'B',
    /// Count and hash of all other rows.
    Manifest = b'C',
    /// A tenant's current configuration.
    Config = b'd',
    /// Every revision of it.
    Revision = b'e',
    /// An access key.
    AccessKey = b'f',
    /// An empty record: this tenant has that key.
    TenantKey = b'g',
    /// A target.
    Target = b'h',
    /// The target that a bucket of a job is pinned to.
    Pin = b'i',
}

impl Kind {
    /// The kind of a row key, if it is one of ours.
    pub(crate) fn of(key: &[u8]) -> Option<Self> {
        const ALL: [Kind; 9] = [
            Kind::Format,
            Kind::Check,
            Kind::Manifest,
            Kind::Config,
            Kind::Revision,
            Kind::AccessKey,
            Kind::TenantKey,
            Kind::Target,
            Kind::Pin,
        ];
        ALL.into_iter()
            .find(|kind| key.first() == Some(&(*kind as u8)))
    }
}

/// Begins a key of `kind`; also the prefix of all of them.
fn key(kind: Kind, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = vec![kind as u8];
    key.extend_from_slice(&parts.join(&0));
    key
}

pub(crate) fn format() -> Vec<u8> {
    key(Kind::Format, &[])
}

pub(crate) fn checks() -> Vec<u8> {
    key(Kind::Check, &[])
}

pub(crate) fn check(id: crate::KeyId) -> Vec<u8> {
    let mut row = checks();
    row.extend_from_slice(&id.0);
    row
}

/// The key id in the key of a check row.
pub(crate) fn check_id(row: &[u8]) -> Option<crate::KeyId> {
    row.get(1..)
        .and_then(|id| id.try_into().ok())
        .map(crate::KeyId)
}

pub(crate) fn manifest() -> Vec<u8> {
    key(Kind::Manifest, &[])
}

pub(crate) fn configs() -> Vec<u8> {
    key(Kind::Config, &[])
}

pub(crate) fn config(tenant: &TenantId) -> Vec<u8> {
    key(Kind::Config, &[tenant.as_str().as_bytes()])
}

/// Fixed-width, so that revisions of one tenant stand in order.
pub(crate) fn revision(tenant: &TenantId, version: ConfigVersion) -> Vec<u8> {
    let version = version.0.to_be_bytes();
    key(Kind::Revision, &[tenant.as_str().as_bytes(), &version])
}

pub(crate) fn access_key(id: &AccessKeyId) -> Vec<u8> {
    key(Kind::AccessKey, &[id.as_str().as_bytes()])
}

/// The prefix of all keys of one tenant: the empty last part leaves the separator.
pub(crate) fn tenant_keys(tenant: &TenantId) -> Vec<u8> {
    key(Kind::TenantKey, &[tenant.as_str().as_bytes(), b""])
}

pub(crate) fn tenant_key(tenant: &TenantId, id: &AccessKeyId) -> Vec<u8> {
    key(
        Kind::TenantKey,
        &[tenant.as_str().as_bytes(), id.as_str().as_bytes()],
    )
}

pub(crate) fn target(id: &TargetId) -> Vec<u8> {
    key(Kind::Target, &[id.as_str().as_bytes()])
}

pub(crate) fn pin(tenant: &TenantId, job: &JobId, alias: &BucketAlias) -> Vec<u8> {
    key(
        Kind::Pin,
        &[
            tenant.as_str().as_bytes(),
            job.as_str().as_bytes(),
            alias.as_str().as_bytes(),
        ],
    )
}

/// The text after `prefix` in a row key.
pub(crate) fn tail<'row>(row: &'row [u8], prefix: &[u8]) -> Option<&'row str> {
    row.strip_prefix(prefix)
        .and_then(|tail| std::str::from_utf8(tail).ok())
}
