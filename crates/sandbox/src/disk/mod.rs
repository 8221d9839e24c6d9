//! Buckets, objects and uploads on local files, with an index in memory.
//!
//! The index is rebuilt from the files at start. Everything here is synchronous; callers on an
//! async runtime step aside (`spawn_blocking`) before they touch a file.

mod bucket;
mod file;
mod load;
mod record;
mod store;
mod upload;

pub(crate) use bucket::Bucket;
pub(crate) use file::{Draft, replace};
pub(crate) use record::{
    BodyRecord, BucketRecord, ChecksumAlgorithm, ChecksumScope, CompletedPartRecord,
    ContentHeaders, Encryption, NULL_VERSION, ObjectSettings, PartRecord, Retention, RetentionMode,
    StoredChecksum, UploadRecord, VersionRecord, Versioning,
};
pub(crate) use store::{Store, StoreError, Terms, WriteCondition};
pub(crate) use upload::{Completion, Upload};
