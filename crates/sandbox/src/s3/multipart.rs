//! Uploads in parts.

use super::encryption;
use super::fault::lost;
use super::objects::check_length;
use super::receive::{Expected, Received, receive};
use super::service::{S3, actor};
use super::settings;
use crate::disk::{
    ChecksumAlgorithm as Algorithm, ChecksumScope, PartRecord, Upload, UploadRecord,
};
use crate::random;
use s3s::dto::*;
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};
use std::sync::Arc;

pub(super) async fn create_multipart_upload(
    s3: &S3,
    request: S3Request<CreateMultipartUploadInput>,
) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
    let actor = actor(&request)?;
    let input = request.input;
    let checksum = upload_checksum(
        input
            .checksum_algorithm
            .as_ref()
            .map(ChecksumAlgorithm::as_str),
        input.checksum_type.as_ref().map(ChecksumType::as_str),
    )?;
    let bucket = s3.store.bucket(&input.bucket)?;
    let settings = settings::of(&request.headers, input.metadata, &bucket, actor.facts.now)?;
    encryption::check(
        &actor,
        "kms:GenerateDataKey",
        &bucket,
        &input.key,
        &settings,
    )?;
    let record = UploadRecord {
        id: random::upload_id(),
        key: input.key.clone(),
        initiated: actor.facts.now,
        initiator: actor.caller.arn(),
        checksum,
        settings: settings.clone(),
    };
    let id = record.id.clone();
    let store = Arc::clone(&s3.store);
    let bucket = input.bucket.clone();
    tokio::task::spawn_blocking(move || store.begin_upload(&bucket, record))
        .await
        .map_err(lost)??;
    let mut output = CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(id),
        checksum_algorithm: checksum
            .map(|(algorithm, _)| ChecksumAlgorithm::from_static(algorithm.name())),
        checksum_type: checksum.map(|(_, scope)| ChecksumType::from_static(scope.name())),
        ..CreateMultipartUploadOutput::default()
    };
    show_encryption!(output, settings);
    Ok(S3Response::new(output))
}

/// The checksum that an upload will have.
fn upload_checksum(
    algorithm: Option<&str>,
    scope: Option<&str>,
) -> S3Result<Option<(Algorithm, ChecksumScope)>> {
    let Some(algorithm) = algorithm else {
        return match scope {
            None => Ok(None),
            Some(_) => Err(s3_error!(
                InvalidRequest,
                "The x-amz-checksum-type header can only be used with the \
                 x-amz-checksum-algorithm header."
            )),
        };
    };
    let algorithm = Algorithm::named(algorithm).ok_or_else(|| {
        s3_error!(
            InvalidRequest,
            "Checksum algorithm provided is unsupported."
        )
    })?;
    let scope = match scope {
        None => algorithm.default_scope(),
        Some(scope) => ChecksumScope::named(scope).ok_or_else(|| {
            s3_error!(
                InvalidRequest,
                "Value for x-amz-checksum-type header is invalid."
            )
        })?,
    };
    let impossible = match scope {
        ChecksumScope::Composite => algorithm == Algorithm::Crc64Nvme,
        ChecksumScope::FullObject => matches!(algorithm, Algorithm::Sha1 | Algorithm::Sha256),
    };
    if impossible {
        return Err(s3_error!(
            InvalidRequest,
            "The {} checksum type cannot be used with the {} checksum algorithm.",
            scope.name(),
            algorithm.name().to_lowercase()
        ));
    }
    Ok(Some((algorithm, scope)))
}

pub(super) async fn upload_part(
    s3: &S3,
    request: S3Request<UploadPartInput>,
) -> S3Result<S3Response<UploadPartOutput>> {
    let actor = actor(&request)?;
    let input = request.input;
    let number = part_number(input.part_number)?;
    check_length(input.content_length)?;
    let upload = s3
        .store
        .upload(&input.bucket, &input.key, &input.upload_id)?;
    let bucket = s3.store.bucket(&input.bucket)?;
    encryption::check(
        &actor,
        "kms:Decrypt",
        &bucket,
        &input.key,
        &upload.record.settings,
    )?;
    let expected = Expected::of(
        &request.headers,
        input.content_length,
        request.trailing_headers,
    )?;
    let algorithm = part_algorithm(&upload, expected.algorithm())?;
    let received = receive(&s3.store, input.body, expected, algorithm).await?;
    let target = PartTarget {
        bucket: input.bucket,
        upload: input.upload_id,
        number,
    };
    let part = target.commit(s3, actor.facts.now, received).await?;
    let mut output = UploadPartOutput {
        e_tag: Some(ETag::Strong(part.etag)),
        ..UploadPartOutput::default()
    };
    show_encryption!(output, upload.record.settings);
    if let Some((algorithm, value)) = part.checksum {
        show_checksum!(output, algorithm, value);
    }
    Ok(S3Response::new(output))
}

/// Where a part goes.
pub(super) struct PartTarget {
    pub(super) bucket: String,
    pub(super) upload: String,
    pub(super) number: u16,
}

impl PartTarget {
    /// Makes `received` the part.
    pub(super) async fn commit(
        self,
        s3: &S3,
        now: types::Timestamp,
        received: Received,
    ) -> S3Result<PartRecord> {
        let store = Arc::clone(&s3.store);
        tokio::task::spawn_blocking(move || {
            let part = PartRecord {
                number: self.number,
                sequence: 0,
                size: received.size,
                etag: received.sums.etag(),
                modified: now,
                checksum: Some((received.sums.algorithm, received.sums.checksum.clone())),
            };
            let draft = received.into_draft(&store)?;
            store.commit_part(&self.bucket, &self.upload, draft, part.clone())?;
            Ok::<_, S3Error>(part)
        })
        .await
        .map_err(lost)?
    }
}

/// Parts are numbered from 1 to 10,000.
pub(super) fn part_number(number: i32) -> S3Result<u16> {
    u16::try_from(number)
        .ok()
        .filter(|number| (1..=10_000).contains(number))
        .ok_or_else(|| {
            s3_error!(
                InvalidArgument,
                "Part number must be an integer between 1 and 10000, inclusive"
            )
        })
}

/// The algorithm that a part is hashed with.
pub(super) fn part_algorithm(upload: &Upload, sent: Option<Algorithm>) -> S3Result<Algorithm> {
    match (upload.record.checksum, sent) {
        (Some((wanted, _)), Some(sent)) if wanted != sent => Err(s3_error!(
            InvalidRequest,
            "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
            wanted.name().to_lowercase(),
            sent.name().to_lowercase()
        )),
        (Some((wanted, _)), _) => Ok(wanted),
        (None, sent) => Ok(sent.unwrap_or(Algorithm::Crc64Nvme)),
    }
}

pub(super) async fn abort_multipart_upload(
    s3: &S3,
    request: S3Request<AbortMultipartUploadInput>,
) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
    let input = request.input;
    if input.if_match_initiated_time.is_some() {
        return Err(super::fault::not_implemented(
            "conditions of directory buckets",
        ));
    }
    let store = Arc::clone(&s3.store);
    tokio::task::spawn_blocking(move || {
        store.abort_upload(&input.bucket, &input.key, &input.upload_id)
    })
    .await
    .map_err(lost)??;
    Ok(S3Response::new(AbortMultipartUploadOutput::default()))
}
