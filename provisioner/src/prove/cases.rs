//! The table of what is meant to be allowed: every kind of resource, and the only actions that
//! the role shall be able to do to it.

use crate::model::{Desired, Purpose};
use policies::catalogue::ResourceType;
use types::AccountId;

/// One kind of request.
pub(super) struct Case {
    pub(super) label: String,
    pub(super) resource: String,
    pub(super) types: &'static [ResourceType],
    pub(super) bucket: Option<Purpose>,
    pub(super) owner: AccountId,
    pub(super) context: Vec<(&'static str, String)>,
    /// What is meant to be allowed here, and nothing else.
    pub(super) allowed: &'static [&'static str],
    /// Whether its own policy is not ours to read: then it counts as leaving it to
    /// the role's own policies.
    pub(super) is_others: bool,
    /// Who has to refuse the rest.
    pub(super) refused_by: RefusedBy,
}

/// Whose refusal counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefusedBy {
    /// The role's own policies: what only a bucket policy refuses could be had tomorrow.
    Role,
    /// The bucket policy, whose business it is.
    BucketPolicy,
}

const BUCKET: &[ResourceType] = &[ResourceType::Bucket];
const OBJECT: &[ResourceType] = &[ResourceType::Object];
const NOTHING: &[&str] = &[];

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

/// All of them.
pub(super) fn cases(desired: &Desired, account: &AccountId) -> Vec<Case> {
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
        owner: account.clone(),
        context: vec![
            ("aws:SecureTransport", "true".to_string()),
            ("s3:TlsVersion", "1.3".to_string()),
        ],
        allowed,
        is_others: types.contains(&ResourceType::Key),
        refused_by: RefusedBy::Role,
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
    stolen.is_others = true;
    let mut clear = on(
        format!("an object of the {purpose} bucket, without TLS"),
        key("x"),
        OBJECT,
        NOTHING,
    );
    clear.refused_by = RefusedBy::BucketPolicy;
    clear.context = vec![("aws:SecureTransport", "false".to_string())];
    let mut old = on(
        format!("an object of the {purpose} bucket, with TLS 1.1"),
        key("x"),
        OBJECT,
        NOTHING,
    );
    old.refused_by = RefusedBy::BucketPolicy;
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
        all.extend([used, direct]);
    }
    let foreign = format!("arn:{partition}:kms:{region}:{account}:key/byos-proof");
    let mut other = case("another key, through S3", foreign, KEY, account, NOTHING);
    other.context.push(("kms:ViaService", through_s3));
    all.push(other);
}
