//! The policy documents of one set-up, all from the crate `policies`.

use crate::model::bucket::{DesiredBucket, Destination, Encryption, Inventory, Purpose};
use crate::model::desired::Desired;
use crate::model::role::{Attachment, ComputeService, DesiredRole, Trust};
use policies::render::{
    BucketPolicy, CrossAccountTrust, CustomerKeys, EndpointPolicy, EventTarget, KeyArn, KeyUse,
    PermissionExtra, RequiredEncryption, ServiceTrust, SessionExtra, Source, TenantBucket,
    TenantPermissions, bucket_policy, endpoint_policy, key_policy, permission_policy, queue_policy,
    service_trust_policy, topic_policy, trust_policy,
};
use policies::{Budget, Document, PolicyKind, RenderError};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use types::{AccountId, Partition};

/// Every document that a set-up writes, rendered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Documents {
    /// Who may assume the role.
    pub trust: Option<Value>,
    /// What the role may do.
    pub permission: Option<Value>,
    /// The policy of each bucket that has one.
    pub buckets: BTreeMap<Purpose, Value>,
}

/// A document that somebody else has to write: on a queue, a key, a bucket of another team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Companion {
    /// Where it belongs.
    pub place: String,
    /// Its text.
    pub document: Value,
}

impl Documents {
    /// Renders the documents of `desired`.
    ///
    /// S3-compatible stores get none: many ignore condition keys that they do not know, and a
    /// denial whose condition is ignored locks everybody out.
    ///
    /// # Errors
    /// When a document would be larger than AWS allows, or a value does not fit into it.
    pub fn render(desired: &Desired) -> Result<Self, RenderError> {
        let Some((partition, account)) = desired.aws() else {
            return Ok(Self::default());
        };
        let mut documents = Self::default();
        for bucket in &desired.buckets {
            let policy = policy_of_bucket(desired, bucket, partition, account)?;
            documents.buckets.insert(bucket.purpose, policy);
        }
        if let Some(role) = &desired.role {
            documents.trust = Some(trust_of_role(desired, role, partition, account)?);
            documents.permission = Some(permission_of_role(desired, role, partition, account)?);
        }
        Ok(documents)
    }

    /// The policy of the bucket with `purpose`.
    pub fn bucket_policy(&self, purpose: Purpose) -> Option<&Value> {
        self.buckets.get(&purpose)
    }
}

fn policy_of_bucket(
    desired: &Desired,
    bucket: &DesiredBucket,
    partition: Partition,
    account: &AccountId,
) -> Result<Value, RenderError> {
    let encryption = match (&bucket.encryption, bucket.refuse_other_encryption) {
        (_, false) | (Encryption::AwsDefault, _) => None,
        (Encryption::SseS3, true) => Some(RequiredEncryption::S3Managed),
        (Encryption::SseKms { key, .. }, true) => {
            key_arn(key.as_str()).map(RequiredEncryption::Kms)
        }
    };
    let document = bucket_policy(&BucketPolicy {
        partition,
        bucket: bucket.name.clone(),
        encryption,
        customer_keys: match bucket.refuse_customer_keys {
            true => CustomerKeys::Refused,
            false => CustomerKeys::Unmentioned,
        },
        access_logs: log_sources(desired, bucket, account),
        inventories: inventory_sources(desired, bucket, account),
    })?;
    Ok(document.value().clone())
}

/// The buckets whose access logs come to `target`.
fn log_sources(desired: &Desired, target: &DesiredBucket, account: &AccountId) -> Vec<Source> {
    desired
        .buckets
        .iter()
        .filter_map(|bucket| {
            let logging = bucket.logging.as_ref()?;
            (logging.target == target.name).then(|| Source {
                bucket: bucket.name.clone(),
                account: account.clone(),
                target_prefix: logging.prefix.clone(),
            })
        })
        .collect()
}

/// The buckets whose inventories come to `target`, once each.
fn inventory_sources(
    desired: &Desired,
    target: &DesiredBucket,
    account: &AccountId,
) -> Vec<Source> {
    let mut seen = BTreeSet::new();
    let mut sources = Vec::new();
    for bucket in &desired.buckets {
        for inventory in &bucket.inventories {
            let key = (&bucket.name, &inventory.destination_prefix);
            if inventory.destination == target.name && seen.insert(key) {
                sources.push(Source {
                    bucket: bucket.name.clone(),
                    account: account.clone(),
                    target_prefix: lists_prefix(inventory),
                });
            }
        }
    }
    sources
}

/// What the keys of an inventory's lists begin with. Source: S3 user guide, "Inventory list".
fn lists_prefix(inventory: &Inventory) -> String {
    match inventory.destination_prefix.as_str() {
        "" => String::new(),
        prefix => format!("{prefix}/"),
    }
}

fn trust_of_role(
    desired: &Desired,
    role: &DesiredRole,
    partition: Partition,
    account: &AccountId,
) -> Result<Value, RenderError> {
    match &role.trust {
        Trust::CrossAccount {
            vendor,
            external_id,
            session_tags,
        } => {
            let extras = match session_tags {
                true => [SessionExtra::Tags, SessionExtra::SourceIdentity].into(),
                false => BTreeSet::new(),
            };
            let document = trust_policy(&CrossAccountTrust {
                vendor: vendor.clone(),
                external_id: external_id.clone(),
                extras,
            })?;
            Ok(document.value().clone())
        }
        Trust::Compute { services } => {
            let documents = services
                .iter()
                .map(|service| {
                    service_trust_policy(&match service {
                        ComputeService::Ec2 => ServiceTrust::Ec2 { partition },
                        ComputeService::EcsTasks => ServiceTrust::EcsTasks {
                            partition,
                            account: account.clone(),
                            region: desired.region.clone(),
                        },
                    })
                })
                .collect::<Result<Vec<_>, _>>()?;
            joined(&documents)
        }
    }
}

/// The statements of several trust policies in one.
fn joined(documents: &[Document]) -> Result<Value, RenderError> {
    let statements: Vec<Value> = documents
        .iter()
        .filter_map(|d| d.value().get("Statement").and_then(Value::as_array))
        .flatten()
        .cloned()
        .collect();
    let version = documents
        .first()
        .and_then(|d| d.value().get("Version"))
        .cloned()
        .ok_or(RenderError::Empty)?;
    let value = json!({ "Version": version, "Statement": statements });
    let document = Document::new(PolicyKind::Trust, value)?;
    Budget::TrustPolicy.check(&document)?;
    Ok(document.value().clone())
}

fn permission_of_role(
    desired: &Desired,
    role: &DesiredRole,
    partition: Partition,
    account: &AccountId,
) -> Result<Value, RenderError> {
    let of = |bucket: &DesiredBucket| TenantBucket {
        bucket: bucket.name.clone(),
        key: bucket
            .encryption
            .kms_key()
            .and_then(|key| key_arn(key.as_str())),
    };
    let mut extras = BTreeSet::from([PermissionExtra::DeleteProbeVersions]);
    if desired.list_uploads {
        extras.insert(PermissionExtra::ListUploads);
    }
    let document = permission_policy(&TenantPermissions {
        partition,
        account: account.clone(),
        prefix: desired.key_prefix.clone(),
        data: Some(of(desired.data())),
        results: Some(of(desired.results())),
        extras,
    })?;
    if let Attachment::Managed { .. } = role.attachment {
        Budget::ManagedPolicy.check(&document)?;
    }
    Ok(document.value().clone())
}

/// Both crates accept the same keys; `compile` has checked this one.
fn key_arn(text: &str) -> Option<KeyArn> {
    KeyArn::parse(text).ok()
}

/// What others have to allow, so that deliveries arrive and the key can be used.
///
/// # Errors
/// As [`Documents::render`].
pub fn companions(desired: &Desired) -> Result<Vec<Companion>, RenderError> {
    let Some((partition, account)) = desired.aws() else {
        return Ok(Vec::new());
    };
    let mut all = Vec::new();
    for bucket in &desired.buckets {
        let source = Source {
            bucket: bucket.name.clone(),
            account: account.clone(),
            target_prefix: String::new(),
        };
        for entry in bucket.notifications.iter().flat_map(|n| &n.entries) {
            let target = EventTarget {
                partition,
                destination: entry.destination.arn().to_string(),
                sources: vec![source.clone()],
            };
            let (kind, document) = match &entry.destination {
                Destination::Queue(_) => ("queue", queue_policy(&target)?),
                Destination::Topic(_) => ("topic", topic_policy(&target)?),
                // A function takes its permission by its own call (lambda AddPermission).
                Destination::Function(_) => continue,
            };
            all.push(Companion {
                place: format!("policy of the {kind} {}", entry.destination.arn()),
                document: document.value().clone(),
            });
        }
        foreign_targets(bucket, partition, account, &mut all)?;
    }
    if let Some(role) = &desired.role {
        let keys: BTreeSet<&str> = desired
            .buckets
            .iter()
            .filter_map(|b| b.encryption.kms_key().map(|k| k.as_str()))
            .collect();
        for key in keys {
            let document = key_policy(&KeyUse {
                region: desired.region.clone(),
                role: role.arn.clone(),
                event_sources: Vec::new(),
                inventories: Vec::new(),
            })?;
            all.push(Companion {
                place: format!("policy of the key {key}"),
                document: document.value().clone(),
            });
        }
        if desired.vpc_endpoint.is_some() {
            let document = endpoint_policy(&EndpointPolicy {
                role: role.arn.clone(),
                data: Some(desired.data().name.clone()),
                results: Some(desired.results().name.clone()),
            })?;
            all.push(Companion {
                place: "policy of the VPC endpoint".to_string(),
                document: document.value().clone(),
            });
        }
    }
    Ok(all)
}

/// Targets that are not ours need the statements that ours would have.
fn foreign_targets(
    bucket: &DesiredBucket,
    partition: Partition,
    account: &AccountId,
    all: &mut Vec<Companion>,
) -> Result<(), RenderError> {
    let source = |prefix: &str| Source {
        bucket: bucket.name.clone(),
        account: account.clone(),
        target_prefix: prefix.to_string(),
    };
    let mut add = |target: &types::BucketName, logs: Vec<Source>, inventories: Vec<Source>| {
        let document = bucket_policy(&BucketPolicy {
            partition,
            bucket: target.clone(),
            encryption: None,
            customer_keys: CustomerKeys::Unmentioned,
            access_logs: logs,
            inventories,
        })?;
        all.push(Companion {
            place: format!("policy of the bucket {target}"),
            document: document.value().clone(),
        });
        Ok::<(), RenderError>(())
    };
    if let Some(logging) = bucket.logging.as_ref().filter(|l| !l.target_is_ours) {
        add(&logging.target, vec![source(&logging.prefix)], Vec::new())?;
    }
    for inventory in bucket.inventories.iter().filter(|i| !i.destination_is_ours) {
        let prefix = lists_prefix(inventory);
        add(&inventory.destination, Vec::new(), vec![source(&prefix)])?;
    }
    Ok(())
}
