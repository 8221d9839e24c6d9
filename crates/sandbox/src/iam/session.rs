//! Temporary credentials.

use crate::document::Document;
use crate::random;
use serde::{Deserialize, Serialize};
use types::{RoleArn, Timestamp};

/// A role that somebody assumed.
///
/// Kept on disk, so that a restart of the sandbox ends no session.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) access_key: String,
    pub(crate) secret: String,
    pub(crate) token: String,
    pub(crate) role: RoleArn,
    /// The role's unique id: a role that is made anew does not revive old sessions.
    pub(crate) role_id: String,
    pub(crate) name: String,
    /// Empty when no session policy was passed.
    pub(crate) policies: Vec<Document>,
    pub(crate) issued: Timestamp,
    pub(crate) expires: Timestamp,
}

impl Session {
    /// A new session with fresh credentials.
    pub(crate) fn draw(
        role: &super::account::Role,
        name: String,
        policies: Vec<Document>,
        issued: Timestamp,
        seconds: i64,
    ) -> Self {
        Self {
            access_key: random::access_key_id("ASIA"),
            secret: random::secret(),
            token: random::session_token(),
            role: role.arn.clone(),
            role_id: role.id.clone(),
            name,
            policies,
            issued,
            expires: issued.plus_seconds(seconds),
        }
    }

    /// `AROA...:name`.
    pub(crate) fn user_id(&self) -> String {
        format!("{}:{}", self.role_id, self.name)
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Session")
            .field("role", &self.role)
            .field("name", &self.name)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}
