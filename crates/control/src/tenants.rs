//! Putting tenants, configurations and access keys in place.

use std::sync::Arc;
use store::{KeyExpectation, Store, StoreError};
use types::{
    AccessKey, AccessKeyId, AccessKeyStatus, ConfigVersion, Grant, ParseError, SecretString,
    StorageConfig, TenantId, Timestamp,
};

/// Why a change was not made. Nothing is half done when one of these comes back.
#[derive(Debug, thiserror::Error)]
pub enum ManageError {
    /// The store refused or failed.
    #[error("the change could not be stored")]
    Store(#[from] StoreError),
    /// There is no such key.
    #[error("there is no access key {0}")]
    NoSuchKey(AccessKeyId),
    /// The key belongs to another tenant, and keys do not move.
    #[error("access key {0} belongs to another tenant")]
    ForeignKey(AccessKeyId),
    /// A generated name broke its own rules.
    #[error("a generated identifier is not valid")]
    Generated(#[from] ParseError),
}

/// Where randomness comes from: fills the slice.
pub type DrawBytes = dyn Fn(&mut [u8]) + Send + Sync;

/// The write side of the store.
pub struct Tenants {
    store: Arc<dyn Store>,
    draw: Box<DrawBytes>,
}

impl std::fmt::Debug for Tenants {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Tenants")
    }
}

impl Tenants {
    /// Writes to `store`, draws keys from `draw`.
    pub fn new(store: Arc<dyn Store>, draw: Box<DrawBytes>) -> Self {
        Self { store, draw }
    }

    /// Makes `wanted` the tenant's configuration: its version is set here, and equal content makes
    /// no new revision. Returns the version in force.
    ///
    /// # Errors
    /// When the store refuses, or somebody else changed the configuration at the same moment.
    pub async fn put_config(
        &self,
        mut wanted: StorageConfig,
    ) -> Result<ConfigVersion, ManageError> {
        let current = self.store.storage_config(&wanted.tenant).await?;
        if let Some(current) = &current {
            wanted.version = current.version;
            if same_content(current, &wanted) {
                return Ok(current.version);
            }
        }
        let expected = current.map(|config| config.version);
        let version = expected.map_or(ConfigVersion::FIRST, ConfigVersion::next);
        wanted.version = version;
        self.store.put_storage_config(wanted, expected).await?;
        Ok(version)
    }

    /// Issues a new access key: a random id of 20 and a random secret of 40 characters.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn issue_key(
        &self,
        tenant: &TenantId,
        grants: Vec<Grant>,
        not_after: Option<Timestamp>,
    ) -> Result<AccessKey, ManageError> {
        let key = AccessKey {
            id: AccessKeyId::parse(format!("BYOS{}", self.random_text(16, ID_ALPHABET)))?,
            tenant: tenant.clone(),
            secret: SecretString::new(self.random_text(40, SECRET_ALPHABET)),
            secret_version: 1,
            grants,
            not_after,
            status: AccessKeyStatus::Active,
        };
        self.store
            .put_access_key(key.clone(), KeyExpectation::New)
            .await?;
        Ok(key)
    }

    /// Puts a key with a given id and secret in place: its secret version grows when the secret
    /// changes, and an equal key is not written again.
    ///
    /// # Errors
    /// When the id belongs to another tenant, or the store refuses.
    pub async fn put_key(&self, mut wanted: AccessKey) -> Result<(), ManageError> {
        let mut expectation = KeyExpectation::New;
        if let Some(current) = self.store.access_key(&wanted.id).await? {
            if current.tenant != wanted.tenant {
                return Err(ManageError::ForeignKey(wanted.id));
            }
            let same_secret = current.secret.expose() == wanted.secret.expose();
            wanted.secret_version = current.secret_version + u64::from(!same_secret);
            let same_rest = current.grants == wanted.grants
                && current.not_after == wanted.not_after
                && current.status == wanted.status;
            if same_secret && same_rest {
                return Ok(());
            }
            expectation = KeyExpectation::Replace(Box::new(current));
        }
        self.store.put_access_key(wanted, expectation).await?;
        Ok(())
    }

    /// Sets the status of a key; refused from the next request on.
    ///
    /// # Errors
    /// When there is no such key, or the store refuses.
    pub async fn set_key_status(
        &self,
        id: &AccessKeyId,
        status: AccessKeyStatus,
    ) -> Result<(), ManageError> {
        let Some(current) = self.store.access_key(id).await? else {
            return Err(ManageError::NoSuchKey(id.clone()));
        };
        if current.status != status {
            let changed = AccessKey {
                status,
                ..current.clone()
            };
            self.store
                .put_access_key(changed, KeyExpectation::Replace(Box::new(current)))
                .await?;
        }
        Ok(())
    }

    /// The keys of `tenant`, at most a thousand.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn keys(&self, tenant: &TenantId) -> Result<Vec<AccessKey>, ManageError> {
        Ok(self.store.access_keys(tenant, None, 1_000).await?)
    }

    /// Revokes every key of `tenant` that `keep` does not name. Returns how many.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn revoke_all_but(
        &self,
        tenant: &TenantId,
        keep: &[AccessKeyId],
    ) -> Result<usize, ManageError> {
        const PAGE: usize = 1_000;
        let (mut revoked, mut after) = (0, None::<AccessKeyId>);
        loop {
            let page = self.store.access_keys(tenant, after.as_ref(), PAGE).await?;
            after = page.last().map(|key| key.id.clone());
            for key in &page {
                if !keep.contains(&key.id) && key.status != AccessKeyStatus::Revoked {
                    self.set_key_status(&key.id, AccessKeyStatus::Revoked)
                        .await?;
                    revoked += 1;
                }
            }
            if page.len() < PAGE {
                return Ok(revoked);
            }
        }
    }

    fn random_text(&self, length: usize, alphabet: &[u8; 32]) -> String {
        let mut bytes = vec![0_u8; length];
        (self.draw)(&mut bytes);
        // 256 is a multiple of 32: every character is equally likely.
        bytes
            .iter()
            .map(|byte| char::from(alphabet[usize::from(byte % 32)]))
            .collect()
    }
}

const ID_ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET_ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

fn same_content(a: &StorageConfig, b: &StorageConfig) -> bool {
    a.mode == b.mode
        && a.status == b.status
        && a.buckets == b.buckets
        && same_access(&a.access, &b.access)
}

fn same_access(a: &types::UpstreamAccess, b: &types::UpstreamAccess) -> bool {
    use types::UpstreamAccess::{AssumeRole, StaticKeys};
    match (a, b) {
        (
            AssumeRole {
                role: role_a,
                external_id_prefix: prefix_a,
            },
            AssumeRole {
                role: role_b,
                external_id_prefix: prefix_b,
            },
        ) => role_a == role_b && prefix_a == prefix_b,
        (
            StaticKeys {
                access_key_id: id_a,
                secret_access_key: secret_a,
            },
            StaticKeys {
                access_key_id: id_b,
                secret_access_key: secret_b,
            },
        ) => id_a == id_b && secret_a.expose() == secret_b.expose(),
        _ => false,
    }
}
