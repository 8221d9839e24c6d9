//! Reading objects: which version, under which conditions, which bytes.

use super::actor::Actor;
use super::buckets::timestamp;
use super::encryption;
use super::fault::{named, precondition_failed};
use super::objects::{shown_checksum, shown_version};
use super::send;
use super::service::{S3, actor};
use super::settings::DEFAULT_TYPE;
use crate::disk::{BodyRecord, BucketRecord, StoreError, VersionRecord};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use s3s::dto::*;
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};
use std::ops::Range as Span;
use std::sync::Arc;

/// How often a version is looked up again when it is overwritten while it is being opened.
const MAX_LOOKUPS: usize = 8;

/// A version that was found, and its bucket.
pub(super) struct Found {
    pub(super) bucket: Arc<BucketRecord>,
    pub(super) version: Arc<VersionRecord>,
}

impl Found {
    /// The version of `key`, the current one when none is named.
    pub(super) fn look(
        s3: &S3,
        actor: &Actor,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> S3Result<Self> {
        let (record, found) = s3.store.read(bucket, |bucket| {
            let found = match version {
                Some(id) => bucket.version(key, id).cloned(),
                None => bucket.newest(key).cloned(),
            };
            (Arc::clone(&bucket.record), found)
        })?;
        match found {
            Some(found) if found.body.is_some() => Ok(Self {
                bucket: record,
                version: found,
            }),
            Some(marker) => Err(is_marker(&marker, version.is_some())),
            None if !actor.may_miss(key, &record) => {
                // Who may not list may not learn what is not there.
                Err(s3_error!(AccessDenied, "Access Denied"))
            }
            None if version.is_some() => Err(StoreError::NoSuchVersion.into()),
            None => Err(StoreError::NoSuchKey.into()),
        }
    }

    /// The bytes' description.
    pub(super) fn body(&self) -> S3Result<&BodyRecord> {
        self.version
            .body
            .as_ref()
            .ok_or_else(|| StoreError::NoSuchKey.into())
    }
}

fn is_marker(marker: &VersionRecord, by_id: bool) -> S3Error {
    let mut error = if by_id {
        s3_error!(
            MethodNotAllowed,
            "The specified method is not allowed against this resource."
        )
    } else {
        StoreError::NoSuchKey.into()
    };
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-delete-marker", HeaderValue::from_static("true"));
    if let Ok(id) = HeaderValue::from_str(&marker.id) {
        headers.insert("x-amz-version-id", id);
    }
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/xml"),
    );
    error.set_headers(headers);
    error
}

/// `If-Match` and its sisters, on a read or on the source of a copy.
pub(super) struct Conditions {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) if_none_match: Option<ETagCondition>,
    pub(super) if_modified_since: Option<Timestamp>,
    pub(super) if_unmodified_since: Option<Timestamp>,
}

/// Which condition does not hold.
pub(super) enum Unmet {
    /// 412 on a read and on a copy.
    Failed(&'static str),
    /// 304 on a read, 412 on a copy.
    NotModified,
}

impl Conditions {
    /// Judges in the order of RFC 9110, section 13.2.2.
    pub(super) fn check(&self, version: &VersionRecord, body: &BodyRecord) -> Result<(), Unmet> {
        let is = |condition: &ETagCondition| match condition {
            ETagCondition::Any => true,
            ETagCondition::ETag(etag) => etag.value() == body.etag,
        };
        let modified = timestamp(version.modified);
        match (&self.if_match, &self.if_unmodified_since) {
            (Some(condition), _) if !is(condition) => return Err(Unmet::Failed("If-Match")),
            (None, Some(since)) if modified > *since => {
                return Err(Unmet::Failed("If-Unmodified-Since"));
            }
            _ => {}
        }
        match (&self.if_none_match, &self.if_modified_since) {
            (Some(condition), _) if is(condition) => Err(Unmet::NotModified),
            (None, Some(since)) if modified <= *since => Err(Unmet::NotModified),
            _ => Ok(()),
        }
    }
}

fn unmet(unmet: Unmet, found: &Found) -> S3Error {
    match unmet {
        Unmet::Failed(header) => precondition_failed(header),
        Unmet::NotModified => {
            let mut error = s3_error!(NotModified, "Not Modified");
            let mut headers = HeaderMap::new();
            let etag = found
                .version
                .body
                .as_ref()
                .map(|body| format!("\"{}\"", body.etag));
            if let Some(Ok(etag)) = etag.map(HeaderValue::try_from) {
                headers.insert(header::ETAG, etag);
            }
            error.set_headers(headers);
            error
        }
    }
}

/// The bytes that are asked for.
struct Selection {
    span: Span<u64>,
    content_range: Option<String>,
    parts_count: Option<i32>,
}

impl Selection {
    fn of(body: &BodyRecord, range: Option<&Range>, part: Option<i32>) -> S3Result<Self> {
        let span =
            match (range, part) {
                (Some(_), Some(_)) => {
                    return Err(s3_error!(
                        InvalidRequest,
                        "Cannot specify both Range header and partNumber query parameter"
                    ));
                }
                (None, None) => None,
                (Some(range), None) => Some(range.check(body.size).map_err(|_| {
                    s3_error!(InvalidRange, "The requested range is not satisfiable")
                })?),
                (None, Some(part)) => Some(part_span(body, part)?),
            };
        let content_range = span
            .as_ref()
            .filter(|span| span.start < span.end)
            .map(|span| format!("bytes {}-{}/{}", span.start, span.end - 1, body.size));
        Ok(Self {
            span: span.unwrap_or(0..body.size),
            content_range,
            parts_count: part
                .filter(|_| !body.parts.is_empty())
                .map(|_| body.parts.len() as i32),
        })
    }
}

fn part_span(body: &BodyRecord, part: i32) -> S3Result<Span<u64>> {
    let mut start = 0;
    for (position, record) in (1..).zip(&body.parts) {
        if position == part {
            return Ok(start..start + record.size);
        }
        start += record.size;
    }
    if body.parts.is_empty() && part == 1 {
        return Ok(0..body.size);
    }
    Err(named(
        "InvalidPartNumber",
        StatusCode::RANGE_NOT_SATISFIABLE,
        "The requested partnumber is not satisfiable",
    ))
}

/// Fills the fields that GetObject and HeadObject have in common.
macro_rules! describe {
    ($output:ident, $found:expr, $body:expr, $selection:expr, $mode:expr) => {{
        let headers = &$body.settings.headers;
        let mut output = $output {
            accept_ranges: Some("bytes".to_string()),
            cache_control: headers.cache_control.clone(),
            content_disposition: headers.content_disposition.clone(),
            content_encoding: headers.content_encoding.clone(),
            content_language: headers.content_language.clone(),
            content_length: Some(($selection.span.end - $selection.span.start) as i64),
            content_range: $selection.content_range.clone(),
            content_type: Some(
                headers
                    .content_type
                    .clone()
                    .unwrap_or_else(|| DEFAULT_TYPE.to_string()),
            ),
            e_tag: Some(ETag::Strong($body.etag.clone())),
            last_modified: Some(timestamp($found.version.modified)),
            metadata: Some($body.settings.user.clone().into_iter().collect()),
            parts_count: $selection.parts_count,
            storage_class: $body.settings.storage_class.clone().map(StorageClass::from),
            version_id: shown_version(&$found.bucket, &$found.version),
            ..$output::default()
        };
        show_encryption!(output, $body.settings);
        if let Some(retention) = $body.settings.retention {
            output.object_lock_mode = Some(ObjectLockMode::from_static(retention.mode.name()));
            output.object_lock_retain_until_date = Some(timestamp(retention.until));
        }
        if $body.settings.legal_hold {
            output.object_lock_legal_hold_status = Some(ObjectLockLegalHoldStatus::from_static(
                ObjectLockLegalHoldStatus::ON,
            ));
        }
        // The checksum covers the whole object, so it goes out with the whole object only.
        let whole = $selection.content_range.is_none();
        if let Some(checksum) = shown_checksum($body, $mode.as_ref()).filter(|_| whole) {
            show_checksum!(output, checksum.algorithm, checksum.value.clone());
            output.checksum_type = Some(ChecksumType::from_static(checksum.scope.name()));
        }
        output
    }};
}

pub(super) async fn get_object(
    s3: &S3,
    request: S3Request<GetObjectInput>,
) -> S3Result<S3Response<GetObjectOutput>> {
    let actor = actor(&request)?;
    let input = request.input;
    let conditions = Conditions {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        if_modified_since: input.if_modified_since,
        if_unmodified_since: input.if_unmodified_since,
    };
    for _ in 0..MAX_LOOKUPS {
        let version = input.version_id.as_deref();
        let found = Found::look(s3, &actor, &input.bucket, &input.key, version)?;
        let body = found.body()?;
        conditions
            .check(&found.version, body)
            .map_err(|condition| unmet(condition, &found))?;
        encryption::check(
            &actor,
            "kms:Decrypt",
            &found.bucket,
            &input.key,
            &body.settings,
        )?;
        let selection = Selection::of(body, input.range.as_ref(), input.part_number)?;
        let path = s3.store.object_path(&input.bucket, found.version.sequence);
        let Some(stream) = send::body(path, selection.span.clone()).await? else {
            continue;
        };
        let mut output = describe!(GetObjectOutput, found, body, selection, input.checksum_mode);
        output.body = Some(stream);
        let tags = body.settings.tags.len() as i32;
        output.tag_count = (tags > 0).then_some(tags);
        let overridden = input.response_expires.is_some();
        return Ok(S3Response::with_headers(
            output,
            raw_expires(body, overridden),
        ));
    }
    Err(s3_error!(
        SlowDown,
        "The object is overwritten faster than it can be read"
    ))
}

pub(super) async fn head_object(
    s3: &S3,
    request: S3Request<HeadObjectInput>,
) -> S3Result<S3Response<HeadObjectOutput>> {
    let actor = actor(&request)?;
    let input = request.input;
    let version = input.version_id.as_deref();
    let found = Found::look(s3, &actor, &input.bucket, &input.key, version)?;
    let body = found.body()?;
    let conditions = Conditions {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        if_modified_since: input.if_modified_since,
        if_unmodified_since: input.if_unmodified_since,
    };
    conditions
        .check(&found.version, body)
        .map_err(|condition| unmet(condition, &found))?;
    let selection = Selection::of(body, input.range.as_ref(), input.part_number)?;
    let output = describe!(
        HeadObjectOutput,
        found,
        body,
        selection,
        input.checksum_mode
    );
    let partial = output.content_range.is_some();
    let mut response = S3Response::with_headers(output, raw_expires(body, false));
    if partial {
        response.status = Some(StatusCode::PARTIAL_CONTENT);
    }
    Ok(response)
}

/// `Expires` goes back as it came: s3s would insist on a date.
fn raw_expires(body: &BodyRecord, overridden: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let expires = body
        .settings
        .headers
        .expires
        .as_deref()
        .filter(|_| !overridden);
    if let Some(Ok(value)) = expires.map(HeaderValue::from_str) {
        headers.insert(header::EXPIRES, value);
    }
    headers
}
