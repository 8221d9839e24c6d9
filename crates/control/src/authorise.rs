//! What may they do: the bucket's own limit first, then the key's grants.

use types::{AccessKey, Action, BucketAccess, BucketAlias};

/// Why a request that was signed correctly is refused all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The bucket takes no writes from anybody.
    #[error("the bucket is read-only")]
    ReadOnlyBucket,
    /// No grant of the key covers it.
    #[error("no grant of this access key allows {}", .0.iam_name())]
    NotGranted(Action),
}

/// Decides one action on one bucket; `name` as in [`types::Grant::allows`].
///
/// # Errors
/// The reason of the refusal.
pub fn authorise(
    access_key: &AccessKey,
    access: BucketAccess,
    bucket: &BucketAlias,
    action: Action,
    name: Option<&str>,
) -> Result<(), Refusal> {
    if access == BucketAccess::ReadOnly && action.is_write() {
        return Err(Refusal::ReadOnlyBucket);
    }
    if access_key.allows(action, bucket, name) {
        Ok(())
    } else {
        Err(Refusal::NotGranted(action))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::{
        AccessKeyId, AccessKeyStatus, ActionSet, BucketScope, Grant, SecretString, TenantId,
    };

    fn key(grants: Vec<Grant>) -> AccessKey {
        AccessKey {
            id: AccessKeyId::parse("BYOSTESTKEY0000000").unwrap(),
            tenant: TenantId::parse("acme").unwrap(),
            secret: SecretString::from("s"),
            secret_version: 1,
            grants,
            not_after: None,
            status: AccessKeyStatus::Active,
        }
    }

    #[test]
    fn no_grant_opens_a_read_only_bucket_for_writing() {
        let bucket = BucketAlias::parse("data").unwrap();
        let all = key(vec![Grant::on_all_buckets(ActionSet::Only(
            Action::ALL.into(),
        ))]);
        for action in Action::ALL {
            let decision = authorise(&all, BucketAccess::ReadOnly, &bucket, action, Some("k"));
            assert_eq!(decision.is_err(), action.is_write(), "{action:?}");
        }
    }

    #[test]
    fn a_key_without_grants_may_do_nothing() {
        let bucket = BucketAlias::parse("data").unwrap();
        for action in Action::ALL {
            assert_eq!(
                authorise(&key(vec![]), BucketAccess::ReadWrite, &bucket, action, None),
                Err(Refusal::NotGranted(action))
            );
        }
    }

    #[test]
    fn grants_add_up() {
        let data = BucketAlias::parse("data").unwrap();
        let results = BucketAlias::parse("results").unwrap();
        let only = |bucket: &BucketAlias| BucketScope::Only([bucket.clone()].into());
        let key = key(vec![
            Grant {
                buckets: only(&data),
                prefix: String::new(),
                actions: ActionSet::ReadOnly,
            },
            Grant {
                buckets: only(&results),
                prefix: "a/".into(),
                actions: ActionSet::ReadWrite,
            },
        ]);
        let may = |bucket, action, name| {
            authorise(&key, BucketAccess::ReadWrite, bucket, action, Some(name)).is_ok()
        };
        assert!(may(&data, Action::GetObject, "x"));
        assert!(!may(&data, Action::PutObject, "x"));
        assert!(may(&results, Action::PutObject, "a/x"));
        assert!(!may(&results, Action::PutObject, "b/x"));
    }
}
