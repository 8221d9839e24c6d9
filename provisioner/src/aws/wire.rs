//! Settings as the JSON that the aws cli takes: the names of the S3 API.

use crate::model::{CorsRule, LockMode, LogKeyFormat, ObjectLock};
use crate::plan::{
    DestinationKind, EncryptionDoc, InventoryDoc, LifecycleDoc, LoggingDoc, NotificationsDoc,
    RuleDoc, TransitionDoc,
};
use serde_json::{Map, Value, json};

/// An object without its empty members.
fn object(members: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    Value::Object(
        members
            .into_iter()
            .filter(|(_, value)| !is_empty(value))
            .map(|(name, value)| (name.to_string(), value))
            .collect::<Map<_, _>>(),
    )
}

pub(crate) fn encryption(doc: &EncryptionDoc) -> Value {
    let with_kms = doc.algorithm.starts_with("aws:kms");
    let default = object([
        ("SSEAlgorithm", json!(doc.algorithm)),
        ("KMSMasterKeyID", json!(doc.key)),
    ]);
    let blocked = doc.blocked.as_ref().map(|types| match types.is_empty() {
        true => json!({ "EncryptionType": ["NONE"] }),
        false => json!({ "EncryptionType": types }),
    });
    let rule = object([
        ("ApplyServerSideEncryptionByDefault", default),
        (
            "BucketKeyEnabled",
            json!(with_kms.then_some(doc.bucket_key)),
        ),
        ("BlockedEncryptionTypes", json!(blocked)),
    ]);
    json!({ "Rules": [rule] })
}

pub(crate) fn object_lock(lock: Option<ObjectLock>) -> Value {
    let rule = lock.map(|lock| {
        let mode = match lock.mode {
            LockMode::Governance => "GOVERNANCE",
            LockMode::Compliance => "COMPLIANCE",
        };
        json!({ "DefaultRetention": { "Mode": mode, "Days": lock.days } })
    });
    object([
        ("ObjectLockEnabled", json!("Enabled")),
        ("Rule", json!(rule)),
    ])
}

pub(crate) fn lifecycle(doc: &LifecycleDoc) -> Value {
    json!({ "Rules": doc.rules.iter().map(rule).collect::<Vec<_>>() })
}

fn rule(rule: &RuleDoc) -> Value {
    let filter = &rule.filter;
    let tags: Vec<Value> = filter
        .tags
        .iter()
        .map(|(key, value)| json!({ "Key": key, "Value": value }))
        .collect();
    let conditions = usize::from(!filter.prefix.is_empty())
        + tags.len()
        + usize::from(filter.larger_than.is_some())
        + usize::from(filter.smaller_than.is_some());
    let prefix = (!filter.prefix.is_empty()).then(|| filter.prefix.clone());
    let sizes = [
        ("ObjectSizeGreaterThan", json!(filter.larger_than)),
        ("ObjectSizeLessThan", json!(filter.smaller_than)),
    ];
    let filter = match conditions {
        0 => json!({ "Prefix": "" }),
        1 => object(
            [("Prefix", json!(prefix)), ("Tag", json!(tags.first()))]
                .into_iter()
                .chain(sizes),
        ),
        _ => json!({ "And": object(
            [("Prefix", json!(prefix)), ("Tags", json!(tags))].into_iter().chain(sizes),
        ) }),
    };
    let expiration = rule.expiration.as_ref().map(|e| {
        object([
            ("Days", json!(e.days)),
            (
                "ExpiredObjectDeleteMarker",
                json!(e.delete_markers.then_some(true)),
            ),
        ])
    });
    let noncurrent = rule.noncurrent_days.map(|days| {
        object([
            ("NoncurrentDays", json!(days)),
            ("NewerNoncurrentVersions", json!(rule.noncurrent_keep)),
        ])
    });
    let transition = |days_name: &'static str| {
        move |t: &TransitionDoc| {
            object([
                (days_name, json!(t.days)),
                ("StorageClass", json!(t.class)),
                ("NewerNoncurrentVersions", json!(t.keep)),
            ])
        }
    };
    let transitions: Vec<Value> = rule.transitions.iter().map(transition("Days")).collect();
    let old: Vec<Value> = rule
        .noncurrent_transitions
        .iter()
        .map(transition("NoncurrentDays"))
        .collect();
    object([
        ("ID", json!(rule.id)),
        (
            "Status",
            json!(if rule.enabled { "Enabled" } else { "Disabled" }),
        ),
        ("Filter", filter),
        ("Expiration", json!(expiration)),
        ("Transitions", json!(transitions)),
        ("NoncurrentVersionExpiration", json!(noncurrent)),
        ("NoncurrentVersionTransitions", json!(old)),
        (
            "AbortIncompleteMultipartUpload",
            json!(
                rule.abort_days
                    .map(|days| json!({ "DaysAfterInitiation": days }))
            ),
        ),
    ])
}

pub(crate) fn cors(rules: &[CorsRule]) -> Value {
    let rules: Vec<Value> = rules
        .iter()
        .map(|rule| {
            object([
                ("ID", json!(rule.id)),
                ("AllowedOrigins", json!(rule.origins)),
                ("AllowedMethods", json!(rule.methods)),
                ("AllowedHeaders", json!(rule.headers)),
                ("ExposeHeaders", json!(rule.expose_headers)),
                ("MaxAgeSeconds", json!(rule.max_age_seconds)),
            ])
        })
        .collect();
    json!({ "CORSRules": rules })
}

pub(crate) fn logging(doc: &LoggingDoc) -> Value {
    let by = |source: &str| json!({ "PartitionedPrefix": { "PartitionDateSource": source } });
    let format = match doc.key_format {
        LogKeyFormat::Simple => json!({ "SimplePrefix": {} }),
        LogKeyFormat::PartitionedByEventTime => by("EventTime"),
        LogKeyFormat::PartitionedByDeliveryTime => by("DeliveryTime"),
    };
    json!({ "LoggingEnabled": {
        "TargetBucket": doc.target, "TargetPrefix": doc.prefix, "TargetObjectKeyFormat": format,
    } })
}

pub(crate) fn notifications(doc: &NotificationsDoc) -> Value {
    let of = |kind: DestinationKind, arn_name: &'static str| -> Vec<Value> {
        doc.entries
            .iter()
            .filter(|entry| entry.kind == kind)
            .map(|entry| {
                let rules: Vec<Value> = entry
                    .filters
                    .iter()
                    .map(|(name, value)| json!({ "Name": name, "Value": value }))
                    .collect();
                let filter =
                    (!rules.is_empty()).then(|| json!({ "Key": { "FilterRules": rules } }));
                object([
                    ("Id", json!(entry.id)),
                    (arn_name, json!(entry.arn)),
                    ("Events", json!(entry.events)),
                    ("Filter", json!(filter)),
                ])
            })
            .collect()
    };
    object([
        (
            "QueueConfigurations",
            json!(of(DestinationKind::Queue, "QueueArn")),
        ),
        (
            "TopicConfigurations",
            json!(of(DestinationKind::Topic, "TopicArn")),
        ),
        (
            "LambdaFunctionConfigurations",
            json!(of(DestinationKind::Function, "LambdaFunctionArn")),
        ),
        (
            "EventBridgeConfiguration",
            json!(doc.event_bridge.then(|| json!({}))),
        ),
    ])
}

pub(crate) fn inventory(doc: &InventoryDoc) -> Value {
    let prefix = |text: &str| (!text.is_empty()).then(|| text.to_string());
    let destination = object([
        ("Bucket", json!(doc.destination)),
        ("AccountId", json!(doc.account)),
        ("Format", json!(doc.format)),
        ("Prefix", json!(prefix(&doc.destination_prefix))),
    ]);
    let frequency = match doc.frequency {
        crate::model::InventoryFrequency::Daily => "Daily",
        crate::model::InventoryFrequency::Weekly => "Weekly",
    };
    object([
        ("Id", json!(doc.id)),
        ("IsEnabled", json!(doc.enabled)),
        ("Destination", json!({ "S3BucketDestination": destination })),
        (
            "Filter",
            json!(prefix(&doc.prefix).map(|p| json!({ "Prefix": p }))),
        ),
        (
            "IncludedObjectVersions",
            json!(if doc.all_versions { "All" } else { "Current" }),
        ),
        ("OptionalFields", json!(doc.fields)),
        ("Schedule", json!({ "Frequency": frequency })),
    ])
}
