//! What of the upstream's headers the client sees.

use super::METADATA;
use crate::content_encoding::strip_aws_chunked;
use crate::operation::Operation;
use crate::operation_rules::ResponseBody;
use http::{HeaderMap, HeaderValue, StatusCode};

/// Everything else is left out: what names the customer's account, keys and rules
/// (`...-aws-kms-key-id`, `x-amz-expiration`), what names the upstream (`server`,
/// `x-amz-bucket-region`, `location`), and what belongs to its connection.
const PASSED: &[&str] = &[
    "accept-ranges",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-range",
    "content-type",
    "etag",
    "expires",
    "last-modified",
    "retry-after",
    "x-amz-abort-date",
    "x-amz-archive-status",
    "x-amz-checksum-algorithm",
    "x-amz-checksum-crc32",
    "x-amz-checksum-crc32c",
    "x-amz-checksum-crc64nvme",
    "x-amz-checksum-sha1",
    "x-amz-checksum-sha256",
    "x-amz-checksum-type",
    "x-amz-copy-source-version-id",
    "x-amz-delete-marker",
    "x-amz-missing-meta",
    "x-amz-mp-parts-count",
    "x-amz-restore",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-bucket-key-enabled",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-server-side-encryption-customer-key-md5",
    "x-amz-storage-class",
    "x-amz-tagging-count",
    "x-amz-version-id",
];

/// The headers of the upstream's answer that go to the client.
///
/// Where the gateway writes or rewrites the body, its length is not the upstream's and is left
/// out. A partial answer carries no checksum of the whole object.
pub fn response_headers(
    operation: &Operation,
    status: StatusCode,
    upstream: &HeaderMap,
) -> HeaderMap {
    let mut passed = HeaderMap::with_capacity(upstream.len());
    let rewritten = operation.response_body() != ResponseBody::Relay;
    for (name, value) in upstream {
        let text = name.as_str();
        let is_metadata = text.starts_with(METADATA);
        if !is_metadata && !PASSED.contains(&text) {
            continue;
        }
        if status == StatusCode::PARTIAL_CONTENT && text.starts_with("x-amz-checksum-") {
            continue;
        }
        if rewritten && matches!(text, "content-length" | "content-encoding") {
            continue;
        }
        if let Some(value) = cleaned(text, value) {
            passed.append(name.clone(), value);
        }
    }
    passed
}

/// Objects that a faulty gateway stored long ago may still say `aws-chunked`.
fn cleaned(name: &str, value: &HeaderValue) -> Option<HeaderValue> {
    if name != "content-encoding" {
        return Some(value.clone());
    }
    match value.to_str() {
        Err(_) => Some(value.clone()),
        Ok(text) => {
            strip_aws_chunked(text).and_then(|kept| HeaderValue::try_from(kept.as_ref()).ok())
        }
    }
}
