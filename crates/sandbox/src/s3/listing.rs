//! Listings, in the order of bytes.

use super::buckets::{owner, timestamp};
use super::service::S3;
use crate::disk::{Bucket, VersionRecord};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::{
    ChecksumAlgorithm, ChecksumType, CommonPrefix, ETag, EncodingType, ListObjectsInput,
    ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output, Object, ObjectStorageClass, Owner,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};
use std::ops::Bound;
use std::sync::Arc;

/// Entries of one page, at most.
const MAX_ENTRIES: i32 = 1_000;
/// What `encoding-type=url` leaves alone.
const URL: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/')
    .remove(b'*');

pub(super) async fn list_objects(
    s3: &S3,
    request: S3Request<ListObjectsInput>,
) -> S3Result<S3Response<ListObjectsOutput>> {
    let input = request.input;
    if input.optional_object_attributes.is_some() {
        return Err(super::fault::not_implemented("OptionalObjectAttributes"));
    }
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let most = page_size("max-keys", input.max_keys)?;
    let prefix = input.prefix.unwrap_or_default();
    let delimiter = input.delimiter.filter(|delimiter| !delimiter.is_empty());
    let marker = input.marker.unwrap_or_default();
    let (page, owner) = s3.store.read(&input.bucket, |bucket| {
        let page = Page::of(bucket, &prefix, delimiter.as_deref(), &marker, most);
        (page, owner(&bucket.record.owner))
    })?;
    // Version 1 says where to go on only when a delimiter is given; otherwise the last key serves.
    let next_marker = page
        .next
        .as_ref()
        .filter(|_| delimiter.is_some())
        .map(|next| encoding.text(next));
    Ok(S3Response::new(ListObjectsOutput {
        name: Some(input.bucket),
        prefix: Some(encoding.text(&prefix)),
        marker: Some(encoding.text(&marker)),
        max_keys: Some(most as i32),
        is_truncated: Some(page.next.is_some()),
        next_marker,
        contents: Some(page.objects(encoding, Some(&owner))),
        common_prefixes: Some(page.common_prefixes(encoding)),
        delimiter: delimiter.map(|delimiter| encoding.text(&delimiter)),
        encoding_type: encoding.name(),
        request_charged: None,
    }))
}

pub(super) async fn list_objects_v2(
    s3: &S3,
    request: S3Request<ListObjectsV2Input>,
) -> S3Result<S3Response<ListObjectsV2Output>> {
    let input = request.input;
    if input.optional_object_attributes.is_some() {
        return Err(super::fault::not_implemented("OptionalObjectAttributes"));
    }
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let most = page_size("max-keys", input.max_keys)?;
    let prefix = input.prefix.unwrap_or_default();
    let delimiter = input.delimiter.filter(|delimiter| !delimiter.is_empty());
    let start = match &input.continuation_token {
        Some(token) => token_text(token)?,
        None => input.start_after.clone().unwrap_or_default(),
    };
    let (page, owner) = s3.store.read(&input.bucket, |bucket| {
        let page = Page::of(bucket, &prefix, delimiter.as_deref(), &start, most);
        (page, owner(&bucket.record.owner))
    })?;
    let owner = input.fetch_owner.unwrap_or(false).then_some(&owner);
    Ok(S3Response::new(ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: Some(encoding.text(&prefix)),
        max_keys: Some(most as i32),
        key_count: Some(page.entries.len() as i32),
        continuation_token: input.continuation_token,
        is_truncated: Some(page.next.is_some()),
        next_continuation_token: page.next.as_deref().map(token),
        contents: Some(page.objects(encoding, owner)),
        common_prefixes: Some(page.common_prefixes(encoding)),
        delimiter: delimiter.map(|delimiter| encoding.text(&delimiter)),
        encoding_type: encoding.name(),
        start_after: input.start_after.map(|start| encoding.text(&start)),
        request_charged: None,
    }))
}

/// Continuation tokens are opaque to clients.
fn token(text: &str) -> String {
    hex::encode(text)
}

fn token_text(token: &str) -> S3Result<String> {
    hex::decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| {
            s3_error!(
                InvalidArgument,
                "The continuation token provided is incorrect"
            )
        })
}

/// How many entries are wanted.
pub(super) fn page_size(parameter: &str, wanted: Option<i32>) -> S3Result<usize> {
    let wanted = wanted.unwrap_or(MAX_ENTRIES);
    usize::try_from(wanted.min(MAX_ENTRIES)).map_err(|_| {
        s3_error!(
            InvalidArgument,
            "Argument {parameter} must be an integer between 0 and 2147483647"
        )
    })
}

/// Whether keys are percent-encoded in the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    Url,
}

impl Encoding {
    pub(super) fn of(wanted: Option<&EncodingType>) -> S3Result<Self> {
        match wanted.map(EncodingType::as_str) {
            None => Ok(Self::Plain),
            Some(EncodingType::URL) => Ok(Self::Url),
            Some(_) => Err(s3_error!(
                InvalidArgument,
                "Invalid Encoding Method specified in Request"
            )),
        }
    }

    pub(super) fn text(self, text: &str) -> String {
        match self {
            Self::Plain => text.to_string(),
            Self::Url => utf8_percent_encode(text, URL).to_string(),
        }
    }

    pub(super) fn name(self) -> Option<EncodingType> {
        (self == Self::Url).then(|| EncodingType::from_static(EncodingType::URL))
    }
}

enum Entry {
    Object(Arc<VersionRecord>),
    Prefix(String),
}

/// A page of a listing.
struct Page {
    entries: Vec<Entry>,
    /// The last entry, when there is more behind it.
    next: Option<String>,
}

impl Page {
    fn of(
        bucket: &Bucket,
        prefix: &str,
        delimiter: Option<&str>,
        after: &str,
        most: usize,
    ) -> Self {
        let mut page = Self {
            entries: Vec::new(),
            next: None,
        };
        if most == 0 {
            return page;
        }
        let mut from = first_bound(prefix, delimiter, after);
        let mut last = String::new();
        while let Some((key, versions)) = bucket.objects.range((from, Bound::Unbounded)).next() {
            if !key.starts_with(prefix) {
                break;
            }
            let group = group_of(key, prefix, delimiter);
            let current = match group {
                // One look per group, not one per key: the rest of the group is skipped.
                Some(group) => bucket
                    .has_current_under(group)
                    .then(|| Entry::Prefix(group.into())),
                None => versions
                    .first()
                    .filter(|version| version.body.is_some())
                    .map(|version| Entry::Object(Arc::clone(version))),
            };
            let name = group.unwrap_or(key);
            if let Some(entry) = current {
                if page.entries.len() == most {
                    page.next = Some(last);
                    break;
                }
                page.entries.push(entry);
                last = name.to_string();
            }
            from = match group {
                Some(group) => after_group(group),
                None => Bound::Excluded(key.clone()),
            };
        }
        page
    }

    fn objects(&self, encoding: Encoding, owner: Option<&Owner>) -> Vec<Object> {
        self.entries
            .iter()
            .filter_map(|entry| match entry {
                Entry::Object(version) => Some(object(version, encoding, owner)),
                Entry::Prefix(_) => None,
            })
            .collect()
    }

    fn common_prefixes(&self, encoding: Encoding) -> Vec<CommonPrefix> {
        self.entries
            .iter()
            .filter_map(|entry| match entry {
                Entry::Prefix(prefix) => Some(CommonPrefix {
                    prefix: Some(encoding.text(prefix)),
                }),
                Entry::Object(_) => None,
            })
            .collect()
    }
}

impl Bucket {
    fn has_current_under(&self, prefix: &str) -> bool {
        self.objects
            .range(prefix.to_string()..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .any(|(_, versions)| {
                versions
                    .first()
                    .is_some_and(|version| version.body.is_some())
            })
    }
}

/// The common prefix that `key` is folded into.
pub(super) fn group_of<'a>(key: &'a str, prefix: &str, delimiter: Option<&str>) -> Option<&'a str> {
    let delimiter = delimiter?;
    let at = key[prefix.len()..].find(delimiter)?;
    Some(&key[..prefix.len() + at + delimiter.len()])
}

/// Where a listing begins: behind `after`, and behind the whole group when `after` is in one.
pub(super) fn first_bound(prefix: &str, delimiter: Option<&str>, after: &str) -> Bound<String> {
    if after.is_empty() || after < prefix {
        return Bound::Included(prefix.to_string());
    }
    // A marker that is itself a common prefix stands for all keys under it.
    match after
        .starts_with(prefix)
        .then(|| group_of(after, prefix, delimiter))
        .flatten()
    {
        Some(group) if group == after => after_group(group),
        _ => Bound::Excluded(after.to_string()),
    }
}

/// The first text that is greater than everything that begins with `group`.
pub(super) fn after_group(group: &str) -> Bound<String> {
    let mut chars: Vec<char> = group.chars().collect();
    while let Some(last) = chars.pop() {
        // Skips the gap of the surrogates, which are no characters.
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            chars.push(next);
            return Bound::Included(chars.into_iter().collect());
        }
    }
    Bound::Unbounded
}

fn object(version: &VersionRecord, encoding: Encoding, owner: Option<&Owner>) -> Object {
    let body = version.body.as_ref();
    let checksum = body.and_then(|body| body.checksum.as_ref());
    let class = body.and_then(|body| body.settings.storage_class.clone());
    Object {
        checksum_algorithm: checksum
            .map(|checksum| vec![ChecksumAlgorithm::from_static(checksum.algorithm.name())]),
        checksum_type: checksum.map(|checksum| ChecksumType::from_static(checksum.scope.name())),
        e_tag: body.map(|body| ETag::Strong(body.etag.clone())),
        key: Some(encoding.text(&version.key)),
        last_modified: Some(timestamp(version.modified)),
        owner: owner.cloned(),
        restore_status: None,
        size: body.map(|body| body.size as i64),
        storage_class: Some(match class {
            Some(class) => ObjectStorageClass::from(class),
            None => ObjectStorageClass::from_static(ObjectStorageClass::STANDARD),
        }),
    }
}
