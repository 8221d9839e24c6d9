//! Steps as a script of aws cli calls: for people who want to see, or to run it themselves.
//!
//! Documents stand in single quotes with every quote in them escaped: nothing that a customer
//! wrote can leave its place.

use crate::aws::wire;
use crate::model::{Desired, Namespace, Store, Versioning};
use crate::plan::{Field, Setting, Step};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The whole script.
pub fn aws_cli<'a>(desired: &Desired, steps: impl Iterator<Item = &'a Step>) -> String {
    let mut out = String::from("#!/bin/sh\n");
    let _ = writeln!(
        out,
        "# The set-up of {}. Stops at the first error.",
        desired.owner
    );
    out.push_str("set -eu\n");
    let mut service = format!("export AWS_REGION={}\n", quoted(desired.region.as_str()));
    if let Store::Compatible { endpoint, .. } = &desired.store {
        let _ = writeln!(
            service,
            "export AWS_ENDPOINT_URL_S3={}",
            quoted(&endpoint.to_string())
        );
    }
    out.push_str(&service);
    if let Some((_, account)) = desired.aws() {
        // The commands would do the same in any account.
        let _ = writeln!(
            out,
            "account=$(aws sts get-caller-identity --query Account --output text)\n\
             if [ \"$account\" != {account} ]; then\n  \
             echo \"these are credentials of account $account, and the set-up belongs to {account}\" >&2\n  \
             exit 1\nfi"
        );
    }
    for step in steps {
        let words: Vec<String> = command(step).iter().map(|word| quoted(word)).collect();
        let _ = writeln!(out, "aws {}", words.join(" "));
    }
    out
}

/// A word of the shell, quoted when it has to be.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:=@,+".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_string();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn words(parts: &[&str]) -> Vec<String> {
    parts.iter().map(|part| (*part).to_string()).collect()
}

fn tag_list(tags: &BTreeMap<String, String>) -> Value {
    tags.iter()
        .map(|(key, value)| json!({ "Key": key, "Value": value }))
        .collect()
}

fn command(step: &Step) -> Vec<String> {
    match step {
        Step::CreateBucket {
            bucket,
            region,
            namespace,
            object_lock,
            tags,
        } => create_bucket(bucket, region, *namespace, *object_lock, tags),
        Step::PutSetting { bucket, setting } => put(bucket, setting),
        Step::RemoveSetting { bucket, field, id } => remove(bucket, *field, id.as_deref()),
        Step::EmptyBucket { bucket, .. } => {
            words(&["s3", "rm", "--recursive", &format!("s3://{bucket}")])
        }
        Step::DeleteBucket { bucket } => words(&["s3api", "delete-bucket", "--bucket", bucket]),
        _ => iam(step),
    }
}

fn create_bucket(
    bucket: &str,
    region: &str,
    namespace: Namespace,
    object_lock: bool,
    tags: &BTreeMap<String, String>,
) -> Vec<String> {
    let mut configuration = json!({ "Tags": tag_list(tags) });
    if region != "us-east-1" {
        configuration["LocationConstraint"] = json!(region);
    }
    let mut all = words(&[
        "s3api",
        "create-bucket",
        "--bucket",
        bucket,
        "--create-bucket-configuration",
        &configuration.to_string(),
    ]);
    if object_lock {
        all.push("--object-lock-enabled-for-bucket".to_string());
    }
    if namespace == Namespace::AccountRegional {
        all.extend(words(&["--bucket-namespace", "account-regional"]));
    }
    all
}

fn put(bucket: &str, setting: &Setting) -> Vec<String> {
    let call = |name: &str, flag: &str, document: Value| {
        words(&[
            "s3api",
            name,
            "--bucket",
            bucket,
            flag,
            &document.to_string(),
        ])
    };
    match setting {
        Setting::PublicAccessBlock(access) => call(
            "put-public-access-block",
            "--public-access-block-configuration",
            json!({
                "BlockPublicAcls": access.block_public_acls,
                "IgnorePublicAcls": access.ignore_public_acls,
                "BlockPublicPolicy": access.block_public_policy,
                "RestrictPublicBuckets": access.restrict_public_buckets,
            }),
        ),
        Setting::Tags(tags) => call(
            "put-bucket-tagging",
            "--tagging",
            json!({ "TagSet": tag_list(tags) }),
        ),
        Setting::Policy(document) => call("put-bucket-policy", "--policy", document.clone()),
        Setting::Ownership(ownership) => call(
            "put-bucket-ownership-controls",
            "--ownership-controls",
            json!({ "Rules": [{ "ObjectOwnership": ownership }] }),
        ),
        Setting::Versioning(versioning) => {
            let status = match versioning {
                Versioning::Enabled => "Enabled",
                Versioning::Suspended => "Suspended",
            };
            call(
                "put-bucket-versioning",
                "--versioning-configuration",
                json!({ "Status": status }),
            )
        }
        Setting::Encryption(doc) => call(
            "put-bucket-encryption",
            "--server-side-encryption-configuration",
            wire::encryption(doc),
        ),
        Setting::ObjectLock(lock) => call(
            "put-object-lock-configuration",
            "--object-lock-configuration",
            wire::object_lock(*lock),
        ),
        Setting::Lifecycle(doc) => call(
            "put-bucket-lifecycle-configuration",
            "--lifecycle-configuration",
            wire::lifecycle(doc),
        ),
        Setting::Cors(rules) => call("put-bucket-cors", "--cors-configuration", wire::cors(rules)),
        Setting::Logging(doc) => call(
            "put-bucket-logging",
            "--bucket-logging-status",
            wire::logging(doc),
        ),
        Setting::Notifications(doc) => call(
            "put-bucket-notification-configuration",
            "--notification-configuration",
            wire::notifications(doc),
        ),
        Setting::Inventory(doc) => {
            let mut all = call(
                "put-bucket-inventory-configuration",
                "--inventory-configuration",
                wire::inventory(doc),
            );
            all.extend(words(&["--id", &doc.id]));
            all
        }
    }
}

fn remove(bucket: &str, field: Field, id: Option<&str>) -> Vec<String> {
    let name = match field {
        Field::Tags => "delete-bucket-tagging",
        Field::Policy => "delete-bucket-policy",
        Field::Lifecycle => "delete-bucket-lifecycle",
        Field::Cors => "delete-bucket-cors",
        Field::Inventory => "delete-bucket-inventory-configuration",
        // What has no call of its own is never removed by a plan out of nothing.
        _ => "head-bucket",
    };
    let mut all = words(&["s3api", name, "--bucket", bucket]);
    if let Some(id) = id {
        all.extend(words(&["--id", id]));
    }
    all
}

fn iam(step: &Step) -> Vec<String> {
    match step {
        Step::CreateRole {
            role,
            path,
            trust,
            description,
            max_session_seconds,
            boundary,
            tags,
        } => {
            let mut all = words(&[
                "iam",
                "create-role",
                "--role-name",
                role,
                "--path",
                path,
                "--assume-role-policy-document",
                &trust.to_string(),
                "--description",
                description,
                "--max-session-duration",
                &max_session_seconds.to_string(),
                "--tags",
                &tag_list(tags).to_string(),
            ]);
            if let Some(boundary) = boundary {
                all.extend(words(&["--permissions-boundary", boundary]));
            }
            all
        }
        Step::PutInlinePolicy {
            role,
            name,
            document,
        } => words(&[
            "iam",
            "put-role-policy",
            "--role-name",
            role,
            "--policy-name",
            name,
            "--policy-document",
            &document.to_string(),
        ]),
        Step::CreatePolicy {
            name,
            path,
            document,
            tags,
            ..
        } => words(&[
            "iam",
            "create-policy",
            "--policy-name",
            name,
            "--path",
            path,
            "--policy-document",
            &document.to_string(),
            "--tags",
            &tag_list(tags).to_string(),
        ]),
        Step::AttachPolicy { role, arn } => words(&[
            "iam",
            "attach-role-policy",
            "--role-name",
            role,
            "--policy-arn",
            arn,
        ]),
        Step::CreateInstanceProfile { name, path, tags } => words(&[
            "iam",
            "create-instance-profile",
            "--instance-profile-name",
            name,
            "--path",
            path,
            "--tags",
            &tag_list(tags).to_string(),
        ]),
        Step::AddRoleToProfile { name, role } => words(&[
            "iam",
            "add-role-to-instance-profile",
            "--instance-profile-name",
            name,
            "--role-name",
            role,
        ]),
        // A script makes things out of nothing; it has no other steps.
        other => words(&["help", other.call()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_cannot_leave_its_place() {
        assert_eq!(quoted("plain-1.2/x"), "plain-1.2/x");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's $(rm)"), r"'it'\''s $(rm)'");
        assert_eq!(quoted(""), "''");
    }
}
