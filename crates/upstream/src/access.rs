//! A tenant's way in: what is needed to ask for its credentials, computed once per configuration.

use crate::credentials::Credentials;
use crate::session_policy::{self, SessionPolicyError};
use sha2::{Digest, Sha256};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use types::{
    AccountId, BucketMapping, ConfigVersion, ExternalId, RoleArn, StorageConfig, Target, TenantId,
    UpstreamAccess,
};

/// How one revision of a tenant's configuration reaches its buckets.
///
/// Made once per revision (and once per pinned target) and shared: the request path only clones
/// the `Arc` around it.
#[derive(Debug)]
pub struct TenantAccess {
    tenant: TenantId,
    version: ConfigVersion,
    login: Login,
}

/// By a role, or by keys that last.
#[derive(Debug)]
pub(crate) enum Login {
    Role(RoleLogin),
    Keys(Arc<Credentials>),
}

/// All that an AssumeRole call says, and the cache key that follows from it.
#[derive(Debug)]
pub(crate) struct RoleLogin {
    pub(crate) role: RoleArn,
    pub(crate) external_id: ExternalId,
    pub(crate) session_policy: String,
    pub(crate) key: CredentialKey,
}

impl TenantAccess {
    /// The access that `config` describes: its session is limited to the configured buckets and
    /// prefixes.
    pub fn of(config: &StorageConfig) -> Result<Arc<Self>, SessionPolicyError> {
        Self::limited_to(config, config.buckets.values())
    }

    /// The access of `config` to one pinned place, which the configuration may have left since.
    pub fn of_target(
        config: &StorageConfig,
        target: &Target,
    ) -> Result<Arc<Self>, SessionPolicyError> {
        Self::limited_to(config, std::iter::once(&target.mapping))
    }

    fn limited_to<'a>(
        config: &StorageConfig,
        places: impl Iterator<Item = &'a BucketMapping>,
    ) -> Result<Arc<Self>, SessionPolicyError> {
        let login = match &config.access {
            UpstreamAccess::AssumeRole {
                role,
                external_id_prefix,
            } => {
                let external_id = ExternalId::of(external_id_prefix, &config.tenant);
                let session_policy = session_policy::limited_to(role.partition(), places)?;
                let key = CredentialKey::new(
                    &config.tenant,
                    config.version,
                    role,
                    &external_id,
                    &session_policy,
                );
                Login::Role(RoleLogin {
                    role: role.clone(),
                    external_id,
                    session_policy,
                    key,
                })
            }
            UpstreamAccess::StaticKeys {
                access_key_id,
                secret_access_key,
            } => Login::Keys(Arc::new(Credentials::lasting(
                access_key_id.clone(),
                secret_access_key.clone(),
            ))),
        };
        Ok(Arc::new(Self {
            tenant: config.tenant.clone(),
            version: config.version,
            login,
        }))
    }

    /// Whose.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Which revision of the configuration.
    pub fn version(&self) -> ConfigVersion {
        self.version
    }

    /// The account that owns the role, and so the buckets; `None` for stores without accounts.
    pub fn account(&self) -> Option<&AccountId> {
        match &self.login {
            Login::Role(login) => Some(login.role.account()),
            Login::Keys(_) => None,
        }
    }

    pub(crate) fn login(&self) -> &Login {
        &self.login
    }
}

/// What makes two sessions the same: tenant, configuration revision, role, external id and session
/// policy. Nothing less may share credentials (the confused deputy).
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CredentialKey([u8; 32]);

impl CredentialKey {
    fn new(
        tenant: &TenantId,
        version: ConfigVersion,
        role: &RoleArn,
        external_id: &ExternalId,
        session_policy: &str,
    ) -> Self {
        let version = version.0.to_string();
        let role = role.to_string();
        let mut digest = Sha256::new();
        // Lengths before the parts: no two different lists of parts read the same.
        for part in [
            tenant.as_str(),
            &version,
            &role,
            external_id.as_str(),
            session_policy,
        ] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        Self(digest.finalize().into())
    }

    /// Sixty-four bits that differ from session to session: a seed for spreading work in time.
    pub(crate) fn seed(&self) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.0[..8]);
        u64::from_be_bytes(bytes)
    }
}

impl Hash for CredentialKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.seed());
    }
}

impl fmt::Debug for CredentialKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "CredentialKey({:016x})", self.seed())
    }
}
