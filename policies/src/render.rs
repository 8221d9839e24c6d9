//! Documents from data: the statements in `policies/*/*.json`, chosen by `policies/manifest.json`,
//! filled in with checked values.
//!
//! The same files feed the Terraform module `terraform/modules/policy-documents`, and a test
//! compares the two. Nothing here decides by itself what a document says: to change a document,
//! change its file.

mod files;
mod input;
mod json;
mod manifest;
mod template;

pub use input::{
    BucketPolicy, CrossAccountTrust, CustomerKeys, EndpointPolicy, EventTarget, KeyArn, KeyUse,
    PermissionExtra, RequiredEncryption, ServiceTrust, SessionExtra, SessionGrant, Source,
    TenantBucket, TenantPermissions,
};
pub use json::{Budget, Document};

use crate::document::Malformed;
use crate::escape::literal;
use manifest::{Inputs, assemble};
use std::collections::{BTreeMap, BTreeSet};
use template::Values;
use types::{BucketAccess, BucketName, Partition};

/// Why a document cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// A file asks for a value that nobody gives.
    #[error("placeholder {0:?} has no value")]
    Placeholder(String),
    /// Nothing was asked for: no bucket, no source.
    #[error("the document would have no statement")]
    Empty,
    /// A value holds a character that policies may not hold, mostly one in a prefix.
    #[error("character {0:?} may not stand in a policy: U+0020 to U+00FF only")]
    Character(char),
    /// AWS would refuse its size.
    #[error("the document has {size} characters, and a {budget} may have {limit}")]
    TooLong {
        /// Of what.
        budget: Budget,
        /// What it has.
        size: usize,
        /// What it may have.
        limit: usize,
    },
    /// A value does not fit its place.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// Below a tenant's prefix, where probes write and leave nothing.
pub const PROBE_FOLDER: &str = ".byos-probe/";

/// The trust policy of a tenant's role, for one role of the vendor with the tenant's external id.
///
/// The principal is the vendor's account, narrowed by `aws:PrincipalArn`: a role named as
/// principal would be stored by its unique id, and re-creating it would lock every tenant out.
pub fn trust_policy(input: &CrossAccountTrust) -> Result<Document, RenderError> {
    let mut inputs = Inputs::default();
    let values = &mut inputs.values;
    values.set("vendor_partition", input.vendor.partition().as_str());
    values.set("vendor_account", input.vendor.account().as_str());
    values.set("vendor_role", input.vendor.to_string());
    values.set("external_id", input.external_id.as_str());
    let wants = |extra| input.extras.contains(&extra);
    inputs.flag("tag_session", wants(SessionExtra::Tags));
    inputs.flag("source_identity", wants(SessionExtra::SourceIdentity));
    fitting(
        Budget::TrustPolicy,
        assemble("trust/cross_account", &inputs)?,
    )
}

/// The trust policy of a role for compute.
pub fn service_trust_policy(input: &ServiceTrust) -> Result<Document, RenderError> {
    let mut inputs = Inputs::default();
    let name = match input {
        ServiceTrust::Ec2 { partition } => {
            set_partition(&mut inputs.values, *partition);
            "trust/ec2"
        }
        ServiceTrust::EcsTasks {
            partition,
            account,
            region,
        } => {
            set_partition(&mut inputs.values, *partition);
            inputs.values.set("account", account.as_str());
            inputs.values.set("region", region.as_str());
            "trust/ecs_tasks"
        }
    };
    fitting(Budget::TrustPolicy, assemble(name, &inputs)?)
}

/// What a tenant's role may do. It fits the inline budget; see [`Budget::ManagedPolicy`].
pub fn permission_policy(input: &TenantPermissions) -> Result<Document, RenderError> {
    let mut inputs = Inputs::default();
    set_partition(&mut inputs.values, input.partition);
    inputs.values.set("account", input.account.as_str());
    inputs.values.set("prefix", literal(input.prefix.as_str()));
    inputs.flag("scoped", !input.prefix.is_empty());
    inputs.flag("whole_bucket", input.prefix.is_empty());
    if let Some(data) = &input.data {
        inputs.flag("data", true);
        inputs.values.set("data_bucket", data.bucket.as_str());
        if let Some(key) = &data.key {
            inputs.flag("data_key", true);
            inputs.values.set("data_key", key.as_str());
            inputs.values.set("data_key_region", key.region().as_str());
        }
    }
    if let Some(results) = &input.results {
        inputs.flag("results", true);
        inputs.values.set("results_bucket", results.bucket.as_str());
        if let Some(key) = &results.key {
            inputs.flag("results_key", true);
            inputs.values.set("results_key", key.as_str());
            inputs
                .values
                .set("results_key_region", key.region().as_str());
        }
    }
    let wants = |extra| input.extras.contains(&extra);
    inputs.flag("read_versions", wants(PermissionExtra::ReadVersions));
    inputs.flag("list_uploads", wants(PermissionExtra::ListUploads));
    inputs.flag("probe", wants(PermissionExtra::DeleteProbeVersions));
    fitting(
        Budget::InlineRolePolicies,
        assemble("permission/tenant", &inputs)?,
    )
}

/// What the gateway passes to AssumeRole: the session keeps these buckets and prefixes and no
/// more, whatever the customer's role allows.
///
/// It says nothing about which KMS keys: those are for the role to limit.
pub fn session_policy(
    partition: Partition,
    grants: &[SessionGrant],
) -> Result<Document, RenderError> {
    let mut inputs = Inputs::default();
    let bucket_arn = |bucket: &BucketName| format!("arn:{partition}:s3:::{bucket}");
    let below = |grant: &SessionGrant, folder: &str| {
        let prefix = literal(grant.prefix.as_str());
        format!("{}/{prefix}{folder}*", bucket_arn(&grant.bucket))
    };
    let writing = || {
        grants
            .iter()
            .filter(|grant| grant.access == BucketAccess::ReadWrite)
    };
    let values = &mut inputs.values;
    values.set_list(
        "buckets",
        sorted(grants.iter().map(|g| bucket_arn(&g.bucket))),
    );
    values.set_list("objects", sorted(grants.iter().map(|g| below(g, ""))));
    values.set_list("writable", sorted(writing().map(|g| below(g, ""))));
    values.set_list(
        "writable_buckets",
        sorted(writing().map(|g| bucket_arn(&g.bucket))),
    );
    values.set_list("probes", sorted(writing().map(|g| below(g, PROBE_FOLDER))));
    inputs.flag("write", writing().next().is_some());

    // Buckets with the same prefix share a statement.
    let mut by_prefix: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for grant in grants {
        by_prefix
            .entry(grant.prefix.as_str())
            .or_default()
            .push(bucket_arn(&grant.bucket));
    }
    if let Some(whole) = by_prefix.remove("") {
        inputs.flag("whole_bucket", true);
        inputs.values.set_list("whole_buckets", sorted(whole));
    }
    let listings = by_prefix
        .into_iter()
        .enumerate()
        .map(|(at, (prefix, buckets))| {
            let mut values = Values::default();
            values.set("number", (at + 1).to_string());
            values.set("prefix", literal(prefix));
            values.set_list("buckets", sorted(buckets));
            values
        });
    inputs.lists.insert("listings", listings.collect());
    inputs.flag("any", !grants.is_empty());
    fitting(Budget::SessionPolicy, assemble("session/tenant", &inputs)?)
}

/// The policy of a bucket: denials for everyone, and what deliveries to it need.
///
/// Nothing in it grants anything to a person or a role, so public-access block never minds it.
pub fn bucket_policy(input: &BucketPolicy) -> Result<Document, RenderError> {
    let mut inputs = Inputs::default();
    set_partition(&mut inputs.values, input.partition);
    inputs.values.set("bucket", input.bucket.as_str());
    match &input.encryption {
        None => {}
        Some(RequiredEncryption::S3Managed) => {
            inputs.flag("encryption", true);
            inputs.values.set("encryption", "AES256");
        }
        Some(RequiredEncryption::Kms(key)) => {
            inputs.flag("encryption", true);
            inputs.flag("bucket_key", true);
            inputs.values.set("encryption", "aws:kms");
            inputs.values.set("bucket_key", key.as_str());
        }
    }
    let refuse = input.customer_keys == CustomerKeys::Refused;
    inputs.flag("refuse_customer_keys", refuse);
    inputs
        .lists
        .insert("access_logs", sources(&input.access_logs));
    inputs
        .lists
        .insert("inventories", sources(&input.inventories));
    fitting(Budget::BucketPolicy, assemble("bucket/policy", &inputs)?)
}

/// The policy of an SQS queue that receives events of buckets.
pub fn queue_policy(input: &EventTarget) -> Result<Document, RenderError> {
    event_target("delivery/queue", input)
}

/// The policy of an SNS topic that receives events of buckets.
pub fn topic_policy(input: &EventTarget) -> Result<Document, RenderError> {
    event_target("delivery/topic", input)
}

/// Statements to add to the policy of a customer-managed key.
pub fn key_policy(input: &KeyUse) -> Result<Document, RenderError> {
    let mut inputs = Inputs::default();
    set_partition(&mut inputs.values, input.role.partition());
    inputs.values.set("account", input.role.account().as_str());
    inputs.values.set("region", input.region.as_str());
    inputs.values.set("tenant_role", input.role.to_string());
    inputs.flag("tenant_role", true);
    inputs
        .lists
        .insert("sources", sources(&input.event_sources));
    inputs
        .lists
        .insert("inventories", sources(&input.inventories));
    assemble("key/tenant", &inputs)
}

/// The policy of a VPC gateway endpoint: the tenant's role, on the tenant's buckets.
pub fn endpoint_policy(input: &EndpointPolicy) -> Result<Document, RenderError> {
    let mut inputs = Inputs::default();
    set_partition(&mut inputs.values, input.role.partition());
    inputs.values.set("tenant_role", input.role.to_string());
    if let Some(data) = &input.data {
        inputs.flag("data", true);
        inputs.values.set("data_bucket", data.as_str());
    }
    if let Some(results) = &input.results {
        inputs.flag("results", true);
        inputs.values.set("results_bucket", results.as_str());
    }
    assemble("endpoint/tenant", &inputs)
}

fn event_target(name: &str, input: &EventTarget) -> Result<Document, RenderError> {
    let mut inputs = Inputs::default();
    set_partition(&mut inputs.values, input.partition);
    inputs.values.set("destination", input.destination.as_str());
    inputs.lists.insert("sources", sources(&input.sources));
    assemble(name, &inputs)
}

fn sources(list: &[Source]) -> Vec<Values> {
    let one = |(at, source): (usize, &Source)| {
        let mut values = Values::default();
        values.set("number", (at + 1).to_string());
        values.set("source_bucket", source.bucket.as_str());
        values.set("source_account", source.account.as_str());
        values.set("target_prefix", literal(&source.target_prefix));
        values
    };
    list.iter().enumerate().map(one).collect()
}

fn set_partition(values: &mut Values, partition: Partition) {
    values.set("partition", partition.as_str());
    values.set("dns_suffix", partition.dns_suffix());
}

fn sorted(texts: impl IntoIterator<Item = String>) -> Vec<String> {
    texts
        .into_iter()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

fn fitting(budget: Budget, document: Document) -> Result<Document, RenderError> {
    budget.check(&document)?;
    Ok(document)
}
