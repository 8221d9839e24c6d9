//! The settings of one bucket.

use crate::aws::connect::Cloud;
use crate::aws::convert::{
    cors_from_sdk, encryption_from_sdk, inventory_from_sdk, lifecycle_from_sdk, lock_from_sdk,
    logging_from_sdk, minimum_from_sdk, notifications_from_sdk, public_access_from_sdk,
    public_access_to_sdk, s3_tags_from_sdk,
};
use crate::aws::observe::MAX_PAGES;
use crate::failure::Failure;
use crate::model::Versioning;
use crate::plan::{
    BucketState, InventoryDoc, LifecycleDoc, ObservedBucket, PublicAccess, Read, Refusal,
};
use aws_sdk_s3::operation::get_public_access_block::GetPublicAccessBlockOutput;
use aws_sdk_s3::types::BucketVersioningStatus;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

impl Cloud {
    pub(super) async fn observe_bucket(&self, name: &str) -> Result<BucketState, Failure> {
        let head = self
            .read("s3:HeadBucket", name, || {
                self.s3
                    .head_bucket()
                    .bucket(name)
                    .set_expected_bucket_owner(self.owner.clone())
                    .send()
            })
            .await;
        let here = self.region.as_str();
        match head {
            Ok(head) => match head.bucket_region() {
                Some(region) if self.is_aws && spelled(region) != here => {
                    Ok(BucketState::Elsewhere(spelled(region).to_string()))
                }
                _ => Ok(BucketState::Present(Box::new(self.settings(name).await?))),
            },
            Err(failure) => match (failure.status, &failure.bucket_region) {
                (Some(404), _) => Ok(BucketState::Absent),
                (Some(301 | 400), Some(region)) if spelled(region) != here => {
                    Ok(BucketState::Elsewhere(spelled(region).to_string()))
                }
                (Some(403), _) if self.is_ours_but_denied(name).await => {
                    Ok(BucketState::Present(Box::new(self.settings(name).await?)))
                }
                (Some(403), _) => Ok(BucketState::TakenByOther(Refusal::from(&failure))),
                _ => Err(failure),
            },
        }
    }

    /// A refused HeadBucket also means that the caller may not list: tags tell whose it is, as
    /// the account is checked with them.
    async fn is_ours_but_denied(&self, name: &str) -> bool {
        self.owner.is_some() && matches!(self.tags(name).await, Ok(Read::Known(_)))
    }

    async fn settings(&self, name: &str) -> Result<ObservedBucket, Failure> {
        let (tags, public_access, policy, ownership, versioning, encryption) = tokio::try_join!(
            self.tags(name),
            self.public_access(name),
            self.policy(name),
            self.ownership(name),
            self.versioning(name),
            self.encryption(name),
        )?;
        let (object_lock, lifecycle, cors, logging, notifications, inventories) = tokio::try_join!(
            self.object_lock(name),
            self.lifecycle(name),
            self.cors(name),
            self.logging(name),
            self.notifications(name),
            self.inventories(name),
        )?;
        Ok(ObservedBucket {
            tags,
            public_access,
            policy,
            ownership,
            versioning,
            encryption,
            object_lock,
            lifecycle,
            cors,
            logging,
            notifications,
            inventories,
        })
    }

    /// What a refused read means: never set, not to be seen, not to be had.
    fn classify<T: Default>(&self, failure: Failure) -> Result<Read<T>, Failure> {
        let code = failure.code.clone().unwrap_or_default();
        let unset = failure.is_absent()
            || code.ends_with("NotFoundError")
            // Vendors spell it in many ways: ERROR_NO_SUCH_BUCKET_TAGSET, NoSuchTagSetError.
            || (failure.status == Some(404) && code != "NoSuchBucket");
        if code == "NoSuchBucket" {
            Err(failure)
        } else if unset {
            Ok(Read::Known(T::default()))
        } else if failure.is_unsupported()
            || (!self.is_aws && failure.status == Some(400))
            // The store did not notice the question and answered another one.
            || failure.status == Some(200)
        {
            Ok(Read::Unsupported)
        } else if failure.is_denied() {
            Ok(Read::Unreadable(Refusal::from(&failure)))
        } else {
            Err(failure)
        }
    }

    async fn tags(
        &self,
        name: &str,
    ) -> Result<Read<std::collections::BTreeMap<String, String>>, Failure> {
        let answer = self
            .read("s3:GetBucketTagging", name, || {
                let request = self.s3.get_bucket_tagging().bucket(name);
                request.set_expected_bucket_owner(self.owner.clone()).send()
            })
            .await;
        match answer {
            Ok(tagging) => Ok(Read::Known(s3_tags_from_sdk(tagging.tag_set()))),
            Err(failure) => self.classify(failure),
        }
    }

    async fn public_access(
        &self,
        name: &str,
    ) -> Result<Read<Option<crate::plan::PublicAccess>>, Failure> {
        let answer = self
            .read("s3:GetPublicAccessBlock", name, || {
                let request = self.s3.get_public_access_block().bucket(name);
                let request = request.set_expected_bucket_owner(self.owner.clone());
                async {
                    match request.send().await {
                        Err(error) => oddly_spelled(&error).ok_or(error),
                        answer => answer,
                    }
                }
            })
            .await;
        match answer {
            Ok(answer) => Ok(Read::Known(
                answer
                    .public_access_block_configuration()
                    .map(public_access_from_sdk),
            )),
            Err(failure) => self.classify(failure),
        }
    }

    async fn policy(&self, name: &str) -> Result<Read<Option<serde_json::Value>>, Failure> {
        let answer = self
            .read("s3:GetBucketPolicy", name, || {
                let request = self.s3.get_bucket_policy().bucket(name);
                request.set_expected_bucket_owner(self.owner.clone()).send()
            })
            .await;
        match answer {
            // RADOS Gateway answers an empty text where others answer 404.
            Ok(answer) => Ok(match answer.policy().filter(|text| !text.is_empty()) {
                None => Read::Known(None),
                Some(text) => match serde_json::from_str(text) {
                    Ok(document) => Read::Known(Some(document)),
                    Err(_) => Read::Unreadable("the policy is not JSON".to_string().into()),
                },
            }),
            Err(failure) => self.classify(failure),
        }
    }

    async fn ownership(&self, name: &str) -> Result<Read<Option<String>>, Failure> {
        let answer = self
            .read("s3:GetBucketOwnershipControls", name, || {
                let request = self.s3.get_bucket_ownership_controls().bucket(name);
                request.set_expected_bucket_owner(self.owner.clone()).send()
            })
            .await;
        match answer {
            Ok(answer) => Ok(Read::Known(
                answer
                    .ownership_controls()
                    .and_then(|controls| controls.rules().first())
                    .map(|rule| rule.object_ownership().as_str().to_string()),
            )),
            Err(failure) => self.classify(failure),
        }
    }

    async fn versioning(&self, name: &str) -> Result<Read<Option<Versioning>>, Failure> {
        let answer = self
            .read("s3:GetBucketVersioning", name, || {
                let request = self.s3.get_bucket_versioning().bucket(name);
                request.set_expected_bucket_owner(self.owner.clone()).send()
            })
            .await;
        match answer {
            Ok(answer) => Ok(Read::Known(match answer.status() {
                Some(BucketVersioningStatus::Enabled) => Some(Versioning::Enabled),
                Some(BucketVersioningStatus::Suspended) => Some(Versioning::Suspended),
                _ => None,
            })),
            Err(failure) => self.classify(failure),
        }
    }

    async fn encryption(
        &self,
        name: &str,
    ) -> Result<Read<Option<crate::plan::EncryptionDoc>>, Failure> {
        let answer = self
            .read("s3:GetBucketEncryption", name, || {
                let request = self.s3.get_bucket_encryption().bucket(name);
                request.set_expected_bucket_owner(self.owner.clone()).send()
            })
            .await;
        match answer {
            Ok(answer) => Ok(Read::Known(
                answer
                    .server_side_encryption_configuration()
                    .and_then(encryption_from_sdk),
            )),
            Err(failure) => self.classify(failure),
        }
    }

    /// Whether what is written there cannot be removed at once; no when nobody can tell.
    pub(crate) async fn retains(&self, name: &str) -> bool {
        matches!(self.object_lock(name).await, Ok(Read::Known(Some(Some(_)))))
    }

    async fn object_lock(
        &self,
        name: &str,
    ) -> Result<Read<Option<Option<crate::model::ObjectLock>>>, Failure> {
        let answer = self
            .read("s3:GetObjectLockConfiguration", name, || {
                let request = self.s3.get_object_lock_configuration().bucket(name);
                request.set_expected_bucket_owner(self.owner.clone()).send()
            })
            .await;
        match answer {
            Ok(answer) => Ok(Read::Known(
                answer.object_lock_configuration().and_then(lock_from_sdk),
            )),
            Err(failure) => self.classify(failure),
        }
    }

    async fn lifecycle(&self, name: &str) -> Result<Read<Option<LifecycleDoc>>, Failure> {
        let answer = self
            .read("s3:GetBucketLifecycleConfiguration", name, || {
                let request = self.s3.get_bucket_lifecycle_configuration().bucket(name);
                request.set_expected_bucket_owner(self.owner.clone()).send()
            })
            .await;
        match answer {
            Ok(answer) => Ok(Read::Known(Some(LifecycleDoc {
                rules: lifecycle_from_sdk(answer.rules()),
                transition_minimum: answer
                    .transition_default_minimum_object_size()
                    .and_then(minimum_from_sdk),
            }))),
            Err(failure) => self.classify(failure),
        }
    }

    async fn cors(&self, name: &str) -> Result<Read<Option<Vec<crate::model::CorsRule>>>, Failure> {
        let answer = self
            .read("s3:GetBucketCors", name, || {
                let request = self.s3.get_bucket_cors().bucket(name);
                request.set_expected_bucket_owner(self.owner.clone()).send()
            })
            .await;
        match answer {
            Ok(answer) => Ok(Read::Known(Some(cors_from_sdk(answer.cors_rules())))),
            Err(failure) => self.classify(failure),
        }
    }

    async fn logging(&self, name: &str) -> Result<Read<Option<crate::plan::LoggingDoc>>, Failure> {
        let answer = self
            .read("s3:GetBucketLogging", name, || {
                let request = self.s3.get_bucket_logging().bucket(name);
                request.set_expected_bucket_owner(self.owner.clone()).send()
            })
            .await;
        match answer {
            Ok(answer) => Ok(Read::Known(answer.logging_enabled().map(logging_from_sdk))),
            Err(failure) => self.classify(failure),
        }
    }

    async fn notifications(
        &self,
        name: &str,
    ) -> Result<Read<crate::plan::NotificationsDoc>, Failure> {
        let answer = self
            .read("s3:GetBucketNotificationConfiguration", name, || {
                let request = self.s3.get_bucket_notification_configuration();
                let request = request.bucket(name);
                request.set_expected_bucket_owner(self.owner.clone()).send()
            })
            .await;
        match answer {
            Ok(answer) => Ok(Read::Known(notifications_from_sdk(
                answer.event_bridge_configuration(),
                answer.queue_configurations(),
                answer.topic_configurations(),
                answer.lambda_function_configurations(),
            ))),
            Err(failure) => self.classify(failure),
        }
    }

    async fn inventories(&self, name: &str) -> Result<Read<Vec<InventoryDoc>>, Failure> {
        let mut all = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let answer = self
                .read("s3:ListBucketInventoryConfigurations", name, || {
                    self.s3
                        .list_bucket_inventory_configurations()
                        .bucket(name)
                        .set_continuation_token(token.clone())
                        .set_expected_bucket_owner(self.owner.clone())
                        .send()
                })
                .await;
            let answer = match answer {
                Ok(answer) => answer,
                Err(failure) => return self.classify(failure),
            };
            all.extend(
                answer
                    .inventory_configuration_list()
                    .iter()
                    .map(inventory_from_sdk),
            );
            match answer.next_continuation_token() {
                Some(next) if answer.is_truncated() == Some(true) => token = Some(next.to_string()),
                _ => break,
            }
        }
        all.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(Read::Known(all))
    }
}

/// RADOS Gateway gives the answer's root element a name of its own, which the SDK takes for no
/// answer at all.
fn oddly_spelled<E>(error: &SdkError<E, HttpResponse>) -> Option<GetPublicAccessBlockOutput> {
    let body = error.raw_response()?.body().bytes()?;
    let blocks = blocks_in(std::str::from_utf8(body).ok()?)?;
    let answer = GetPublicAccessBlockOutput::builder();
    Some(
        answer
            .public_access_block_configuration(public_access_to_sdk(blocks))
            .build(),
    )
}

fn blocks_in(text: &str) -> Option<PublicAccess> {
    let is_set = |name: &str| text.contains(&format!("<{name}>true</{name}>"));
    text.contains("<BlockPublicAccessBlockConfiguration>")
        .then(|| PublicAccess {
            block_public_acls: is_set("BlockPublicAcls"),
            ignore_public_acls: is_set("IgnorePublicAcls"),
            block_public_policy: is_set("BlockPublicPolicy"),
            restrict_public_buckets: is_set("RestrictPublicBuckets"),
        })
}

/// `EU` is an old name of eu-west-1, and nothing at all is us-east-1.
fn spelled(region: &str) -> &str {
    match region {
        "EU" => "eu-west-1",
        "" => "us-east-1",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_access_block_of_rados_gateway_is_understood() {
        let answer = |open: &str| {
            format!(
                "<?xml version=\"1.0\"?><BlockPublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>{open}</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></BlockPublicAccessBlockConfiguration>"
            )
        };
        assert_eq!(blocks_in(&answer("true")), Some(PublicAccess::BLOCKED));
        let open = blocks_in(&answer("false")).unwrap();
        assert!(!open.block_public_policy && open.block_public_acls);
        assert_eq!(blocks_in("<ListBucketResult/>"), None);
    }

    #[test]
    fn old_spellings_of_regions_are_understood() {
        assert_eq!(spelled("EU"), "eu-west-1");
        assert_eq!(spelled(""), "us-east-1");
        assert_eq!(spelled("ap-south-1"), "ap-south-1");
    }
}
