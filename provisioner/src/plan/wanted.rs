//! Desired settings in the shape in which S3 stores them, merged with what must survive.

use crate::model::{
    ABORT_RULE_ID, DesiredBucket, Destination, Encryption, Inventory, Lifecycle, LifecycleRule,
    Notification, Notifications, OUR_ID_PREFIX, PROBE_RULE_ID, Transition,
};
use crate::plan::setting::{
    DestinationKind, EncryptionDoc, ExpirationDoc, FilterDoc, InventoryDoc, LifecycleDoc,
    LoggingDoc, NotificationDoc, NotificationsDoc, RuleDoc, TransitionDoc,
};

/// Whether a bucket was made here, and is held as a whole, or taken over with what it had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Made here: everything in it is ours but notifications and tags of others.
    Created,
    /// Taken over: what others put there stays, and it is never deleted.
    Adopted,
}

impl Origin {
    /// As in the origin tag.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Adopted => "adopted",
        }
    }
}

/// The encryption to write; `None` when nothing is asked for.
///
/// A blocked type that is not asked for keeps the value that stands there, so that a new default
/// of AWS is neither drift nor undone.
pub(crate) fn encryption(
    bucket: &DesiredBucket,
    observed: Option<&EncryptionDoc>,
) -> Option<EncryptionDoc> {
    let blocked = bucket
        .blocked_encryption
        .clone()
        .or_else(|| observed.and_then(|o| o.blocked.clone()));
    match &bucket.encryption {
        Encryption::AwsDefault => bucket.blocked_encryption.as_ref().map(|_| EncryptionDoc {
            blocked,
            ..observed.cloned().unwrap_or(EncryptionDoc {
                algorithm: "AES256".to_string(),
                key: None,
                bucket_key: false,
                blocked: None,
            })
        }),
        Encryption::SseS3 => Some(EncryptionDoc {
            algorithm: "AES256".to_string(),
            key: None,
            bucket_key: false,
            blocked,
        }),
        Encryption::SseKms {
            key,
            bucket_key,
            dual_layer,
        } => Some(EncryptionDoc {
            algorithm: if *dual_layer {
                "aws:kms:dsse"
            } else {
                "aws:kms"
            }
            .to_string(),
            key: Some(key.to_string()),
            bucket_key: *bucket_key,
            blocked,
        }),
    }
}

/// Our rules, then the rules that must survive.
pub(crate) fn lifecycle(
    wanted: &Lifecycle,
    observed: Option<&LifecycleDoc>,
    origin: Origin,
) -> LifecycleDoc {
    let mut rules = vec![RuleDoc {
        id: ABORT_RULE_ID.to_string(),
        enabled: true,
        abort_days: days(Some(wanted.abort_incomplete_days)),
        ..RuleDoc::default()
    }];
    rules.extend(wanted.probe_prefix.as_ref().map(|prefix| RuleDoc {
        id: PROBE_RULE_ID.to_string(),
        enabled: true,
        filter: FilterDoc {
            prefix: prefix.clone(),
            ..FilterDoc::default()
        },
        expiration: Some(ExpirationDoc {
            days: Some(1),
            ..ExpirationDoc::default()
        }),
        noncurrent_days: Some(1),
        ..RuleDoc::default()
    }));
    rules.extend(wanted.rules.iter().map(rule));
    if origin == Origin::Adopted
        && let Some(observed) = observed
    {
        let foreign = |r: &&RuleDoc| !r.id.starts_with(OUR_ID_PREFIX);
        rules.extend(observed.rules.iter().filter(foreign).cloned());
    }
    LifecycleDoc {
        rules,
        transition_minimum: wanted
            .transition_minimum
            .or_else(|| observed.and_then(|o| o.transition_minimum)),
    }
}

fn rule(rule: &LifecycleRule) -> RuleDoc {
    let expiration = ExpirationDoc {
        days: days(rule.expire_days),
        date: None,
        delete_markers: rule.expire_delete_markers,
    };
    let transition = |t: &Transition| TransitionDoc {
        days: days(Some(t.days)),
        class: t.class.as_str().to_string(),
        ..TransitionDoc::default()
    };
    RuleDoc {
        id: rule.id.clone(),
        enabled: true,
        filter: FilterDoc {
            prefix: rule.prefix.clone(),
            tags: rule.tags.clone(),
            larger_than: rule.larger_than.and_then(|n| i64::try_from(n).ok()),
            smaller_than: rule.smaller_than.and_then(|n| i64::try_from(n).ok()),
        },
        expiration: (expiration != ExpirationDoc::default()).then_some(expiration),
        transitions: rule.transitions.iter().map(transition).collect(),
        noncurrent_days: days(rule.noncurrent_expire_days),
        noncurrent_keep: days(rule.noncurrent_keep),
        noncurrent_transitions: rule.noncurrent_transitions.iter().map(transition).collect(),
        abort_days: None,
    }
}

fn days(days: Option<u32>) -> Option<i32> {
    days.map(|d| i32::try_from(d).unwrap_or(i32::MAX))
}

/// The whole document: entries of others as they are, then ours.
pub(crate) fn notifications(
    wanted: &Notifications,
    observed: &NotificationsDoc,
) -> NotificationsDoc {
    let foreign = |entry: &&NotificationDoc| {
        !entry
            .id
            .as_deref()
            .is_some_and(|id| id.starts_with(OUR_ID_PREFIX))
    };
    let mut entries: Vec<_> = observed.entries.iter().filter(foreign).cloned().collect();
    entries.extend(wanted.entries.iter().map(notification));
    NotificationsDoc {
        event_bridge: wanted.event_bridge || observed.event_bridge,
        entries,
    }
}

fn notification(entry: &Notification) -> NotificationDoc {
    let filter =
        |name: &str, value: &String| (!value.is_empty()).then(|| (name.to_string(), value.clone()));
    NotificationDoc {
        id: Some(entry.id.clone()),
        kind: match entry.destination {
            Destination::Queue(_) => DestinationKind::Queue,
            Destination::Topic(_) => DestinationKind::Topic,
            Destination::Function(_) => DestinationKind::Function,
        },
        arn: entry.destination.arn().to_string(),
        events: entry.events.iter().cloned().collect(),
        filters: [
            filter("prefix", &entry.prefix),
            filter("suffix", &entry.suffix),
        ]
        .into_iter()
        .flatten()
        .collect(),
    }
}

pub(crate) fn logging(wanted: &crate::model::Logging) -> LoggingDoc {
    LoggingDoc {
        target: wanted.target.to_string(),
        prefix: wanted.prefix.clone(),
        key_format: wanted.key_format,
    }
}

pub(crate) fn inventory(wanted: &Inventory, partition: types::Partition) -> InventoryDoc {
    InventoryDoc {
        id: wanted.id.clone(),
        enabled: true,
        destination: format!("arn:{partition}:s3:::{}", wanted.destination),
        account: Some(wanted.destination_account.to_string()),
        destination_prefix: wanted.destination_prefix.clone(),
        format: wanted.format,
        frequency: wanted.frequency,
        all_versions: wanted.all_versions,
        prefix: wanted.prefix.clone(),
        fields: wanted.fields.clone(),
    }
}
