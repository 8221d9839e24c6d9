//! A bucket, with every setting inside it, and its policy.

use super::{CloudFormationError, Properties, field, policy_name, reference, tags};
use crate::model::{
    ABORT_RULE_ID, BlockedEncryption, CorsRule, DesiredBucket, Encryption, Inventory,
    InventoryFormat, InventoryFrequency, LifecycleRule, LockMode, LogKeyFormat, Logging, Namespace,
    Notifications, ObjectLock, PROBE_RULE_ID, Purpose, Transition, TransitionMinimum, Versioning,
};
use serde_json::{Value, json};

pub(super) fn resource(bucket: &DesiredBucket) -> Result<Value, CloudFormationError> {
    let properties = Properties::default()
        .with("BucketName", bucket.name.as_str())
        .with_some(
            "BucketNamespace",
            (bucket.namespace == Namespace::AccountRegional).then_some("account-regional"),
        )
        .with(
            "PublicAccessBlockConfiguration",
            json!({
                "BlockPublicAcls": true,
                "BlockPublicPolicy": true,
                "IgnorePublicAcls": true,
                "RestrictPublicBuckets": true,
            }),
        )
        .with(
            "OwnershipControls",
            json!({ "Rules": [{ "ObjectOwnership": "BucketOwnerEnforced" }] }),
        )
        .with_some("VersioningConfiguration", bucket.versioning.map(versioning))
        .with_some("BucketEncryption", encryption(bucket))
        .with_some(
            "ObjectLockEnabled",
            bucket.object_lock.is_some().then_some(true),
        )
        .with_some(
            "ObjectLockConfiguration",
            bucket.object_lock.as_ref().map(object_lock),
        )
        .with("LifecycleConfiguration", lifecycle(bucket))
        .with_some("CorsConfiguration", cors(bucket))
        .with_some("LoggingConfiguration", bucket.logging.as_ref().map(logging))
        .with_some("NotificationConfiguration", notifications(bucket)?)
        .with_list("InventoryConfigurations", inventories(bucket))
        .with("Tags", tags(&bucket.tags));
    // S3 asks the receiver for its consent when logs and inventories are switched on.
    let needs_logs = bucket.logging.as_ref().is_some_and(|l| l.target_is_ours)
        || bucket.inventories.iter().any(|i| i.destination_is_ours);
    Ok(Properties::default()
        .with("Type", "AWS::S3::Bucket")
        .with("DeletionPolicy", "Retain")
        .with("UpdateReplacePolicy", "Retain")
        .with_some("DependsOn", needs_logs.then(|| policy_name(Purpose::Logs)))
        .with("Properties", properties)
        .into())
}

/// It stays with its bucket: a bucket that is kept is not to be left without its denials.
pub(super) fn policy(bucket: &str, document: &Value) -> Value {
    json!({
        "Type": "AWS::S3::BucketPolicy",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": { "Bucket": reference(bucket), "PolicyDocument": document },
    })
}

fn versioning(versioning: Versioning) -> Value {
    json!({ "Status": match versioning {
        Versioning::Enabled => "Enabled",
        Versioning::Suspended => "Suspended",
    }})
}

fn encryption(bucket: &DesiredBucket) -> Option<Value> {
    let blocked = bucket.blocked_encryption.as_ref().map(|types| {
        let names: Vec<&str> = match types.is_empty() {
            true => vec!["NONE"],
            false => types
                .iter()
                .map(|BlockedEncryption::SseC| "SSE-C")
                .collect(),
        };
        json!({ "EncryptionType": names })
    });
    let rule = match &bucket.encryption {
        Encryption::AwsDefault => {
            blocked.as_ref()?;
            json!({ "SSEAlgorithm": "AES256" })
        }
        Encryption::SseS3 => json!({ "SSEAlgorithm": "AES256" }),
        Encryption::SseKms {
            key, dual_layer, ..
        } => json!({
            "SSEAlgorithm": if *dual_layer { "aws:kms:dsse" } else { "aws:kms" },
            "KMSMasterKeyID": key.as_str(),
        }),
    };
    let bucket_key = matches!(
        bucket.encryption,
        Encryption::SseKms {
            bucket_key: true,
            ..
        }
    );
    let rule = Properties::default()
        .with("ServerSideEncryptionByDefault", rule)
        .with("BucketKeyEnabled", bucket_key)
        .with_some("BlockedEncryptionTypes", blocked);
    Some(json!({ "ServerSideEncryptionConfiguration": [Value::from(rule)] }))
}

fn object_lock(lock: &ObjectLock) -> Value {
    let mode = match lock.mode {
        LockMode::Governance => "GOVERNANCE",
        LockMode::Compliance => "COMPLIANCE",
    };
    json!({
        "ObjectLockEnabled": "Enabled",
        "Rule": { "DefaultRetention": { "Mode": mode, "Days": lock.days } },
    })
}

fn lifecycle(bucket: &DesiredBucket) -> Value {
    let days = bucket.lifecycle.abort_incomplete_days;
    let mut rules = vec![json!({
        "Id": ABORT_RULE_ID,
        "Status": "Enabled",
        "AbortIncompleteMultipartUpload": { "DaysAfterInitiation": days },
    })];
    rules.extend(bucket.lifecycle.probe_prefix.as_ref().map(|prefix| {
        json!({
            "Id": PROBE_RULE_ID,
            "Status": "Enabled",
            "Prefix": prefix,
            "ExpirationInDays": 1,
            "NoncurrentVersionExpiration": { "NoncurrentDays": 1 },
        })
    }));
    rules.extend(bucket.lifecycle.rules.iter().map(rule));
    let minimum = bucket.lifecycle.transition_minimum.map(|m| match m {
        TransitionMinimum::AllStorageClasses128K => "all_storage_classes_128K",
        TransitionMinimum::VariesByStorageClass => "varies_by_storage_class",
    });
    Properties::default()
        .with("Rules", rules)
        .with_some("TransitionDefaultMinimumObjectSize", minimum)
        .into()
}

fn rule(rule: &LifecycleRule) -> Value {
    let transition =
        |t: &Transition| json!({ "StorageClass": t.class.as_str(), "TransitionInDays": t.days });
    let tags = rule.tags.iter();
    let noncurrent = rule.noncurrent_expire_days.map(|days| {
        Properties::default()
            .with("NoncurrentDays", days)
            .with_some("NewerNoncurrentVersions", rule.noncurrent_keep)
    });
    Properties::default()
        .with("Id", rule.id.as_str())
        .with("Status", "Enabled")
        .with_some(
            "Prefix",
            (!rule.prefix.is_empty()).then_some(rule.prefix.as_str()),
        )
        .with_list(
            "TagFilters",
            tags.map(|(key, value)| json!({ "Key": key, "Value": value }))
                .collect(),
        )
        .with_some(
            "ObjectSizeGreaterThan",
            rule.larger_than.map(|size| size.to_string()),
        )
        .with_some(
            "ObjectSizeLessThan",
            rule.smaller_than.map(|size| size.to_string()),
        )
        .with_some("ExpirationInDays", rule.expire_days)
        .with_some(
            "ExpiredObjectDeleteMarker",
            rule.expire_delete_markers.then_some(true),
        )
        .with_some("NoncurrentVersionExpiration", noncurrent)
        .with_list(
            "Transitions",
            rule.transitions.iter().map(transition).collect(),
        )
        .with_list(
            "NoncurrentVersionTransitions",
            rule.noncurrent_transitions.iter().map(transition).collect(),
        )
        .into()
}

fn cors(bucket: &DesiredBucket) -> Option<Value> {
    let rules = bucket.cors.as_ref().filter(|rules| !rules.is_empty())?;
    let texts = |items: &[String]| items.iter().map(|item| json!(item)).collect::<Vec<_>>();
    let one = |rule: &CorsRule| {
        Value::from(
            Properties::default()
                .with_some("Id", rule.id.clone())
                .with("AllowedOrigins", texts(&rule.origins))
                .with("AllowedMethods", texts(&rule.methods))
                .with_list("AllowedHeaders", texts(&rule.headers))
                .with_list("ExposedHeaders", texts(&rule.expose_headers))
                .with_some("MaxAge", rule.max_age_seconds),
        )
    };
    Some(json!({ "CorsRules": rules.iter().map(one).collect::<Vec<_>>() }))
}

fn logging(logging: &Logging) -> Value {
    let partitioned = |source| json!({ "PartitionedPrefix": { "PartitionDateSource": source } });
    let format = match logging.key_format {
        LogKeyFormat::Simple => json!({ "SimplePrefix": {} }),
        LogKeyFormat::PartitionedByEventTime => partitioned("EventTime"),
        LogKeyFormat::PartitionedByDeliveryTime => partitioned("DeliveryTime"),
    };
    json!({
        "DestinationBucketName": logging.target,
        "LogFilePrefix": logging.prefix,
        "TargetObjectKeyFormat": format,
    })
}

/// A notification in a template has no id, so nobody could tell later which ones are ours.
fn notifications(bucket: &DesiredBucket) -> Result<Option<Value>, CloudFormationError> {
    let Some(Notifications {
        event_bridge,
        entries,
    }) = &bucket.notifications
    else {
        return Ok(None);
    };
    if !entries.is_empty() {
        return Err(CloudFormationError::Unsupported {
            field: field(bucket, "notifications.entries"),
            reason: "cannot give notifications an id, so later changes could not tell them from those of others",
            hint: "send the events to EventBridge (event_bridge = true), or use Terraform",
        });
    }
    Ok(event_bridge.then(|| json!({ "EventBridgeConfiguration": { "EventBridgeEnabled": true } })))
}

fn inventories(bucket: &DesiredBucket) -> Vec<Value> {
    bucket.inventories.iter().map(inventory).collect()
}

fn inventory(inventory: &Inventory) -> Value {
    let format = match inventory.format {
        InventoryFormat::Csv => "CSV",
        InventoryFormat::Orc => "ORC",
        InventoryFormat::Parquet => "Parquet",
    };
    let frequency = match inventory.frequency {
        InventoryFrequency::Daily => "Daily",
        InventoryFrequency::Weekly => "Weekly",
    };
    let versions = match inventory.all_versions {
        true => "All",
        false => "Current",
    };
    let partition =
        json!({ "Fn::Sub": format!("arn:${{AWS::Partition}}:s3:::{}", inventory.destination) });
    let destination = Properties::default()
        .with("BucketArn", partition)
        .with("BucketAccountId", inventory.destination_account.as_str())
        .with("Prefix", inventory.destination_prefix.as_str())
        .with("Format", format);
    Properties::default()
        .with("Id", inventory.id.as_str())
        .with("Enabled", true)
        .with("Destination", destination)
        .with("IncludedObjectVersions", versions)
        .with("ScheduleFrequency", frequency)
        .with_some(
            "Prefix",
            (!inventory.prefix.is_empty()).then_some(inventory.prefix.as_str()),
        )
        .with_list(
            "OptionalFields",
            inventory.fields.iter().map(|field| json!(field)).collect(),
        )
        .into()
}
