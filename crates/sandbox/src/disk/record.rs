//! What is remembered about buckets, object versions and uploads.

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

/// The four switches of a public access block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PublicAccessBlock {
    pub(crate) block_public_acls: bool,
    pub(crate) ignore_public_acls: bool,
    pub(crate) block_public_policy: bool,
    pub(crate) restrict_public_buckets: bool,
}

impl PublicAccessBlock {
    /// All four on: what a new bucket has.
    pub(crate) const ALL: Self = Self {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    };
}

/// A bucket and its settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BucketRecord {
    pub(crate) name: String,
    pub(crate) owner: AccountId,
    pub(crate) region: Region,
    pub(crate) created: Timestamp,
    #[serde(default)]
    pub(crate) versioning: Versioning,
    #[serde(default)]
    pub(crate) public_access_block: Option<PublicAccessBlock>,
    #[serde(default)]
    pub(crate) policy: Option<String>,
}

impl BucketRecord {
    /// `arn:aws:s3:::name`.
    pub(crate) fn arn(&self) -> String {
        format!(
            "arn:{}:s3:::{}",
            types::Partition::of_region(&self.region),
            self.name
        )
    }
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
