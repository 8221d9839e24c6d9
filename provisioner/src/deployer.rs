//! The IAM policy of whoever runs the provisioner: computed from the set-up, no wildcard actions,
//! no resource that the set-up does not name.

use crate::model::{Attachment, Desired, DesiredBucket, Documents, Trust};
use crate::plan::{Field, Step};
use policies::catalogue::actions_of;
use policies::{Document, PolicyKind, RenderError};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What the person shall be able to do beside looking and applying.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeployerOptions {
    /// Take the set-up down.
    pub destroy: bool,
    /// Delete all data while doing so.
    pub empty_buckets: bool,
    /// Override governance retention while doing so.
    pub bypass_governance: bool,
    /// Put and remove the probes of `prove`.
    pub prove: bool,
}

/// The operation that reads a setting. Settings that nobody asks for are read too, but whoever
/// may not read them misses nothing.
const fn reading(field: Field) -> &'static str {
    match field {
        Field::PublicAccessBlock => "GetPublicAccessBlock",
        Field::Tags => "GetBucketTagging",
        Field::Policy => "GetBucketPolicy",
        Field::Ownership => "GetBucketOwnershipControls",
        Field::Versioning => "GetBucketVersioning",
        Field::Encryption => "GetBucketEncryption",
        Field::ObjectLock => "GetObjectLockConfiguration",
        Field::Lifecycle => "GetBucketLifecycleConfiguration",
        Field::Cors => "GetBucketCors",
        Field::Logging => "GetBucketLogging",
        Field::Notifications => "GetBucketNotificationConfiguration",
        Field::Inventory => "GetBucketInventoryConfiguration",
    }
}

const ROLE_READS: [&str; 4] = [
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
];

const ROLE_WRITES: [&str; 7] = [
    "iam:CreateRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:TagRole",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
];

const POLICY_ACTIONS: [&str; 9] = [
    "iam:CreatePolicy",
    "iam:CreatePolicyVersion",
    "iam:DeletePolicyVersion",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:ListPolicyVersions",
    "iam:SetDefaultPolicyVersion",
    "iam:TagPolicy",
    "iam:UntagPolicy",
];

const PROFILE_ACTIONS: [&str; 5] = [
    "iam:AddRoleToInstanceProfile",
    "iam:CreateInstanceProfile",
    "iam:GetInstanceProfile",
    "iam:TagInstanceProfile",
    "iam:UntagInstanceProfile",
];

/// Actions by the resources that they are done to.
#[derive(Default)]
struct Rights(BTreeMap<(&'static str, BTreeSet<String>), BTreeSet<String>>);

impl Rights {
    fn add(&mut self, sid: &'static str, resources: &[String], actions: &[&str]) {
        let resources: BTreeSet<String> = resources.iter().cloned().collect();
        self.0
            .entry((sid, resources))
            .or_default()
            .extend(actions.iter().map(|action| (*action).to_string()));
    }

    /// The actions that an operation of S3 needs, which are seldom named like it.
    fn add_operation(&mut self, sid: &'static str, resource: &str, operation: &str) {
        let actions = actions_of(operation).map_or(&[][..], |known| known.actions);
        self.add(sid, &[resource.to_string()], actions);
    }
}

/// The policy of whoever runs the provisioner for `desired`; `steps` are those of the plan that
/// makes the set-up out of nothing.
///
/// # Errors
/// When the document would break IAM's grammar.
pub fn deployer_policy<'a>(
    desired: &Desired,
    documents: &Documents,
    steps: impl Iterator<Item = &'a Step>,
    mut options: DeployerOptions,
) -> Result<Value, RenderError> {
    // Only a role that the service assumes can be proven.
    let trust = desired.role.as_ref().map(|role| &role.trust);
    options.prove &= matches!(trust, Some(Trust::CrossAccount { .. }));
    let mut rights = Rights::default();
    let partition = desired
        .aws()
        .map_or("aws", |(partition, _)| partition.as_str());
    let arn = |name: &str| format!("arn:{partition}:s3:::{name}");
    for step in steps {
        if let Some(bucket) = step.bucket() {
            bucket_step(&mut rights, &arn(bucket), step);
        }
    }
    for bucket in &desired.buckets {
        bucket_rights(&mut rights, bucket, &arn(bucket.name.as_str()), options);
        if documents.bucket_policy(bucket.purpose).is_some() && options.destroy {
            rights.add_operation("Buckets", &arn(bucket.name.as_str()), "DeleteBucketPolicy");
        }
    }
    role_rights(&mut rights, desired, options);
    document(merged(rights))
}

fn bucket_step(rights: &mut Rights, arn: &str, step: &Step) {
    let operation = step.call().trim_start_matches("s3:");
    rights.add_operation("Buckets", arn, operation);
    if let Step::CreateBucket { object_lock, .. } = step {
        // Tags in the call that makes the bucket have an action of their own.
        rights.add("Buckets", &[arn.to_string()], &["s3:TagResource"]);
        if *object_lock {
            for further in ["PutObjectLockConfiguration", "PutBucketVersioning"] {
                rights.add_operation("Buckets", arn, further);
            }
        }
    }
    if let Step::PutSetting { setting, .. } = step {
        rights.add_operation("Buckets", arn, reading(setting.field()));
    }
}

fn bucket_rights(rights: &mut Rights, bucket: &DesiredBucket, arn: &str, options: DeployerOptions) {
    rights.add_operation("Buckets", arn, "HeadBucket");
    if options.destroy || options.prove {
        rights.add_operation("Buckets", arn, "ListObjectVersions");
    }
    if options.destroy {
        for operation in ["DeleteBucket", "ListMultipartUploads"] {
            rights.add_operation("Buckets", arn, operation);
        }
    }
    let objects = [format!("{arn}/*")];
    if options.empty_buckets {
        // Everything is deleted by its version, be it "null".
        let actions = ["s3:AbortMultipartUpload", "s3:DeleteObjectVersion"];
        rights.add("Objects", &objects, &actions);
    }
    if options.bypass_governance {
        rights.add("Objects", &objects, &["s3:BypassGovernanceRetention"]);
    }
    if options.prove && bucket.purpose != crate::model::Purpose::Logs {
        let actions = ["s3:PutObject", "s3:DeleteObjectVersion"];
        rights.add("Objects", &objects, &actions);
        // Where retention would keep the probes none are put.
        rights.add_operation("Buckets", arn, "GetObjectLockConfiguration");
        if let Some(key) = bucket.encryption.kms_key() {
            rights.add("Keys", &[key.to_string()], &["kms:GenerateDataKey"]);
        }
    }
}

fn role_rights(rights: &mut Rights, desired: &Desired, options: DeployerOptions) {
    let Some(role) = &desired.role else { return };
    let arn = [role.arn.to_string()];
    rights.add("Role", &arn, &ROLE_READS);
    rights.add("Role", &arn, &ROLE_WRITES);
    if role.boundary.is_some() {
        rights.add("Role", &arn, &["iam:PutRolePermissionsBoundary"]);
    }
    if options.destroy {
        let actions = ["iam:DeleteRole", "iam:ListInstanceProfilesForRole"];
        rights.add("Role", &arn, &actions);
    }
    match &role.attachment {
        Attachment::Inline { .. } => rights.add("Role", &arn, &["iam:PutRolePolicy"]),
        Attachment::Managed { arn: policy, .. } => {
            let policy = [policy.to_string()];
            rights.add("Role", &arn, &["iam:AttachRolePolicy"]);
            rights.add("Policy", &policy, &POLICY_ACTIONS);
            if options.destroy {
                rights.add("Policy", &policy, &["iam:DeletePolicy"]);
            }
        }
    }
    if let Some(name) = &role.instance_profile {
        let profile = [format!(
            "arn:{}:iam::{}:instance-profile{}{name}",
            role.arn.partition(),
            role.arn.account(),
            role.arn.path()
        )];
        rights.add("InstanceProfile", &profile, &PROFILE_ACTIONS);
        rights.add("Role", &arn, &["iam:PassRole"]);
        if options.destroy {
            let actions = [
                "iam:DeleteInstanceProfile",
                "iam:RemoveRoleFromInstanceProfile",
            ];
            rights.add("InstanceProfile", &profile, &actions);
        }
    }
}

/// Resources with the same actions share a statement.
fn merged(rights: Rights) -> Vec<(String, BTreeSet<String>, BTreeSet<String>)> {
    let mut by_actions: BTreeMap<(&str, BTreeSet<String>), BTreeSet<String>> = BTreeMap::new();
    for ((sid, resources), actions) in rights.0 {
        by_actions
            .entry((sid, actions))
            .or_default()
            .extend(resources);
    }
    let mut numbers: BTreeMap<&str, u32> = BTreeMap::new();
    by_actions
        .into_iter()
        .map(|((sid, actions), resources)| {
            let number = numbers.entry(sid).or_default();
            *number += 1;
            let name = match number {
                1 => sid.to_string(),
                n => format!("{sid}{n}"),
            };
            (name, actions, resources)
        })
        .collect()
}

fn document(
    statements: Vec<(String, BTreeSet<String>, BTreeSet<String>)>,
) -> Result<Value, RenderError> {
    let statements: Vec<Value> = statements
        .into_iter()
        .map(|(sid, actions, resources)| {
            json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources })
        })
        .collect();
    let value = json!({ "Version": "2012-10-17", "Statement": statements });
    Ok(Document::new(PolicyKind::Identity, value)?.value().clone())
}
