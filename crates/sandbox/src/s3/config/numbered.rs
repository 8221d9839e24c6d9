//! Settings of which a bucket has several: inventories, tierings, metrics.

use super::table::{Absent, Setting};
use super::{Answer, Turn, absent};
use crate::node::{Node, Shape, malformed, optional, repeated, required};
use crate::s3::fault::named;
use http::StatusCode;
use s3s::{S3Error, S3Result, s3_error};

/// Settings of one kind on one bucket. Source: S3 quotas.
const MAX_SETTINGS: usize = 1_000;
/// Settings on a page of a listing.
const PAGE: usize = 100;

pub(super) static INVENTORY: Shape = Shape::Group(&[
    required(
        "Destination",
        Shape::Group(&[required(
            "S3BucketDestination",
            Shape::Group(&[
                optional("AccountId", Shape::Text),
                required("Bucket", Shape::Text),
                required("Format", Shape::OneOf(&["CSV", "ORC", "Parquet"])),
                optional("Prefix", Shape::AnyText),
                optional(
                    "Encryption",
                    Shape::Group(&[
                        optional("SSE-S3", Shape::Group(&[])),
                        optional("SSE-KMS", Shape::Group(&[required("KeyId", Shape::Text)])),
                    ]),
                ),
            ]),
        )]),
    ),
    required("IsEnabled", Shape::Bool),
    optional(
        "Filter",
        Shape::Group(&[required("Prefix", Shape::AnyText)]),
    ),
    required("Id", Shape::Text),
    required("IncludedObjectVersions", Shape::OneOf(&["All", "Current"])),
    optional(
        "OptionalFields",
        Shape::Group(&[repeated("Field", Shape::OneOf(FIELDS), 0, 100)]),
    ),
    required(
        "Schedule",
        Shape::Group(&[required("Frequency", Shape::OneOf(&["Daily", "Weekly"]))]),
    ),
]);

const FIELDS: &[&str] = &[
    "Size",
    "LastModifiedDate",
    "StorageClass",
    "ETag",
    "IsMultipartUploaded",
    "ReplicationStatus",
    "EncryptionStatus",
    "ObjectLockRetainUntilDate",
    "ObjectLockMode",
    "ObjectLockLegalHoldStatus",
    "IntelligentTieringAccessTier",
    "BucketKeyStatus",
    "ChecksumAlgorithm",
    "ObjectAccessControlList",
    "ObjectOwner",
    "LifecycleExpirationDate",
];

const TAG: Shape = Shape::Group(&[
    required("Key", Shape::Text),
    required("Value", Shape::AnyText),
]);

const FILTER: Shape = Shape::Group(&[
    optional("Prefix", Shape::AnyText),
    optional("Tag", TAG),
    optional("AccessPointArn", Shape::Text),
    optional(
        "And",
        Shape::Group(&[
            optional("Prefix", Shape::AnyText),
            repeated("Tag", TAG, 0, 10),
            optional("AccessPointArn", Shape::Text),
        ]),
    ),
]);

pub(super) static INTELLIGENT_TIERING: Shape = Shape::Group(&[
    required("Id", Shape::Text),
    optional("Filter", FILTER),
    required("Status", Shape::OneOf(&["Enabled", "Disabled"])),
    repeated(
        "Tiering",
        Shape::Group(&[
            required(
                "AccessTier",
                Shape::OneOf(&["ARCHIVE_ACCESS", "DEEP_ARCHIVE_ACCESS"]),
            ),
            required("Days", Shape::Number),
        ]),
        1,
        2,
    ),
]);

pub(super) static METRICS: Shape =
    Shape::Group(&[required("Id", Shape::Text), optional("Filter", FILTER)]);

/// The destination is written as a bucket's ARN.
pub(super) fn check_inventory(_: &Turn<'_>, node: &mut Node) -> S3Result<()> {
    let bucket = node
        .child("Destination")
        .and_then(|node| node.child("S3BucketDestination"))
        .and_then(|node| node.value("Bucket"))
        .unwrap_or_default();
    let fields: Vec<&str> = bucket.splitn(6, ':').collect();
    match fields[..] {
        ["arn", _, "s3", "", "", name] if types::BucketName::parse(name).is_ok() => Ok(()),
        _ => Err(named(
            "InvalidS3DestinationBucket",
            StatusCode::BAD_REQUEST,
            "Invalid bucket ARN",
        )),
    }
}

/// Objects are archived after 90 days, deeply after 180, at the earliest.
pub(super) fn check_intelligent_tiering(_: &Turn<'_>, node: &mut Node) -> S3Result<()> {
    for tiering in node.all("Tiering") {
        let days: u32 = tiering
            .value("Days")
            .and_then(|days| days.parse().ok())
            .unwrap_or(0);
        let least = match tiering.value("AccessTier") {
            Some("ARCHIVE_ACCESS") => 90,
            _ => 180,
        };
        if !(least..=730).contains(&days) {
            return Err(s3_error!(
                InvalidArgument,
                "'Days' for this access tier must be between {least} and 730"
            ));
        }
    }
    Ok(())
}

pub(super) fn get(turn: &Turn<'_>, setting: &Setting) -> S3Result<Answer> {
    turn.bucket
        .numbered
        .get(setting.query)
        .and_then(|settings| settings.get(turn.query.get("id").unwrap_or_default()))
        .map(Answer::document)
        .ok_or_else(|| missing(setting))
}

pub(super) fn put(turn: &Turn<'_>, setting: &Setting) -> S3Result<Answer> {
    let mut node = turn.document(setting.root)?;
    setting.shape.check(&node)?;
    (setting.check)(turn, &mut node)?;
    let id = turn.query.get("id").unwrap_or_default();
    if node.value("Id") != Some(id) {
        return Err(malformed());
    }
    turn.change(|bucket| {
        let settings = bucket
            .numbered
            .entry(setting.query.to_string())
            .or_default();
        settings.insert(id.to_string(), node);
        if settings.len() > MAX_SETTINGS {
            return Err(named(
                "TooManyConfigurations",
                StatusCode::BAD_REQUEST,
                "You are attempting to create a new configuration but have already reached the \
                 1,000-configuration limit.",
            ));
        }
        Ok(())
    })?;
    Ok(Answer::status(setting.put_status))
}

pub(super) fn delete(turn: &Turn<'_>, setting: &Setting) -> S3Result<Answer> {
    let id = turn.query.get("id").unwrap_or_default();
    turn.change(|bucket| {
        let settings = bucket
            .numbered
            .entry(setting.query.to_string())
            .or_default();
        settings
            .remove(id)
            .map(drop)
            .ok_or_else(|| missing(setting))
    })?;
    Ok(Answer::status(StatusCode::NO_CONTENT))
}

pub(super) fn list(turn: &Turn<'_>, setting: &Setting) -> S3Result<Answer> {
    let after = turn.query.get("continuation-token").unwrap_or_default();
    let all = turn.bucket.numbered.get(setting.query);
    let mut rest = all
        .into_iter()
        .flatten()
        .filter(|(id, _)| after.is_empty() || id.as_str() > after);
    let shown: Vec<(&String, &Node)> = rest.by_ref().take(PAGE).collect();
    let next = rest.next().and(shown.last()).map(|(id, _)| (*id).clone());
    let root = match setting.query {
        "inventory" => "ListInventoryConfigurationsResult",
        "intelligent-tiering" => "ListBucketIntelligentTieringConfigurationsOutput",
        _ => "ListMetricsConfigurationsResult",
    };
    let mut result = Node::new(root).with(Node::text("IsTruncated", next.is_some().to_string()));
    if let Some(next) = next {
        result = result.with(Node::text("NextContinuationToken", next));
    }
    for (_, node) in shown {
        result = result.with(node.clone());
    }
    Ok(Answer::document(&result))
}

fn missing(setting: &Setting) -> S3Error {
    match setting.absent {
        Absent::Error(code, message) => absent(code, message),
        Absent::Default(_) => malformed(),
    }
}
