//! CreateBucket.

use super::{Answer, tags};
use crate::disk::{BucketRecord, Store, StoreError, Versioning};
use crate::node::{Node, Shape, malformed, optional, repeated, required};
use crate::s3::actor::Actor;
use crate::s3::fault::{named, not_implemented};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use s3s::{S3Result, s3_error};
use std::sync::Arc;
use types::{AccountId, Region};

/// Buckets of one account, default quota. Source: S3 quotas, 2024.
const MAX_BUCKETS: usize = 10_000;

static CONFIGURATION: Shape = Shape::Group(&[
    optional("LocationConstraint", Shape::AnyText),
    optional(
        "Location",
        Shape::Group(&[optional("Name", Shape::Text), optional("Type", Shape::Text)]),
    ),
    optional(
        "Bucket",
        Shape::Group(&[
            optional("DataRedundancy", Shape::Text),
            optional("Type", Shape::Text),
        ]),
    ),
    optional(
        "Tags",
        Shape::Group(&[repeated(
            "Tag",
            Shape::Group(&[
                required("Key", Shape::Text),
                required("Value", Shape::AnyText),
            ]),
            0,
            1_000,
        )]),
    ),
]);

/// Makes a bucket as the request describes it.
pub(super) fn create_bucket(
    store: &Store,
    actor: &Actor,
    name: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> S3Result<Answer> {
    if types::BucketName::parse(name).is_err() {
        return Err(s3_error!(
            InvalidBucketName,
            "The specified bucket is not valid."
        ));
    }
    let configuration = configuration(body)?;
    if configuration.child("Location").is_some() || configuration.child("Bucket").is_some() {
        return Err(not_implemented("directory buckets"));
    }
    let constraint = configuration
        .value("LocationConstraint")
        .filter(|constraint| !constraint.is_empty());
    let region = region_for(&actor.facts.region, constraint)?;
    check_namespace(name, actor.account(), &region, headers)?;
    let mut record = BucketRecord::new(
        name.to_string(),
        actor.account().clone(),
        region,
        actor.facts.now,
    );
    record.location = constraint.map(str::to_string);
    if let Some(set) = configuration.child("Tags") {
        let mut set = set.clone();
        set.name = "TagSet".to_string();
        let tagging = Node::new("Tagging").with(set);
        if !tags::read(&tagging, 50)?.is_empty() {
            record.settings.insert("tagging".to_string(), tagging);
        }
    }
    apply_headers(&mut record, headers)?;
    let owned = store
        .buckets()
        .iter()
        .filter(|bucket| bucket.owner == record.owner)
        .count();
    if owned >= MAX_BUCKETS {
        return Err(s3_error!(
            TooManyBuckets,
            "You have attempted to create more buckets than allowed"
        ));
    }
    let (owner, region) = (record.owner.clone(), record.region.clone());
    match store.create_bucket(record) {
        Ok(()) => {}
        Err(StoreError::BucketExists(existing)) => already_exists(&existing, &owner, &region)?,
        Err(error) => return Err(error.into()),
    }
    let mut answer = Answer::status(StatusCode::OK);
    if let Ok(location) = HeaderValue::from_str(&format!("/{name}")) {
        answer.headers.insert(header::LOCATION, location);
    }
    Ok(answer)
}

fn configuration(body: &[u8]) -> S3Result<Node> {
    if body.is_empty() {
        return Ok(Node::new("CreateBucketConfiguration"));
    }
    let node = Node::parse(body)?;
    if node.name != "CreateBucketConfiguration" {
        return Err(malformed());
    }
    CONFIGURATION.check(&node)?;
    Ok(node)
}

/// Where a bucket goes: the endpoint's region and the constraint must agree.
fn region_for(endpoint: &str, constraint: Option<&str>) -> S3Result<Region> {
    let invalid = || {
        s3_error!(
            InvalidLocationConstraint,
            "The specified location-constraint is not valid"
        )
    };
    let illegal = |constraint: &str| {
        s3_error!(
            IllegalLocationConstraintException,
            "The {constraint} location constraint is incompatible for the region specific endpoint \
             this request was sent to."
        )
    };
    let region = match constraint {
        None if endpoint == BucketRecord::FIRST_REGION => endpoint,
        None => return Err(illegal("unspecified")),
        Some(BucketRecord::FIRST_REGION) => return Err(invalid()),
        // The old name of the first region in Europe.
        Some("EU") => "eu-west-1",
        Some(constraint) => constraint,
    };
    if region != endpoint && endpoint != BucketRecord::FIRST_REGION {
        return Err(illegal(constraint.unwrap_or_default()));
    }
    Region::parse(region).map_err(|_| invalid())
}

/// Names that end in `-{account}-{region}-an` are reserved for that account and region.
fn check_namespace(
    name: &str,
    account: &AccountId,
    region: &Region,
    headers: &HeaderMap,
) -> S3Result<()> {
    let own = name.ends_with(&format!("-{account}-{region}-an"));
    match headers
        .get("x-amz-bucket-namespace")
        .map(HeaderValue::as_bytes)
    {
        Some(b"account-regional") if own => Ok(()),
        None | Some(b"global") if !name.ends_with("-an") => Ok(()),
        None | Some(b"global" | b"account-regional") => Err(s3_error!(
            InvalidBucketName,
            "The specified bucket name is not valid for the namespace."
        )),
        Some(_) => Err(s3_error!(InvalidArgument, "Unknown bucket namespace")),
    }
}

fn apply_headers(record: &mut BucketRecord, headers: &HeaderMap) -> S3Result<()> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if text("x-amz-bucket-object-lock-enabled")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    {
        record.object_lock = true;
        record.versioning = Versioning::Enabled;
        record.settings.insert(
            "versioning".to_string(),
            Node::new("VersioningConfiguration").with(Node::text("Status", "Enabled")),
        );
        record.settings.insert(
            "object-lock".to_string(),
            Node::new("ObjectLockConfiguration").with(Node::text("ObjectLockEnabled", "Enabled")),
        );
    }
    match text("x-amz-object-ownership") {
        None => {}
        Some(ownership @ ("BucketOwnerEnforced" | "BucketOwnerPreferred" | "ObjectWriter")) => {
            let rule = Node::new("Rule").with(Node::text("ObjectOwnership", ownership));
            record.settings.insert(
                "ownershipControls".to_string(),
                Node::new("OwnershipControls").with(rule),
            );
        }
        Some(_) => {
            return Err(s3_error!(
                InvalidArgument,
                "Invalid x-amz-object-ownership header"
            ));
        }
    }
    Ok(())
}

/// One's own bucket again is fine in the first region and a conflict elsewhere.
fn already_exists(
    existing: &Arc<BucketRecord>,
    account: &AccountId,
    region: &Region,
) -> S3Result<()> {
    if existing.owner != *account {
        return Err(StoreError::BucketExists(Arc::clone(existing)).into());
    }
    let first = BucketRecord::FIRST_REGION;
    if existing.region.as_str() == first && region.as_str() == first {
        return Ok(());
    }
    Err(named(
        "BucketAlreadyOwnedByYou",
        StatusCode::CONFLICT,
        "Your previous request to create the named bucket succeeded and you already own it.",
    ))
}
