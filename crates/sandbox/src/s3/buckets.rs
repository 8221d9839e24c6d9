//! Buckets as such.

use super::fault::lost;
use super::service::{S3, actor};
use crate::disk::{BucketRecord, PublicAccessBlock, StoreError, Versioning};
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};
use std::sync::Arc;
use types::{AccountId, Timestamp as Seconds};

/// The region whose buckets have no location constraint.
const FIRST_REGION: &str = "us-east-1";
/// Buckets of one account, default quota. Source: S3 quotas, 2024.
const MAX_BUCKETS: usize = 10_000;

pub(super) async fn list_buckets(
    s3: &S3,
    request: S3Request<ListBucketsInput>,
) -> S3Result<S3Response<ListBucketsOutput>> {
    let actor = actor(&request)?;
    let input = request.input;
    let prefix = input.prefix.clone().unwrap_or_default();
    let after = input.continuation_token.unwrap_or_default();
    let most = usize::try_from(input.max_buckets.unwrap_or(10_000))
        .ok()
        .filter(|most| (1..=10_000).contains(most))
        .ok_or_else(|| s3_error!(InvalidArgument, "max-buckets must be between 1 and 10000"))?;
    let mut mine = s3.store.buckets().into_iter().filter(|bucket| {
        bucket.owner == *actor.account()
            && bucket.name.starts_with(&prefix)
            && (after.is_empty() || bucket.name > after)
            && input
                .bucket_region
                .as_ref()
                .is_none_or(|region| region == bucket.region.as_str())
    });
    let shown: Vec<BucketRecord> = mine.by_ref().take(most).collect();
    let next = mine
        .next()
        .and_then(|_| shown.last().map(|bucket| bucket.name.clone()));
    Ok(S3Response::new(ListBucketsOutput {
        buckets: Some(
            shown
                .into_iter()
                .map(|bucket| Bucket {
                    bucket_region: Some(bucket.region.to_string()),
                    creation_date: Some(timestamp(bucket.created)),
                    name: Some(bucket.name),
                })
                .collect(),
        ),
        continuation_token: next,
        owner: Some(owner(actor.account())),
        prefix: input.prefix,
    }))
}

pub(super) async fn create_bucket(
    s3: &S3,
    request: S3Request<CreateBucketInput>,
) -> S3Result<S3Response<CreateBucketOutput>> {
    let actor = actor(&request)?;
    let input = request.input;
    if types::BucketName::parse(input.bucket.as_str()).is_err() {
        return Err(s3_error!(
            InvalidBucketName,
            "The specified bucket is not valid."
        ));
    }
    let configuration = input.create_bucket_configuration.unwrap_or_default();
    if configuration.bucket.is_some() || configuration.location.is_some() {
        return Err(super::fault::not_implemented("directory buckets"));
    }
    let constraint = configuration
        .location_constraint
        .map(|constraint| constraint.as_str().to_string());
    let region = region_for(&actor.facts.region, constraint.as_deref())?;
    let record = BucketRecord {
        name: input.bucket.clone(),
        owner: actor.account().clone(),
        region,
        created: actor.facts.now,
        versioning: Versioning::Off,
        public_access_block: Some(PublicAccessBlock::ALL),
        policy: None,
    };
    let store = Arc::clone(&s3.store);
    let outcome = tokio::task::spawn_blocking(move || {
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
        let wanted = (record.owner.clone(), record.region.clone());
        match store.create_bucket(record) {
            Ok(()) => Ok(()),
            Err(StoreError::BucketExists(existing)) => {
                already_exists(&existing, &wanted.0, wanted.1.as_str())
            }
            Err(error) => Err(error.into()),
        }
    });
    outcome.await.map_err(lost)??;
    Ok(S3Response::new(CreateBucketOutput {
        location: Some(format!("/{}", input.bucket)),
    }))
}

/// Where a bucket goes: the endpoint's region and the constraint must agree.
fn region_for(endpoint: &str, constraint: Option<&str>) -> S3Result<types::Region> {
    let illegal = |constraint: &str| {
        s3_error!(
            IllegalLocationConstraintException,
            "The {constraint} location constraint is incompatible for the region specific endpoint \
             this request was sent to."
        )
    };
    let region = match constraint.filter(|constraint| !constraint.is_empty()) {
        None if endpoint == FIRST_REGION => endpoint,
        None => return Err(illegal("unspecified")),
        Some(FIRST_REGION) => {
            return Err(s3_error!(
                InvalidLocationConstraint,
                "The specified location-constraint is not valid"
            ));
        }
        // The old name of the first region in Europe.
        Some("EU") => "eu-west-1",
        Some(constraint) => constraint,
    };
    if region != endpoint && endpoint != FIRST_REGION {
        return Err(illegal(constraint.unwrap_or_default()));
    }
    types::Region::parse(region).map_err(|_| {
        s3_error!(
            InvalidLocationConstraint,
            "The specified location-constraint is not valid"
        )
    })
}

/// One's own bucket again is fine in the first region and a conflict elsewhere.
fn already_exists(existing: &BucketRecord, account: &AccountId, region: &str) -> S3Result<()> {
    if existing.owner != *account {
        return Err(StoreError::BucketExists(Box::new(existing.clone())).into());
    }
    if existing.region.as_str() == FIRST_REGION && region == FIRST_REGION {
        return Ok(());
    }
    Err(s3_error!(
        BucketAlreadyOwnedByYou,
        "Your previous request to create the named bucket succeeded and you already own it."
    ))
}

pub(super) async fn delete_bucket(
    s3: &S3,
    request: S3Request<DeleteBucketInput>,
) -> S3Result<S3Response<DeleteBucketOutput>> {
    let store = Arc::clone(&s3.store);
    tokio::task::spawn_blocking(move || store.delete_bucket(&request.input.bucket))
        .await
        .map_err(lost)??;
    Ok(S3Response::new(DeleteBucketOutput::default()))
}

pub(super) async fn head_bucket(
    s3: &S3,
    request: S3Request<HeadBucketInput>,
) -> S3Result<S3Response<HeadBucketOutput>> {
    let bucket = s3.store.bucket(&request.input.bucket)?;
    Ok(S3Response::new(HeadBucketOutput {
        bucket_region: Some(bucket.region.to_string()),
        access_point_alias: Some(false),
        ..HeadBucketOutput::default()
    }))
}

pub(super) async fn get_bucket_location(
    s3: &S3,
    request: S3Request<GetBucketLocationInput>,
) -> S3Result<S3Response<GetBucketLocationOutput>> {
    let bucket = s3.store.bucket(&request.input.bucket)?;
    let region = bucket.region.to_string();
    Ok(S3Response::new(GetBucketLocationOutput {
        location_constraint: (region != FIRST_REGION)
            .then(|| BucketLocationConstraint::from(region)),
    }))
}

/// Seconds as s3s wants them.
pub(super) fn timestamp(time: Seconds) -> Timestamp {
    Timestamp::from(time.system_time())
}

/// S3 names owners by a canonical id: 64 hexadecimal digits, here made from the account's number.
pub(super) fn owner(account: &AccountId) -> Owner {
    use s3s::crypto::{Checksum as _, Sha256};
    Owner {
        display_name: None,
        id: Some(hex::encode(Sha256::checksum(account.as_str().as_bytes()))),
    }
}
