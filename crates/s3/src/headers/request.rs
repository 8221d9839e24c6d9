//! What of the client's headers goes to the tenant's storage, operation by operation.

use super::METADATA;
use crate::checksum::{DeclaredChecksums, declared_checksums};
use crate::content_encoding::strip_aws_chunked;
use crate::error::S3Error;
use crate::error_code::ErrorCode;
use crate::operation::Operation;
use http::{HeaderMap, HeaderName, HeaderValue};
use types::AccountId;

/// The largest user metadata, names without `x-amz-meta-` and values together, in bytes.
/// Source: S3 user guide, "Working with object metadata".
pub const MAX_METADATA_BYTES: usize = 2 * 1_024;
/// The largest header section of a PUT, names and values together, in bytes. Same source.
pub const MAX_HEADER_BYTES: usize = 8 * 1_024;

/// Whether the upstream takes part in checksums. All or nothing: an upload that announces an
/// algorithm and then sends parts without it is refused by S3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChecksumPolicy {
    /// `x-amz-checksum-*` passes. The sender must then turn a trailer into a header or a trailer.
    Forward,
    /// Nothing passes: the gateway verifies by itself.
    Withhold,
}

/// The client's headers, sorted out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHeaders {
    /// What goes upstream. Host, length, date, payload hash, token, copy source and signature are
    /// the sender's business and are not in here.
    pub forward: HeaderMap,
    /// `x-amz-expected-bucket-owner`: to be compared with the tenant's account, or refused.
    pub expected_bucket_owner: Option<AccountId>,
    /// The same for the source of a copy.
    pub source_expected_bucket_owner: Option<AccountId>,
    /// Whether an SSE-C key is among them: refuse unless both connections are encrypted.
    pub customer_key: bool,
    /// What the client declares about its body.
    pub checksums: DeclaredChecksums,
}

const CUSTOMER_KEY: &[&str] = &[
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-server-side-encryption-customer-key",
    "x-amz-server-side-encryption-customer-key-md5",
];

const SOURCE_CUSTOMER_KEY: &[&str] = &[
    "x-amz-copy-source-server-side-encryption-customer-algorithm",
    "x-amz-copy-source-server-side-encryption-customer-key",
    "x-amz-copy-source-server-side-encryption-customer-key-md5",
];

/// Stored with an object. `x-amz-meta-*` goes with them.
const OBJECT: &[&str] = &[
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-bucket-key-enabled",
    "x-amz-server-side-encryption-context",
    "x-amz-storage-class",
];

const CHECKSUM_VALUES: &[&str] = &[
    "x-amz-checksum-crc32",
    "x-amz-checksum-crc32c",
    "x-amz-checksum-crc64nvme",
    "x-amz-checksum-sha1",
    "x-amz-checksum-sha256",
];

const COPY: &[&str] = &[
    "x-amz-copy-source-if-match",
    "x-amz-copy-source-if-modified-since",
    "x-amz-copy-source-if-none-match",
    "x-amz-copy-source-if-unmodified-since",
];

const READ: &[&str] = &[
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "range",
    "x-amz-checksum-mode",
];

const WRITE_CONDITIONS: &[&str] = &["if-match", "if-none-match"];

/// Which headers the operation forwards, as lists of names.
fn forwarded(operation: &Operation) -> &'static [&'static [&'static str]] {
    match operation {
        Operation::GetObject(_) | Operation::HeadObject(_) => &[READ, CUSTOMER_KEY],
        Operation::PutObject { .. } => &[
            OBJECT,
            CUSTOMER_KEY,
            CHECKSUM_VALUES,
            WRITE_CONDITIONS,
            &["content-md5"],
        ],
        Operation::CopyObject { .. } => &[
            OBJECT,
            CUSTOMER_KEY,
            SOURCE_CUSTOMER_KEY,
            COPY,
            WRITE_CONDITIONS,
            &["x-amz-checksum-algorithm", "x-amz-metadata-directive"],
        ],
        Operation::CreateMultipartUpload { .. } => &[
            OBJECT,
            CUSTOMER_KEY,
            &["x-amz-checksum-algorithm", "x-amz-checksum-type"],
        ],
        Operation::UploadPart(_) => &[CUSTOMER_KEY, CHECKSUM_VALUES, &["content-md5"]],
        Operation::UploadPartCopy { .. } => &[
            CUSTOMER_KEY,
            SOURCE_CUSTOMER_KEY,
            COPY,
            &["x-amz-copy-source-range"],
        ],
        Operation::CompleteMultipartUpload(_) => &[
            CUSTOMER_KEY,
            CHECKSUM_VALUES,
            WRITE_CONDITIONS,
            &["x-amz-checksum-type", "x-amz-mp-object-size"],
        ],
        Operation::ListParts(_) => &[CUSTOMER_KEY],
        Operation::ListObjects(_) | Operation::ListObjectsV2(_) => {
            &[&["x-amz-optional-object-attributes"]]
        }
        _ => &[],
    }
}

/// `x-amz-*` that `sigv4` or the sender reads, or that asks for nothing.
const CONSUMED: &[&str] = &[
    "x-amz-api-version",
    "x-amz-checksum-algorithm",
    "x-amz-checksum-mode",
    "x-amz-checksum-type",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-decoded-content-length",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-security-token",
    "x-amz-trailer",
    "x-amz-user-agent",
];

/// Headers outside `x-amz-*` that change the meaning of a write, and must not be overlooked
/// where they are not forwarded.
const MEANINGFUL_ON_WRITES: &[&str] = &[
    "content-range",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-unmodified-since",
];

/// Sorts the client's headers, after [`crate::hoist_query`].
///
/// An `x-amz-*` header that the operation does not know is refused, never overlooked: it may ask
/// for protection that would then be missing. Other headers that are not on the list, such as
/// cookies and `user-agent`, are left out.
///
/// # Errors
/// `NotImplemented` with the header's name, `InvalidArgument` for a repeated one,
/// `InvalidRequest` and `InvalidDigest` for checksums, `MetadataTooLarge`,
/// `RequestHeaderSectionTooLarge`.
pub fn request_headers(
    operation: &Operation,
    headers: &HeaderMap,
    checksums: ChecksumPolicy,
) -> Result<RequestHeaders, S3Error> {
    check_sizes(operation, headers)?;
    let lists = forwarded(operation);
    let mut sorted = RequestHeaders {
        forward: HeaderMap::with_capacity(16),
        expected_bucket_owner: None,
        source_expected_bucket_owner: None,
        customer_key: false,
        checksums: declared_checksums(headers)?,
    };
    for name in headers.keys() {
        let text = name.as_str();
        if lists.iter().any(|list| list.contains(&text))
            || (operation.carries_object_headers() && text.starts_with(METADATA))
        {
            let mut value = joined(name, headers)?;
            if text.ends_with("-customer-key") {
                sorted.customer_key = true;
                value.set_sensitive(true); // not even in `Debug`
            }
            if checksums == ChecksumPolicy::Forward || !is_checksum(text) {
                forward(name, value, &mut sorted.forward)?;
            }
        } else if text.starts_with("x-amz-") {
            consume(operation, name, headers, &mut sorted)?;
        } else if operation.is_write() && MEANINGFUL_ON_WRITES.contains(&text) {
            return Err(not_implemented(text));
        }
    }
    Ok(sorted)
}

fn is_checksum(name: &str) -> bool {
    name.starts_with("x-amz-checksum-")
}

fn forward(name: &HeaderName, value: HeaderValue, to: &mut HeaderMap) -> Result<(), S3Error> {
    if name != "content-encoding" {
        to.insert(name.clone(), value);
        return Ok(());
    }
    let text = value.to_str().map_err(|_| {
        S3Error::with_message(
            ErrorCode::InvalidArgument,
            "The Content-Encoding is not ASCII.",
        )
    })?;
    if let Some(kept) = strip_aws_chunked(text) {
        let kept = HeaderValue::try_from(kept.as_ref())
            .expect("a part of a header value is a header value");
        to.insert(name.clone(), kept);
    }
    Ok(())
}

/// An `x-amz-*` header that does not go upstream: read here, harmless, or refused.
fn consume(
    operation: &Operation,
    name: &HeaderName,
    headers: &HeaderMap,
    sorted: &mut RequestHeaders,
) -> Result<(), S3Error> {
    let text = name.as_str();
    match text {
        "x-amz-expected-bucket-owner" => {
            sorted.expected_bucket_owner = Some(account(name, headers)?);
        }
        "x-amz-source-expected-bucket-owner" if operation.copy_source().is_some() => {
            sorted.source_expected_bucket_owner = Some(account(name, headers)?);
        }
        "x-amz-copy-source" if operation.copy_source().is_some() => {}
        // What these say is the case anyway: the object belongs to the bucket's owner alone.
        "x-amz-acl" if operation.carries_object_headers() => {
            let value = joined(name, headers)?;
            if value != "private" && value != "bucket-owner-full-control" {
                return Err(not_implemented(text));
            }
        }
        // About the client's document, which is verified here and written anew.
        _ if CHECKSUM_VALUES.contains(&text)
            && matches!(operation, Operation::DeleteObjects { .. }) => {}
        _ if CONSUMED.contains(&text) => {}
        _ => return Err(not_implemented(text)),
    }
    Ok(())
}

fn account(name: &HeaderName, headers: &HeaderMap) -> Result<AccountId, S3Error> {
    let value = joined(name, headers)?;
    value
        .to_str()
        .ok()
        .and_then(|text| AccountId::parse(text).ok())
        .ok_or_else(|| {
            S3Error::with_message(
                ErrorCode::InvalidArgument,
                "The expected bucket owner must be an account number of 12 digits.",
            )
            .with("ArgumentName", name.as_str())
        })
}

/// The one value of a header. Lists and metadata may be repeated, which means a comma.
fn joined(name: &HeaderName, headers: &HeaderMap) -> Result<HeaderValue, S3Error> {
    let values: Vec<&HeaderValue> = headers.get_all(name).iter().collect();
    if let [only] = values[..] {
        return Ok(only.clone());
    }
    let text = name.as_str();
    let is_list = matches!(
        text,
        "cache-control" | "content-encoding" | "content-language" | "if-match" | "if-none-match"
    );
    if !is_list && !text.starts_with(METADATA) {
        return Err(S3Error::with_message(
            ErrorCode::InvalidArgument,
            "A header is given more than once.",
        )
        .with("ArgumentName", text));
    }
    let bytes: Vec<&[u8]> = values.iter().map(|value| value.as_bytes()).collect();
    Ok(HeaderValue::from_bytes(&bytes.join(&b","[..]))
        .expect("header values joined by a comma are a header value"))
}

fn check_sizes(operation: &Operation, headers: &HeaderMap) -> Result<(), S3Error> {
    if !operation.carries_object_headers() {
        return Ok(());
    }
    let (mut all, mut metadata) = (0, 0);
    for (name, value) in headers {
        let size = name.as_str().len() + value.len();
        all += size;
        if name.as_str().starts_with(METADATA) {
            metadata += size - METADATA.len();
        }
    }
    if metadata > MAX_METADATA_BYTES {
        return Err(S3Error::new(ErrorCode::MetadataTooLarge)
            .with("Size", metadata.to_string())
            .with("MaxSizeAllowed", MAX_METADATA_BYTES.to_string()));
    }
    if all > MAX_HEADER_BYTES {
        return Err(S3Error::new(ErrorCode::RequestHeaderSectionTooLarge)
            .with("MaxSizeAllowed", MAX_HEADER_BYTES.to_string()));
    }
    Ok(())
}

fn not_implemented(header: &str) -> S3Error {
    S3Error::with_message(
        ErrorCode::NotImplemented,
        "A header asks for something that is not implemented.",
    )
    .with("Header", header)
}
