//! Settings of a bucket in the shape in which S3 stores them.
//!
//! Desired and observed state meet here: both become [`Setting`]s, and a step that writes one
//! carries it whole. Every shape is lossless for what S3 can hold, so that entries of other
//! people survive a read, a merge and a write unchanged.

use crate::model::{
    BlockedEncryption, CorsRule, InventoryFormat, InventoryFrequency, LogKeyFormat, ObjectLock,
    TransitionMinimum, Versioning,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The kinds of settings, in the order in which they are written.
///
/// Public access is blocked before a policy can be put, the policy stands before ownership
/// changes, versioning before what needs it; never are two writes in flight on one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The four switches that block public access.
    PublicAccessBlock,
    /// Tags, the ownership tag among them.
    Tags,
    /// The bucket policy.
    Policy,
    /// Who owns uploaded objects.
    Ownership,
    /// Whether old versions are kept.
    Versioning,
    /// Default encryption.
    Encryption,
    /// Default retention.
    ObjectLock,
    /// Lifecycle rules.
    Lifecycle,
    /// Rules for browsers.
    Cors,
    /// Access logs.
    Logging,
    /// Notifications.
    Notifications,
    /// Inventories.
    Inventory,
}

impl Field {
    /// All of them, in writing order.
    pub const ALL: [Self; 12] = [
        Self::PublicAccessBlock,
        Self::Tags,
        Self::Policy,
        Self::Ownership,
        Self::Versioning,
        Self::Encryption,
        Self::ObjectLock,
        Self::Lifecycle,
        Self::Cors,
        Self::Logging,
        Self::Notifications,
        Self::Inventory,
    ];

    /// As in words, flags and tags.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PublicAccessBlock => "public_access_block",
            Self::Tags => "tags",
            Self::Policy => "policy",
            Self::Ownership => "ownership",
            Self::Versioning => "versioning",
            Self::Encryption => "encryption",
            Self::ObjectLock => "object_lock",
            Self::Lifecycle => "lifecycle",
            Self::Cors => "cors",
            Self::Logging => "logging",
            Self::Notifications => "notifications",
            Self::Inventory => "inventory",
        }
    }

    /// The field with that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == text)
    }

    /// Whether an adopted bucket may keep its own value: public access and our tags are not open
    /// to that.
    pub const fn may_stay_unmanaged(self) -> bool {
        !matches!(self, Self::PublicAccessBlock | Self::Tags)
    }
}

impl std::fmt::Display for Field {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.as_str())
    }
}

/// One setting with its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "field", content = "value", rename_all = "snake_case")]
pub enum Setting {
    /// See [`PublicAccess`].
    PublicAccessBlock(PublicAccess),
    /// All tags of the bucket, other people's included.
    Tags(BTreeMap<String, String>),
    /// The whole policy document.
    Policy(Value),
    /// `BucketOwnerEnforced` and the like.
    Ownership(String),
    /// Versioning.
    Versioning(Versioning),
    /// Default encryption.
    Encryption(EncryptionDoc),
    /// Default retention; `None` when object lock is on without one.
    ObjectLock(Option<ObjectLock>),
    /// All lifecycle rules.
    Lifecycle(LifecycleDoc),
    /// All CORS rules.
    Cors(Vec<CorsRule>),
    /// Access logs.
    Logging(LoggingDoc),
    /// All notifications.
    Notifications(NotificationsDoc),
    /// One inventory.
    Inventory(Box<InventoryDoc>),
}

impl Setting {
    /// Its kind.
    pub fn field(&self) -> Field {
        match self {
            Self::PublicAccessBlock(_) => Field::PublicAccessBlock,
            Self::Tags(_) => Field::Tags,
            Self::Policy(_) => Field::Policy,
            Self::Ownership(_) => Field::Ownership,
            Self::Versioning(_) => Field::Versioning,
            Self::Encryption(_) => Field::Encryption,
            Self::ObjectLock(_) => Field::ObjectLock,
            Self::Lifecycle(_) => Field::Lifecycle,
            Self::Cors(_) => Field::Cors,
            Self::Logging(_) => Field::Logging,
            Self::Notifications(_) => Field::Notifications,
            Self::Inventory(_) => Field::Inventory,
        }
    }
}

/// The four switches that block public access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicAccess {
    /// New public ACLs are refused.
    pub block_public_acls: bool,
    /// Existing public ACLs mean nothing.
    pub ignore_public_acls: bool,
    /// Public policies are refused.
    pub block_public_policy: bool,
    /// A public policy admits only the account and AWS services.
    pub restrict_public_buckets: bool,
}

impl PublicAccess {
    /// The only value that is ever written to AWS.
    pub const BLOCKED: Self = Self {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    };

    /// For stores that are not AWS: a public ACL can be written there, and opens nothing. While
    /// they are refused, Ceph 16 refuses every upload of the owner, whatever ACL it carries.
    pub const IGNORED: Self = Self {
        block_public_acls: false,
        ..Self::BLOCKED
    };
}

/// The only ownership that is ever written.
pub const OWNER_ENFORCED: &str = "BucketOwnerEnforced";

/// Default encryption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncryptionDoc {
    /// `AES256`, `aws:kms`, `aws:kms:dsse`.
    pub algorithm: String,
    /// The KMS key.
    pub key: Option<String>,
    /// One data key per bucket.
    pub bucket_key: bool,
    /// Encryption types that uploads may not use; `None` when the store does not say.
    pub blocked: Option<BTreeSet<BlockedEncryption>>,
}

/// All lifecycle rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifecycleDoc {
    /// The rules.
    pub rules: Vec<RuleDoc>,
    /// From which size objects change class; `None` when the store does not say.
    pub transition_minimum: Option<TransitionMinimum>,
}

/// One lifecycle rule as S3 holds it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleDoc {
    /// Its id.
    pub id: String,
    /// Whether it acts.
    pub enabled: bool,
    /// Which objects.
    pub filter: FilterDoc,
    /// Expiry.
    pub expiration: Option<ExpirationDoc>,
    /// Changes of class.
    pub transitions: Vec<TransitionDoc>,
    /// Old versions are deleted after so many days ...
    pub noncurrent_days: Option<i32>,
    /// ... but so many are kept.
    pub noncurrent_keep: Option<i32>,
    /// Changes of class of old versions.
    pub noncurrent_transitions: Vec<TransitionDoc>,
    /// Incomplete uploads are aborted after so many days.
    pub abort_days: Option<i32>,
}

/// Which objects a rule means. An absent filter, an empty one and one with the empty prefix mean
/// the same: all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FilterDoc {
    /// Keys that begin so.
    pub prefix: String,
    /// Objects with these tags.
    pub tags: BTreeMap<String, String>,
    /// Objects larger than this.
    pub larger_than: Option<i64>,
    /// Objects smaller than this.
    pub smaller_than: Option<i64>,
}

/// When objects expire.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExpirationDoc {
    /// After so many days.
    pub days: Option<i32>,
    /// On a date, in Unix seconds.
    pub date: Option<i64>,
    /// Delete markers without versions go.
    pub delete_markers: bool,
}

/// A change of storage class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TransitionDoc {
    /// After so many days.
    pub days: Option<i32>,
    /// On a date, in Unix seconds.
    pub date: Option<i64>,
    /// Into this class.
    pub class: String,
    /// For old versions: so many newer ones stay as they are.
    pub keep: Option<i32>,
}

/// Where access logs go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggingDoc {
    /// The bucket.
    pub target: String,
    /// Before the name of every log object.
    pub prefix: String,
    /// How log objects are named.
    pub key_format: LogKeyFormat,
}

/// All notifications of a bucket: one document, which every write replaces as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationsDoc {
    /// All events go to EventBridge.
    pub event_bridge: bool,
    /// Queues, topics and functions.
    pub entries: Vec<NotificationDoc>,
}

impl NotificationsDoc {
    /// Whether nobody is told of anything.
    pub fn is_empty(&self) -> bool {
        !self.event_bridge && self.entries.is_empty()
    }
}

/// One notification as S3 holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationDoc {
    /// Its id; S3 invents one when none is given.
    pub id: Option<String>,
    /// What kind of destination.
    pub kind: DestinationKind,
    /// Its ARN.
    pub arn: String,
    /// Which events.
    pub events: Vec<String>,
    /// Name and value of each filter rule, in order.
    pub filters: Vec<(String, String)>,
}

/// What kind of destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DestinationKind {
    /// SQS.
    Queue,
    /// SNS.
    Topic,
    /// Lambda.
    Function,
}

/// One inventory as S3 holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryDoc {
    /// Its id.
    pub id: String,
    /// Whether it is written.
    pub enabled: bool,
    /// The ARN of the receiving bucket.
    pub destination: String,
    /// The account of the receiving bucket.
    pub account: Option<String>,
    /// Before the name of every list.
    pub destination_prefix: String,
    /// How it is written.
    pub format: InventoryFormat,
    /// How often.
    pub frequency: InventoryFrequency,
    /// Whether old versions are listed too.
    pub all_versions: bool,
    /// Only keys that begin so.
    pub prefix: String,
    /// Columns beyond bucket and key.
    pub fields: BTreeSet<String>,
}
