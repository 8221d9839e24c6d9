//! What is there, as the reads said it.
//!
//! Serialises in one order only, so that its hash identifies the state a plan was made for.

use crate::failure::Failure;
use crate::model::{CorsRule, ObjectLock, Purpose, Versioning};
use crate::plan::setting::{
    EncryptionDoc, Field, InventoryDoc, LifecycleDoc, LoggingDoc, NotificationsDoc, PublicAccess,
};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// What one read said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Read<T> {
    /// This stands there.
    Known(T),
    /// The caller may not see it.
    Unreadable(Refusal),
    /// The store does not have such a setting.
    Unsupported,
}

/// A read that was refused. Its request id is evidence and no part of the state: every answer
/// has another one.
#[derive(Debug, Clone, Serialize)]
pub struct Refusal {
    /// The call and the store's code.
    pub reason: String,
    /// What the store's support asks for.
    #[serde(skip)]
    pub request_id: Option<String>,
}

impl PartialEq for Refusal {
    fn eq(&self, other: &Self) -> bool {
        self.reason == other.reason
    }
}

impl Eq for Refusal {}

impl From<&Failure> for Refusal {
    fn from(failure: &Failure) -> Self {
        let code = failure.code.as_deref().unwrap_or("no code");
        let status = failure
            .status
            .map_or_else(String::new, |status| format!(", HTTP {status}"));
        Self {
            reason: format!("{}: {code}{status}", failure.call),
            request_id: failure.request_id.clone(),
        }
    }
}

impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Self {
            reason,
            request_id: None,
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.reason)?;
        match &self.request_id {
            Some(id) => write!(out, ", request id {id}"),
            None => Ok(()),
        }
    }
}

impl<T> Read<T> {
    /// The value, when it could be read.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unreadable(_) | Self::Unsupported => None,
        }
    }
}

impl<T: Default> Default for Read<T> {
    fn default() -> Self {
        Self::Known(T::default())
    }
}

/// Everything that the plan of one tenant looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Observed {
    /// One per desired bucket.
    pub buckets: BTreeMap<Purpose, BucketState>,
    /// The role.
    pub role: Option<ObservedRole>,
    /// The managed policy, when one is wanted or attached under our name.
    pub policy: Option<ObservedPolicy>,
    /// The instance profile of the role's name.
    pub instance_profile: Option<ObservedProfile>,
}

impl Observed {
    /// Identifies this state: a saved plan is applied only while the reads still say the same.
    pub fn fingerprint(&self) -> String {
        use sha2::{Digest, Sha256};
        let text = serde_json::to_vec(self).expect("maps have string keys and floats do not occur");
        hex::encode(Sha256::digest(text))
    }
}

/// What is known about a bucket name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BucketState {
    /// Nobody has it, as far as can be seen.
    Absent,
    /// It belongs to somebody else, or a policy keeps this caller out.
    TakenByOther(Refusal),
    /// It is the account's own, but stands in another region.
    Elsewhere(String),
    /// It is the account's own.
    Present(Box<ObservedBucket>),
}

/// The settings of a bucket that is there. `Known(None)` means: never set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ObservedBucket {
    /// All tags.
    pub tags: Read<BTreeMap<String, String>>,
    /// Public access.
    pub public_access: Read<Option<PublicAccess>>,
    /// The bucket policy.
    pub policy: Read<Option<Value>>,
    /// Who owns uploaded objects.
    pub ownership: Read<Option<String>>,
    /// Versioning.
    pub versioning: Read<Option<Versioning>>,
    /// Default encryption.
    pub encryption: Read<Option<EncryptionDoc>>,
    /// Object lock: outer `None` when it is off, inner when it is on without a default.
    pub object_lock: Read<Option<Option<ObjectLock>>>,
    /// Lifecycle rules.
    pub lifecycle: Read<Option<LifecycleDoc>>,
    /// CORS rules.
    pub cors: Read<Option<Vec<CorsRule>>>,
    /// Access logs.
    pub logging: Read<Option<LoggingDoc>>,
    /// Notifications.
    pub notifications: Read<NotificationsDoc>,
    /// Inventories.
    pub inventories: Read<Vec<InventoryDoc>>,
}

impl ObservedBucket {
    /// Why `field` could not be read, when it could not.
    pub fn unreadable(&self, field: Field) -> Option<&Refusal> {
        fn reason<T>(read: &Read<T>) -> Option<&Refusal> {
            match read {
                Read::Unreadable(reason) => Some(reason),
                _ => None,
            }
        }
        match field {
            Field::PublicAccessBlock => reason(&self.public_access),
            Field::Tags => reason(&self.tags),
            Field::Policy => reason(&self.policy),
            Field::Ownership => reason(&self.ownership),
            Field::Versioning => reason(&self.versioning),
            Field::Encryption => reason(&self.encryption),
            Field::ObjectLock => reason(&self.object_lock),
            Field::Lifecycle => reason(&self.lifecycle),
            Field::Cors => reason(&self.cors),
            Field::Logging => reason(&self.logging),
            Field::Notifications => reason(&self.notifications),
            Field::Inventory => reason(&self.inventories),
        }
    }

    /// Whether the store has no such setting.
    pub fn unsupported(&self, field: Field) -> bool {
        match field {
            Field::PublicAccessBlock => self.public_access == Read::Unsupported,
            Field::Tags => self.tags == Read::Unsupported,
            Field::Policy => self.policy == Read::Unsupported,
            Field::Ownership => self.ownership == Read::Unsupported,
            Field::Versioning => self.versioning == Read::Unsupported,
            Field::Encryption => self.encryption == Read::Unsupported,
            Field::ObjectLock => self.object_lock == Read::Unsupported,
            Field::Lifecycle => self.lifecycle == Read::Unsupported,
            Field::Cors => self.cors == Read::Unsupported,
            Field::Logging => self.logging == Read::Unsupported,
            Field::Notifications => self.notifications == Read::Unsupported,
            Field::Inventory => self.inventories == Read::Unsupported,
        }
    }
}

/// The role as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ObservedRole {
    /// Its ARN.
    pub arn: String,
    /// Its unique id, `AROA...`.
    pub id: String,
    /// The trust policy.
    pub trust: Value,
    /// The longest session.
    pub max_session_seconds: u32,
    /// For people.
    pub description: String,
    /// The ARN of its boundary.
    pub boundary: Option<String>,
    /// All tags.
    pub tags: Read<BTreeMap<String, String>>,
    /// Inline policies by name.
    pub inline: Read<BTreeMap<String, Value>>,
    /// The ARNs of attached policies.
    pub attached: Read<Vec<String>>,
    /// Instance profiles that carry it.
    pub profiles: Read<Vec<String>>,
}

/// A managed policy as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ObservedPolicy {
    /// Its ARN.
    pub arn: String,
    /// The version that counts.
    pub default_version: String,
    /// Its text.
    pub document: Value,
    /// All versions, oldest first.
    pub versions: Vec<String>,
    /// All tags.
    pub tags: Read<BTreeMap<String, String>>,
}

/// An instance profile as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ObservedProfile {
    /// Its name.
    pub name: String,
    /// The role that it carries.
    pub role: Option<String>,
    /// All tags.
    pub tags: Read<BTreeMap<String, String>>,
}
