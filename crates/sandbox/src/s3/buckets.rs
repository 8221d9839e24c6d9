//! Buckets as such.

use super::fault::lost;
use super::service::{S3, actor};
use crate::disk::BucketRecord;
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};
use std::sync::Arc;
use types::{AccountId, Timestamp as Seconds};

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
    let shown: Vec<Arc<BucketRecord>> = mine.by_ref().take(most).collect();
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
                    name: Some(bucket.name.clone()),
                })
                .collect(),
        ),
        continuation_token: next,
        owner: Some(owner(actor.account())),
        prefix: input.prefix,
    }))
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
    Ok(S3Response::new(GetBucketLocationOutput {
        location_constraint: bucket.location.clone().map(BucketLocationConstraint::from),
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
