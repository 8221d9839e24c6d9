//! The rules of notifications.

use super::{Base, text};
use crate::model::arn::Arn;
use crate::model::bucket::{Destination, Notification, Notifications, OUR_ID_PREFIX};
use crate::model::problems::Checks;
use crate::model::spec::{BucketSpec, NotificationSpec};
use std::collections::BTreeSet;
use types::ParseError;

/// Source: S3 user guide, "Supported event types".
const EVENTS: [&str; 26] = [
    "s3:IntelligentTiering",
    "s3:LifecycleExpiration:*",
    "s3:LifecycleExpiration:Delete",
    "s3:LifecycleExpiration:DeleteMarkerCreated",
    "s3:LifecycleTransition",
    "s3:ObjectAcl:Put",
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Put",
    "s3:ObjectRemoved:*",
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
    "s3:ObjectRestore:*",
    "s3:ObjectRestore:Completed",
    "s3:ObjectRestore:Delete",
    "s3:ObjectRestore:Post",
    "s3:ObjectTagging:*",
    "s3:ObjectTagging:Delete",
    "s3:ObjectTagging:Put",
    "s3:ReducedRedundancyLostObject",
    "s3:Replication:*",
    "s3:Replication:OperationFailedReplication",
    "s3:Replication:OperationMissedThreshold",
    "s3:Replication:OperationReplicatedAfterThreshold",
];

pub(super) fn compile(
    bucket: &BucketSpec,
    path: &str,
    base: &Base<'_>,
    checks: &mut Checks,
) -> Option<Option<Notifications>> {
    let Some(spec) = &bucket.notifications else {
        return Some(None);
    };
    let entries: Option<Vec<_>> = spec
        .entries
        .iter()
        .enumerate()
        .map(|(at, entry)| {
            let path = format!("{path}.notifications.entries[{at}]");
            compile_entry(entry, &path, base, checks)
        })
        .collect();
    let entries = entries?;
    let ids: BTreeSet<_> = entries.iter().map(|e| &e.id).collect();
    checks.require(
        ids.len() == entries.len(),
        format!("{path}.notifications"),
        "two entries have the same id",
    );
    check_overlaps(&entries, path, checks);
    Some(Some(Notifications {
        event_bridge: spec.event_bridge,
        entries,
    }))
}

fn compile_entry(
    spec: &NotificationSpec,
    path: &str,
    base: &Base<'_>,
    checks: &mut Checks,
) -> Option<Notification> {
    let id_is_legal = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
    checks.require(
        (1..=200).contains(&spec.id.len()) && spec.id.bytes().all(id_is_legal),
        format!("{path}.id"),
        "an id has 1 to 200 of A-Z a-z 0-9 _ -",
    );
    checks.require(
        !spec.events.is_empty(),
        format!("{path}.events"),
        "at least one event is needed",
    );
    for event in &spec.events {
        checks.require(
            EVENTS.contains(&event.as_str()),
            format!("{path}.events"),
            format!("{event:?} is not an S3 event type (for example s3:ObjectCreated:*)"),
        );
    }
    text::plain(&spec.prefix, &format!("{path}.prefix"), checks);
    text::plain(&spec.suffix, &format!("{path}.suffix"), checks);
    let destination = checks.keep(
        format!("{path}.destination"),
        destination(&spec.destination),
    )?;
    checks.require(
        destination.arn().region() == base.region.as_str(),
        format!("{path}.destination"),
        format!("it must stand in the bucket's region, {}", base.region),
    );
    checks.require(
        !destination.arn().resource().ends_with(".fifo"),
        format!("{path}.destination"),
        "S3 does not deliver to FIFO queues or topics: go through EventBridge",
    );
    Some(Notification {
        id: format!("{OUR_ID_PREFIX}{}", spec.id),
        destination,
        events: spec.events.clone(),
        prefix: spec.prefix.clone(),
        suffix: spec.suffix.clone(),
    })
}

fn destination(text: &str) -> Result<Destination, ParseError> {
    let arn = Arn::parse(text)?;
    match arn.service() {
        "sqs" => Ok(Destination::Queue(arn)),
        "sns" => Ok(Destination::Topic(arn)),
        "lambda" => Ok(Destination::Function(arn)),
        _ => Err(ParseError::new(
            "destination",
            text,
            "it must be a queue (sqs), a topic (sns) or a function (lambda)",
        )),
    }
}

/// S3 refuses two entries that one event would match.
fn check_overlaps(entries: &[Notification], path: &str, checks: &mut Checks) {
    for (at, one) in entries.iter().enumerate() {
        for other in &entries[at + 1..] {
            let events = one
                .events
                .iter()
                .any(|a| other.events.iter().any(|b| events_overlap(a, b)));
            let prefixes =
                one.prefix.starts_with(&other.prefix) || other.prefix.starts_with(&one.prefix);
            let suffixes =
                one.suffix.ends_with(&other.suffix) || other.suffix.ends_with(&one.suffix);
            checks.require(
                !(events && prefixes && suffixes),
                format!("{path}.notifications"),
                format!(
                    "{} and {} would both be told of the same event: S3 refuses that",
                    one.id, other.id
                ),
            );
        }
    }
}

fn events_overlap(a: &str, b: &str) -> bool {
    let covers = |wide: &str, narrow: &str| {
        wide == narrow
            || wide
                .strip_suffix('*')
                .is_some_and(|stem| narrow.starts_with(stem))
    };
    covers(a, b) || covers(b, a)
}
