//! What is remembered about buckets, object versions and uploads.

use crate::document::Document;
use crate::node::Node;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use types::{AccountId, Region, Timestamp};

/// The version id of objects written while versioning is off or suspended.
pub(crate) const NULL_VERSION: &str = "null";

/// Whether a bucket keeps what is overwritten and deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Versioning {
    /// Never switched on.
    #[default]
    Off,
    /// Every write makes a version, every deletion a marker.
    Enabled,
    /// Old versions stay; new writes replace the `null` version.
    Suspended,
}

/// A bucket and its settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BucketRecord {
    pub(crate) name: String,
    pub(crate) owner: AccountId,
    pub(crate) region: Region,
    pub(crate) created: Timestamp,
    /// As the client wrote it, `EU` included; `None` in the first region.
    #[serde(default)]
    pub(crate) location: Option<String>,
    #[serde(default)]
    pub(crate) versioning: Versioning,
    /// Switched on for good.
    #[serde(default)]
    pub(crate) object_lock: bool,
    #[serde(default)]
    pub(crate) policy: Option<Document>,
    /// Whether that policy lets in people whom it does not name.
    #[serde(default)]
    pub(crate) policy_is_public: bool,
    /// Settings of which a bucket has one, by the name of their sub-resource.
    #[serde(default)]
    pub(crate) settings: BTreeMap<String, Node>,
    /// Settings of which a bucket has several: by sub-resource, then by id.
    #[serde(default)]
    pub(crate) numbered: BTreeMap<String, BTreeMap<String, Node>>,
}

impl BucketRecord {
    /// The region whose buckets have no location constraint.
    pub(crate) const FIRST_REGION: &str = "us-east-1";

    /// A bucket as AWS makes it when nothing is said: private, unversioned, all public access
    /// blocked, without access control lists.
    pub(crate) fn new(name: String, owner: AccountId, region: Region, now: Timestamp) -> Self {
        let location = (region.as_str() != Self::FIRST_REGION).then(|| region.to_string());
        Self {
            name,
            owner,
            region,
            created: now,
            location,
            versioning: Versioning::Off,
            object_lock: false,
            policy: None,
            policy_is_public: false,
            settings: [blocked_public_access(), enforced_ownership()].into(),
            numbered: BTreeMap::new(),
        }
    }

    /// Whether one of the four switches of the public access block is on.
    pub(crate) fn blocks(&self, switch: &str) -> bool {
        self.settings
            .get("publicAccessBlock")
            .and_then(|block| block.value(switch))
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// `arn:aws:s3:::name`.
    pub(crate) fn arn(&self) -> String {
        format!(
            "arn:{}:s3:::{}",
            types::Partition::of_region(&self.region),
            self.name
        )
    }
}

fn blocked_public_access() -> (String, Node) {
    let block = [
        "BlockPublicAcls",
        "IgnorePublicAcls",
        "BlockPublicPolicy",
        "RestrictPublicBuckets",
    ]
    .into_iter()
    .fold(
        Node::new("PublicAccessBlockConfiguration"),
        |block, switch| block.with(Node::text(switch, "true")),
    );
    ("publicAccessBlock".to_string(), block)
}

fn enforced_ownership() -> (String, Node) {
    let rule = Node::new("Rule").with(Node::text("ObjectOwnership", "BucketOwnerEnforced"));
    (
        "ownershipControls".to_string(),
        Node::new("OwnershipControls").with(rule),
    )
}

/// The headers that are stored with an object and given back unchanged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ContentHeaders {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cache_control: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_disposition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_encoding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_language: Option<String>,
    /// As the client wrote it: S3 does not parse it either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<String>,
}

/// How a checksum covers a multipart object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ChecksumScope {
    /// The checksum of the parts' checksums.
    Composite,
    /// The checksum of all bytes.
    FullObject,
}

/// The additional checksums that S3 knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ChecksumAlgorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

/// A checksum as it is stored and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredChecksum {
    pub(crate) algorithm: ChecksumAlgorithm,
    pub(crate) scope: ChecksumScope,
    /// Base64, with `-N` behind a composite one.
    pub(crate) value: String,
}

/// What travels with an object besides its bytes, fixed when the write begins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObjectSettings {
    #[serde(default)]
    pub(crate) headers: ContentHeaders,
    /// `x-amz-meta-*`, without the prefix.
    #[serde(default)]
    pub(crate) user: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) storage_class: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tags: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retention: Option<Retention>,
    #[serde(default)]
    pub(crate) legal_hold: bool,
    /// `None` for SSE-S3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) encryption: Option<Encryption>,
}

/// With which key an object is said to be encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Encryption {
    /// `aws:kms` or `aws:kms:dsse`.
    pub(crate) algorithm: String,
    /// Its ARN.
    pub(crate) key: String,
    pub(crate) bucket_key: bool,
}

/// Who may shorten a retention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RetentionMode {
    /// Who has the permission to bypass it, and says so.
    Governance,
    /// Nobody.
    Compliance,
}

/// Until when a version stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Retention {
    pub(crate) mode: RetentionMode,
    pub(crate) until: Timestamp,
}

/// A part, as it is remembered after completion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CompletedPartRecord {
    pub(crate) number: u16,
    pub(crate) size: u64,
}

/// The bytes of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BodyRecord {
    pub(crate) size: u64,
    /// Without its quotes.
    pub(crate) etag: String,
    #[serde(default)]
    pub(crate) checksum: Option<StoredChecksum>,
    /// Empty unless the object was uploaded in parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) parts: Vec<CompletedPartRecord>,
    #[serde(default)]
    pub(crate) settings: ObjectSettings,
}

/// One version of an object, or a delete marker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VersionRecord {
    pub(crate) key: String,
    pub(crate) id: String,
    /// Grows with every write to the store; the file's name.
    pub(crate) sequence: u64,
    pub(crate) modified: Timestamp,
    /// `None` for a delete marker.
    pub(crate) body: Option<BodyRecord>,
}

/// A multipart upload that has begun.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct UploadRecord {
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) initiated: Timestamp,
    /// The ARN of who began it.
    pub(crate) initiator: String,
    pub(crate) checksum: Option<(ChecksumAlgorithm, ChecksumScope)>,
    pub(crate) settings: ObjectSettings,
}

/// An uploaded part.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PartRecord {
    pub(crate) number: u16,
    pub(crate) sequence: u64,
    pub(crate) size: u64,
    pub(crate) etag: String,
    pub(crate) modified: Timestamp,
    pub(crate) checksum: Option<(ChecksumAlgorithm, String)>,
}
