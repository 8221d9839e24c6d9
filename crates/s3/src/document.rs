//! The small documents: read whole within a bound, checked, and written anew.

mod complete;
mod delete;
mod result;
mod tree;
mod written;

pub use complete::{CompleteMultipartUpload, CompletedPart};
pub use delete::{DeleteEntry, DeleteObjectsRequest, DeletePlan};
pub use result::{DocumentOutcome, DocumentRewriter, MAX_RESULT_BYTES};
pub use written::{BucketEntry, list_buckets_document, location_document};
