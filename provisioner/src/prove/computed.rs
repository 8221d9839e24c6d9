//! Every action of the catalogue against every kind of resource, judged from the documents that
//! stand at IAM and S3, and compared with the table of what is meant to be allowed.

use crate::model::{Desired, Purpose, Trust};
use crate::plan::{BucketState, Observed};
use crate::prove::Computed;
use policies::catalogue::{ResourceType, SERVICES};
use policies::{Policy, PolicyKind, PolicySet, Principal, Request, evaluate};
use serde_json::json;
use std::collections::BTreeMap;
use types::{AccountId, Partition, RoleArn};

/// The documents as they stand there, parsed.
#[derive(Debug, Default)]
pub struct LiveDocuments {
    trust: Option<Policy>,
    identity: Vec<Policy>,
    buckets: BTreeMap<Purpose, Policy>,
}

impl LiveDocuments {
    /// Out of the reads.
    ///
    /// # Errors
    /// When something that bears on the answer could not be read: then nothing is computed.
    pub fn new(observed: &Observed, managed_arn: Option<&str>) -> Result<Self, String> {
        let role = observed.role.as_ref().ok_or("there is no role")?;
        let parse = |kind, value: &serde_json::Value, what: &str| {
            Policy::from_value(kind, value).map_err(|error| format!("{what}: {error}"))
        };
        let mut documents = Self {
            trust: Some(parse(PolicyKind::Trust, &role.trust, "the trust policy")?),
            ..Self::default()
        };
        let inline = role
            .inline
            .known()
            .ok_or("inline policies cannot be read")?;
        for (name, value) in inline {
            documents
                .identity
                .push(parse(PolicyKind::Identity, value, name)?);
        }
        for arn in role
            .attached
            .known()
            .ok_or("attached policies cannot be read")?
        {
            match &observed.policy {
                Some(policy) if Some(arn.as_str()) == managed_arn => {
                    let parsed = parse(PolicyKind::Identity, &policy.document, arn)?;
                    documents.identity.push(parsed);
                }
                _ => return Err(format!("{arn} is attached, and is not ours")),
            }
        }
        for (purpose, state) in &observed.buckets {
            let BucketState::Present(bucket) = state else {
                return Err(format!("there is no {purpose} bucket"));
            };
            let policy = bucket.policy.known();
            let policy =
                policy.ok_or(format!("the policy of the {purpose} bucket cannot be read"))?;
            if let Some(value) = policy {
                let parsed = parse(PolicyKind::Resource, value, purpose.as_str())?;
                documents.buckets.insert(*purpose, parsed);
            }
        }
        Ok(documents)
    }
}

impl LiveDocuments {
    /// On the role.
    pub(crate) fn identity(&self) -> impl Iterator<Item = &Policy> {
        self.identity.iter()
    }

    /// On a bucket.
    pub(crate) fn bucket(&self, purpose: Purpose) -> Option<&Policy> {
        self.buckets.get(&purpose)
    }

    /// On the role: who may assume it.
    pub(crate) fn trust(&self) -> Option<&Policy> {
        self.trust.as_ref()
    }
}

/// One kind of request.
struct Case {
    label: String,
    resource: String,
    types: &'static [ResourceType],
    bucket: Option<Purpose>,
    /// Of a key that leaves everything to the account's own policies, as a key does that nobody
    /// restricted: it is the role that is proven here, and what a live key refuses is found live.
    key_policy: Option<Policy>,
    owner: AccountId,
    context: Vec<(&'static str, String)>,
    /// What is meant to be allowed here, and nothing else.
    allowed: &'static [&'static str],
}

const BUCKET: &[ResourceType] = &[ResourceType::Bucket];
const OBJECT: &[ResourceType] = &[ResourceType::Object];
const NOTHING: &[&str] = &[];

/// Asks every question and compares every answer.
pub fn computed(desired: &Desired, documents: Result<LiveDocuments, String>) -> Computed {
    let mut result = Computed {
        decisions: 0,
        allowed: Vec::new(),
        violations: Vec::new(),
        inconclusive: None,
    };
    let (documents, role, account) = match (documents, &desired.role, desired.aws()) {
        (Ok(documents), Some(role), Some((_, account))) => (documents, role, account),
        (Err(reason), ..) => {
            result.inconclusive = Some(reason);
            return result;
        }
        _ => {
            result.inconclusive = Some("this store has no roles".to_string());
            return result;
        }
    };
    for case in cases(desired, account) {
        for service in &SERVICES {
            for entry in service.actions {
                if entry.resources.iter().any(|r| case.types.contains(r)) {
                    let action = format!("{}:{}", service.prefix, entry.name);
                    ask(&documents, &role.arn, &case, &action, &mut result);
                }
            }
        }
    }
    trust(desired, &documents, account, &mut result);
    result
}

fn ask(
    documents: &LiveDocuments,
    role: &RoleArn,
    case: &Case,
    action: &str,
    result: &mut Computed,
) {
    let principal = Principal::session(role.clone(), "prove");
    let mut request = Request::new(principal, action, case.resource.clone());
    request = request.owned_by(case.owner.clone());
    for (key, value) in &case.context {
        request = request.with(key, value.clone());
    }
    let policies = PolicySet {
        identity: documents.identity.iter().collect(),
        resource: match case.bucket {
            Some(purpose) => documents.buckets.get(&purpose),
            None => case.key_policy.as_ref(),
        },
        ..PolicySet::default()
    };
    let is_allowed = evaluate(&request, &policies).is_allowed();
    let is_meant = case.allowed.contains(&action);
    result.decisions += 1;
    if is_allowed {
        result.allowed.push(format!("{action} on {}", case.label));
    }
    match (is_allowed, is_meant) {
        (true, false) => result.violations.push(format!(
            "{action} on {} is allowed and should not be",
            case.label
        )),
        (false, true) => result.violations.push(format!(
            "{action} on {} is refused and should not be",
            case.label
        )),
        _ => {}
    }
}

/// What is meant to be allowed on objects of each bucket below the tenant's prefix.
const READ: &[&str] = &["s3:GetObject"];
const READ_WRITE: &[&str] = &[
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
];
const READ_WRITE_PROBE: &[&str] = &[
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
];

fn cases(desired: &Desired, account: &AccountId) -> Vec<Case> {
    let mut all = Vec::new();
    for (purpose, name) in [
        (Purpose::Data, &desired.data().name),
        (Purpose::Results, &desired.results().name),
    ] {
        bucket_cases(desired, account, purpose, name.as_str(), &mut all);
    }
    let other = "byos-proof-of-another-tenant";
    all.extend([
        case(
            "a bucket of another tenant",
            bucket_arn(desired, other),
            BUCKET,
            account,
            NOTHING,
        ),
        case(
            "an object of another tenant's bucket",
            format!("{}/{}x", bucket_arn(desired, other), desired.key_prefix),
            OBJECT,
            account,
            NOTHING,
        ),
        case(
            "the account itself",
            "*".to_string(),
            &[ResourceType::None],
            account,
            NOTHING,
        ),
        case(
            "the role itself",
            desired
                .role
                .as_ref()
                .map(|r| r.arn.to_string())
                .unwrap_or_default(),
            &[ResourceType::Role],
            account,
            NOTHING,
        ),
    ]);
    key_cases(desired, account, &mut all);
    all
}

fn bucket_arn(desired: &Desired, name: &str) -> String {
    let partition = desired
        .aws()
        .map_or("aws", |(partition, _)| partition.as_str());
    format!("arn:{partition}:s3:::{name}")
}

/// A request over TLS 1.3 to something that the customer owns.
fn case(
    label: &str,
    resource: String,
    types: &'static [ResourceType],
    account: &AccountId,
    allowed: &'static [&'static str],
) -> Case {
    Case {
        label: label.to_string(),
        resource,
        types,
        bucket: None,
        key_policy: None,
        owner: account.clone(),
        context: vec![
            ("aws:SecureTransport", "true".to_string()),
            ("s3:TlsVersion", "1.3".to_string()),
        ],
        allowed,
    }
}

fn bucket_cases(
    desired: &Desired,
    account: &AccountId,
    purpose: Purpose,
    name: &str,
    all: &mut Vec<Case>,
) {
    let arn = bucket_arn(desired, name);
    let prefix = desired.key_prefix.as_str();
    let on = |label: String, resource: String, types, allowed| Case {
        bucket: Some(purpose),
        ..case(&label, resource, types, account, allowed)
    };
    let uploads = purpose == Purpose::Results && desired.list_uploads;
    let listed: &[&str] = match uploads {
        true => &[
            "s3:GetBucketLocation",
            "s3:ListBucket",
            "s3:ListBucketMultipartUploads",
        ],
        false => &["s3:GetBucketLocation", "s3:ListBucket"],
    };
    let unlisted: &[&str] = match uploads {
        true => &["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"],
        false => &["s3:GetBucketLocation"],
    };
    let mut own = on(
        format!("the {purpose} bucket, listing the own prefix"),
        arn.clone(),
        BUCKET,
        listed,
    );
    own.context.push(("s3:prefix", prefix.to_string()));
    let mut other = on(
        format!("the {purpose} bucket, listing another prefix"),
        arn.clone(),
        BUCKET,
        unlisted,
    );
    other
        .context
        .push(("s3:prefix", "orgs/byos-proof-other/".to_string()));
    let whole = on(
        format!("the {purpose} bucket, listing all of it"),
        arn.clone(),
        BUCKET,
        unlisted,
    );
    let (objects, probes) = match purpose {
        Purpose::Results => (READ_WRITE, READ_WRITE_PROBE),
        Purpose::Data | Purpose::Logs => (READ, READ),
    };
    let key = |tail: &str| format!("{arn}/{prefix}{tail}");
    let mut stolen = on(
        format!(
            "an object of a bucket that another account has under the name of the {purpose} bucket"
        ),
        key("x"),
        OBJECT,
        NOTHING,
    );
    stolen.owner = AccountId::parse("999999999999").expect("it has 12 digits");
    stolen.bucket = None;
    let mut clear = on(
        format!("an object of the {purpose} bucket, without TLS"),
        key("x"),
        OBJECT,
        NOTHING,
    );
    clear.context = vec![("aws:SecureTransport", "false".to_string())];
    let mut old = on(
        format!("an object of the {purpose} bucket, with TLS 1.1"),
        key("x"),
        OBJECT,
        NOTHING,
    );
    old.context = vec![
        ("aws:SecureTransport", "true".to_string()),
        ("s3:TlsVersion", "1.1".to_string()),
    ];
    all.extend([
        own,
        other,
        whole,
        on(
            format!("an object below the own prefix of the {purpose} bucket"),
            key("x"),
            OBJECT,
            objects,
        ),
        on(
            format!("a probe in the {purpose} bucket"),
            key(".byos-probe/x"),
            OBJECT,
            probes,
        ),
        on(
            format!("an object of another org in the {purpose} bucket"),
            format!("{arn}/orgs/byos-proof-other/x"),
            OBJECT,
            NOTHING,
        ),
        on(
            format!("an object beside the prefix of the {purpose} bucket"),
            format!("{arn}/{}-x", prefix.trim_end_matches('/')),
            OBJECT,
            NOTHING,
        ),
        stolen,
        clear,
        old,
    ]);
}

/// Keys of KMS: those that are configured, through S3 only, and no other.
fn key_cases(desired: &Desired, account: &AccountId, all: &mut Vec<Case>) {
    const KEY: &[ResourceType] = &[ResourceType::Key];
    const DECRYPT: &[&str] = &["kms:Decrypt"];
    const DECRYPT_GENERATE: &[&str] = &["kms:Decrypt", "kms:GenerateDataKey"];
    let Some((partition, _)) = desired.aws() else {
        return;
    };
    let mut keys = Vec::new();
    let region = &desired.region;
    let through_s3 = format!("s3.{region}.{}", partition.dns_suffix());
    let data_key = desired.data().encryption.kms_key();
    let results_key = desired.results().encryption.kms_key();
    for (bucket, key) in [(desired.data(), data_key), (desired.results(), results_key)] {
        let Some(key) = key else { continue };
        let writes = bucket.purpose == Purpose::Results;
        let allowed = if writes { DECRYPT_GENERATE } else { DECRYPT };
        let object = format!(
            "{}/{}x",
            bucket_arn(desired, bucket.name.as_str()),
            desired.key_prefix
        );
        let mut used = case(
            &format!("the key of the {} bucket, through S3", bucket.purpose),
            key.to_string(),
            KEY,
            account,
            allowed,
        );
        used.context.push(("kms:ViaService", through_s3.clone()));
        used.context
            .push(("kms:EncryptionContext:aws:s3:arn", object));
        let direct = case(
            &format!("the key of the {} bucket, directly", bucket.purpose),
            key.to_string(),
            KEY,
            account,
            NOTHING,
        );
        keys.extend([used, direct]);
    }
    let foreign = format!("arn:{partition}:kms:{region}:{account}:key/byos-proof");
    let mut other = case("another key, through S3", foreign, KEY, account, NOTHING);
    other.context.push(("kms:ViaService", through_s3));
    keys.push(other);
    for key in &mut keys {
        key.key_policy = open_to_account(partition, account);
    }
    all.extend(keys);
}

/// The policy that KMS gives to a key by itself.
fn open_to_account(partition: Partition, account: &AccountId) -> Option<Policy> {
    let document = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"AWS": format!("arn:{partition}:iam::{account}:root")},
        "Action": "kms:*", "Resource": "*"}]});
    Policy::from_value(PolicyKind::Resource, &document).ok()
}

/// Who may assume the role.
fn trust(desired: &Desired, documents: &LiveDocuments, account: &AccountId, result: &mut Computed) {
    let (Some(role), Some(policy)) = (&desired.role, &documents.trust) else {
        return;
    };
    let Trust::CrossAccount {
        vendor,
        external_id,
        ..
    } = &role.trust
    else {
        return;
    };
    let stranger = AccountId::parse("999999999999").expect("it has 12 digits");
    let other_role = |account: &AccountId| {
        RoleArn::new(vendor.partition(), account.clone(), "/", "byos-proof-other")
            .expect("the name is a role name")
    };
    let right = external_id.as_str().to_string();
    let asks: [(&str, RoleArn, Option<String>, bool); 6] = [
        (
            "the vendor's role with the external id",
            vendor.clone(),
            Some(right.clone()),
            true,
        ),
        (
            "the vendor's role without an external id",
            vendor.clone(),
            None,
            false,
        ),
        (
            "the vendor's role with a wrong external id",
            vendor.clone(),
            Some(format!("{right}x")),
            false,
        ),
        (
            "the vendor's role with an empty external id",
            vendor.clone(),
            Some(String::new()),
            false,
        ),
        (
            "another role of the vendor",
            other_role(vendor.account()),
            Some(right.clone()),
            false,
        ),
        (
            "a role of a stranger",
            other_role(&stranger),
            Some(right),
            false,
        ),
    ];
    let everything = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}]});
    let Ok(own) = Policy::from_value(PolicyKind::Identity, &everything) else {
        return;
    };
    for (label, caller, id, is_meant) in asks {
        let principal = Principal::session(caller, "prove");
        let mut request = Request::new(principal, "sts:AssumeRole", role.arn.to_string())
            .owned_by(account.clone());
        if let Some(id) = id {
            request = request.with("sts:ExternalId", id);
        }
        let policies = PolicySet {
            identity: vec![&own],
            resource: Some(policy),
            ..PolicySet::default()
        };
        result.decisions += 1;
        let is_allowed = evaluate(&request, &policies).is_allowed();
        if is_allowed {
            result.allowed.push(format!("sts:AssumeRole for {label}"));
        }
        if is_allowed != is_meant {
            let word = if is_allowed { "may" } else { "may not" };
            result
                .violations
                .push(format!("{label} {word} assume the role"));
        }
    }
}
