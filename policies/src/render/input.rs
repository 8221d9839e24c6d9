//! What documents are made from.

use std::collections::BTreeSet;
use types::{
    AccountId, BucketAccess, BucketName, ExternalId, KeyPrefix, ParseError, Partition, Region,
    RoleArn,
};

/// The ARN of a KMS key; aliases are refused, because IAM does not follow them in `Resource`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyArn {
    text: String,
    region: Region,
}

impl KeyArn {
    /// Parses `arn:aws:kms:region:account:key/id`.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let refuse = |reason| Err(ParseError::new("KMS key ARN", text, reason));
        let fields: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, "kms", region, account, resource] = fields[..] else {
            return refuse("it must look like arn:aws:kms:eu-central-1:123456789012:key/id");
        };
        if !["aws", "aws-cn", "aws-us-gov"].contains(&partition) {
            return refuse("the partition must be aws, aws-cn or aws-us-gov");
        }
        AccountId::parse(account)?;
        let region = Region::parse(region)?;
        let Some(id) = resource.strip_prefix("key/") else {
            return refuse("it must name a key by its id, not by an alias");
        };
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if id.is_empty() || id.len() > 128 || !id.bytes().all(plain) {
            return refuse("the key id must have letters, digits and '-' only");
        }
        Ok(Self {
            text: text.to_string(),
            region,
        })
    }

    /// The ARN itself.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where the key is.
    pub fn region(&self) -> &Region {
        &self.region
    }
}

/// What a session may carry besides its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SessionExtra {
    /// Session tags.
    Tags,
    /// A source identity.
    SourceIdentity,
}

/// Who may assume a tenant's role.
#[derive(Debug, Clone)]
pub struct CrossAccountTrust {
    /// The only role of the vendor that may.
    pub vendor: RoleArn,
    /// What it must say.
    pub external_id: ExternalId,
    /// What it may send along: AssumeRole with session tags fails unless the trust allows it.
    pub extras: BTreeSet<SessionExtra>,
}

/// Which service may assume a role.
#[derive(Debug, Clone)]
pub enum ServiceTrust {
    /// EC2 instances, Batch compute environments included.
    Ec2 {
        /// Where.
        partition: Partition,
    },
    /// Batch jobs and ECS tasks.
    EcsTasks {
        /// Where.
        partition: Partition,
        /// Whose tasks.
        account: AccountId,
        /// In which region.
        region: Region,
    },
}

/// One bucket of a tenant.
#[derive(Debug, Clone)]
pub struct TenantBucket {
    /// Its name.
    pub bucket: BucketName,
    /// The key that its objects are encrypted with, when that is a customer-managed one.
    pub key: Option<KeyArn>,
}

/// What a tenant's role may do beyond the minimum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PermissionExtra {
    /// Read older versions of objects.
    ReadVersions,
    /// List unfinished uploads of the results bucket. No condition can limit this to a prefix, so
    /// it shows the keys of everyone else in the bucket: for dedicated buckets only.
    ListUploads,
    /// Delete versions below `{prefix}.byos-probe/`, so that a probe leaves nothing behind in a
    /// versioned bucket.
    DeleteProbeVersions,
}

/// What a tenant's role may do.
#[derive(Debug, Clone)]
pub struct TenantPermissions {
    /// Where.
    pub partition: Partition,
    /// Who owns the buckets: a bucket of the same name in another account is out of reach.
    pub account: AccountId,
    /// What stands before every key; empty for whole buckets.
    pub prefix: KeyPrefix,
    /// Read only.
    pub data: Option<TenantBucket>,
    /// Read and write.
    pub results: Option<TenantBucket>,
    /// Beyond the minimum.
    pub extras: BTreeSet<PermissionExtra>,
}

/// What one session keeps of what its role may do.
#[derive(Debug, Clone)]
pub struct SessionGrant {
    /// In which bucket.
    pub bucket: BucketName,
    /// Below which prefix; empty for the whole bucket.
    pub prefix: KeyPrefix,
    /// Reading, or reading and writing.
    pub access: BucketAccess,
}

/// How objects must be encrypted when a client says how.
#[derive(Debug, Clone)]
pub enum RequiredEncryption {
    /// With keys of S3.
    S3Managed,
    /// With this key.
    Kms(KeyArn),
}

/// Whether clients may bring their own encryption keys (SSE-C).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CustomerKeys {
    /// Not our business: since 2026 new buckets block them anyway.
    Unmentioned,
    /// Refused.
    Refused,
}

/// A bucket that sends something somewhere.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name.
    pub bucket: BucketName,
    /// Its owner.
    pub account: AccountId,
    /// What stands before every key that it writes in the target.
    pub target_prefix: String,
}

/// A bucket's own policy.
#[derive(Debug, Clone)]
pub struct BucketPolicy {
    /// Where.
    pub partition: Partition,
    /// Which bucket.
    pub bucket: BucketName,
    /// Refuses uploads that ask for another encryption; uploads that ask for none are left to the
    /// bucket's default.
    pub encryption: Option<RequiredEncryption>,
    /// Whether SSE-C is refused.
    pub customer_keys: CustomerKeys,
    /// Buckets whose access logs come here.
    pub access_logs: Vec<Source>,
    /// Buckets whose inventories come here.
    pub inventories: Vec<Source>,
}

/// The policy of a queue or a topic that receives events.
#[derive(Debug, Clone)]
pub struct EventTarget {
    /// Where.
    pub partition: Partition,
    /// The ARN of the queue or topic.
    pub destination: String,
    /// Buckets whose events come here; their `target_prefix` does not matter.
    pub sources: Vec<Source>,
}

/// Who may use a customer-managed key: to be added to the key's own policy.
#[derive(Debug, Clone)]
pub struct KeyUse {
    /// Where.
    pub region: Region,
    /// The tenant's role.
    pub role: RoleArn,
    /// Buckets whose events go to a queue or topic that is encrypted with the key.
    pub event_sources: Vec<Source>,
    /// Buckets whose inventories are encrypted with the key.
    pub inventories: Vec<Source>,
}

/// The policy of a VPC gateway endpoint.
#[derive(Debug, Clone)]
pub struct EndpointPolicy {
    /// The tenant's role.
    pub role: RoleArn,
    /// Read only.
    pub data: Option<BucketName>,
    /// Read and write.
    pub results: Option<BucketName>,
}
