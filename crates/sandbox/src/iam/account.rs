//! What an account holds.

use super::tags::Tags;
use super::trust::Pins;
use crate::document::Document;
use crate::random;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use types::{AccountId, Partition, RoleArn, SecretString, Timestamp};

/// An access key of a user or of the root user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AccessKeyRecord {
    pub(crate) id: String,
    #[serde(with = "clear_text")]
    pub(crate) secret: SecretString,
    pub(crate) active: bool,
    pub(crate) created: Timestamp,
}

impl AccessKeyRecord {
    /// A new key.
    pub(crate) fn draw(now: Timestamp) -> Self {
        Self {
            id: random::access_key_id("AKIA"),
            secret: random::secret().into(),
            active: true,
            created: now,
        }
    }
}

/// The sandbox keeps its play secrets in clear, in files that only their owner may read.
mod clear_text {
    use serde::{Deserialize, Deserializer, Serializer};
    use types::SecretString;

    pub(super) fn serialize<S: Serializer>(
        secret: &SecretString,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_str(secret.expose())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<SecretString, D::Error> {
        String::deserialize(from).map(SecretString::from)
    }
}

/// Policies of a user or role.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Permissions {
    /// By name.
    pub(crate) inline: BTreeMap<String, Document>,
    /// ARNs of managed policies.
    #[serde(default)]
    pub(crate) attached: BTreeSet<String>,
    /// The ARN of the managed policy that limits all others.
    #[serde(default)]
    pub(crate) boundary: Option<String>,
}

/// A managed policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ManagedPolicy {
    pub(crate) arn: String,
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) description: Option<String>,
    /// By number.
    pub(crate) versions: BTreeMap<u32, PolicyVersion>,
    pub(crate) default: u32,
    /// The number of the newest version ever: numbers are not used twice.
    pub(crate) last: u32,
    pub(crate) tags: Tags,
}

/// A version of a managed policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PolicyVersion {
    pub(crate) document: Document,
    pub(crate) created: Timestamp,
}

/// An instance profile.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct InstanceProfile {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) arn: String,
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    /// The name of its one role.
    pub(crate) role: Option<String>,
    pub(crate) tags: Tags,
}

/// An IAM user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) keys: Vec<AccessKeyRecord>,
    #[serde(default)]
    pub(crate) permissions: Permissions,
    #[serde(default)]
    pub(crate) tags: Tags,
}

/// An IAM role.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Role {
    pub(crate) arn: RoleArn,
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) trust: Document,
    /// Whom the trust policy means.
    #[serde(default)]
    pub(crate) trust_pins: Pins,
    #[serde(default)]
    pub(crate) description: Option<String>,
    /// Seconds.
    pub(crate) max_session: i64,
    #[serde(default)]
    pub(crate) permissions: Permissions,
    #[serde(default)]
    pub(crate) tags: Tags,
}

/// An account. Names are found without regard to case, as IAM does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) id: AccountId,
    pub(crate) root: AccessKeyRecord,
    /// By name in lower case.
    #[serde(default)]
    pub(crate) users: BTreeMap<String, Arc<User>>,
    /// By name in lower case.
    #[serde(default)]
    pub(crate) roles: BTreeMap<String, Arc<Role>>,
    /// By name in lower case.
    #[serde(default)]
    pub(crate) policies: BTreeMap<String, Arc<ManagedPolicy>>,
    /// By name in lower case.
    #[serde(default)]
    pub(crate) profiles: BTreeMap<String, Arc<InstanceProfile>>,
    /// Policies of KMS keys, by the key's ARN.
    #[serde(default)]
    pub(crate) keys: BTreeMap<String, Document>,
}

impl Account {
    /// The partition that every account of the sandbox is in.
    pub(crate) const PARTITION: Partition = Partition::Aws;

    /// An account with nothing but its root user.
    pub(crate) fn new(id: AccountId, now: Timestamp) -> Self {
        Self {
            id,
            root: AccessKeyRecord::draw(now),
            users: BTreeMap::new(),
            roles: BTreeMap::new(),
            policies: BTreeMap::new(),
            profiles: BTreeMap::new(),
            keys: BTreeMap::new(),
        }
    }

    /// The user called `name`.
    pub(crate) fn user(&self, name: &str) -> Option<&Arc<User>> {
        self.users.get(&name.to_lowercase())
    }

    /// The user called `name`, to be changed.
    pub(crate) fn user_mut(&mut self, name: &str) -> Option<&mut User> {
        self.users.get_mut(&name.to_lowercase()).map(Arc::make_mut)
    }

    /// The role called `name`.
    pub(crate) fn role(&self, name: &str) -> Option<&Arc<Role>> {
        self.roles.get(&name.to_lowercase())
    }

    /// The role called `name`, to be changed.
    pub(crate) fn role_mut(&mut self, name: &str) -> Option<&mut Role> {
        self.roles.get_mut(&name.to_lowercase()).map(Arc::make_mut)
    }

    /// How many users and roles a managed policy is attached to.
    pub(crate) fn attachments(&self, policy: &str) -> usize {
        self.count(|permissions| permissions.attached.contains(policy))
    }

    /// How many users and roles a managed policy is the boundary of.
    pub(crate) fn boundaries(&self, policy: &str) -> usize {
        self.count(|permissions| permissions.boundary.as_deref() == Some(policy))
    }

    fn count(&self, has: impl Fn(&Permissions) -> bool) -> usize {
        let users = self.users.values().map(|user| &user.permissions);
        let roles = self.roles.values().map(|role| &role.permissions);
        users
            .chain(roles)
            .filter(|permissions| has(permissions))
            .count()
    }

    /// `arn:aws:iam::account:{resource}`.
    pub(crate) fn arn(&self, resource: impl std::fmt::Display) -> String {
        format!("arn:{}:iam::{}:{resource}", Self::PARTITION, self.id)
    }
}
