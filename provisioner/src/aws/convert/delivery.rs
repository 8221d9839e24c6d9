//! What a bucket sends elsewhere: logs, notifications, inventories.

use super::COMPLETE;
use crate::model::{InventoryFormat, InventoryFrequency, LogKeyFormat};
use crate::plan::{DestinationKind, InventoryDoc, LoggingDoc, NotificationDoc, NotificationsDoc};
use aws_sdk_s3::types::{
    self as sdk, BucketLoggingStatus, Event, EventBridgeConfiguration, FilterRule, FilterRuleName,
    InventoryConfiguration, InventoryDestination, InventoryFilter, InventoryIncludedObjectVersions,
    InventoryOptionalField, InventoryS3BucketDestination, InventorySchedule,
    LambdaFunctionConfiguration, LoggingEnabled, NotificationConfiguration,
    NotificationConfigurationFilter, PartitionDateSource, PartitionedPrefix, QueueConfiguration,
    S3KeyFilter, SimplePrefix, TargetObjectKeyFormat, TopicConfiguration,
};

pub(crate) fn logging_to_sdk(doc: &LoggingDoc) -> BucketLoggingStatus {
    let format = TargetObjectKeyFormat::builder();
    let by = |source: PartitionDateSource| {
        PartitionedPrefix::builder()
            .partition_date_source(source)
            .build()
    };
    let format = match doc.key_format {
        LogKeyFormat::Simple => format.simple_prefix(SimplePrefix::builder().build()),
        LogKeyFormat::PartitionedByEventTime => {
            format.partitioned_prefix(by(PartitionDateSource::EventTime))
        }
        LogKeyFormat::PartitionedByDeliveryTime => {
            format.partitioned_prefix(by(PartitionDateSource::DeliveryTime))
        }
    };
    let enabled = LoggingEnabled::builder()
        .target_bucket(&doc.target)
        .target_prefix(&doc.prefix)
        .target_object_key_format(format.build())
        .build()
        .expect(COMPLETE);
    BucketLoggingStatus::builder()
        .logging_enabled(enabled)
        .build()
}

pub(crate) fn logging_from_sdk(sdk: &LoggingEnabled) -> LoggingDoc {
    let source = sdk
        .target_object_key_format()
        .and_then(TargetObjectKeyFormat::partitioned_prefix)
        .map(|p| p.partition_date_source() == Some(&PartitionDateSource::DeliveryTime));
    LoggingDoc {
        target: sdk.target_bucket().to_string(),
        prefix: sdk.target_prefix().to_string(),
        key_format: match source {
            None => LogKeyFormat::Simple,
            Some(false) => LogKeyFormat::PartitionedByEventTime,
            Some(true) => LogKeyFormat::PartitionedByDeliveryTime,
        },
    }
}

pub(crate) fn notifications_to_sdk(doc: &NotificationsDoc) -> NotificationConfiguration {
    let mut queues = Vec::new();
    let mut topics = Vec::new();
    let mut functions = Vec::new();
    for entry in &doc.entries {
        let events: Vec<Event> = entry
            .events
            .iter()
            .map(|e| Event::from(e.as_str()))
            .collect();
        let filter = filter_to_sdk(&entry.filters);
        match entry.kind {
            DestinationKind::Queue => queues.push(
                QueueConfiguration::builder()
                    .set_id(entry.id.clone())
                    .queue_arn(&entry.arn)
                    .set_events(Some(events))
                    .set_filter(filter)
                    .build()
                    .expect(COMPLETE),
            ),
            DestinationKind::Topic => topics.push(
                TopicConfiguration::builder()
                    .set_id(entry.id.clone())
                    .topic_arn(&entry.arn)
                    .set_events(Some(events))
                    .set_filter(filter)
                    .build()
                    .expect(COMPLETE),
            ),
            DestinationKind::Function => functions.push(
                LambdaFunctionConfiguration::builder()
                    .set_id(entry.id.clone())
                    .lambda_function_arn(&entry.arn)
                    .set_events(Some(events))
                    .set_filter(filter)
                    .build()
                    .expect(COMPLETE),
            ),
        }
    }
    NotificationConfiguration::builder()
        .set_queue_configurations((!queues.is_empty()).then_some(queues))
        .set_topic_configurations((!topics.is_empty()).then_some(topics))
        .set_lambda_function_configurations((!functions.is_empty()).then_some(functions))
        .set_event_bridge_configuration(
            doc.event_bridge
                .then(|| EventBridgeConfiguration::builder().build()),
        )
        .build()
}

fn filter_to_sdk(filters: &[(String, String)]) -> Option<NotificationConfigurationFilter> {
    if filters.is_empty() {
        return None;
    }
    let rules = filters
        .iter()
        .map(|(name, value)| {
            FilterRule::builder()
                .name(FilterRuleName::from(name.as_str()))
                .value(value)
                .build()
        })
        .collect();
    let key = S3KeyFilter::builder().set_filter_rules(Some(rules)).build();
    Some(NotificationConfigurationFilter::builder().key(key).build())
}

fn filters_from_sdk(filter: Option<&NotificationConfigurationFilter>) -> Vec<(String, String)> {
    filter
        .and_then(NotificationConfigurationFilter::key)
        .map(S3KeyFilter::filter_rules)
        .unwrap_or_default()
        .iter()
        .map(|rule| {
            let name = rule.name().map(|n| n.as_str().to_string());
            (
                name.unwrap_or_default(),
                rule.value().unwrap_or_default().to_string(),
            )
        })
        .collect()
}

/// What the three kinds of entries have in common.
fn entry(
    kind: DestinationKind,
    id: Option<&str>,
    arn: &str,
    events: &[Event],
    filter: Option<&NotificationConfigurationFilter>,
) -> NotificationDoc {
    NotificationDoc {
        id: id.map(str::to_string),
        kind,
        arn: arn.to_string(),
        events: events.iter().map(|e| e.as_str().to_string()).collect(),
        filters: filters_from_sdk(filter),
    }
}

pub(crate) fn notifications_from_sdk(
    event_bridge: Option<&EventBridgeConfiguration>,
    queues: &[QueueConfiguration],
    topics: &[TopicConfiguration],
    functions: &[LambdaFunctionConfiguration],
) -> NotificationsDoc {
    let mut entries: Vec<NotificationDoc> = queues
        .iter()
        .map(|q| {
            entry(
                DestinationKind::Queue,
                q.id(),
                q.queue_arn(),
                q.events(),
                q.filter(),
            )
        })
        .collect();
    entries.extend(topics.iter().map(|t| {
        entry(
            DestinationKind::Topic,
            t.id(),
            t.topic_arn(),
            t.events(),
            t.filter(),
        )
    }));
    entries.extend(functions.iter().map(|f| {
        let arn = f.lambda_function_arn();
        entry(
            DestinationKind::Function,
            f.id(),
            arn,
            f.events(),
            f.filter(),
        )
    }));
    NotificationsDoc {
        event_bridge: event_bridge.is_some(),
        entries,
    }
}

pub(crate) fn inventory_to_sdk(doc: &InventoryDoc) -> InventoryConfiguration {
    let destination = InventoryS3BucketDestination::builder()
        .set_account_id(doc.account.clone())
        .bucket(&doc.destination)
        .format(match doc.format {
            InventoryFormat::Csv => sdk::InventoryFormat::Csv,
            InventoryFormat::Orc => sdk::InventoryFormat::Orc,
            InventoryFormat::Parquet => sdk::InventoryFormat::Parquet,
        })
        .set_prefix(some(&doc.destination_prefix))
        .build()
        .expect(COMPLETE);
    let schedule = InventorySchedule::builder()
        .frequency(match doc.frequency {
            InventoryFrequency::Daily => sdk::InventoryFrequency::Daily,
            InventoryFrequency::Weekly => sdk::InventoryFrequency::Weekly,
        })
        .build()
        .expect(COMPLETE);
    let fields: Vec<InventoryOptionalField> = doc
        .fields
        .iter()
        .map(|f| InventoryOptionalField::from(f.as_str()))
        .collect();
    InventoryConfiguration::builder()
        .id(&doc.id)
        .is_enabled(doc.enabled)
        .destination(
            InventoryDestination::builder()
                .s3_bucket_destination(destination)
                .build(),
        )
        .set_filter(some(&doc.prefix).map(|prefix| {
            InventoryFilter::builder()
                .prefix(prefix)
                .build()
                .expect(COMPLETE)
        }))
        .included_object_versions(if doc.all_versions {
            InventoryIncludedObjectVersions::All
        } else {
            InventoryIncludedObjectVersions::Current
        })
        .set_optional_fields((!fields.is_empty()).then_some(fields))
        .schedule(schedule)
        .build()
        .expect(COMPLETE)
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_string())
}

pub(crate) fn inventory_from_sdk(sdk: &InventoryConfiguration) -> InventoryDoc {
    let destination = sdk
        .destination()
        .and_then(InventoryDestination::s3_bucket_destination);
    InventoryDoc {
        id: sdk.id().to_string(),
        enabled: sdk.is_enabled(),
        destination: destination
            .map(|d| d.bucket().to_string())
            .unwrap_or_default(),
        account: destination.and_then(|d| d.account_id()).map(str::to_string),
        destination_prefix: destination
            .and_then(|d| d.prefix())
            .unwrap_or_default()
            .to_string(),
        format: match destination.map(InventoryS3BucketDestination::format) {
            Some(sdk::InventoryFormat::Orc) => InventoryFormat::Orc,
            Some(sdk::InventoryFormat::Parquet) => InventoryFormat::Parquet,
            _ => InventoryFormat::Csv,
        },
        frequency: match sdk.schedule().map(InventorySchedule::frequency) {
            Some(sdk::InventoryFrequency::Weekly) => InventoryFrequency::Weekly,
            _ => InventoryFrequency::Daily,
        },
        all_versions: *sdk.included_object_versions() == InventoryIncludedObjectVersions::All,
        prefix: sdk
            .filter()
            .map(|f| f.prefix().to_string())
            .unwrap_or_default(),
        fields: sdk
            .optional_fields()
            .iter()
            .map(|f| f.as_str().to_string())
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notifications_survive_the_way_to_the_sdk_and_back() {
        let doc = NotificationsDoc {
            event_bridge: true,
            entries: vec![
                NotificationDoc {
                    id: Some("q".to_string()),
                    kind: DestinationKind::Queue,
                    arn: "arn:aws:sqs:r:1:q".to_string(),
                    events: vec![
                        "s3:ObjectCreated:*".to_string(),
                        "s3:Future:Event".to_string(),
                    ],
                    filters: vec![
                        ("Prefix".to_string(), "a".to_string()),
                        ("suffix".to_string(), "b".to_string()),
                    ],
                },
                NotificationDoc {
                    id: None,
                    kind: DestinationKind::Function,
                    arn: "arn:aws:lambda:r:1:function:f".to_string(),
                    events: vec!["s3:ObjectRemoved:*".to_string()],
                    filters: Vec::new(),
                },
            ],
        };
        let sdk = notifications_to_sdk(&doc);
        let back = notifications_from_sdk(
            sdk.event_bridge_configuration(),
            sdk.queue_configurations(),
            sdk.topic_configurations(),
            sdk.lambda_function_configurations(),
        );
        assert_eq!(back, doc);
    }

    #[test]
    fn an_inventory_survives_the_way_to_the_sdk_and_back() {
        let doc = InventoryDoc {
            id: "byos-w".to_string(),
            enabled: true,
            destination: "arn:aws:s3:::logs".to_string(),
            account: Some("222222222222".to_string()),
            destination_prefix: "inventory".to_string(),
            format: InventoryFormat::Parquet,
            frequency: InventoryFrequency::Weekly,
            all_versions: true,
            prefix: "in/".to_string(),
            fields: ["Size".to_string(), "ETag".to_string()].into(),
        };
        assert_eq!(inventory_from_sdk(&inventory_to_sdk(&doc)), doc);
    }
}
