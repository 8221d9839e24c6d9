//! From what a person wrote to what shall be: every rule that can be checked without a call.
//!
//! All mistakes are reported together. What passes here is a complete [`Desired`].

mod bucket;
mod events;
mod lifecycle;
mod role;
mod text;

pub(crate) use role::managed_policy_arn;

use crate::model::bucket::{DesiredBucket, Purpose};
use crate::model::desired::{Desired, ORIGIN_TAG, OWNER_TAG, Store, UNMANAGED_TAG};
use crate::model::names::Naming;
use crate::model::problems::{Checks, Problems};
use crate::model::role::VpcEndpoint;
use crate::model::spec::{TenantSpec, VpcEndpointSpec};
use std::collections::{BTreeMap, BTreeSet};
use types::{AccountId, ExternalId, ExternalIdPrefix, KeyPrefix, Partition, Region, TenantId};

/// Where the caller stands, as STS says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// From the caller's own ARN, never assumed.
    pub partition: Partition,
    /// The account that the calls go to.
    pub account: AccountId,
}

/// Checks `spec` and completes it.
///
/// `home` is the caller's own account; without it (rendering offline) `spec.account` must be
/// given. When both are there they must agree.
///
/// # Errors
/// Every mistake at once.
pub fn compile(spec: &TenantSpec, home: Option<&Home>) -> Result<Desired, Problems> {
    let mut checks = Checks::default();
    let base = base(spec, home, &mut checks);
    let desired = base.and_then(|base| complete(spec, base, &mut checks));
    checks.finish(desired)
}

/// What the parts of a set-up share.
struct Base<'a> {
    tenant: TenantId,
    naming_prefix: Option<&'a str>,
    region: Region,
    store: Store,
    key_prefix: KeyPrefix,
    external_id: ExternalId,
    owner: String,
    tags: BTreeMap<String, String>,
    notices: Vec<String>,
}

impl Base<'_> {
    fn account(&self) -> Option<&AccountId> {
        match &self.store {
            Store::Aws { account, .. } => Some(account),
            Store::Compatible { .. } => None,
        }
    }

    fn partition(&self) -> Partition {
        match &self.store {
            Store::Aws { partition, .. } => *partition,
            Store::Compatible { .. } => Partition::Aws,
        }
    }
}

fn base<'a>(spec: &'a TenantSpec, home: Option<&Home>, checks: &mut Checks) -> Option<Base<'a>> {
    let tenant = checks.keep("org_id", TenantId::parse(&*spec.org_id));
    text::label(&spec.project, "project", checks);
    text::label(&spec.environment, "environment", checks);
    if let Some(prefix) = &spec.bucket_prefix {
        text::label(prefix, "bucket_prefix", checks);
    }
    let region = checks.keep("region", Region::parse(&*spec.region));
    let base_path = checks.keep("base_path", KeyPrefix::parse(&*spec.base_path));
    if let Some(base_path) = &base_path {
        text::plain(base_path.as_str(), "base_path", checks);
    }
    let external_prefix = match &spec.external_id_prefix {
        None => Some(ExternalIdPrefix::default()),
        Some(text) => checks.keep("external_id_prefix", ExternalIdPrefix::parse(&**text)),
    };
    let store = region
        .as_ref()
        .and_then(|region| store(spec, home, region, checks));
    text::tags(&spec.tags, "tags", checks);

    let (tenant, base_path) = (tenant?, base_path?);
    let key_prefix = checks.keep(
        "base_path",
        KeyPrefix::parse(format!("{base_path}orgs/{tenant}/")),
    )?;
    Some(Base {
        external_id: ExternalId::of(&external_prefix?, &tenant),
        owner: format!("{}/{}/{tenant}", spec.project, spec.environment),
        naming_prefix: spec.bucket_prefix.as_deref(),
        tags: spec.tags.clone(),
        notices: Vec::new(),
        region: region?,
        store: store?,
        key_prefix,
        tenant,
    })
}

fn store(
    spec: &TenantSpec,
    home: Option<&Home>,
    region: &Region,
    checks: &mut Checks,
) -> Option<Store> {
    if let Some(compatible) = &spec.compatible {
        let endpoint = checks.keep(
            "compatible.endpoint",
            types::Endpoint::parse(&compatible.endpoint),
        )?;
        return Some(Store::Compatible {
            endpoint,
            addressing: compatible.addressing,
        });
    }
    let declared = checks.keep_optional("account", spec.account.as_deref(), |text| {
        AccountId::parse(text)
    })?;
    let account = match (declared, home) {
        (Some(declared), Some(home)) if declared != home.account => {
            checks.refuse(
                "account",
                format!(
                    "the file says {declared}, but the credentials belong to {}: use credentials of {declared}",
                    home.account
                ),
            );
            return None;
        }
        (Some(declared), _) => declared,
        (None, Some(home)) => home.account.clone(),
        (None, None) => {
            checks.refuse(
                "account",
                "without credentials the account must be given (--account)",
            );
            return None;
        }
    };
    let partition = Partition::of_region(region);
    if let Some(home) = home
        && home.partition != partition
    {
        checks.refuse(
            "region",
            format!(
                "{region} lies in the partition {partition}, but the credentials belong to {}",
                home.partition
            ),
        );
        return None;
    }
    Some(Store::Aws { partition, account })
}

fn complete(spec: &TenantSpec, mut base: Base<'_>, checks: &mut Checks) -> Option<Desired> {
    let buckets = buckets(spec, &mut base, checks);
    let role = match &base.store {
        Store::Aws { .. } => role::compile(spec, &base, checks).map(Some),
        Store::Compatible { .. } => {
            checks.require(
                spec.role == Default::default(),
                "role",
                "an S3-compatible store has no role: its keys are its access",
            );
            Some(None)
        }
    };
    let vpc_endpoint = spec
        .vpc_endpoint
        .as_ref()
        .map(|spec| vpc_endpoint(spec, checks));
    if vpc_endpoint.is_some() && spec.compatible.is_some() {
        checks.refuse("vpc_endpoint", "an S3-compatible store has no VPC endpoint");
    }
    Some(Desired {
        buckets: buckets?,
        role: role?,
        tenant: base.tenant,
        project: spec.project.clone(),
        environment: spec.environment.clone(),
        store: base.store,
        region: base.region,
        key_prefix: base.key_prefix,
        external_id: base.external_id,
        owner: base.owner,
        vpc_endpoint,
        list_uploads: spec.list_uploads,
        notices: base.notices,
    })
}

fn buckets(
    spec: &TenantSpec,
    base: &mut Base<'_>,
    checks: &mut Checks,
) -> Option<Vec<DesiredBucket>> {
    let names = bucket::Names::choose(spec, base, checks)?;
    let data = bucket::compile(spec, Purpose::Data, &names, base, checks);
    let results = bucket::compile(spec, Purpose::Results, &names, base, checks);
    let mut buckets = Vec::new();
    if bucket::needs_logs_bucket(spec, &names) {
        buckets.push(bucket::logs(spec, &names, base));
    } else if spec.logs_bucket.is_some() {
        checks.refuse(
            "logs_bucket",
            "neither logging nor an inventory goes to it: give data.logging or results.logging without a target",
        );
    }
    buckets.push(data?);
    buckets.push(results?);
    Some(buckets)
}

fn vpc_endpoint(spec: &VpcEndpointSpec, checks: &mut Checks) -> VpcEndpoint {
    let mut id = |text: &str, prefix: &str, path: &str| {
        let hexadecimal = |rest: &str| {
            (8..=17).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_hexdigit())
        };
        checks.require(
            text.strip_prefix(prefix).is_some_and(hexadecimal),
            path,
            format!("{text:?} must look like {prefix}0123456789abcdef0"),
        );
    };
    id(&spec.vpc_id, "vpc-", "vpc_endpoint.vpc_id");
    for (list, prefix, path) in [
        (
            &spec.route_table_ids,
            "rtb-",
            "vpc_endpoint.route_table_ids",
        ),
        (&spec.subnet_ids, "subnet-", "vpc_endpoint.subnet_ids"),
        (
            &spec.security_group_ids,
            "sg-",
            "vpc_endpoint.security_group_ids",
        ),
    ] {
        for text in list {
            id(text, prefix, path);
        }
    }
    VpcEndpoint {
        vpc_id: spec.vpc_id.clone(),
        kind: spec.kind,
        route_table_ids: spec.route_table_ids.clone(),
        subnet_ids: spec.subnet_ids.clone(),
        security_group_ids: spec.security_group_ids.clone(),
    }
}

/// The tags of a resource: the tenant's, its own, and ours, which nobody may give.
fn tags_with_owner(
    base: &Base<'_>,
    own: &BTreeMap<String, String>,
    path: &str,
    checks: &mut Checks,
) -> BTreeMap<String, String> {
    text::tags(own, path, checks);
    let mut tags = base.tags.clone();
    tags.extend(own.iter().map(|(k, v)| (k.clone(), v.clone())));
    // 50 per resource, of which three are ours. Source: S3 and IAM quotas.
    checks.require(
        tags.len() <= 47,
        path,
        "a resource can have 47 tags besides our own three",
    );
    // IAM takes tag keys for the same that differ in case only.
    let mut seen = BTreeSet::new();
    for key in tags.keys() {
        checks.require(
            seen.insert(key.to_lowercase()),
            path,
            format!("two tag keys differ from {key:?} in case only, or not at all"),
        );
    }
    tags.insert(OWNER_TAG.to_string(), base.owner.clone());
    tags
}

fn naming<'a>(spec: &'a TenantSpec, base: &'a Base<'_>) -> Naming<'a> {
    Naming {
        prefix: base.naming_prefix,
        project: &spec.project,
        environment: &spec.environment,
        tenant: &base.tenant,
    }
}

/// Every tenant of a run: compiles each, then looks for what they would share.
///
/// # Errors
/// Every mistake of every tenant.
pub fn compile_all(specs: &[TenantSpec], home: Option<&Home>) -> Result<Vec<Desired>, Problems> {
    if let [spec] = specs {
        return Ok(vec![compile(spec, home)?]);
    }
    let mut checks = Checks::default();
    let mut all = Vec::new();
    for spec in specs {
        match compile(spec, home) {
            Ok(desired) => all.push(desired),
            Err(problems) => checks.of_tenant(&spec.org_id, problems),
        }
    }
    let all = checks.finish(Some(all))?;
    check_together(&all)?;
    Ok(all)
}

/// Mistakes between tenants of one file: the same tenant twice, or two with one bucket.
pub fn check_together(all: &[Desired]) -> Result<(), Problems> {
    let mut checks = Checks::default();
    let mut owners = BTreeSet::new();
    let mut buckets: BTreeMap<&str, &TenantId> = BTreeMap::new();
    for desired in all {
        if !owners.insert(&desired.owner) {
            checks.refuse(
                "tenants",
                format!("{} stands twice in the file", desired.owner),
            );
            continue;
        }
        for bucket in &desired.buckets {
            if let Some(other) = buckets.insert(bucket.name.as_str(), &desired.tenant) {
                checks.refuse(
                    "tenants",
                    format!(
                        "{other} and {} would share the bucket {}",
                        desired.tenant, bucket.name
                    ),
                );
            }
        }
    }
    checks.finish(Some(()))
}

/// Whether a tag key is one of ours.
pub fn is_our_tag(key: &str) -> bool {
    [OWNER_TAG, ORIGIN_TAG, UNMANAGED_TAG].contains(&key)
}
