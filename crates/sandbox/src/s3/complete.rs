//! Turns parts into an object.

use super::checksum::{Digests, composite, multipart_etag};
use super::encryption;
use super::fault::lost;
use super::multipart::part_number;
use super::objects::{condition, new_version, shown_version};
use super::service::{S3, actor};
use crate::disk::{
    BodyRecord, ChecksumAlgorithm as Algorithm, ChecksumScope, CompletedPartRecord, Completion,
    Draft, PartRecord, Store, StoredChecksum, Upload,
};
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
    let bucket = s3.store.bucket(&input.bucket)?;
    encryption::check(
        &actor,
        "kms:Decrypt",
        &bucket,
        &input.key,
        &upload.record.settings,
    )?;
    let settings = upload.record.settings.clone();
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
    let (name, key, now) = (input.bucket.clone(), input.key.clone(), actor.facts.now);
    let version = tokio::task::spawn_blocking(move || {
        let (draft, checksum) = join(&store, &name, &upload, &parts)?;
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
        Ok::<_, S3Error>(store.complete_upload(&name, completion)?)
    })
    .await
    .map_err(lost)??;
    let mut output = CompleteMultipartUploadOutput {
        location: Some(format!("/{}/{}", input.bucket, input.key)),
        bucket: Some(input.bucket),
        key: Some(input.key),
        e_tag: version
            .body
            .as_ref()
            .map(|body| ETag::Strong(body.etag.clone())),
        version_id: shown_version(&bucket, &version),
        ..CompleteMultipartUploadOutput::default()
    };
    show_encryption!(output, settings);
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
