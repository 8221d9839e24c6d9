//! Where a bucket sends things: access logs, notifications. Kept and checked, never delivered.

use super::Turn;
use crate::document::Document;
use crate::node::{Node, Shape, malformed, optional, repeated, required};
use crate::random;
use policies::{Context, PolicyKind, PolicySet, Principal, Request, evaluate};
use s3s::{S3Error, S3Result, s3_error};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};
use types::AccountId;

/// Queues, topics and functions that exist, and what their policies say.
#[derive(Debug, Default)]
pub(crate) struct Destinations(RwLock<BTreeMap<String, Option<Document>>>);

impl Destinations {
    /// Lets a destination exist, with a policy or without.
    pub(crate) fn put(&self, arn: String, policy: Option<Document>) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(arn, policy);
    }

    fn get(&self, arn: &str) -> Option<Option<Document>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(arn)
            .cloned()
    }
}

const GRANTS: Shape = Shape::Group(&[]);

pub(super) static LOGGING: Shape = Shape::Group(&[optional(
    "LoggingEnabled",
    Shape::Group(&[
        required("TargetBucket", Shape::Text),
        required("TargetPrefix", Shape::AnyText),
        optional("TargetGrants", GRANTS),
        optional(
            "TargetObjectKeyFormat",
            Shape::Group(&[
                optional("SimplePrefix", Shape::Group(&[])),
                optional(
                    "PartitionedPrefix",
                    Shape::Group(&[optional(
                        "PartitionDateSource",
                        Shape::OneOf(&["EventTime", "DeliveryTime"]),
                    )]),
                ),
            ]),
        ),
    ]),
)]);

/// The target is in the same account and region and lets the log service write.
pub(super) fn check_logging(turn: &Turn<'_>, node: &mut Node) -> S3Result<()> {
    let Some(enabled) = node.child("LoggingEnabled") else {
        return Ok(());
    };
    let name = enabled.value("TargetBucket").unwrap_or_default();
    let target = turn
        .store
        .bucket(name)
        .map_err(|_| invalid_target("The target bucket for logging does not exist"))?;
    if target.owner != turn.bucket.owner {
        return Err(invalid_target(
            "The owner for the bucket to be logged and the target bucket must be the same.",
        ));
    }
    if target.region != turn.bucket.region {
        return Err(s3_error!(
            CrossLocationLoggingProhibited,
            "Cross S3 location logging not allowed."
        ));
    }
    let key = format!("{}log", enabled.value("TargetPrefix").unwrap_or_default());
    let resource = format!("{}/{key}", target.arn());
    let policy = target.policy.as_ref();
    if !service_may(
        "logging.s3.amazonaws.com",
        "s3:PutObject",
        &resource,
        policy,
        turn,
        &target.owner,
    ) {
        return Err(invalid_target(
            "You must give the log-delivery group WRITE and READ_ACP permissions to the target \
             bucket",
        ));
    }
    Ok(())
}

fn invalid_target(message: &'static str) -> S3Error {
    s3_error!(InvalidTargetBucketForLogging, "{message}")
}

const FILTER: Shape = Shape::Group(&[optional(
    "S3Key",
    Shape::Group(&[repeated(
        "FilterRule",
        Shape::Group(&[
            required(
                "Name",
                Shape::OneOf(&["prefix", "suffix", "Prefix", "Suffix"]),
            ),
            required("Value", Shape::AnyText),
        ]),
        0,
        2,
    )]),
)]);

pub(super) static NOTIFICATION: Shape = Shape::Group(&[
    repeated(
        "TopicConfiguration",
        Shape::Group(&[
            optional("Id", Shape::AnyText),
            required("Topic", Shape::Text),
            repeated("Event", Shape::Text, 1, 100),
            optional("Filter", FILTER),
        ]),
        0,
        100,
    ),
    repeated(
        "QueueConfiguration",
        Shape::Group(&[
            optional("Id", Shape::AnyText),
            required("Queue", Shape::Text),
            repeated("Event", Shape::Text, 1, 100),
            optional("Filter", FILTER),
        ]),
        0,
        100,
    ),
    repeated(
        "CloudFunctionConfiguration",
        Shape::Group(&[
            optional("Id", Shape::AnyText),
            required("CloudFunction", Shape::Text),
            repeated("Event", Shape::Text, 1, 100),
            optional("Filter", FILTER),
        ]),
        0,
        100,
    ),
    optional("EventBridgeConfiguration", Shape::Group(&[])),
]);

/// Element, element of the destination, service of its ARN, action that S3 needs on it.
const KINDS: [(&str, &str, &str, &str); 3] = [
    ("TopicConfiguration", "Topic", "sns", "sns:Publish"),
    ("QueueConfiguration", "Queue", "sqs", "sqs:SendMessage"),
    (
        "CloudFunctionConfiguration",
        "CloudFunction",
        "lambda",
        "lambda:InvokeFunction",
    ),
];

const EVENTS: [&str; 30] = [
    "s3:ReducedRedundancyLostObject",
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:Put",
    "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectRemoved:*",
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
    "s3:ObjectRestore:*",
    "s3:ObjectRestore:Post",
    "s3:ObjectRestore:Completed",
    "s3:ObjectRestore:Delete",
    "s3:Replication:*",
    "s3:Replication:OperationFailedReplication",
    "s3:Replication:OperationNotTracked",
    "s3:Replication:OperationMissedThreshold",
    "s3:Replication:OperationReplicatedAfterThreshold",
    "s3:LifecycleTransition",
    "s3:IntelligentTiering",
    "s3:LifecycleExpiration:*",
    "s3:LifecycleExpiration:Delete",
    "s3:LifecycleExpiration:DeleteMarkerCreated",
    "s3:ObjectTagging:*",
    "s3:ObjectTagging:Put",
    "s3:ObjectTagging:Delete",
    "s3:ObjectAcl:Put",
    "s3:ObjectAnnotation:*",
    "s3:ObjectAnnotation:Put",
    "s3:ObjectAnnotation:Delete",
];

/// Destinations exist and let S3 in; no two configurations want the same event of the same key.
pub(super) fn check_notification(turn: &Turn<'_>, node: &mut Node) -> S3Result<()> {
    let validate = turn
        .headers
        .get("x-amz-skip-destination-validation")
        .is_none_or(|skip| !skip.as_bytes().eq_ignore_ascii_case(b"true"));
    let mut ids = BTreeSet::new();
    let mut wanted: Vec<(String, Filter)> = Vec::new();
    for configuration in &mut node.children {
        let kind = KINDS
            .iter()
            .find(|(element, ..)| *element == configuration.name);
        let Some((_, destination, service, action)) = kind else {
            continue;
        };
        name(configuration, &mut ids)?;
        let arn = configuration.value(destination).unwrap_or_default();
        if arn.split(':').nth(2) != Some(service) {
            return Err(s3_error!(InvalidArgument, "The ARN could not be parsed"));
        }
        if validate && !is_reachable(arn, action, turn) {
            return Err(s3_error!(
                InvalidArgument,
                "Unable to validate the following destination configurations"
            ));
        }
        let filter = Filter::of(configuration)?;
        for event in configuration.all("Event") {
            if !EVENTS.contains(&event.text.as_str()) {
                return Err(s3_error!(
                    InvalidArgument,
                    "The event '{}' is not supported for notifications",
                    event.text
                ));
            }
            let clash = |(other, at): &(String, Filter)| {
                overlap(other, &event.text) && at.overlaps(&filter)
            };
            if wanted.iter().any(clash) {
                return Err(s3_error!(
                    InvalidArgument,
                    "Configurations overlap. Configurations on the same bucket cannot share a \
                     common event type."
                ));
            }
        }
        wanted.extend(
            configuration
                .all("Event")
                .map(|event| (event.text.clone(), filter.clone())),
        );
    }
    Ok(())
}

/// Gives a configuration without a name one, as AWS does.
fn name(configuration: &mut Node, ids: &mut BTreeSet<String>) -> S3Result<()> {
    if configuration.value("Id").unwrap_or_default().is_empty() {
        configuration.children.retain(|child| child.name != "Id");
        configuration
            .children
            .insert(0, Node::text("Id", random::request_uuid()));
    }
    let id = configuration.value("Id").unwrap_or_default().to_string();
    if id.len() > 255 || !ids.insert(id) {
        return Err(s3_error!(
            InvalidArgument,
            "The notification configuration id must be unique and at most 255 characters long"
        ));
    }
    Ok(())
}

fn is_reachable(arn: &str, action: &str, turn: &Turn<'_>) -> bool {
    let Some(policy) = turn.destinations.get(arn) else {
        return false;
    };
    let owner = arn
        .split(':')
        .nth(4)
        .and_then(|account| AccountId::parse(account).ok());
    let Some(owner) = owner else {
        return false;
    };
    service_may(
        "s3.amazonaws.com",
        action,
        arn,
        policy.as_ref(),
        turn,
        &owner,
    )
}

/// Whether a policy lets a service act for the bucket.
fn service_may(
    service: &str,
    action: &str,
    resource: &str,
    policy: Option<&Document>,
    turn: &Turn<'_>,
    owner: &AccountId,
) -> bool {
    let Some(policy) = policy.and_then(|document| document.policy(PolicyKind::Resource)) else {
        return false;
    };
    let mut request = Request::new(Principal::Service(service.to_string()), action, resource);
    request.context = Context::new()
        .with("aws:SecureTransport", "true")
        .with("aws:SourceAccount", turn.bucket.owner.as_str())
        .with("aws:SourceArn", turn.bucket.arn());
    let request = request.owned_by(owner.clone());
    let policies = PolicySet {
        resource: Some(&policy),
        ..PolicySet::default()
    };
    evaluate(&request, &policies).is_allowed()
}

/// Whether two event types have an event in common.
fn overlap(left: &str, right: &str) -> bool {
    let covers = |wild: &str, other: &str| {
        wild.strip_suffix('*')
            .is_some_and(|stem| other.starts_with(stem))
    };
    left == right || covers(left, right) || covers(right, left)
}

#[derive(Debug, Clone, Default)]
struct Filter {
    prefix: String,
    suffix: String,
}

impl Filter {
    fn of(configuration: &Node) -> S3Result<Self> {
        let mut filter = Self::default();
        let mut seen = BTreeSet::new();
        let rules = configuration
            .child("Filter")
            .and_then(|node| node.child("S3Key"));
        for rule in rules.into_iter().flat_map(|key| key.all("FilterRule")) {
            let name = rule.value("Name").unwrap_or_default().to_ascii_lowercase();
            let value = rule.value("Value").unwrap_or_default().to_string();
            if !seen.insert(name.clone()) {
                return Err(malformed());
            }
            match name.as_str() {
                "prefix" => filter.prefix = value,
                _ => filter.suffix = value,
            }
        }
        Ok(filter)
    }

    fn overlaps(&self, other: &Self) -> bool {
        let nested = |left: &str, right: &str, within: fn(&str, &str) -> bool| {
            within(left, right) || within(right, left)
        };
        nested(&self.prefix, &other.prefix, |long, short| {
            long.starts_with(short)
        }) && nested(&self.suffix, &other.suffix, |long, short| {
            long.ends_with(short)
        })
    }
}
