//! Headers pass by allow-list, in both directions.

mod hoist;
mod request;
mod response;

pub use hoist::hoist_query;
pub use request::{
    ChecksumPolicy, MAX_HEADER_BYTES, MAX_METADATA_BYTES, RequestHeaders, request_headers,
};
pub use response::response_headers;

/// What begins the name of a user's own metadata.
const METADATA: &str = "x-amz-meta-";
