//! Credentials towards an upstream: what they are, who issues them, and how they are kept fresh.

mod assume;
mod cache;
mod error;
mod session;
mod session_name;
mod sts;

pub use assume::{AssumeRole, AssumeRoleRequest, IssuedSession};
pub use cache::{CacheLimits, CredentialCache, SessionHealth};
pub use error::{CredentialError, Fault};
pub use session_name::SessionName;
pub use sts::{GatewayCredentials, StsClient, StsConfig};

use std::sync::atomic::{AtomicU64, Ordering};
use types::{SecretString, Timestamp};

/// What signs a request towards an upstream.
#[derive(Debug, Clone)]
pub struct Credentials {
    access_key_id: String,
    secret: SecretString,
    session_token: Option<SecretString>,
    expires: Option<Timestamp>,
    version: u64,
}

impl Credentials {
    /// Keys that last until someone changes them.
    pub fn lasting(access_key_id: String, secret: SecretString) -> Self {
        Self {
            access_key_id,
            secret,
            session_token: None,
            expires: None,
            version: next_version(),
        }
    }

    /// The keys of a session.
    pub fn of_session(session: IssuedSession) -> Self {
        Self {
            access_key_id: session.access_key_id,
            secret: session.secret,
            session_token: Some(session.session_token),
            expires: Some(session.expires),
            version: next_version(),
        }
    }

    /// Which key signs.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// What it signs with.
    pub fn secret(&self) -> &SecretString {
        &self.secret
    }

    /// What goes along with every request of a session.
    pub fn session_token(&self) -> Option<&SecretString> {
        self.session_token.as_ref()
    }

    /// The first second at which they no longer work; `None` for lasting keys.
    pub fn expires(&self) -> Option<Timestamp> {
        self.expires
    }

    /// Unique to each issue in this process: the key for caches of derived signing keys.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether they still work at `deadline`.
    pub fn valid_at(&self, deadline: Timestamp) -> bool {
        self.expires.is_none_or(|end| deadline < end)
    }
}

fn next_version() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
