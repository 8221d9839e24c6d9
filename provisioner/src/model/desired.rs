//! The whole of one tenant's set-up as it shall be: typed, complete, checked.

use crate::model::bucket::{DesiredBucket, Purpose};
use crate::model::role::{DesiredRole, VpcEndpoint};
use serde::Serialize;
use types::{
    AccountId, AddressingStyle, Endpoint, ExternalId, KeyPrefix, Partition, Region, TenantId,
};

/// The tag that says whose a bucket, role or policy is; without it nothing is taken or deleted.
pub const OWNER_TAG: &str = "byos:owner";
/// The tag that says whether we made the resource (`created`) or took it over (`adopted`).
pub const ORIGIN_TAG: &str = "byos:origin";
/// The tag that lists the settings of an adopted resource that stay as they are.
pub const UNMANAGED_TAG: &str = "byos:unmanaged";

/// One tenant's set-up as it shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Desired {
    /// Whose it is.
    pub tenant: TenantId,
    /// The product.
    pub project: String,
    /// The stage.
    pub environment: String,
    /// Which store.
    pub store: Store,
    /// Where the buckets stand.
    pub region: Region,
    /// What stands before every key of the tenant: `{base_path}orgs/{org_id}/`.
    pub key_prefix: KeyPrefix,
    /// What the gateway must present to assume the role.
    pub external_id: ExternalId,
    /// The value of [`OWNER_TAG`] on everything: `{project}/{environment}/{org_id}`.
    pub owner: String,
    /// In the order in which they are made: logs (when needed), data, results.
    pub buckets: Vec<DesiredBucket>,
    /// The role; S3-compatible stores have none.
    pub role: Option<DesiredRole>,
    /// Only for Terraform and CloudFormation.
    pub vpc_endpoint: Option<VpcEndpoint>,
    /// Whether the role may list the uploads in progress of the results bucket. There is no
    /// prefix condition for it, so it shows keys of other prefixes: only for dedicated buckets.
    pub list_uploads: bool,
    /// Things that are legal but worth a second look.
    pub notices: Vec<String>,
}

/// The kind of store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Store {
    /// Amazon S3, in the customer's account.
    Aws {
        /// The partition, from the caller's own ARN.
        partition: Partition,
        /// The customer's account.
        account: AccountId,
    },
    /// MinIO, Ceph, R2 and others.
    Compatible {
        /// Where it listens.
        endpoint: Endpoint,
        /// How it wants buckets addressed.
        addressing: AddressingStyle,
    },
}

impl Desired {
    /// The bucket with `purpose`; there is always one for data and one for results.
    pub fn bucket(&self, purpose: Purpose) -> Option<&DesiredBucket> {
        self.buckets.iter().find(|b| b.purpose == purpose)
    }

    /// The data bucket.
    pub fn data(&self) -> &DesiredBucket {
        self.bucket(Purpose::Data)
            .expect("compile always makes a data bucket")
    }

    /// The results bucket.
    pub fn results(&self) -> &DesiredBucket {
        self.bucket(Purpose::Results)
            .expect("compile always makes a results bucket")
    }

    /// The partition and the account, on AWS.
    pub fn aws(&self) -> Option<(Partition, &AccountId)> {
        match &self.store {
            Store::Aws { partition, account } => Some((*partition, account)),
            Store::Compatible { .. } => None,
        }
    }
}
