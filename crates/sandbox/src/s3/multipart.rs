//! Uploads in parts.

use super::buckets::{owner, timestamp};
use super::checksum::{Digests, composite, multipart_etag};
use super::fault::lost;
use super::listing::{Encoding, group_of, page_size};
use super::objects::{check_length, condition, encryption, new_version, shown_version};
use super::receive::{Expected, Received, receive};
use super::service::{S3, actor};
use super::settings;
use crate::disk::{
    BodyRecord, Bucket, ChecksumAlgorithm as Algorithm, ChecksumScope, CompletedPartRecord,
    Completion, Draft, PartRecord, Store, StoredChecksum, Upload, UploadRecord,
};
use crate::random;
use s3s::dto::*;
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};
use std::io::Read;
use std::sync::Arc;

/// Bytes that every part but the last must have. Source: S3 quotas.
const MIN_PART_BYTES: u64 = 5 << 20;
/// Bytes of an object that was sent in parts. Source: S3 quotas.
const MAX_OBJECT_BYTES: u64 = 5 << 40;
/// Bytes that are joined at once.
const PIECE_BYTES: usize = 1 << 20;

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
    let record = UploadRecord {
        id: random::upload_id(),
        key: input.key.clone(),
        initiated: actor.facts.now,
        initiator: actor.caller.arn(),
        checksum,
        settings: settings::of(&request.headers, input.metadata, &bucket, actor.facts.now)?,
    };
    let id = record.id.clone();
    let store = Arc::clone(&s3.store);
    let bucket = input.bucket.clone();
    tokio::task::spawn_blocking(move || store.begin_upload(&bucket, record))
        .await
        .map_err(lost)??;
    Ok(S3Response::new(CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(id),
        checksum_algorithm: checksum
            .map(|(algorithm, _)| ChecksumAlgorithm::from_static(algorithm.name())),
        checksum_type: checksum.map(|(_, scope)| ChecksumType::from_static(scope.name())),
        server_side_encryption: Some(encryption()),
        ..CreateMultipartUploadOutput::default()
    }))
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
        server_side_encryption: Some(encryption()),
        ..UploadPartOutput::default()
    };
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

pub(super) async fn complete_multipart_upload(
    s3: &S3,
    request: S3Request<CompleteMultipartUploadInput>,
) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
    let actor = actor(&request)?;
    let input = request.input;
    let condition = condition(input.if_match.as_ref(), input.if_none_match.as_ref())?;
    let upload = s3
        .store
        .upload(&input.bucket, &input.key, &input.upload_id)?;
    let listed = input
        .multipart_upload
        .and_then(|upload| upload.parts)
        .unwrap_or_default();
    let parts = chosen_parts(&upload, &listed)?;
    let size = parts.iter().map(|part| part.size).sum();
    if size > MAX_OBJECT_BYTES {
        return Err(s3_error!(
            EntityTooLarge,
            "Your proposed upload exceeds the maximum allowed size"
        ));
    }
    if input
        .mpu_object_size
        .is_some_and(|said| u64::try_from(said) != Ok(size))
    {
        return Err(s3_error!(
            InvalidRequest,
            "The provided 'x-amz-mp-object-size' header does not match what was computed."
        ));
    }
    let said = [
        (Algorithm::Crc32, input.checksum_crc32),
        (Algorithm::Crc32c, input.checksum_crc32c),
        (Algorithm::Crc64Nvme, input.checksum_crc64nvme),
        (Algorithm::Sha1, input.checksum_sha1),
        (Algorithm::Sha256, input.checksum_sha256),
    ]
    .into_iter()
    .find_map(|(algorithm, value)| Some((algorithm, value?)));
    let store = Arc::clone(&s3.store);
    let (bucket, key, now) = (input.bucket.clone(), input.key.clone(), actor.facts.now);
    let version = tokio::task::spawn_blocking(move || {
        let (draft, checksum) = join(&store, &bucket, &upload, &parts)?;
        if let Some((algorithm, value)) = said {
            let stored = checksum.value.split('-').next();
            let sent = value.split('-').next();
            if algorithm != checksum.algorithm || sent != stored {
                return Err(s3_error!(
                    BadDigest,
                    "The {} you specified did not match the calculated checksum.",
                    algorithm.name()
                ));
            }
        }
        let body = BodyRecord {
            size,
            etag: multipart_etag(parts.iter().map(|part| part.etag.as_str())),
            checksum: Some(checksum),
            parts: parts
                .iter()
                .map(|part| CompletedPartRecord {
                    number: part.number,
                    size: part.size,
                })
                .collect(),
            settings: upload.record.settings.clone(),
        };
        let completion = Completion {
            upload: upload.record.id.clone(),
            draft,
            version: new_version(key, now, body),
            condition,
        };
        Ok::<_, S3Error>(store.complete_upload(&bucket, completion)?)
    })
    .await
    .map_err(lost)??;
    let bucket = s3.store.bucket(&input.bucket)?;
    let mut output = CompleteMultipartUploadOutput {
        location: Some(format!("/{}/{}", input.bucket, input.key)),
        bucket: Some(input.bucket),
        key: Some(input.key),
        e_tag: version
            .body
            .as_ref()
            .map(|body| ETag::Strong(body.etag.clone())),
        server_side_encryption: Some(encryption()),
        version_id: shown_version(&bucket, &version),
        ..CompleteMultipartUploadOutput::default()
    };
    if let Some(checksum) = version
        .body
        .as_ref()
        .and_then(|body| body.checksum.as_ref())
    {
        show_checksum!(output, checksum.algorithm, checksum.value.clone());
        output.checksum_type = Some(ChecksumType::from_static(checksum.scope.name()));
    }
    Ok(S3Response::new(output))
}

/// The parts that the client lists, as they were uploaded.
fn chosen_parts(upload: &Upload, listed: &[CompletedPart]) -> S3Result<Vec<PartRecord>> {
    if listed.is_empty() {
        return Err(s3_error!(
            MalformedXML,
            "The XML you provided was not well-formed or did not validate against our published \
             schema"
        ));
    }
    let mut chosen: Vec<PartRecord> = Vec::with_capacity(listed.len());
    for wanted in listed {
        let number = part_number(wanted.part_number.unwrap_or_default())?;
        if chosen.last().is_some_and(|last| last.number >= number) {
            return Err(s3_error!(
                InvalidPartOrder,
                "The list of parts was not in ascending order. Parts must be ordered by part number."
            ));
        }
        let etag = wanted.e_tag.as_ref().map(ETag::value);
        let part = upload
            .parts
            .get(&number)
            .filter(|part| etag == Some(part.etag.as_str()))
            .filter(|part| listed_checksum(wanted).is_none_or(|sent| part.checksum == Some(sent)))
            .ok_or_else(|| {
                s3_error!(
                    InvalidPart,
                    "One or more of the specified parts could not be found. The part may not have \
                     been uploaded, or the specified entity tag may not match the part's entity \
                     tag."
                )
            })?;
        let composite = matches!(upload.record.checksum, Some((_, ChecksumScope::Composite)));
        if composite && listed_checksum(wanted).is_none() {
            return Err(s3_error!(
                InvalidRequest,
                "The upload was created using a checksum. The complete request must include the \
                 checksum for each part. It was missing for part {number} in the request."
            ));
        }
        chosen.push(part.clone());
    }
    let all_but_last = &chosen[..chosen.len() - 1];
    if all_but_last.iter().any(|part| part.size < MIN_PART_BYTES) {
        return Err(s3_error!(
            EntityTooSmall,
            "Your proposed upload is smaller than the minimum allowed size"
        ));
    }
    Ok(chosen)
}

fn listed_checksum(part: &CompletedPart) -> Option<(Algorithm, String)> {
    [
        (Algorithm::Crc32, &part.checksum_crc32),
        (Algorithm::Crc32c, &part.checksum_crc32c),
        (Algorithm::Crc64Nvme, &part.checksum_crc64nvme),
        (Algorithm::Sha1, &part.checksum_sha1),
        (Algorithm::Sha256, &part.checksum_sha256),
    ]
    .into_iter()
    .find_map(|(algorithm, value)| Some((algorithm, value.clone()?)))
}

/// Writes the parts one behind the other, and sums them up. Touches files.
fn join(
    store: &Store,
    bucket: &str,
    upload: &Upload,
    parts: &[PartRecord],
) -> S3Result<(Draft, StoredChecksum)> {
    let (algorithm, scope) = upload
        .record
        .checksum
        .unwrap_or((Algorithm::Crc64Nvme, ChecksumScope::FullObject));
    let mut digests = (scope == ChecksumScope::FullObject).then(|| Digests::new(algorithm));
    let mut draft = store.draft().map_err(S3Error::internal_error)?;
    let mut buffer = vec![0; PIECE_BYTES];
    for part in parts {
        let path = store.part_path(bucket, &upload.record.id, part);
        // Replaced or completed by somebody else since it was chosen.
        let file = std::fs::File::open(path)
            .map_err(|_| S3Error::from(crate::disk::StoreError::NoSuchUpload))?;
        let mut body = file.take(part.size);
        loop {
            let read = body.read(&mut buffer).map_err(S3Error::internal_error)?;
            if read == 0 {
                break;
            }
            if let Some(digests) = &mut digests {
                digests.update(&buffer[..read]);
            }
            draft
                .write(&buffer[..read])
                .map_err(S3Error::internal_error)?;
        }
    }
    let value = match digests {
        Some(digests) => digests.finish().checksum,
        None => {
            let checksums: Vec<&str> = parts
                .iter()
                .filter_map(|part| part.checksum.as_ref())
                .map(|(_, value)| value.as_str())
                .collect();
            composite(algorithm, checksums.into_iter())
        }
    };
    let checksum = StoredChecksum {
        algorithm,
        scope,
        value,
    };
    Ok((draft, checksum))
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

pub(super) async fn list_parts(
    s3: &S3,
    request: S3Request<ListPartsInput>,
) -> S3Result<S3Response<ListPartsOutput>> {
    let actor = actor(&request)?;
    let input = request.input;
    let upload = s3
        .store
        .upload(&input.bucket, &input.key, &input.upload_id)?;
    let most = page_size("max-parts", input.max_parts)?;
    let marker = input.part_number_marker.unwrap_or(0);
    let mut rest = upload
        .parts
        .values()
        .filter(|part| i32::from(part.number) > marker);
    let shown: Vec<&PartRecord> = rest.by_ref().take(most).collect();
    let truncated = rest.next().is_some();
    let owner = owner(actor.account());
    Ok(S3Response::new(ListPartsOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        part_number_marker: Some(marker),
        next_part_number_marker: shown.last().map(|part| i32::from(part.number)),
        max_parts: Some(most as i32),
        is_truncated: Some(truncated),
        initiator: Some(Initiator {
            display_name: None,
            id: Some(upload.record.initiator.clone()),
        }),
        owner: Some(owner),
        storage_class: Some(StorageClass::from(
            upload
                .record
                .settings
                .storage_class
                .clone()
                .unwrap_or_else(|| StorageClass::STANDARD.to_string()),
        )),
        checksum_algorithm: upload
            .record
            .checksum
            .map(|(algorithm, _)| ChecksumAlgorithm::from_static(algorithm.name())),
        checksum_type: upload
            .record
            .checksum
            .map(|(_, scope)| ChecksumType::from_static(scope.name())),
        parts: Some(
            shown
                .into_iter()
                .map(|part| shown_part(&upload, part))
                .collect(),
        ),
        ..ListPartsOutput::default()
    }))
}

fn shown_part(upload: &Upload, part: &PartRecord) -> Part {
    let mut shown = Part {
        e_tag: Some(ETag::Strong(part.etag.clone())),
        last_modified: Some(timestamp(part.modified)),
        part_number: Some(i32::from(part.number)),
        size: Some(part.size as i64),
        ..Part::default()
    };
    if let (Some(_), Some((algorithm, value))) = (upload.record.checksum, &part.checksum) {
        show_checksum!(shown, algorithm, value.clone());
    }
    shown
}

pub(super) async fn list_multipart_uploads(
    s3: &S3,
    request: S3Request<ListMultipartUploadsInput>,
) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
    let input = request.input;
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let most = page_size("max-uploads", input.max_uploads)?;
    let prefix = input.prefix.unwrap_or_default();
    let delimiter = input.delimiter.filter(|delimiter| !delimiter.is_empty());
    let key_marker = input.key_marker.unwrap_or_default();
    let id_marker = input.upload_id_marker.filter(|_| !key_marker.is_empty());
    let page = s3.store.read(&input.bucket, |bucket| {
        UploadPage::of(
            bucket,
            &prefix,
            delimiter.as_deref(),
            (&key_marker, id_marker.as_deref()),
            most,
        )
    })?;
    let next = page.next;
    Ok(S3Response::new(ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        prefix: Some(encoding.text(&prefix)),
        delimiter: delimiter.map(|delimiter| encoding.text(&delimiter)),
        key_marker: Some(encoding.text(&key_marker)),
        upload_id_marker: id_marker,
        max_uploads: Some(most as i32),
        is_truncated: Some(next.is_some()),
        next_key_marker: next.as_ref().map(|(key, _)| encoding.text(key)),
        next_upload_id_marker: next.and_then(|(_, id)| id),
        encoding_type: encoding.name(),
        uploads: Some(
            page.uploads
                .iter()
                .map(|upload| shown_upload(upload, encoding, &page.owner))
                .collect(),
        ),
        common_prefixes: Some(
            page.prefixes
                .iter()
                .map(|prefix| CommonPrefix {
                    prefix: Some(encoding.text(prefix)),
                })
                .collect(),
        ),
        request_charged: None,
    }))
}

struct UploadPage {
    uploads: Vec<UploadRecord>,
    prefixes: Vec<String>,
    /// Key and upload id to go on behind.
    next: Option<(String, Option<String>)>,
    owner: Owner,
}

impl UploadPage {
    fn of(
        bucket: &Bucket,
        prefix: &str,
        delimiter: Option<&str>,
        (key_marker, id_marker): (&str, Option<&str>),
        most: usize,
    ) -> Self {
        let mut open: Vec<&UploadRecord> = bucket
            .uploads
            .values()
            .map(|upload| &upload.record)
            .filter(|upload| upload.key.starts_with(prefix))
            .filter(|upload| match id_marker {
                _ if key_marker.is_empty() => true,
                Some(id) if upload.key == key_marker => upload.id.as_str() > id,
                _ => {
                    upload.key.as_str() > key_marker
                        && !is_under(&upload.key, key_marker, delimiter)
                }
            })
            .collect();
        // By key; among uploads of one key by id, so that markers can go on from there.
        open.sort_by(|left, right| (&left.key, &left.id).cmp(&(&right.key, &right.id)));
        let mut page = Self {
            uploads: Vec::new(),
            prefixes: Vec::new(),
            next: None,
            owner: owner(&bucket.record.owner),
        };
        let mut last = None;
        for upload in open {
            let group = group_of(&upload.key, prefix, delimiter);
            if group.is_some_and(|group| page.prefixes.last().is_some_and(|seen| seen == group)) {
                continue;
            }
            if page.uploads.len() + page.prefixes.len() == most {
                page.next = last;
                break;
            }
            match group {
                Some(group) => {
                    page.prefixes.push(group.to_string());
                    last = Some((group.to_string(), None));
                }
                None => {
                    page.uploads.push(upload.clone());
                    last = Some((upload.key.clone(), Some(upload.id.clone())));
                }
            }
        }
        page
    }
}

/// Whether `key` belongs to the common prefix that a marker names.
fn is_under(key: &str, marker: &str, delimiter: Option<&str>) -> bool {
    delimiter.is_some_and(|delimiter| marker.ends_with(delimiter) && key.starts_with(marker))
}

fn shown_upload(upload: &UploadRecord, encoding: Encoding, owner: &Owner) -> MultipartUpload {
    MultipartUpload {
        checksum_algorithm: upload
            .checksum
            .map(|(algorithm, _)| ChecksumAlgorithm::from_static(algorithm.name())),
        checksum_type: upload
            .checksum
            .map(|(_, scope)| ChecksumType::from_static(scope.name())),
        initiated: Some(timestamp(upload.initiated)),
        initiator: Some(Initiator {
            display_name: None,
            id: Some(upload.initiator.clone()),
        }),
        key: Some(encoding.text(&upload.key)),
        owner: Some(owner.clone()),
        storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
        upload_id: Some(upload.id.clone()),
    }
}
