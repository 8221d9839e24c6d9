//! What a person writes: flags, or a TOML or JSON file with one or many tenants.
//!
//! Texts stand here as they were written; [`crate::model::compile`] checks them all and reports
//! every mistake at once.

use crate::model::bucket::{
    BlockedEncryption, InventoryFormat, InventoryFrequency, LifecycleRule, LogKeyFormat, Namespace,
    ObjectLock, TransitionMinimum, Versioning,
};
use crate::model::cors::CorsRule;
use crate::model::role::{ComputeService, VpcEndpointKind};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One tenant, as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TenantSpec {
    /// The customer's id.
    pub org_id: String,
    /// The product; first in every name.
    pub project: String,
    /// The stage.
    pub environment: String,
    /// Before the project in bucket names.
    pub bucket_prefix: Option<String>,
    /// Where the buckets stand.
    pub region: String,
    /// The customer's account; without it the caller's own is taken.
    pub account: Option<String>,
    /// Before `orgs/{org_id}/` in keys.
    pub base_path: String,
    /// Before the org id in the external id.
    pub external_id_prefix: Option<String>,
    /// Set for S3-compatible stores.
    pub compatible: Option<CompatibleSpec>,
    /// On everything.
    pub tags: BTreeMap<String, String>,
    /// Where bucket names are unique.
    pub namespace: Namespace,
    /// The bucket that the role reads.
    pub data: BucketSpec,
    /// The bucket that the role reads and writes.
    pub results: BucketSpec,
    /// The name of our own logs bucket, when logging or an inventory goes to it.
    pub logs_bucket: Option<String>,
    /// The role.
    pub role: RoleSpec,
    /// A way into S3 without the internet.
    pub vpc_endpoint: Option<VpcEndpointSpec>,
    /// Lets the role list uploads in progress: only for buckets of this tenant alone.
    pub list_uploads: bool,
}

impl Default for TenantSpec {
    fn default() -> Self {
        Self {
            org_id: String::new(),
            project: "byos".to_string(),
            environment: "prod".to_string(),
            bucket_prefix: None,
            region: String::new(),
            account: None,
            base_path: String::new(),
            external_id_prefix: None,
            compatible: None,
            tags: BTreeMap::new(),
            namespace: Namespace::default(),
            data: BucketSpec::default(),
            results: BucketSpec::default(),
            logs_bucket: None,
            role: RoleSpec::default(),
            vpc_endpoint: None,
            list_uploads: false,
        }
    }
}

/// A store that speaks S3 but is not AWS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompatibleSpec {
    /// `https://host[:port]`.
    pub endpoint: String,
    /// How it wants buckets addressed.
    #[serde(default = "path_style")]
    pub addressing: types::AddressingStyle,
}

fn path_style() -> types::AddressingStyle {
    types::AddressingStyle::Path
}

/// One bucket, as written. There is no field for public access: it is always blocked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BucketSpec {
    /// Instead of the derived name.
    pub name: Option<String>,
    /// Left alone when absent.
    pub versioning: Option<Versioning>,
    /// Default encryption.
    pub encryption: EncryptionSpec,
    /// Left alone when absent.
    pub blocked_encryption: Option<BTreeSet<BlockedEncryption>>,
    /// Refuses uploads that ask for another encryption than the default.
    pub refuse_other_encryption: bool,
    /// Refuses uploads with keys of the client (SSE-C) in the bucket policy.
    pub refuse_customer_keys: bool,
    /// Incomplete uploads are aborted after so many days; 7 when absent.
    pub abort_incomplete_days: Option<u32>,
    /// Further lifecycle rules.
    pub lifecycle: Vec<LifecycleRule>,
    /// Left alone when absent.
    pub transition_minimum: Option<TransitionMinimum>,
    /// Left alone when absent; an empty list removes what stands there.
    pub cors: Option<Vec<CorsRule>>,
    /// Left alone when absent.
    pub logging: Option<LoggingSpec>,
    /// Left alone when absent.
    pub notifications: Option<NotificationsSpec>,
    /// Inventories.
    pub inventory: Vec<InventorySpec>,
    /// Default retention; needs versioning.
    pub object_lock: Option<ObjectLock>,
    /// On this bucket only.
    pub tags: BTreeMap<String, String>,
}

/// Default encryption, as written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum EncryptionSpec {
    /// What AWS does by itself.
    #[default]
    AwsDefault,
    /// AES-256 with keys of S3.
    SseS3,
    /// A key of the customer's KMS.
    SseKms {
        /// The key's ARN.
        key: String,
        /// One data key per bucket.
        #[serde(default = "yes")]
        bucket_key: bool,
        /// Two layers of encryption.
        #[serde(default)]
        dual_layer: bool,
    },
}

fn yes() -> bool {
    true
}

/// Access logs, as written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoggingSpec {
    /// An existing bucket; without it our own logs bucket is made.
    pub target: Option<String>,
    /// Before the name of every log object.
    pub prefix: Option<String>,
    /// How log objects are named.
    pub key_format: LogKeyFormat,
}

/// Notifications, as written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NotificationsSpec {
    /// All events go to EventBridge.
    pub event_bridge: bool,
    /// Queues, topics and functions.
    pub entries: Vec<NotificationSpec>,
}

/// One subscription, as written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NotificationSpec {
    /// A name, unique in the bucket.
    pub id: String,
    /// The ARN of a queue, a topic or a function.
    pub destination: String,
    /// `s3:ObjectCreated:*` and the like.
    pub events: BTreeSet<String>,
    /// Only keys that begin so.
    pub prefix: String,
    /// Only keys that end so.
    pub suffix: String,
}

/// One inventory, as written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InventorySpec {
    /// A name, unique in the bucket.
    pub id: String,
    /// An existing bucket; without it our own logs bucket is made.
    pub destination: Option<String>,
    /// The account of `destination`; the tenant's own when absent.
    pub destination_account: Option<String>,
    /// Before the name of every list.
    pub destination_prefix: Option<String>,
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

/// The role, as written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RoleSpec {
    /// Instead of the derived name.
    pub name: Option<String>,
    /// `/` when absent.
    pub path: Option<String>,
    /// The gateway's role that may assume this one, for cross-account use.
    pub vendor_role: Option<String>,
    /// Whether the gateway sends session tags.
    pub session_tags: bool,
    /// Services that may take the role instead of the vendor.
    pub compute: BTreeSet<ComputeService>,
    /// How the permissions hang on the role.
    pub policy: AttachmentSpec,
    /// The ARN of a permissions boundary.
    pub boundary: Option<String>,
    /// 3600 when absent.
    pub max_session_seconds: Option<u32>,
    /// For people.
    pub description: Option<String>,
    /// On the role only.
    pub tags: BTreeMap<String, String>,
}

/// How the permissions hang on the role, as written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentSpec {
    /// Inside the role.
    #[default]
    Inline,
    /// A policy of its own.
    Managed,
}

/// A VPC endpoint, as written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VpcEndpointSpec {
    /// `vpc-...`.
    pub vpc_id: String,
    /// Gateway or interface.
    pub kind: VpcEndpointKind,
    /// `rtb-...`.
    pub route_table_ids: Vec<String>,
    /// `subnet-...`.
    pub subnet_ids: Vec<String>,
    /// `sg-...`.
    pub security_group_ids: Vec<String>,
}
