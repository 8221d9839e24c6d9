//! A tenant's storage configuration.

use crate::{BucketAlias, ExternalId, ExternalIdPrefix, Location, RoleArn, SecretString, TenantId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The revision of a storage configuration: 1 at creation, one more at each change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConfigVersion(pub u64);

impl ConfigVersion {
    /// The first revision.
    pub const FIRST: Self = Self(1);

    /// The revision after this one.
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Whose storage holds the tenant's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StorageMode {
    /// The SaaS's own.
    Hosted,
    /// The customer's.
    Customer,
}

/// Whether the gateway serves this tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfigStatus {
    /// Requests are served.
    Enabled,
    /// Every request is refused, whatever the key.
    Disabled,
}

/// What a mapped bucket allows at all, before any key's grants are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BucketAccess {
    /// Reading and listing.
    ReadOnly,
    /// Reading, listing, writing and deleting.
    ReadWrite,
}

/// A client's bucket name and what stands behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketMapping {
    /// The real place.
    pub location: Location,
    /// What it allows at all.
    pub access: BucketAccess,
}

/// How the gateway gets into a tenant's storage.
#[derive(Debug, Clone)]
pub enum UpstreamAccess {
    /// STS AssumeRole with the tenant's external id.
    AssumeRole {
        /// The customer's role.
        role: RoleArn,
        /// What stands before the org id in the external id.
        external_id_prefix: ExternalIdPrefix,
    },
    /// Long-lived keys, for stores that have no STS.
    StaticKeys {
        /// The key's id.
        access_key_id: String,
        /// The key's secret.
        secret_access_key: SecretString,
    },
}

/// A tenant's settings record.
#[derive(Debug, Clone)]
pub struct StorageConfig {
    /// Whose.
    pub tenant: TenantId,
    /// Which revision.
    pub version: ConfigVersion,
    /// Whose storage.
    pub mode: StorageMode,
    /// Served or not.
    pub status: ConfigStatus,
    /// How to get in.
    pub access: UpstreamAccess,
    /// What the client calls its buckets, and where they are.
    pub buckets: BTreeMap<BucketAlias, BucketMapping>,
}

impl StorageConfig {
    /// The external id that AssumeRole carries, when this tenant is reached by a role.
    pub fn external_id(&self) -> Option<ExternalId> {
        match &self.access {
            UpstreamAccess::AssumeRole {
                external_id_prefix, ..
            } => Some(ExternalId::of(external_id_prefix, &self.tenant)),
            UpstreamAccess::StaticKeys { .. } => None,
        }
    }
}
