//! Writing calls on a bucket.

use super::Outcome;
use super::ours::made_meanwhile;
use crate::aws::connect::Cloud;
use crate::aws::convert::{
    cors_to_sdk, encryption_to_sdk, inventory_to_sdk, lifecycle_to_sdk, lock_to_sdk,
    logging_to_sdk, minimum_to_sdk, notifications_to_sdk, public_access_to_sdk, s3_tags_to_sdk,
};
use crate::aws::pace::Settling;
use crate::failure::Failure;
use crate::model::{Namespace, OWNER_TAG, Versioning};
use crate::plan::{Field, NotificationsDoc, Setting, Step};
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketLocationConstraint, BucketLoggingStatus, BucketNamespace,
    BucketVersioningStatus, CreateBucketConfiguration, ObjectOwnership, OwnershipControls,
    OwnershipControlsRule, VersioningConfiguration,
};
use std::collections::BTreeMap;

impl Cloud {
    pub(super) async fn execute_on_bucket(&self, step: &Step) -> Result<Outcome, Failure> {
        match step {
            Step::CreateBucket {
                bucket,
                region,
                namespace,
                object_lock,
                tags,
            } => {
                self.create_bucket(bucket, region, *namespace, *object_lock, tags)
                    .await?;
            }
            Step::PutSetting { bucket, setting } => self.put(bucket, setting).await?,
            Step::RemoveSetting { bucket, field, id } => {
                self.remove(bucket, *field, id.as_deref()).await?;
            }
            Step::EmptyBucket {
                bucket,
                bypass_governance,
            } => self.empty_bucket(bucket, *bypass_governance).await?,
            Step::DeleteBucket { bucket } => self.delete_bucket(bucket).await?,
            _ => {}
        }
        Ok(Outcome::default())
    }

    /// us-east-1 takes no location and answers 200 for a bucket that is there already; every
    /// other region needs its name and answers 409.
    async fn create_bucket(
        &self,
        bucket: &str,
        region: &str,
        namespace: Namespace,
        object_lock: bool,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        // us-east-1 answers 200 for a bucket of the account that is there already, whoever made it
        // since the plan.
        if self.is_aws && region == "us-east-1" {
            match self.owner_of(bucket).await {
                Ok(Some(there)) if there.as_ref() != tags.get(OWNER_TAG) => {
                    return Err(made_meanwhile(bucket));
                }
                // Of another account: the call itself says so.
                Err(failure) if !failure.is_denied() => return Err(failure),
                Ok(_) | Err(_) => {}
            }
        }
        let location =
            (region != "us-east-1" && self.is_aws).then(|| BucketLocationConstraint::from(region));
        let tag_set = self.is_aws.then(|| s3_tags_to_sdk(tags).tag_set().to_vec());
        let configuration = (location.is_some() || tag_set.is_some()).then(|| {
            CreateBucketConfiguration::builder()
                .set_location_constraint(location)
                .set_tags(tag_set)
                .build()
        });
        let answer = self
            .call("s3:CreateBucket", bucket, Settling::No, || {
                self.s3
                    .create_bucket()
                    .bucket(bucket)
                    .set_create_bucket_configuration(configuration.clone())
                    .set_object_lock_enabled_for_bucket(object_lock.then_some(true))
                    .set_bucket_namespace(
                        (namespace == Namespace::AccountRegional)
                            .then_some(BucketNamespace::AccountRegional),
                    )
                    .send()
            })
            .await;
        match answer {
            Ok(_) => Ok(()),
            // The answer to an earlier attempt got lost: the bucket carries our tag already.
            Err(failure) if failure.is("BucketAlreadyOwnedByYou") => {
                let owner = tags.get(OWNER_TAG);
                match self.owner_of(bucket).await?.flatten() {
                    Some(there) if Some(&there) == owner => Ok(()),
                    _ => Err(failure),
                }
            }
            Err(failure) => Err(failure),
        }
    }

    async fn put(&self, bucket: &str, setting: &Setting) -> Result<(), Failure> {
        let owner = || self.owner.clone();
        let made = Settling::JustMade;
        match setting {
            Setting::PublicAccessBlock(access) => self
                .call("s3:PutPublicAccessBlock", bucket, made, || {
                    self.s3
                        .put_public_access_block()
                        .bucket(bucket)
                        .public_access_block_configuration(public_access_to_sdk(*access))
                        .set_expected_bucket_owner(owner())
                        .send()
                })
                .await
                .map(drop),
            Setting::Tags(tags) => self
                .call("s3:PutBucketTagging", bucket, made, || {
                    self.s3
                        .put_bucket_tagging()
                        .bucket(bucket)
                        .tagging(s3_tags_to_sdk(tags))
                        .set_expected_bucket_owner(owner())
                        .send()
                })
                .await
                .map(drop),
            Setting::Policy(document) => self
                .call("s3:PutBucketPolicy", bucket, made, || {
                    self.s3
                        .put_bucket_policy()
                        .bucket(bucket)
                        .policy(document.to_string())
                        .set_expected_bucket_owner(owner())
                        .send()
                })
                .await
                .map(drop),
            Setting::Ownership(ownership) => self.put_ownership(bucket, ownership).await,
            Setting::Versioning(versioning) => self.put_versioning(bucket, *versioning).await,
            Setting::Encryption(doc) => self
                .call("s3:PutBucketEncryption", bucket, made, || {
                    self.s3
                        .put_bucket_encryption()
                        .bucket(bucket)
                        .server_side_encryption_configuration(encryption_to_sdk(doc))
                        .set_expected_bucket_owner(owner())
                        .send()
                })
                .await
                .map(drop),
            Setting::ObjectLock(lock) => self
                .call("s3:PutObjectLockConfiguration", bucket, made, || {
                    self.s3
                        .put_object_lock_configuration()
                        .bucket(bucket)
                        .object_lock_configuration(lock_to_sdk(*lock))
                        .set_expected_bucket_owner(owner())
                        .send()
                })
                .await
                .map(drop),
            Setting::Cors(rules) => self
                .call("s3:PutBucketCors", bucket, made, || {
                    self.s3
                        .put_bucket_cors()
                        .bucket(bucket)
                        .cors_configuration(cors_to_sdk(rules))
                        .set_expected_bucket_owner(owner())
                        .send()
                })
                .await
                .map(drop),
            Setting::Lifecycle(doc) => self.put_lifecycle(bucket, doc).await,
            delivery => self.put_delivery(bucket, delivery).await,
        }
    }

    async fn put_ownership(&self, bucket: &str, ownership: &str) -> Result<(), Failure> {
        let rule = OwnershipControlsRule::builder()
            .object_ownership(ObjectOwnership::from(ownership))
            .build()
            .expect("the ownership is set");
        let controls = OwnershipControls::builder()
            .rules(rule)
            .build()
            .expect("the rule is set");
        self.call(
            "s3:PutBucketOwnershipControls",
            bucket,
            Settling::JustMade,
            || {
                self.s3
                    .put_bucket_ownership_controls()
                    .bucket(bucket)
                    .ownership_controls(controls.clone())
                    .set_expected_bucket_owner(self.owner.clone())
                    .send()
            },
        )
        .await
        .map(drop)
    }

    async fn put_versioning(&self, bucket: &str, versioning: Versioning) -> Result<(), Failure> {
        let status = match versioning {
            Versioning::Enabled => BucketVersioningStatus::Enabled,
            Versioning::Suspended => BucketVersioningStatus::Suspended,
        };
        let configuration = VersioningConfiguration::builder().status(status).build();
        self.call("s3:PutBucketVersioning", bucket, Settling::JustMade, || {
            self.s3
                .put_bucket_versioning()
                .bucket(bucket)
                .versioning_configuration(configuration.clone())
                .set_expected_bucket_owner(self.owner.clone())
                .send()
        })
        .await
        .map(drop)
    }

    async fn put_lifecycle(
        &self,
        bucket: &str,
        doc: &crate::plan::LifecycleDoc,
    ) -> Result<(), Failure> {
        let configuration = BucketLifecycleConfiguration::builder()
            .set_rules(Some(lifecycle_to_sdk(&doc.rules)))
            .build()
            .expect("the rules are set");
        let minimum = doc.transition_minimum.map(minimum_to_sdk);
        self.call(
            "s3:PutBucketLifecycleConfiguration",
            bucket,
            Settling::JustMade,
            || {
                self.s3
                    .put_bucket_lifecycle_configuration()
                    .bucket(bucket)
                    .lifecycle_configuration(configuration.clone())
                    .set_transition_default_minimum_object_size(minimum.clone())
                    .set_expected_bucket_owner(self.owner.clone())
                    .send()
            },
        )
        .await
        .map(drop)
    }

    async fn put_delivery(&self, bucket: &str, setting: &Setting) -> Result<(), Failure> {
        let made = Settling::JustMade;
        match setting {
            Setting::Logging(doc) => self.put_logging(bucket, logging_to_sdk(doc)).await,
            Setting::Notifications(doc) => self
                .call(
                    "s3:PutBucketNotificationConfiguration",
                    bucket,
                    made,
                    || {
                        self.s3
                            .put_bucket_notification_configuration()
                            .bucket(bucket)
                            .notification_configuration(notifications_to_sdk(doc))
                            .set_expected_bucket_owner(self.owner.clone())
                            .send()
                    },
                )
                .await
                .map(drop),
            Setting::Inventory(doc) => self
                .call("s3:PutBucketInventoryConfiguration", bucket, made, || {
                    self.s3
                        .put_bucket_inventory_configuration()
                        .bucket(bucket)
                        .id(&doc.id)
                        .inventory_configuration(inventory_to_sdk(doc))
                        .set_expected_bucket_owner(self.owner.clone())
                        .send()
                })
                .await
                .map(drop),
            _ => Ok(()),
        }
    }

    async fn put_logging(&self, bucket: &str, status: BucketLoggingStatus) -> Result<(), Failure> {
        self.call("s3:PutBucketLogging", bucket, Settling::JustMade, || {
            self.s3
                .put_bucket_logging()
                .bucket(bucket)
                .bucket_logging_status(status.clone())
                .set_expected_bucket_owner(self.owner.clone())
                .send()
        })
        .await
        .map(drop)
    }

    /// Public access, ownership, versioning, encryption and object lock are never removed: no
    /// step asks for it, and asking would do nothing.
    async fn remove(&self, bucket: &str, field: Field, id: Option<&str>) -> Result<(), Failure> {
        let owner = || self.owner.clone();
        let no = Settling::No;
        let result = match field {
            Field::Tags => self
                .call("s3:DeleteBucketTagging", bucket, no, || {
                    let request = self.s3.delete_bucket_tagging().bucket(bucket);
                    request.set_expected_bucket_owner(owner()).send()
                })
                .await
                .map(drop),
            Field::Policy => self
                .call("s3:DeleteBucketPolicy", bucket, no, || {
                    let request = self.s3.delete_bucket_policy().bucket(bucket);
                    request.set_expected_bucket_owner(owner()).send()
                })
                .await
                .map(drop),
            Field::Lifecycle => self
                .call("s3:DeleteBucketLifecycle", bucket, no, || {
                    let request = self.s3.delete_bucket_lifecycle().bucket(bucket);
                    request.set_expected_bucket_owner(owner()).send()
                })
                .await
                .map(drop),
            Field::Cors => self
                .call("s3:DeleteBucketCors", bucket, no, || {
                    let request = self.s3.delete_bucket_cors().bucket(bucket);
                    request.set_expected_bucket_owner(owner()).send()
                })
                .await
                .map(drop),
            Field::Inventory => self
                .call("s3:DeleteBucketInventoryConfiguration", bucket, no, || {
                    let request = self.s3.delete_bucket_inventory_configuration();
                    let request = request.bucket(bucket).id(id.unwrap_or_default());
                    request.set_expected_bucket_owner(owner()).send()
                })
                .await
                .map(drop),
            Field::Logging => {
                self.put_logging(bucket, BucketLoggingStatus::builder().build())
                    .await
            }
            Field::Notifications => {
                let nothing = Setting::Notifications(NotificationsDoc::default());
                self.put_delivery(bucket, &nothing).await
            }
            Field::PublicAccessBlock
            | Field::Ownership
            | Field::Versioning
            | Field::Encryption
            | Field::ObjectLock => Ok(()),
        };
        match result {
            Err(failure) if failure.is_absent() => Ok(()),
            other => other,
        }
    }

    async fn delete_bucket(&self, bucket: &str) -> Result<(), Failure> {
        let answer = self
            .call("s3:DeleteBucket", bucket, Settling::No, || {
                let request = self.s3.delete_bucket().bucket(bucket);
                request.set_expected_bucket_owner(self.owner.clone()).send()
            })
            .await;
        match answer {
            Err(failure) if failure.is_absent() => Ok(()),
            other => other.map(drop),
        }
    }
}
