//! Copies inside the sandbox; the bytes are read, hashed and written again.

use super::buckets::timestamp;
use super::checksum::Digests;
use super::encryption;
use super::fault::{lost, precondition_failed};
use super::multipart::{PartTarget, part_algorithm, part_number};
use super::objects::{MAX_PUT_BYTES, Write, condition, shown_version};
use super::read::{Conditions, Found, Unmet};
use super::receive::Received;
use super::service::{S3, actor};
use super::settings;
use crate::disk::{ChecksumAlgorithm as Algorithm, Store};
use s3s::dto::*;
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range as Span;
use std::path::Path;
use std::sync::Arc;

/// Bytes that are copied at once.
const PIECE_BYTES: usize = 1 << 20;

pub(super) async fn copy_object(
    s3: &S3,
    request: S3Request<CopyObjectInput>,
) -> S3Result<S3Response<CopyObjectOutput>> {
    let actor = actor(&request)?;
    let headers = &request.headers;
    let etag_condition = |name: &str| {
        headers
            .get(name)
            .and_then(|value| ETagCondition::parse_http_header(value.as_bytes()).ok())
    };
    let condition = condition(
        etag_condition("if-match").as_ref(),
        etag_condition("if-none-match").as_ref(),
    )?;
    let input = request.input;
    let source = source(&input.copy_source)?;
    let found = Found::look(s3, &actor, source.bucket, source.key, source.version)?;
    let body = found.body()?;
    check_source(
        &Conditions {
            if_match: input.copy_source_if_match,
            if_none_match: input.copy_source_if_none_match,
            if_modified_since: input.copy_source_if_modified_since,
            if_unmodified_since: input.copy_source_if_unmodified_since,
        },
        &found,
    )?;
    let replace = match input
        .metadata_directive
        .as_ref()
        .map(MetadataDirective::as_str)
    {
        None | Some(MetadataDirective::COPY) => false,
        Some(MetadataDirective::REPLACE) => true,
        Some(_) => return Err(s3_error!(InvalidArgument, "Unknown metadata directive.")),
    };
    let target = s3.store.bucket(&input.bucket)?;
    let fresh = settings::of(headers, input.metadata, &target, actor.facts.now)?;
    let same = source.bucket == input.bucket && source.key == input.key;
    let changes_class = fresh.storage_class != body.settings.storage_class;
    if same && !replace && !changes_class && source.version.is_none() {
        return Err(s3_error!(
            InvalidRequest,
            "This copy request is illegal because it is trying to copy an object to itself without \
             changing the object's metadata, storage class, website redirect location or \
             encryption attributes."
        ));
    }
    if body.size > MAX_PUT_BYTES as u64 {
        return Err(s3_error!(
            InvalidRequest,
            "The specified copy source is larger than the maximum allowable size for a copy \
             source: 5368709120"
        ));
    }
    let replace_tags = match input
        .tagging_directive
        .as_ref()
        .map(TaggingDirective::as_str)
    {
        None | Some(TaggingDirective::COPY) => false,
        Some(TaggingDirective::REPLACE) => true,
        Some(_) => return Err(s3_error!(InvalidArgument, "Unknown tagging directive.")),
    };
    // Class and lock always come from the request; the rest as the directives say.
    let mut settings = fresh;
    if !replace {
        settings.headers = body.settings.headers.clone();
        settings.user = body.settings.user.clone();
    }
    if !replace_tags {
        settings.tags = body.settings.tags.clone();
    }
    let algorithm = match &input.checksum_algorithm {
        Some(name) => Algorithm::named(name.as_str()).ok_or_else(|| {
            s3_error!(
                InvalidRequest,
                "Checksum algorithm provided is unsupported."
            )
        })?,
        None => body
            .checksum
            .as_ref()
            .map_or(Algorithm::Crc64Nvme, |checksum| checksum.algorithm),
    };
    encryption::check(
        &actor,
        "kms:Decrypt",
        &found.bucket,
        source.key,
        &body.settings,
    )?;
    encryption::check(
        &actor,
        "kms:GenerateDataKey",
        &target,
        &input.key,
        &settings,
    )?;
    let received = read_source(s3, source.bucket, &found, 0..body.size, algorithm).await?;
    let write = Write {
        bucket: input.bucket.clone(),
        key: input.key.clone(),
        settings,
        condition,
    };
    let version = write.commit(s3, &actor, received).await?;
    let mut result = CopyObjectResult {
        e_tag: version
            .body
            .as_ref()
            .map(|body| ETag::Strong(body.etag.clone())),
        last_modified: Some(timestamp(version.modified)),
        ..CopyObjectResult::default()
    };
    if let Some(checksum) = version
        .body
        .as_ref()
        .and_then(|body| body.checksum.as_ref())
    {
        show_checksum!(result, checksum.algorithm, checksum.value.clone());
        result.checksum_type = Some(ChecksumType::from_static(checksum.scope.name()));
    }
    let mut output = CopyObjectOutput {
        copy_object_result: Some(result),
        copy_source_version_id: shown_version(&found.bucket, &found.version),
        version_id: shown_version(&target, &version),
        ..CopyObjectOutput::default()
    };
    if let Some(body) = &version.body {
        show_encryption!(output, body.settings);
    }
    Ok(S3Response::new(output))
}

pub(super) async fn upload_part_copy(
    s3: &S3,
    request: S3Request<UploadPartCopyInput>,
) -> S3Result<S3Response<UploadPartCopyOutput>> {
    let actor = actor(&request)?;
    let input = request.input;
    let number = part_number(input.part_number)?;
    let upload = s3
        .store
        .upload(&input.bucket, &input.key, &input.upload_id)?;
    let source = source(&input.copy_source)?;
    let found = Found::look(s3, &actor, source.bucket, source.key, source.version)?;
    let body = found.body()?;
    check_source(
        &Conditions {
            if_match: input.copy_source_if_match,
            if_none_match: input.copy_source_if_none_match,
            if_modified_since: input.copy_source_if_modified_since,
            if_unmodified_since: input.copy_source_if_unmodified_since,
        },
        &found,
    )?;
    let span = match &input.copy_source_range {
        None => 0..body.size,
        Some(range) => source_span(range, body.size)?,
    };
    let target = s3.store.bucket(&input.bucket)?;
    encryption::check(
        &actor,
        "kms:Decrypt",
        &found.bucket,
        source.key,
        &body.settings,
    )?;
    encryption::check(
        &actor,
        "kms:Decrypt",
        &target,
        &input.key,
        &upload.record.settings,
    )?;
    let algorithm = part_algorithm(&upload, None)?;
    let received = read_source(s3, source.bucket, &found, span, algorithm).await?;
    let target = PartTarget {
        bucket: input.bucket,
        upload: input.upload_id,
        number,
    };
    let part = target.commit(s3, actor.facts.now, received).await?;
    let mut result = CopyPartResult {
        e_tag: Some(ETag::Strong(part.etag)),
        last_modified: Some(timestamp(part.modified)),
        ..CopyPartResult::default()
    };
    if let (Some(_), Some((algorithm, value))) = (upload.record.checksum, part.checksum) {
        show_checksum!(result, algorithm, value);
    }
    let mut output = UploadPartCopyOutput {
        copy_part_result: Some(result),
        copy_source_version_id: shown_version(&found.bucket, &found.version),
        ..UploadPartCopyOutput::default()
    };
    show_encryption!(output, upload.record.settings);
    Ok(S3Response::new(output))
}

struct SourceName<'a> {
    bucket: &'a str,
    key: &'a str,
    version: Option<&'a str>,
}

fn source(source: &CopySource) -> S3Result<SourceName<'_>> {
    match source {
        CopySource::Bucket {
            bucket,
            key,
            version_id,
        } => Ok(SourceName {
            bucket,
            key,
            version: version_id.as_deref(),
        }),
        _ => Err(super::fault::not_implemented(
            "access points as a copy source",
        )),
    }
}

fn check_source(conditions: &Conditions, found: &Found) -> S3Result<()> {
    conditions
        .check(&found.version, found.body()?)
        .map_err(|unmet| match unmet {
            Unmet::Failed(header) => precondition_failed(header),
            Unmet::NotModified => precondition_failed("x-amz-copy-source-If-None-Match"),
        })
}

/// `bytes=first-last`, both given and both inside the source.
fn source_span(range: &str, size: u64) -> S3Result<Span<u64>> {
    let invalid = || {
        s3_error!(
            InvalidArgument,
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first \
             and last are the zero-based offsets of the first and last bytes to copy"
        )
    };
    match Range::parse(range).map_err(|_| invalid())? {
        Range::Int {
            first,
            last: Some(last),
        } if last < size => Ok(first..last + 1),
        Range::Int { last: Some(_), .. } => Err(s3_error!(
            InvalidArgument,
            "Range specified is not valid for source object of size: {size}"
        )),
        _ => Err(invalid()),
    }
}

async fn read_source(
    s3: &S3,
    bucket: &str,
    found: &Found,
    span: Span<u64>,
    algorithm: Algorithm,
) -> S3Result<Received> {
    let path = s3.store.object_path(bucket, found.version.sequence);
    let store = Arc::clone(&s3.store);
    tokio::task::spawn_blocking(move || read_span(&store, &path, span, algorithm))
        .await
        .map_err(lost)?
        .map_err(S3Error::internal_error)
}

fn read_span(
    store: &Store,
    path: &Path,
    span: Span<u64>,
    algorithm: Algorithm,
) -> std::io::Result<Received> {
    let mut file = std::fs::File::open(path)?;
    file.seek(SeekFrom::Start(span.start))?;
    let mut body = file.take(span.end - span.start);
    let mut digests = Digests::new(algorithm);
    let mut draft = store.draft()?;
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        let read = body.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        digests.update(&buffer[..read]);
        draft.write(&buffer[..read])?;
    }
    Ok(Received::written(
        draft,
        span.end - span.start,
        digests.finish(),
    ))
}
