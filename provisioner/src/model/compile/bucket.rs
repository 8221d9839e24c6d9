//! The rules of one bucket: name, encryption, logging, inventory, object lock, CORS.

use super::{Base, events, lifecycle, naming, tags_with_owner, text};
use crate::model::arn::Arn;
use crate::model::bucket::{
    DesiredBucket, Encryption, Inventory, Lifecycle, Logging, Namespace, OUR_ID_PREFIX, Purpose,
    Versioning,
};
use crate::model::cors::CorsRule;
use crate::model::problems::Checks;
use crate::model::spec::{BucketSpec, EncryptionSpec, InventorySpec, TenantSpec};
use std::collections::BTreeSet;
use types::{AccountId, BucketName};

/// Incomplete uploads are aborted after a week unless the specification says otherwise.
const ABORT_INCOMPLETE_DAYS: u32 = 7;

/// The names of the tenant's buckets.
pub(super) struct Names {
    data: BucketName,
    results: BucketName,
    logs: BucketName,
}

impl Names {
    pub(super) fn choose(spec: &TenantSpec, base: &Base<'_>, checks: &mut Checks) -> Option<Self> {
        let suffix = suffix(spec, base, checks)?;
        let mut name = |given: Option<&String>, purpose: Purpose, path: &str| match given {
            None => checks.keep(
                path,
                BucketName::parse(naming(spec, base).bucket(purpose.as_str(), &suffix)),
            ),
            Some(given) => {
                checks.require(
                    given.ends_with(&suffix),
                    path,
                    format!("in the account-regional namespace the name must end with {suffix}"),
                );
                checks.require(
                    !given.contains('.'),
                    path,
                    "a name with a dot cannot be reached over TLS by its own host name",
                );
                checks.keep(path, BucketName::parse(&**given))
            }
        };
        let data = name(spec.data.name.as_ref(), Purpose::Data, "data.name");
        let results = name(spec.results.name.as_ref(), Purpose::Results, "results.name");
        let logs = name(spec.logs_bucket.as_ref(), Purpose::Logs, "logs_bucket");
        let names = Self {
            data: data?,
            results: results?,
            logs: logs?,
        };
        let distinct: BTreeSet<_> = [&names.data, &names.results, &names.logs].into();
        checks.require(
            distinct.len() == 3,
            "results.name",
            "data, results and logs must be three different buckets",
        );
        Some(names)
    }

    fn of(&self, purpose: Purpose) -> &BucketName {
        match purpose {
            Purpose::Data => &self.data,
            Purpose::Results => &self.results,
            Purpose::Logs => &self.logs,
        }
    }
}

fn suffix(spec: &TenantSpec, base: &Base<'_>, checks: &mut Checks) -> Option<String> {
    match (spec.namespace, base.account()) {
        (Namespace::Global, _) => Some(String::new()),
        (Namespace::AccountRegional, Some(account)) => {
            Some(format!("-{account}-{}-an", base.region))
        }
        (Namespace::AccountRegional, None) => {
            checks.refuse("namespace", "only AWS has an account-regional namespace");
            None
        }
    }
}

/// Whether something is delivered to a bucket that nobody named, or to ours by its name.
pub(super) fn needs_logs_bucket(spec: &TenantSpec, names: &Names) -> bool {
    let is_ours = |name: &Option<String>| {
        name.as_ref()
            .is_none_or(|n| names.logs.as_str() == n.as_str())
    };
    [&spec.data, &spec.results].iter().any(|bucket| {
        bucket.logging.iter().any(|l| is_ours(&l.target))
            || bucket.inventory.iter().any(|i| is_ours(&i.destination))
    })
}

/// Our own logs bucket: SSE-S3, because log delivery cannot write into SSE-KMS buckets.
pub(super) fn logs(spec: &TenantSpec, names: &Names, base: &Base<'_>) -> DesiredBucket {
    let mut tags = base.tags.clone();
    tags.insert(
        crate::model::desired::OWNER_TAG.to_string(),
        base.owner.clone(),
    );
    DesiredBucket {
        purpose: Purpose::Logs,
        name: names.logs.clone(),
        namespace: spec.namespace,
        versioning: None,
        encryption: Encryption::SseS3,
        blocked_encryption: None,
        refuse_other_encryption: false,
        refuse_customer_keys: false,
        lifecycle: Lifecycle {
            abort_incomplete_days: ABORT_INCOMPLETE_DAYS,
            probe_prefix: None,
            rules: Vec::new(),
            transition_minimum: None,
        },
        cors: None,
        logging: None,
        notifications: None,
        inventories: Vec::new(),
        object_lock: None,
        tags,
    }
}

pub(super) fn compile(
    spec: &TenantSpec,
    purpose: Purpose,
    names: &Names,
    base: &mut Base<'_>,
    checks: &mut Checks,
) -> Option<DesiredBucket> {
    let path = purpose.as_str();
    let bucket = match purpose {
        Purpose::Data => &spec.data,
        Purpose::Results | Purpose::Logs => &spec.results,
    };
    let encryption = encryption(bucket, path, base, checks);
    checks.require(
        !bucket.refuse_other_encryption || bucket.encryption != EncryptionSpec::AwsDefault,
        format!("{path}.refuse_other_encryption"),
        "other than what? give the bucket an encryption",
    );
    check_object_lock(bucket, path, checks);
    let probe_prefix =
        (purpose == Purpose::Results).then(|| probe_prefix(base.key_prefix.as_str()));
    let lifecycle = lifecycle::compile(bucket, probe_prefix, path, ABORT_INCOMPLETE_DAYS, checks);
    if let Some(rules) = &bucket.cors {
        check_cors(rules, path, &mut base.notices, checks);
    }
    let logging = logging(bucket, purpose, names, checks);
    let notifications = events::compile(bucket, path, base, checks);
    let inventories = bucket
        .inventory
        .iter()
        .enumerate()
        .map(|(at, i)| inventory(i, &format!("{path}.inventory[{at}]"), names, base, checks))
        .collect::<Option<Vec<_>>>();
    let ids: BTreeSet<_> = bucket.inventory.iter().map(|i| &i.id).collect();
    checks.require(
        ids.len() == bucket.inventory.len(),
        format!("{path}.inventory"),
        "two inventories have the same id",
    );
    let tags = tags_with_owner(base, &bucket.tags, &format!("{path}.tags"), checks);
    Some(DesiredBucket {
        purpose,
        name: names.of(purpose).clone(),
        namespace: spec.namespace,
        versioning: bucket.versioning,
        encryption: encryption?,
        blocked_encryption: bucket.blocked_encryption.clone(),
        refuse_other_encryption: bucket.refuse_other_encryption,
        refuse_customer_keys: bucket.refuse_customer_keys,
        lifecycle,
        cors: bucket.cors.clone(),
        logging: logging?,
        notifications: notifications?,
        inventories: inventories?,
        object_lock: bucket.object_lock,
        tags,
    })
}

/// Where validation leaves its probe objects, below the tenant's own prefix.
pub(crate) fn probe_prefix(key_prefix: &str) -> String {
    format!("{key_prefix}.byos-probe/")
}

fn encryption(
    bucket: &BucketSpec,
    path: &str,
    base: &Base<'_>,
    checks: &mut Checks,
) -> Option<Encryption> {
    let EncryptionSpec::SseKms {
        key,
        bucket_key,
        dual_layer,
    } = &bucket.encryption
    else {
        return Some(match bucket.encryption {
            EncryptionSpec::SseS3 => Encryption::SseS3,
            _ => Encryption::AwsDefault,
        });
    };
    let path = format!("{path}.encryption.key");
    let key = checks.keep(&*path, Arn::of_service("kms", key))?;
    checks.require(
        key.resource().starts_with("key/"),
        &*path,
        "it must be the ARN of the key itself: IAM does not look through an alias",
    );
    checks.require(
        key.region() == base.region.as_str() && key.partition() == base.partition(),
        &*path,
        format!("the key must stand in the bucket's region, {}", base.region),
    );
    checks.require(
        !(*bucket_key && *dual_layer),
        &*path,
        "a bucket key cannot be used with two layers of encryption: set bucket_key = false",
    );
    Some(Encryption::SseKms {
        key,
        bucket_key: *bucket_key,
        dual_layer: *dual_layer,
    })
}

fn check_object_lock(bucket: &BucketSpec, path: &str, checks: &mut Checks) {
    let Some(lock) = &bucket.object_lock else {
        return;
    };
    let path = format!("{path}.object_lock");
    checks.require(
        bucket.versioning == Some(Versioning::Enabled),
        &*path,
        "object lock needs versioning = \"enabled\"",
    );
    checks.require(
        (1..=36_500).contains(&lock.days),
        &*path,
        "the retention must be 1 to 36,500 days",
    );
}

/// Source: S3 user guide, "Elements of a CORS configuration".
fn check_cors(rules: &[CorsRule], path: &str, notices: &mut Vec<String>, checks: &mut Checks) {
    const METHODS: [&str; 5] = ["GET", "PUT", "POST", "DELETE", "HEAD"];
    checks.require(
        rules.len() <= 100,
        format!("{path}.cors"),
        "a bucket can have 100 CORS rules",
    );
    for (at, rule) in rules.iter().enumerate() {
        let here = format!("{path}.cors[{at}]");
        checks.require(
            !rule.origins.is_empty() && !rule.methods.is_empty(),
            &*here,
            "a rule needs at least one origin and one method",
        );
        for method in &rule.methods {
            checks.require(
                METHODS.contains(&method.as_str()),
                format!("{here}.methods"),
                format!("{method:?} is not one of GET, PUT, POST, DELETE, HEAD (browsers ask with OPTIONS by themselves)"),
            );
        }
        for origin in rule.origins.iter().chain(&rule.headers) {
            checks.require(
                origin.matches('*').count() <= 1,
                &*here,
                format!("{origin:?} may have one '*' at most"),
            );
        }
        for text in rule
            .origins
            .iter()
            .chain(&rule.headers)
            .chain(&rule.expose_headers)
            .chain(&rule.id)
        {
            text::words(text, 255, &here, checks);
        }
        if rule.origins.iter().any(|o| o == "*") {
            notices.push(format!(
                "{here}: every web site may call this bucket from a browser that holds a signed URL"
            ));
        }
    }
}

fn logging(
    bucket: &BucketSpec,
    purpose: Purpose,
    names: &Names,
    checks: &mut Checks,
) -> Option<Option<Logging>> {
    let Some(spec) = &bucket.logging else {
        return Some(None);
    };
    let path = format!("{purpose}.logging");
    let target = match &spec.target {
        None => names.logs.clone(),
        Some(text) => checks.keep(format!("{path}.target"), BucketName::parse(&**text))?,
    };
    checks.require(
        target != names.data && target != names.results,
        format!("{path}.target"),
        "logs may go neither to the bucket itself nor to the tenant's other bucket: each delivery would be logged again, or counted as a result",
    );
    let prefix = spec
        .prefix
        .clone()
        .unwrap_or_else(|| format!("access/{purpose}/"));
    text::plain(&prefix, &format!("{path}.prefix"), checks);
    Some(Some(Logging {
        target_is_ours: target == names.logs,
        target,
        prefix,
        key_format: spec.key_format,
    }))
}

/// Source: S3 API reference, InventoryConfiguration.
const INVENTORY_FIELDS: [&str; 15] = [
    "Size",
    "LastModifiedDate",
    "StorageClass",
    "ETag",
    "IsMultipartUploaded",
    "ReplicationStatus",
    "EncryptionStatus",
    "ObjectLockRetainUntilDate",
    "ObjectLockMode",
    "ObjectLockLegalHoldStatus",
    "IntelligentTieringAccessTier",
    "BucketKeyStatus",
    "ChecksumAlgorithm",
    "ObjectAccessControlList",
    "ObjectOwner",
];

fn inventory(
    spec: &InventorySpec,
    path: &str,
    names: &Names,
    base: &Base<'_>,
    checks: &mut Checks,
) -> Option<Inventory> {
    let id_is_legal = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    checks.require(
        (1..=59).contains(&spec.id.len()) && spec.id.bytes().all(id_is_legal),
        format!("{path}.id"),
        "an inventory id has 1 to 59 of A-Z a-z 0-9 . _ -",
    );
    for field in &spec.fields {
        checks.require(
            INVENTORY_FIELDS.contains(&field.as_str()),
            format!("{path}.fields"),
            format!("{field:?} is not a column of an S3 inventory"),
        );
    }
    let destination = match &spec.destination {
        None => names.logs.clone(),
        Some(text) => checks.keep(format!("{path}.destination"), BucketName::parse(&**text))?,
    };
    let destination_account = match &spec.destination_account {
        Some(text) => checks.keep(
            format!("{path}.destination_account"),
            AccountId::parse(&**text),
        )?,
        None => base.account().cloned().or_else(|| {
            checks.refuse(path, "S3-compatible stores have no inventory");
            None
        })?,
    };
    let destination_prefix = spec
        .destination_prefix
        .clone()
        .unwrap_or_else(|| "inventory/".to_string());
    text::plain(
        &destination_prefix,
        &format!("{path}.destination_prefix"),
        checks,
    );
    text::plain(&spec.prefix, &format!("{path}.prefix"), checks);
    Some(Inventory {
        id: format!("{OUR_ID_PREFIX}{}", spec.id),
        destination_is_ours: destination == names.logs,
        destination,
        destination_account,
        destination_prefix: destination_prefix.trim_end_matches('/').to_string(),
        format: spec.format,
        frequency: spec.frequency,
        all_versions: spec.all_versions,
        prefix: spec.prefix.clone(),
        fields: spec.fields.clone(),
    })
}
