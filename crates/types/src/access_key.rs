//! Access keys that the gateway issues to clients, and what they may do.

use crate::{AccessKeyId, BucketAlias, SecretString, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What a request does, by its IAM action name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Action {
    /// GetObject, HeadObject, the source of a copy.
    #[serde(rename = "s3:GetObject")]
    GetObject,
    /// The same with a `versionId`.
    #[serde(rename = "s3:GetObjectVersion")]
    GetObjectVersion,
    /// PutObject, the destination of a copy, and creating, filling and completing an upload.
    #[serde(rename = "s3:PutObject")]
    PutObject,
    /// DeleteObject and each key of DeleteObjects.
    #[serde(rename = "s3:DeleteObject")]
    DeleteObject,
    /// The same with a `versionId`.
    #[serde(rename = "s3:DeleteObjectVersion")]
    DeleteObjectVersion,
    /// AbortMultipartUpload.
    #[serde(rename = "s3:AbortMultipartUpload")]
    AbortMultipartUpload,
    /// ListParts.
    #[serde(rename = "s3:ListMultipartUploadParts")]
    ListMultipartUploadParts,
    /// ListObjects, ListObjectsV2, HeadBucket.
    #[serde(rename = "s3:ListBucket")]
    ListBucket,
    /// ListMultipartUploads.
    #[serde(rename = "s3:ListBucketMultipartUploads")]
    ListBucketMultipartUploads,
    /// GetBucketLocation.
    #[serde(rename = "s3:GetBucketLocation")]
    GetBucketLocation,
    /// ListBuckets.
    #[serde(rename = "s3:ListAllMyBuckets")]
    ListAllMyBuckets,
}

impl Action {
    /// Every action that the gateway knows.
    pub const ALL: [Self; 11] = [
        Self::GetObject,
        Self::GetObjectVersion,
        Self::PutObject,
        Self::DeleteObject,
        Self::DeleteObjectVersion,
        Self::AbortMultipartUpload,
        Self::ListMultipartUploadParts,
        Self::ListBucket,
        Self::ListBucketMultipartUploads,
        Self::GetBucketLocation,
        Self::ListAllMyBuckets,
    ];

    /// The IAM name, `s3:GetObject`.
    pub const fn iam_name(self) -> &'static str {
        match self {
            Self::GetObject => "s3:GetObject",
            Self::GetObjectVersion => "s3:GetObjectVersion",
            Self::PutObject => "s3:PutObject",
            Self::DeleteObject => "s3:DeleteObject",
            Self::DeleteObjectVersion => "s3:DeleteObjectVersion",
            Self::AbortMultipartUpload => "s3:AbortMultipartUpload",
            Self::ListMultipartUploadParts => "s3:ListMultipartUploadParts",
            Self::ListBucket => "s3:ListBucket",
            Self::ListBucketMultipartUploads => "s3:ListBucketMultipartUploads",
            Self::GetBucketLocation => "s3:GetBucketLocation",
            Self::ListAllMyBuckets => "s3:ListAllMyBuckets",
        }
    }

    /// Whether this changes what is stored: refused on a read-only bucket and by a read-only key.
    pub const fn is_write(self) -> bool {
        matches!(
            self,
            Self::PutObject
                | Self::DeleteObject
                | Self::DeleteObjectVersion
                | Self::AbortMultipartUpload
        )
    }
}

/// Which actions a grant allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionSet {
    /// Everything that does not write.
    ReadOnly,
    /// Everything but version deletion.
    ReadWrite,
    /// Just these.
    Only(BTreeSet<Action>),
}

impl ActionSet {
    /// Whether `action` is allowed.
    pub fn contains(&self, action: Action) -> bool {
        match self {
            Self::ReadOnly => !action.is_write(),
            Self::ReadWrite => action != Action::DeleteObjectVersion,
            Self::Only(set) => set.contains(&action),
        }
    }
}

/// Which of the tenant's buckets a grant covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BucketScope {
    /// All that the tenant has, now and later.
    All,
    /// Just these.
    Only(BTreeSet<BucketAlias>),
}

/// One permission of an access key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Where.
    pub buckets: BucketScope,
    /// Which keys: those that begin with this text; empty for all.
    #[serde(default)]
    pub prefix: String,
    /// What.
    pub actions: ActionSet,
}

impl Grant {
    /// Everything on every bucket that `actions` names.
    pub fn on_all_buckets(actions: ActionSet) -> Self {
        Self {
            buckets: BucketScope::All,
            prefix: String::new(),
            actions,
        }
    }

    /// Whether this grant allows `action` in `bucket`.
    ///
    /// `name` is the object key, or for a listing its `prefix` parameter: a grant that is limited
    /// to `a/` allows listing `a/` and `a/b`, and not the whole bucket. Actions on the bucket
    /// itself pass `None` and are not limited by the prefix.
    pub fn allows(&self, action: Action, bucket: &BucketAlias, name: Option<&str>) -> bool {
        let in_bucket = match &self.buckets {
            BucketScope::All => true,
            BucketScope::Only(set) => set.contains(bucket),
        };
        in_bucket
            && self.actions.contains(action)
            && name.is_none_or(|name| name.starts_with(&self.prefix))
    }
}

/// Whether a key works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessKeyStatus {
    /// It works.
    Active,
    /// Switched off; can be switched on again.
    Disabled,
    /// Switched off for good.
    Revoked,
}

/// A key that a client signs with.
#[derive(Debug, Clone)]
pub struct AccessKey {
    /// What the client names.
    pub id: AccessKeyId,
    /// Whose it is. Identity comes from here and from nowhere else.
    pub tenant: TenantId,
    /// What the client signs with.
    pub secret: SecretString,
    /// Grows whenever the secret changes, so that no cache outlives a rotation.
    pub secret_version: u64,
    /// What it may do; the union of all grants.
    pub grants: Vec<Grant>,
    /// The last second at which it works.
    pub not_after: Option<Timestamp>,
    /// Whether it works at all.
    pub status: AccessKeyStatus,
}

impl AccessKey {
    /// Whether the key works at `now`.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.status == AccessKeyStatus::Active && self.not_after.is_none_or(|end| now <= end)
    }

    /// Whether any grant allows `action` on `name` in `bucket`; see [`Grant::allows`].
    pub fn allows(&self, action: Action, bucket: &BucketAlias, name: Option<&str>) -> bool {
        self.grants
            .iter()
            .any(|grant| grant.allows(action, bucket, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alias(name: &str) -> BucketAlias {
        BucketAlias::parse(name).unwrap()
    }

    #[test]
    fn a_read_only_grant_refuses_every_write() {
        let grant = Grant::on_all_buckets(ActionSet::ReadOnly);
        for action in Action::ALL {
            assert_eq!(
                grant.allows(action, &alias("data"), None),
                !action.is_write(),
                "{action:?}"
            );
        }
    }

    #[test]
    fn a_grant_ends_at_its_bucket_and_its_prefix() {
        let grant = Grant {
            buckets: BucketScope::Only([alias("data")].into()),
            prefix: "in/".into(),
            actions: ActionSet::ReadWrite,
        };
        assert!(grant.allows(Action::PutObject, &alias("data"), Some("in/x")));
        assert!(!grant.allows(Action::PutObject, &alias("results"), Some("in/x")));
        assert!(!grant.allows(Action::PutObject, &alias("data"), Some("inx")));
        assert!(!grant.allows(Action::ListBucket, &alias("data"), Some("")));
        assert!(!grant.allows(Action::DeleteObjectVersion, &alias("data"), Some("in/x")));
    }

    #[test]
    fn an_action_is_stored_under_its_iam_name() {
        for action in Action::ALL {
            assert_eq!(serde_json::to_value(action).unwrap(), action.iam_name());
        }
    }
}
