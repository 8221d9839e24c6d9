//! The sandbox's troubles as S3's errors.

use crate::disk::StoreError;
use http::StatusCode;
use s3s::{S3Error, S3ErrorCode, s3_error};

impl From<StoreError> for S3Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoSuchBucket => {
                s3_error!(NoSuchBucket, "The specified bucket does not exist")
            }
            StoreError::BucketExists(_) => s3_error!(
                BucketAlreadyExists,
                "The requested bucket name is not available. The bucket namespace is shared by \
                 all users of the system. Please select a different name and try again."
            ),
            StoreError::BucketNotEmpty => s3_error!(
                BucketNotEmpty,
                "The bucket you tried to delete is not empty"
            ),
            StoreError::NoSuchKey => s3_error!(NoSuchKey, "The specified key does not exist."),
            StoreError::NoSuchVersion => {
                s3_error!(NoSuchVersion, "The specified version does not exist.")
            }
            StoreError::NoSuchUpload => s3_error!(
                NoSuchUpload,
                "The specified upload does not exist. The upload ID may be invalid, or the upload \
                 may have been aborted or completed."
            ),
            StoreError::Locked => s3_error!(
                AccessDenied,
                "Access Denied because object protected by object lock."
            ),
            StoreError::Precondition(header) => precondition_failed(header),
            StoreError::Io(error) => S3Error::internal_error(error),
            StoreError::Description(error) => S3Error::internal_error(error),
        }
    }
}

/// 412, naming the header.
pub(super) fn precondition_failed(header: &str) -> S3Error {
    s3_error!(
        PreconditionFailed,
        "At least one of the pre-conditions you specified did not hold: {header}"
    )
}

/// An error that s3s has no name for.
pub(super) fn named(code: &'static str, status: StatusCode, message: &'static str) -> S3Error {
    let mut error = S3Error::with_message(S3ErrorCode::Custom(code.into()), message);
    error.set_status_code(status);
    error
}

/// The sandbox has not got what AWS has.
pub(super) fn not_implemented(what: &str) -> S3Error {
    s3_error!(NotImplemented, "The sandbox does not implement {what}")
}

/// A task of the sandbox itself was lost.
pub(super) fn lost(error: tokio::task::JoinError) -> S3Error {
    S3Error::internal_error(error)
}
