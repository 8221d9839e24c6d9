//! Who acts on S3, and whether the policies let them.

use crate::claim::{Claim, Place};
use crate::disk::BucketRecord;
use crate::facts::Facts;
use crate::iam::{Accounts, Asked, Caller};
use policies::{Context, Policy, PolicyKind};
use s3s::{S3Result, s3_error};
use std::sync::Arc;
use types::AccountId;

/// Who acts, for the operation itself; travels in the request's extensions.
#[derive(Clone)]
pub(super) struct Actor {
    pub(super) caller: Caller,
    pub(super) accounts: Arc<Accounts>,
    pub(super) facts: Arc<Facts>,
    pub(super) claim: Arc<Claim>,
}

impl Actor {
    /// Condition keys that every S3 request has.
    pub(super) fn context(&self) -> Context {
        let mut context = self.facts.context();
        context.set("s3:signatureversion", "AWS4-HMAC-SHA256");
        let kind = match self.claim.place {
            Place::Header => "REST-HEADER",
            Place::Query { .. } => {
                let age = self.facts.now.seconds_since(self.claim.signed_at) * 1_000;
                context.set("s3:signatureAge", age.to_string());
                "REST-QUERY-STRING"
            }
        };
        context.set("s3:authType", kind);
        if self.facts.secure {
            context.set("s3:TlsVersion", "1.3");
        }
        context
    }

    /// Refuses with AccessDenied unless every policy that bears on it agrees.
    pub(super) fn judge(
        &self,
        action: &str,
        resource: &str,
        bucket: Option<&BucketRecord>,
        context: Context,
    ) -> S3Result<()> {
        let policy = bucket.and_then(|bucket| self.policy(bucket));
        self.caller
            .authorize(
                self.asked(action, resource, bucket, policy.as_deref(), context),
                &self.accounts,
            )
            .map_err(|reason| s3_error!(AccessDenied, "{reason}"))
    }

    /// Whether every policy that bears on it agrees.
    pub(super) fn may(&self, action: &str, resource: &str, bucket: &BucketRecord) -> bool {
        self.may_in(action, resource, bucket, self.context())
    }

    /// Whether the caller may learn that `key` is not there: whoever may list it may. A permission
    /// that is limited to a prefix counts for the keys under it.
    pub(super) fn may_miss(&self, key: &str, bucket: &BucketRecord) -> bool {
        let mut context = self.context();
        context.set("s3:prefix", key);
        self.may_in("s3:ListBucket", &bucket.arn(), bucket, context)
    }

    fn may_in(
        &self,
        action: &str,
        resource: &str,
        bucket: &BucketRecord,
        context: Context,
    ) -> bool {
        let policy = self.policy(bucket);
        let asked = self.asked(action, resource, Some(bucket), policy.as_deref(), context);
        self.caller.may(&asked, &self.accounts)
    }

    /// The bucket's policy, as far as the public access block lets it speak.
    fn policy(&self, bucket: &BucketRecord) -> Option<Arc<Policy>> {
        let silenced = bucket.policy_is_public
            && bucket.blocks("RestrictPublicBuckets")
            && *self.account() != bucket.owner;
        bucket
            .policy
            .as_ref()
            .filter(|_| !silenced)
            .and_then(|document| document.policy(PolicyKind::Resource))
    }

    fn asked<'a>(
        &self,
        action: &'a str,
        resource: &'a str,
        bucket: Option<&'a BucketRecord>,
        policy: Option<&'a Policy>,
        mut context: Context,
    ) -> Asked<'a> {
        if let Some(bucket) = bucket {
            context.set("s3:ResourceAccount", bucket.owner.as_str());
        }
        Asked {
            action,
            resource,
            owner: bucket.map(|bucket| &bucket.owner),
            policy,
            context,
        }
    }

    /// The account that acts.
    pub(super) fn account(&self) -> &AccountId {
        self.caller.account()
    }
}
