//! Whose a thing is, asked just before it is made again or undone: by its ownership tag.

use crate::aws::connect::Cloud;
use crate::aws::convert::s3_tags_from_sdk;
use crate::failure::{Details, Failure, advice};
use crate::model::OWNER_TAG;
use crate::plan::{Read, Step};
use std::collections::BTreeMap;

/// The value of the ownership tag.
fn owner_in(tags: &Read<BTreeMap<String, String>>) -> Option<String> {
    tags.known()?.get(OWNER_TAG).cloned()
}

/// What every other region than us-east-1 says by itself.
pub(super) fn made_meanwhile(bucket: &str) -> Failure {
    let code = "BucketAlreadyOwnedByYou";
    let message = "the account has this bucket already, without our tag".to_string();
    let (fault, hint) = advice("s3:CreateBucket", Some(code), Some(409), &message);
    Failure::from(Details {
        call: "s3:CreateBucket".to_string(),
        resource: bucket.to_string(),
        code: Some(code.to_string()),
        message,
        status: Some(409),
        request_id: None,
        fault,
        hint,
        bucket_region: None,
    })
}

impl Cloud {
    /// Whether what `step` makes carries the tag that it gives, or is not there at all.
    pub(crate) async fn may_be_ours(&self, step: &Step) -> Result<bool, Failure> {
        if !self.is_aws {
            return Ok(true);
        }
        let (there, wanted) = match step {
            Step::CreateBucket { bucket, tags, .. } => match self.owner_of(bucket).await {
                Err(failure) if failure.is_denied() => return Ok(false),
                other => (other?, tags),
            },
            Step::CreateRole { role, tags, .. } => {
                let there = self.observe_role(role).await?;
                (there.map(|role| owner_in(&role.tags)), tags)
            }
            Step::CreatePolicy { arn, tags, .. } => {
                let there = self.observe_policy(arn).await?;
                (there.map(|policy| owner_in(&policy.tags)), tags)
            }
            Step::CreateInstanceProfile { name, tags, .. } => {
                let there = self.observe_profile(name).await?;
                (there.map(|profile| owner_in(&profile.tags)), tags)
            }
            _ => return Ok(true),
        };
        Ok(there.is_none_or(|owner| owner.as_ref() == wanted.get(OWNER_TAG)))
    }

    /// Whose a bucket is by its tag; the outer `None` when there is no such bucket.
    pub(super) async fn owner_of(&self, bucket: &str) -> Result<Option<Option<String>>, Failure> {
        match self.owner_tag(bucket).await {
            Err(failure) if failure.is("NoSuchBucket") => Ok(None),
            Ok(owner) => Ok(Some(owner)),
            Err(failure) => Err(failure),
        }
    }

    async fn owner_tag(&self, bucket: &str) -> Result<Option<String>, Failure> {
        let answer = self
            .read("s3:GetBucketTagging", bucket, || {
                let request = self.s3.get_bucket_tagging().bucket(bucket);
                request.set_expected_bucket_owner(self.owner.clone()).send()
            })
            .await;
        match answer {
            Ok(tagging) => Ok(s3_tags_from_sdk(tagging.tag_set()).remove(OWNER_TAG)),
            Err(failure) if failure.is("NoSuchBucket") => Err(failure),
            Err(failure) if failure.is_absent() || failure.is_unsupported() => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}
