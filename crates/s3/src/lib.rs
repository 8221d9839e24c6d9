//! The S3 protocol as data: addressing, operations, headers, checksums, XML, errors.
//!
//! Everything here is pure: no I/O, no clock, no signature. The gateway asks in this order:
//! [`address`] (which bucket and key), [`hoist_query`] (`x-amz-*` query parameters become
//! headers), [`classify`] (which operation; everything unknown is refused),
//! [`Operation::required_actions`] (what the key must be allowed to do), [`request_headers`] and
//! [`Operation::upstream_query`] (what goes to the tenant's storage), and on the way back
//! [`response_headers`], [`ListRewriter`], [`DocumentRewriter`] or [`translate_upstream_error`].
//! `docs/semantics.md` says the same operation by operation.

mod address;
mod checksum;
mod classify;
mod content_encoding;
mod copy_source;
mod document;
mod encoding;
mod error;
mod error_code;
mod headers;
mod listing;
mod listing_elements;
mod operation;
mod operation_rules;
mod query;
mod tokens;
mod upstream_error;
mod upstream_query;
mod xml;

pub use address::{Address, Domain, Style, address};
pub use checksum::{Algorithm, Checksum, DeclaredChecksums, Digest, declared_checksums};
pub use classify::classify;
pub use content_encoding::strip_aws_chunked;
pub use copy_source::CopySource;
pub use document::{
    BucketEntry, CompleteMultipartUpload, CompletedPart, DeleteEntry, DeleteObjectsRequest,
    DeletePlan, DocumentOutcome, DocumentRewriter, MAX_RESULT_BYTES, list_buckets_document,
    location_document,
};
pub use encoding::{encode_path, encode_query_value};
pub use error::S3Error;
pub use error_code::{ErrorCode, Fault};
pub use headers::{
    ChecksumPolicy, MAX_HEADER_BYTES, MAX_METADATA_BYTES, RequestHeaders, hoist_query,
    request_headers, response_headers,
};
pub use listing::{ListError, ListRewriter};
pub use operation::{
    ListBuckets, ListMultipartUploads, ListObjects, ListObjectsV2, ListParts, ObjectName,
    Operation, Part, ReadObject, Upload, UploadId, VersionId,
};
pub use operation_rules::{BodyKind, Requirement, ResponseBody, Subject};
pub use tokens::{ContinuationTokens, OpaqueTokens};
pub use upstream_error::{
    ErrorContext, FailureKind, UpstreamFailure, is_failure, translate_upstream_error,
};
