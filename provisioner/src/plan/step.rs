//! Steps: one step is one writing call, idempotent, with all its data, so that a journal can
//! hold it and another process can repeat or undo it.

use crate::model::Namespace;
use crate::plan::setting::{Field, Setting};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One writing call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Step {
    /// CreateBucket.
    CreateBucket {
        /// Its name.
        bucket: String,
        /// Where.
        region: String,
        /// Where the name is unique.
        namespace: Namespace,
        /// Object lock can be had from the start.
        object_lock: bool,
        /// Set in the same call where the store can: no moment without an owner.
        tags: BTreeMap<String, String>,
    },
    /// A `Put...` call on a bucket.
    PutSetting {
        /// Its name.
        bucket: String,
        /// What is written.
        setting: Setting,
    },
    /// A `Delete...` call on a bucket's setting.
    RemoveSetting {
        /// Its name.
        bucket: String,
        /// What is removed.
        field: Field,
        /// For inventories.
        id: Option<String>,
    },
    /// Deletes all versions, markers and open uploads, page by page: only with consent.
    EmptyBucket {
        /// Its name.
        bucket: String,
        /// Whether governance retention is overridden.
        bypass_governance: bool,
    },
    /// DeleteBucket.
    DeleteBucket {
        /// Its name.
        bucket: String,
    },
    /// CreateRole, with tags and boundary in the same call.
    CreateRole {
        /// Its name.
        role: String,
        /// Its path.
        path: String,
        /// Who may assume it.
        trust: Value,
        /// For people.
        description: String,
        /// The longest session.
        max_session_seconds: u32,
        /// The ARN of its boundary.
        boundary: Option<String>,
        /// All tags.
        tags: BTreeMap<String, String>,
    },
    /// UpdateAssumeRolePolicy.
    UpdateTrust {
        /// The role.
        role: String,
        /// Who may assume it.
        trust: Value,
    },
    /// UpdateRole.
    UpdateRole {
        /// The role.
        role: String,
        /// For people.
        description: String,
        /// The longest session.
        max_session_seconds: u32,
    },
    /// PutRolePermissionsBoundary.
    PutBoundary {
        /// The role.
        role: String,
        /// The policy.
        boundary: String,
    },
    /// DeleteRolePermissionsBoundary.
    DeleteBoundary {
        /// The role.
        role: String,
    },
    /// PutRolePolicy.
    PutInlinePolicy {
        /// The role.
        role: String,
        /// The policy.
        name: String,
        /// Its text.
        document: Value,
    },
    /// DeleteRolePolicy.
    DeleteInlinePolicy {
        /// The role.
        role: String,
        /// The policy.
        name: String,
    },
    /// CreatePolicy.
    CreatePolicy {
        /// Its name.
        name: String,
        /// Its path.
        path: String,
        /// The ARN that it gets.
        arn: String,
        /// Its text.
        document: Value,
        /// All tags.
        tags: BTreeMap<String, String>,
    },
    /// CreatePolicyVersion, made the default in the same call.
    CreatePolicyVersion {
        /// The policy.
        arn: String,
        /// Its text.
        document: Value,
    },
    /// SetDefaultPolicyVersion.
    SetDefaultPolicyVersion {
        /// The policy.
        arn: String,
        /// The version.
        version: String,
    },
    /// DeletePolicyVersion; `None` means the version that the undone step made.
    DeletePolicyVersion {
        /// The policy.
        arn: String,
        /// The version.
        version: Option<String>,
    },
    /// DeletePolicy.
    DeletePolicy {
        /// The policy.
        arn: String,
    },
    /// AttachRolePolicy.
    AttachPolicy {
        /// The role.
        role: String,
        /// The policy.
        arn: String,
    },
    /// DetachRolePolicy.
    DetachPolicy {
        /// The role.
        role: String,
        /// The policy.
        arn: String,
    },
    /// CreateInstanceProfile.
    CreateInstanceProfile {
        /// Its name.
        name: String,
        /// Its path.
        path: String,
        /// All tags.
        tags: BTreeMap<String, String>,
    },
    /// AddRoleToInstanceProfile.
    AddRoleToProfile {
        /// The profile.
        name: String,
        /// The role.
        role: String,
    },
    /// RemoveRoleFromInstanceProfile.
    RemoveRoleFromProfile {
        /// The profile.
        name: String,
        /// The role.
        role: String,
    },
    /// DeleteInstanceProfile.
    DeleteInstanceProfile {
        /// Its name.
        name: String,
    },
    /// TagRole, TagPolicy or TagInstanceProfile: sets these keys, leaves the others.
    Tag {
        /// What is tagged.
        resource: IamResource,
        /// The keys that are set.
        tags: BTreeMap<String, String>,
    },
    /// UntagRole, UntagPolicy or UntagInstanceProfile.
    Untag {
        /// What is tagged.
        resource: IamResource,
        /// The keys that go.
        keys: BTreeSet<String>,
    },
    /// DeleteRole.
    DeleteRole {
        /// Its name.
        role: String,
    },
}

/// Something of IAM that carries tags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "name", rename_all = "snake_case")]
pub enum IamResource {
    /// A role, by name.
    Role(String),
    /// A managed policy, by ARN.
    Policy(String),
    /// An instance profile, by name.
    InstanceProfile(String),
}

impl Step {
    /// The API call that it makes, as AWS documents it.
    pub fn call(&self) -> &'static str {
        match self {
            Self::CreateBucket { .. } => "s3:CreateBucket",
            Self::PutSetting { setting, .. } => put_call(setting.field()),
            Self::RemoveSetting { field, .. } => remove_call(*field),
            Self::EmptyBucket { .. } => "s3:DeleteObjects",
            Self::DeleteBucket { .. } => "s3:DeleteBucket",
            Self::CreateRole { .. } => "iam:CreateRole",
            Self::UpdateTrust { .. } => "iam:UpdateAssumeRolePolicy",
            Self::UpdateRole { .. } => "iam:UpdateRole",
            Self::PutBoundary { .. } => "iam:PutRolePermissionsBoundary",
            Self::DeleteBoundary { .. } => "iam:DeleteRolePermissionsBoundary",
            Self::PutInlinePolicy { .. } => "iam:PutRolePolicy",
            Self::DeleteInlinePolicy { .. } => "iam:DeleteRolePolicy",
            Self::CreatePolicy { .. } => "iam:CreatePolicy",
            Self::CreatePolicyVersion { .. } => "iam:CreatePolicyVersion",
            Self::SetDefaultPolicyVersion { .. } => "iam:SetDefaultPolicyVersion",
            Self::DeletePolicyVersion { .. } => "iam:DeletePolicyVersion",
            Self::DeletePolicy { .. } => "iam:DeletePolicy",
            Self::AttachPolicy { .. } => "iam:AttachRolePolicy",
            Self::DetachPolicy { .. } => "iam:DetachRolePolicy",
            Self::CreateInstanceProfile { .. } => "iam:CreateInstanceProfile",
            Self::AddRoleToProfile { .. } => "iam:AddRoleToInstanceProfile",
            Self::RemoveRoleFromProfile { .. } => "iam:RemoveRoleFromInstanceProfile",
            Self::DeleteInstanceProfile { .. } => "iam:DeleteInstanceProfile",
            Self::Tag { resource, .. } => match resource {
                IamResource::Role(_) => "iam:TagRole",
                IamResource::Policy(_) => "iam:TagPolicy",
                IamResource::InstanceProfile(_) => "iam:TagInstanceProfile",
            },
            Self::Untag { resource, .. } => match resource {
                IamResource::Role(_) => "iam:UntagRole",
                IamResource::Policy(_) => "iam:UntagPolicy",
                IamResource::InstanceProfile(_) => "iam:UntagInstanceProfile",
            },
            Self::DeleteRole { .. } => "iam:DeleteRole",
        }
    }

    /// The bucket that it writes to, for the rule of one write in flight per bucket.
    pub fn bucket(&self) -> Option<&str> {
        match self {
            Self::CreateBucket { bucket, .. }
            | Self::PutSetting { bucket, .. }
            | Self::RemoveSetting { bucket, .. }
            | Self::EmptyBucket { bucket, .. }
            | Self::DeleteBucket { bucket } => Some(bucket),
            _ => None,
        }
    }
}

fn put_call(field: Field) -> &'static str {
    match field {
        Field::PublicAccessBlock => "s3:PutPublicAccessBlock",
        Field::Tags => "s3:PutBucketTagging",
        Field::Policy => "s3:PutBucketPolicy",
        Field::Ownership => "s3:PutBucketOwnershipControls",
        Field::Versioning => "s3:PutBucketVersioning",
        Field::Encryption => "s3:PutBucketEncryption",
        Field::ObjectLock => "s3:PutObjectLockConfiguration",
        Field::Lifecycle => "s3:PutBucketLifecycleConfiguration",
        Field::Cors => "s3:PutBucketCors",
        Field::Logging => "s3:PutBucketLogging",
        Field::Notifications => "s3:PutBucketNotificationConfiguration",
        Field::Inventory => "s3:PutBucketInventoryConfiguration",
    }
}

/// What S3 has no `Delete` call for is written empty.
fn remove_call(field: Field) -> &'static str {
    match field {
        Field::Tags => "s3:DeleteBucketTagging",
        Field::Policy => "s3:DeleteBucketPolicy",
        Field::Lifecycle => "s3:DeleteBucketLifecycle",
        Field::Cors => "s3:DeleteBucketCors",
        Field::Inventory => "s3:DeleteBucketInventoryConfiguration",
        other => put_call(other),
    }
}
