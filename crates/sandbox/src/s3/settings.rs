//! What is stored besides the bytes: content headers, user metadata, storage class.

use super::config::{lock_of_upload, read_tags};
use super::encryption;
use crate::disk::{BucketRecord, ContentHeaders, ObjectSettings};
use http::HeaderMap;
use s3s::dto::Metadata;
use s3s::{S3Result, s3_error};
use std::collections::BTreeMap;
use types::Timestamp;

/// Bytes of all user metadata, names and values. Source: S3 user guide, "user-defined metadata".
const MAX_METADATA_BYTES: usize = 2_048;
/// What an object without a type is served as.
pub(super) const DEFAULT_TYPE: &str = "binary/octet-stream";
const STORAGE_CLASSES: [&str; 7] = [
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER_IR",
    "EXPRESS_ONEZONE",
];

/// Reads the settings of an upload.
pub(super) fn of(
    headers: &HeaderMap,
    metadata: Option<Metadata>,
    bucket: &BucketRecord,
    now: Timestamp,
) -> S3Result<ObjectSettings> {
    let user = metadata.unwrap_or_default();
    let bytes: usize = user
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if bytes > MAX_METADATA_BYTES {
        return Err(s3_error!(
            MetadataTooLarge,
            "Your metadata headers exceed the maximum allowed metadata size"
        ));
    }
    let tags = match text(headers, "x-amz-tagging") {
        Some(tags) => read_tags(&tags)?,
        None => BTreeMap::new(),
    };
    let mut settings = ObjectSettings {
        headers: content_headers(headers),
        user: user.into_iter().collect(),
        storage_class: storage_class(headers)?,
        tags,
        encryption: encryption::of_upload(headers, bucket)?,
        ..ObjectSettings::default()
    };
    lock_of_upload(&mut settings, headers, bucket, now)?;
    Ok(settings)
}

/// The class that a request asks for; `None` for the standard one.
pub(super) fn storage_class(headers: &HeaderMap) -> S3Result<Option<String>> {
    match text(headers, "x-amz-storage-class") {
        None => Ok(None),
        Some(class) if class == STORAGE_CLASSES[0] => Ok(None),
        Some(class) if STORAGE_CLASSES.contains(&class.as_str()) => Ok(Some(class)),
        Some(_) => Err(s3_error!(
            InvalidStorageClass,
            "The storage class you specified is not valid"
        )),
    }
}

/// The content headers of a request.
pub(super) fn content_headers(headers: &HeaderMap) -> ContentHeaders {
    ContentHeaders {
        content_type: text(headers, "content-type"),
        cache_control: text(headers, "cache-control"),
        content_disposition: text(headers, "content-disposition"),
        content_encoding: text(headers, "content-encoding").and_then(without_framing),
        content_language: text(headers, "content-language"),
        expires: text(headers, "expires"),
    }
}

/// `aws-chunked` describes the transfer, not the object.
fn without_framing(encoding: String) -> Option<String> {
    let kept: Vec<&str> = encoding
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty() && *part != "aws-chunked")
        .collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .filter(|value| !value.is_empty())
        .map(str::to_string)
}

#[cfg(test)]
mod tests {
    use super::without_framing;

    #[test]
    fn framing_is_no_content_encoding() {
        assert_eq!(without_framing("aws-chunked".into()), None);
        assert_eq!(
            without_framing("aws-chunked, gzip".into()).as_deref(),
            Some("gzip")
        );
        assert_eq!(
            without_framing("gzip,aws-chunked".into()).as_deref(),
            Some("gzip")
        );
        assert_eq!(
            without_framing("gzip,br".into()).as_deref(),
            Some("gzip,br")
        );
    }
}
