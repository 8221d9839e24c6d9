//! The one question that is asked of STS.

use super::{CredentialError, SessionName};
use crate::access::RoleLogin;
use async_trait::async_trait;
use std::time::Duration;
use types::{ExternalId, RoleArn, SecretString, TenantId, Timestamp};

/// How long a session lasts. AWS allows at most an hour where one role assumes another.
pub(crate) const SESSION_LIFE: Duration = Duration::from_secs(3_600);

/// An AssumeRole call that cannot be made without external id, session name and session policy.
#[derive(Debug, Clone)]
pub struct AssumeRoleRequest {
    role: RoleArn,
    external_id: ExternalId,
    session_name: SessionName,
    session_policy: String,
}

impl AssumeRoleRequest {
    pub(crate) fn new(tenant: &TenantId, login: &RoleLogin) -> Self {
        Self {
            role: login.role.clone(),
            external_id: login.external_id.clone(),
            session_name: SessionName::of(tenant),
            session_policy: login.session_policy.clone(),
        }
    }

    /// The customer's role.
    pub fn role(&self) -> &RoleArn {
        &self.role
    }

    /// The tenant's external id.
    pub fn external_id(&self) -> &ExternalId {
        &self.external_id
    }

    /// The name the session goes by.
    pub fn session_name(&self) -> &SessionName {
        &self.session_name
    }

    /// What the session is limited to, as JSON.
    pub fn session_policy(&self) -> &str {
        &self.session_policy
    }

    /// How long the session lasts.
    pub fn duration(&self) -> Duration {
        SESSION_LIFE
    }
}

/// What STS issues.
#[derive(Debug, Clone)]
pub struct IssuedSession {
    /// Which key signs.
    pub access_key_id: String,
    /// What it signs with.
    pub secret: SecretString,
    /// What goes along with every request.
    pub session_token: SecretString,
    /// The first second at which the session no longer works.
    pub expires: Timestamp,
}

/// Something that assumes roles: STS, or a script in tests.
#[async_trait]
pub trait AssumeRole: Send + Sync + 'static {
    /// Makes one call, without retrying: the cache decides when to try again.
    async fn assume_role(
        &self,
        request: &AssumeRoleRequest,
    ) -> Result<IssuedSession, CredentialError>;
}
