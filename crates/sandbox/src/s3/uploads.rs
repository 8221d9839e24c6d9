//! Listings of uploads and of their parts.

use super::buckets::{owner, timestamp};
use super::listing::{Encoding, group_of, page_size};
use super::service::{S3, actor};
use crate::disk::{Bucket, PartRecord, Upload, UploadRecord};
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};

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
