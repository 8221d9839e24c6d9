//! A bucket in the words of the module `tenant-storage`.

use super::tree::{Fields, foreign_tags, map, text, texts};
use crate::model::{
    BlockedEncryption, CorsRule, DesiredBucket, Destination, Encryption, Inventory,
    InventoryFormat, InventoryFrequency, LifecycleRule, LockMode, LogKeyFormat, Logging, Namespace,
    Notification, Notifications, ObjectLock, Transition, TransitionMinimum, Versioning,
};
use hcl::expr::Expression;
use std::collections::BTreeSet;

/// Everything that is asked for; what is not stays out.
pub(super) fn settings(bucket: &DesiredBucket) -> Expression {
    Fields::default()
        .with("name", text(&bucket.name))
        .with_some(
            "namespace",
            (bucket.namespace == Namespace::AccountRegional).then(|| text("account_regional")),
        )
        .with_some("versioning", bucket.versioning.map(versioning))
        .with_some("encryption", encryption(&bucket.encryption))
        .with_some(
            "blocked_encryption",
            bucket.blocked_encryption.as_ref().map(blocked),
        )
        .with_flag("refuse_other_encryption", bucket.refuse_other_encryption)
        .with_flag("refuse_customer_keys", bucket.refuse_customer_keys)
        .with(
            "abort_incomplete_days",
            bucket.lifecycle.abort_incomplete_days,
        )
        .with_list(
            "lifecycle_rules",
            bucket.lifecycle.rules.iter().map(lifecycle_rule).collect(),
        )
        .with_some(
            "transition_minimum",
            bucket.lifecycle.transition_minimum.map(transition_minimum),
        )
        .with_list(
            "cors_rules",
            bucket.cors.iter().flatten().map(cors_rule).collect(),
        )
        .with_some("logging", bucket.logging.as_ref().map(logging))
        .with_some("notifications", told(bucket).map(notifications))
        .with_list(
            "inventories",
            bucket.inventories.iter().map(inventory).collect(),
        )
        .with_some("object_lock", bucket.object_lock.as_ref().map(object_lock))
        .with_some("tags", foreign_tags(&bucket.tags))
        .into()
}

fn versioning(versioning: Versioning) -> Expression {
    text(match versioning {
        Versioning::Enabled => "Enabled",
        Versioning::Suspended => "Suspended",
    })
}

fn encryption(encryption: &Encryption) -> Option<Expression> {
    let fields = Fields::default();
    match encryption {
        Encryption::AwsDefault => None,
        Encryption::SseS3 => Some(fields.with("algorithm", text("AES256")).into()),
        Encryption::SseKms {
            key,
            bucket_key,
            dual_layer,
        } => {
            let algorithm = match dual_layer {
                true => "aws:kms:dsse",
                false => "aws:kms",
            };
            Some(
                fields
                    .with("algorithm", text(algorithm))
                    .with("kms_key", text(key.as_str()))
                    .with_flag("bucket_key", *bucket_key)
                    .into(),
            )
        }
    }
}

fn blocked(types: &BTreeSet<BlockedEncryption>) -> Vec<Expression> {
    texts(types.iter().map(|BlockedEncryption::SseC| "SSE-C"))
}

fn lifecycle_rule(rule: &LifecycleRule) -> Expression {
    let transitions = |all: &[Transition]| {
        all.iter()
            .map(|transition| {
                Fields::default()
                    .with("days", transition.days)
                    .with("class", text(transition.class.as_str()))
                    .into()
            })
            .collect()
    };
    Fields::default()
        .with("id", text(&rule.id))
        .with_some("prefix", some_text(&rule.prefix))
        .with_some("tags", (!rule.tags.is_empty()).then(|| map(&rule.tags)))
        .with_some("larger_than", rule.larger_than)
        .with_some("smaller_than", rule.smaller_than)
        .with_some("expire_days", rule.expire_days)
        .with_flag("expire_delete_markers", rule.expire_delete_markers)
        .with_some("noncurrent_expire_days", rule.noncurrent_expire_days)
        .with_some("noncurrent_keep", rule.noncurrent_keep)
        .with_list("transitions", transitions(&rule.transitions))
        .with_list(
            "noncurrent_transitions",
            transitions(&rule.noncurrent_transitions),
        )
        .into()
}

fn transition_minimum(minimum: TransitionMinimum) -> Expression {
    text(match minimum {
        TransitionMinimum::AllStorageClasses128K => "all_storage_classes_128K",
        TransitionMinimum::VariesByStorageClass => "varies_by_storage_class",
    })
}

fn cors_rule(rule: &CorsRule) -> Expression {
    Fields::default()
        .with_some("id", rule.id.as_ref().map(text))
        .with("origins", texts(&rule.origins))
        .with("methods", texts(&rule.methods))
        .with_list("headers", texts(&rule.headers))
        .with_list("expose_headers", texts(&rule.expose_headers))
        .with_some("max_age_seconds", rule.max_age_seconds)
        .into()
}

fn logging(logging: &Logging) -> Expression {
    let format = match logging.key_format {
        LogKeyFormat::Simple => None,
        LogKeyFormat::PartitionedByEventTime => Some("event_time"),
        LogKeyFormat::PartitionedByDeliveryTime => Some("delivery_time"),
    };
    Fields::default()
        .with("target", text(&logging.target))
        .with("prefix", text(&logging.prefix))
        .with_some("key_format", format.map(text))
        .into()
}

fn notifications(notifications: &Notifications) -> Expression {
    let of = |kind: fn(&Destination) -> bool| {
        notifications
            .entries
            .iter()
            .filter(|entry| kind(&entry.destination))
            .map(notification)
            .collect()
    };
    Fields::default()
        .with("event_bridge", notifications.event_bridge)
        .with_list("queues", of(|d| matches!(d, Destination::Queue(_))))
        .with_list("topics", of(|d| matches!(d, Destination::Topic(_))))
        .with_list("functions", of(|d| matches!(d, Destination::Function(_))))
        .into()
}

fn notification(entry: &Notification) -> Expression {
    Fields::default()
        .with("id", text(&entry.id))
        .with("arn", text(entry.destination.arn().as_str()))
        .with("events", texts(&entry.events))
        .with_some("prefix", some_text(&entry.prefix))
        .with_some("suffix", some_text(&entry.suffix))
        .into()
}

fn inventory(inventory: &Inventory) -> Expression {
    let format = match inventory.format {
        InventoryFormat::Csv => "CSV",
        InventoryFormat::Orc => "ORC",
        InventoryFormat::Parquet => "Parquet",
    };
    let frequency = match inventory.frequency {
        InventoryFrequency::Daily => "Daily",
        InventoryFrequency::Weekly => "Weekly",
    };
    Fields::default()
        .with("id", text(&inventory.id))
        .with("destination", text(&inventory.destination))
        .with("destination_account", text(&inventory.destination_account))
        .with("destination_prefix", text(&inventory.destination_prefix))
        .with("format", text(format))
        .with("frequency", text(frequency))
        .with_flag("all_versions", inventory.all_versions)
        .with_some("prefix", some_text(&inventory.prefix))
        .with_list("fields", texts(&inventory.fields))
        .into()
}

fn object_lock(lock: &ObjectLock) -> Expression {
    let mode = match lock.mode {
        LockMode::Governance => "GOVERNANCE",
        LockMode::Compliance => "COMPLIANCE",
    };
    Fields::default()
        .with("mode", text(mode))
        .with("days", lock.days)
        .into()
}

/// The resources that the module makes for a bucket, inventories aside.
pub(super) fn resources_of(bucket: &DesiredBucket) -> Vec<&'static str> {
    let mut resources = vec![
        "aws_s3_bucket",
        "aws_s3_bucket_public_access_block",
        "aws_s3_bucket_policy",
        "aws_s3_bucket_ownership_controls",
        "aws_s3_bucket_lifecycle_configuration",
    ];
    let encrypted =
        bucket.encryption != Encryption::AwsDefault || bucket.blocked_encryption.is_some();
    let optional = [
        ("aws_s3_bucket_versioning", bucket.versioning.is_some()),
        (
            "aws_s3_bucket_server_side_encryption_configuration",
            encrypted,
        ),
        (
            "aws_s3_bucket_object_lock_configuration",
            bucket.object_lock.is_some(),
        ),
        (
            "aws_s3_bucket_cors_configuration",
            bucket.cors.as_ref().is_some_and(|rules| !rules.is_empty()),
        ),
        ("aws_s3_bucket_logging", bucket.logging.is_some()),
        ("aws_s3_bucket_notification", told(bucket).is_some()),
    ];
    resources.extend(optional.iter().filter(|(_, on)| *on).map(|(name, _)| *name));
    resources
}

/// Who is told of events, when anybody is: an empty configuration of a bucket is none.
pub(super) fn told(bucket: &DesiredBucket) -> Option<&Notifications> {
    let notifications = bucket.notifications.as_ref();
    notifications.filter(|n| n.event_bridge || !n.entries.is_empty())
}

fn some_text(value: &str) -> Option<Expression> {
    (!value.is_empty()).then(|| text(value))
}
