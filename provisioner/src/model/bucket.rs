//! What a bucket shall be: every setting that the provisioner can hold, each either given or
//! left alone.
//!
//! Public access is always blocked and ownership always enforced: they are no fields, so that
//! no flag, file or default can turn them off.

use crate::model::arn::Arn;
use crate::model::cors::CorsRule;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use types::{AccountId, BucketName};

/// What a bucket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Receives access logs and inventories of the other two; made only when they need it.
    Logs,
    /// Input: the role may only read it.
    Data,
    /// Output: the role reads and writes it.
    Results,
}

impl Purpose {
    /// As in names and words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Data => "data",
            Self::Results => "results",
        }
    }
}

impl std::fmt::Display for Purpose {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.as_str())
    }
}

/// One bucket as it shall be.
///
/// `None` means unmanaged: what stands there stays. Documents (the bucket policy) are rendered
/// from the whole [`crate::model::Desired`], see [`crate::model::Documents`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DesiredBucket {
    /// What it is for.
    pub purpose: Purpose,
    /// Its name, valid but perhaps taken.
    pub name: BucketName,
    /// Which namespace the name lives in.
    pub namespace: Namespace,
    /// Whether old versions are kept.
    pub versioning: Option<Versioning>,
    /// Default encryption.
    pub encryption: Encryption,
    /// Encryption types that uploads may not use; `None` leaves what stands there.
    pub blocked_encryption: Option<BTreeSet<BlockedEncryption>>,
    /// Whether uploads that ask for another encryption than the default are refused.
    pub refuse_other_encryption: bool,
    /// Whether the policy refuses uploads with keys of the client (SSE-C).
    pub refuse_customer_keys: bool,
    /// Lifecycle rules; there is always one that aborts incomplete uploads.
    pub lifecycle: Lifecycle,
    /// Rules for browsers.
    pub cors: Option<Vec<CorsRule>>,
    /// Where access logs go.
    pub logging: Option<Logging>,
    /// Who is told about new objects.
    pub notifications: Option<Notifications>,
    /// Lists of the bucket's objects, written by S3.
    pub inventories: Vec<Inventory>,
    /// Default retention.
    pub object_lock: Option<ObjectLock>,
    /// Every tag that is ours, the ownership tag included.
    pub tags: BTreeMap<String, String>,
}

impl DesiredBucket {
    /// The bucket's ARN in `partition`.
    pub fn arn(&self, partition: types::Partition) -> String {
        format!("arn:{partition}:s3:::{}", self.name)
    }
}

/// Where a bucket name is unique.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Namespace {
    /// In the whole partition: anybody may take the name once the bucket is deleted.
    #[default]
    Global,
    /// In this account and region (`...-{account}-{region}-an`): nobody else can take it.
    AccountRegional,
}

/// Versioning, once it was ever set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Versioning {
    /// Old versions are kept.
    Enabled,
    /// No new versions; the old ones stay.
    Suspended,
}

/// Default encryption of new objects.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Encryption {
    /// What AWS does by itself (SSE-S3 since 2023). Never a call, least of all a delete.
    #[default]
    AwsDefault,
    /// AES-256 with keys of S3.
    SseS3,
    /// A key of the customer's KMS.
    SseKms {
        /// The key, never an alias.
        key: Arn,
        /// One data key per bucket instead of per object: fewer KMS calls.
        bucket_key: bool,
        /// Two layers of encryption (DSSE).
        dual_layer: bool,
    },
}

impl Encryption {
    /// The KMS key that the role needs rights on.
    pub fn kms_key(&self) -> Option<&Arn> {
        match self {
            Self::SseKms { key, .. } => Some(key),
            Self::AwsDefault | Self::SseS3 => None,
        }
    }
}

/// An encryption type that uploads may not use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum BlockedEncryption {
    /// Keys that the client sends along (the default of new buckets since 2026).
    #[serde(rename = "SSE-C")]
    SseC,
}

/// All lifecycle rules that are ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lifecycle {
    /// Incomplete uploads are aborted after so many days.
    pub abort_incomplete_days: u32,
    /// The prefix under which validation leaves probe objects, expired after a day.
    pub probe_prefix: Option<String>,
    /// The rules of the specification.
    pub rules: Vec<LifecycleRule>,
    /// From which size objects change class.
    pub transition_minimum: Option<TransitionMinimum>,
}

/// The id of the rule that aborts incomplete uploads.
pub const ABORT_RULE_ID: &str = "byos-abort-incomplete";
/// The id of the rule that removes probe objects.
pub const PROBE_RULE_ID: &str = "byos-probe";

/// From which size objects change class by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransitionMinimum {
    /// `all_storage_classes_128K`.
    #[serde(rename = "all_storage_classes_128K")]
    AllStorageClasses128K,
    /// `varies_by_storage_class`.
    VariesByStorageClass,
}

/// One lifecycle rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LifecycleRule {
    /// Unique in the bucket; once compiled it begins with [`OUR_ID_PREFIX`].
    pub id: String,
    /// Only objects below it; empty means all.
    pub prefix: String,
    /// Only objects with these tags.
    pub tags: BTreeMap<String, String>,
    /// Only objects larger than so many bytes.
    pub larger_than: Option<u64>,
    /// Only objects smaller than so many bytes.
    pub smaller_than: Option<u64>,
    /// Deleted after so many days.
    pub expire_days: Option<u32>,
    /// Delete markers without versions are removed.
    pub expire_delete_markers: bool,
    /// Old versions are deleted so many days after they became old.
    pub noncurrent_expire_days: Option<u32>,
    /// So many old versions are kept in any case.
    pub noncurrent_keep: Option<u32>,
    /// Changes of class.
    pub transitions: Vec<Transition>,
    /// Changes of class of old versions.
    pub noncurrent_transitions: Vec<Transition>,
}

/// A change of storage class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transition {
    /// After so many days.
    pub days: u32,
    /// Into this class.
    pub class: StorageClass,
}

/// A storage class that objects can change into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StorageClass {
    /// Infrequent access.
    StandardIa,
    /// Moves objects by use.
    IntelligentTiering,
    /// Infrequent access, one zone.
    OnezoneIa,
    /// Archive, instant.
    GlacierIr,
    /// Archive, minutes to hours.
    Glacier,
    /// Archive, hours.
    DeepArchive,
}

impl StorageClass {
    /// As the S3 API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StandardIa => "STANDARD_IA",
            Self::IntelligentTiering => "INTELLIGENT_TIERING",
            Self::OnezoneIa => "ONEZONE_IA",
            Self::GlacierIr => "GLACIER_IR",
            Self::Glacier => "GLACIER",
            Self::DeepArchive => "DEEP_ARCHIVE",
        }
    }
}

/// Where access logs go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Logging {
    /// The bucket that receives them.
    pub target: BucketName,
    /// Whether `target` is our own logs bucket.
    pub target_is_ours: bool,
    /// Before the name of every log object.
    pub prefix: String,
    /// How log objects are named.
    pub key_format: LogKeyFormat,
}

/// How log objects are named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogKeyFormat {
    /// `{prefix}{date}-{random}`.
    #[default]
    Simple,
    /// Partitioned by the time of the event.
    PartitionedByEventTime,
    /// Partitioned by the time of delivery.
    PartitionedByDeliveryTime,
}

/// Who is told about new and removed objects.
///
/// Entries of others in the same configuration survive: ours begin with `byos-`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Notifications {
    /// All events go to EventBridge.
    pub event_bridge: bool,
    /// Queues, topics and functions.
    pub entries: Vec<Notification>,
}

/// What the ids of our lifecycle rules, notifications and inventories begin with: whatever else
/// stands beside them is not ours.
pub const OUR_ID_PREFIX: &str = "byos-";

/// One subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notification {
    /// Begins with [`OUR_ID_PREFIX`].
    pub id: String,
    /// Queue, topic or function.
    pub destination: Destination,
    /// `s3:ObjectCreated:*` and the like.
    pub events: BTreeSet<String>,
    /// Only keys that begin so.
    pub prefix: String,
    /// Only keys that end so.
    pub suffix: String,
}

/// Who receives notifications.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "arn", rename_all = "snake_case")]
pub enum Destination {
    /// An SQS queue.
    Queue(Arn),
    /// An SNS topic.
    Topic(Arn),
    /// A Lambda function.
    Function(Arn),
}

impl Destination {
    /// The ARN, whatever the kind.
    pub fn arn(&self) -> &Arn {
        match self {
            Self::Queue(arn) | Self::Topic(arn) | Self::Function(arn) => arn,
        }
    }
}

/// A list of the bucket's objects that S3 writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inventory {
    /// Unique in the bucket; begins with [`OUR_ID_PREFIX`].
    pub id: String,
    /// The bucket that receives it.
    pub destination: BucketName,
    /// Whether `destination` is our own logs bucket.
    pub destination_is_ours: bool,
    /// The account that owns `destination`.
    pub destination_account: AccountId,
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
    /// Columns beyond bucket and key, as the S3 API spells them.
    pub fields: BTreeSet<String>,
}

/// How an inventory is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum InventoryFormat {
    /// Comma-separated.
    #[default]
    Csv,
    /// Apache ORC.
    #[serde(rename = "ORC")]
    Orc,
    /// Apache Parquet.
    #[serde(rename = "Parquet")]
    Parquet,
}

/// How often an inventory is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InventoryFrequency {
    /// Every day.
    #[default]
    Daily,
    /// Every week.
    Weekly,
}

/// Default retention of new objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectLock {
    /// Who may shorten it.
    pub mode: LockMode,
    /// How long.
    pub days: u32,
}

/// Who may shorten a retention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LockMode {
    /// Principals with a special right.
    Governance,
    /// Nobody, not even the root user.
    Compliance,
}
