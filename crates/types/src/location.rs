//! Where objects live, without credentials.

use crate::{BucketName, Endpoint, KeyPrefix, Region};
use serde::{Deserialize, Serialize};

/// How a bucket is named in requests to an S3-compatible store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressingStyle {
    /// `https://endpoint/bucket/key`.
    Path,
    /// `https://bucket.endpoint/key`.
    VirtualHosted,
}

/// The kind of store behind a location.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Backend {
    /// Amazon S3.
    AwsS3 {
        /// The bucket's region.
        region: Region,
        /// Instead of the region's own endpoint: a VPC endpoint, or the sandbox.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        endpoint: Option<Endpoint>,
    },
    /// MinIO, Ceph, R2, and others that speak S3.
    S3Compatible {
        /// Where it listens.
        endpoint: Endpoint,
        /// The region that its signatures name.
        region: Region,
        /// How it wants buckets to be addressed.
        addressing: AddressingStyle,
    },
}

impl Backend {
    /// The region that signatures towards this backend name.
    pub fn region(&self) -> &Region {
        match self {
            Self::AwsS3 { region, .. } | Self::S3Compatible { region, .. } => region,
        }
    }
}

/// Backend, bucket and prefix: *where*, without the key to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Location {
    /// The kind of store, and how it is reached.
    pub backend: Backend,
    /// The real bucket.
    pub bucket: BucketName,
    /// What stands before every key of the tenant.
    #[serde(default)]
    pub prefix: KeyPrefix,
}
