//! What follows from an operation: permissions, bodies, repetition.

use crate::copy_source::CopySource;
use crate::operation::{ObjectName, Operation, Part, VersionId};
use types::{AccessKey, Action, BucketAlias};

/// The largest object that one PUT may carry: 5 GiB. Source: S3 user guide, "Uploading objects".
const MAX_UPLOAD_BYTES: u64 = 5 * 1_024 * 1_024 * 1_024;
/// The largest DeleteObjects document: 1,000 keys of 1,024 bytes, escaped. S3's own limit is 2 MB.
const MAX_DELETE_BYTES: u64 = 2 * 1_024 * 1_024;
/// The largest CompleteMultipartUpload document: 10,000 parts with a checksum each.
const MAX_COMPLETE_BYTES: u64 = 4 * 1_024 * 1_024;

/// What an action is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    /// The account: each bucket is asked about by itself.
    Account,
    /// A bucket as a whole.
    Bucket(&'a BucketAlias),
    /// The keys of a bucket that begin with the text.
    Listing(&'a BucketAlias, &'a str),
    /// An object.
    Object(&'a ObjectName),
    /// An object that a copy reads; its bucket may be another one of the same tenant.
    CopySource(&'a ObjectName),
}

impl<'a> Subject<'a> {
    /// The client's bucket; none for the account.
    pub fn bucket(self) -> Option<&'a BucketAlias> {
        match self {
            Self::Account => None,
            Self::Bucket(bucket) | Self::Listing(bucket, _) => Some(bucket),
            Self::Object(object) | Self::CopySource(object) => Some(&object.bucket),
        }
    }

    /// The key, or the prefix of a listing; none where the bucket itself is meant.
    pub fn name(self) -> Option<&'a str> {
        match self {
            Self::Account | Self::Bucket(_) => None,
            Self::Listing(_, prefix) => Some(prefix),
            Self::Object(object) | Self::CopySource(object) => Some(object.key.as_str()),
        }
    }
}

/// One thing that the access key must be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requirement<'a> {
    /// What.
    pub action: Action,
    /// To what.
    pub subject: Subject<'a>,
}

impl Requirement<'_> {
    /// Whether `key` may do it. The account is always allowed here: ListBuckets asks about each
    /// bucket by itself.
    pub fn is_met_by(&self, key: &AccessKey) -> bool {
        match self.subject.bucket() {
            None => true,
            Some(bucket) => key.allows(self.action, bucket, self.subject.name()),
        }
    }
}

/// The body that an operation takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// None; a client that sends one is refused or drained.
    None,
    /// An object's bytes, streamed, at most so many.
    ObjectData {
        /// In bytes, decoded. Beyond: `EntityTooLarge`.
        max: u64,
    },
    /// An XML document, read whole, at most so large.
    Document {
        /// In bytes. Beyond: `MaxMessageLengthExceeded`.
        max: u64,
    },
}

/// What happens to the body of a successful answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseBody {
    /// It passes untouched: object data, or nothing.
    Relay,
    /// It passes through a [`crate::ListRewriter`].
    Listing,
    /// It passes through a [`crate::DocumentRewriter`], which also finds errors inside a 200.
    Document,
    /// The gateway writes it.
    Synthesised,
}

impl Operation {
    /// What the access key must be allowed to do: all of it.
    ///
    /// DeleteObjects names its keys in the body, so here it only asks whether the key may delete
    /// anything in the bucket; [`crate::DeleteEntry::requirement`] asks about each.
    pub fn required_actions(&self) -> Vec<Requirement<'_>> {
        let one = |action, subject| vec![Requirement { action, subject }];
        match self {
            Self::ListBuckets(_) => one(Action::ListAllMyBuckets, Subject::Account),
            Self::HeadBucket { bucket } => one(Action::ListBucket, Subject::Bucket(bucket)),
            Self::GetBucketLocation { bucket } => {
                one(Action::GetBucketLocation, Subject::Bucket(bucket))
            }
            Self::ListObjects(list) => one(
                Action::ListBucket,
                Subject::Listing(&list.bucket, &list.prefix),
            ),
            Self::ListObjectsV2(list) => one(
                Action::ListBucket,
                Subject::Listing(&list.bucket, &list.prefix),
            ),
            Self::ListMultipartUploads(list) => one(
                Action::ListBucketMultipartUploads,
                Subject::Listing(&list.bucket, &list.prefix),
            ),
            Self::DeleteObjects { bucket } => one(Action::DeleteObject, Subject::Bucket(bucket)),
            Self::GetObject(read) | Self::HeadObject(read) => {
                one(read_action(&read.version), Subject::Object(&read.object))
            }
            Self::DeleteObject { object, version } => {
                one(delete_action(version), Subject::Object(object))
            }
            Self::PutObject { object, .. } | Self::CreateMultipartUpload { object } => {
                one(Action::PutObject, Subject::Object(object))
            }
            Self::UploadPart(Part { upload, .. }) | Self::CompleteMultipartUpload(upload) => {
                one(Action::PutObject, Subject::Object(&upload.object))
            }
            Self::CopyObject { object, source } => copy_requirements(object, source),
            Self::UploadPartCopy { part, source } => copy_requirements(&part.upload.object, source),
            Self::AbortMultipartUpload(upload) => one(
                Action::AbortMultipartUpload,
                Subject::Object(&upload.object),
            ),
            Self::ListParts(list) => one(
                Action::ListMultipartUploadParts,
                Subject::Object(&list.upload.object),
            ),
        }
    }

    /// Whether sending the same request again after an unknown outcome does no harm.
    pub const fn is_idempotent(&self) -> bool {
        match self {
            Self::PutObject { conditional, .. } => !*conditional,
            Self::CreateMultipartUpload { .. } | Self::CompleteMultipartUpload(_) => false,
            _ => true,
        }
    }

    /// Whether it changes what is stored.
    pub const fn is_write(&self) -> bool {
        matches!(
            self,
            Self::DeleteObjects { .. }
                | Self::PutObject { .. }
                | Self::CopyObject { .. }
                | Self::DeleteObject { .. }
                | Self::CreateMultipartUpload { .. }
                | Self::UploadPart(_)
                | Self::UploadPartCopy { .. }
                | Self::CompleteMultipartUpload(_)
                | Self::AbortMultipartUpload(_)
        )
    }

    /// The body that the client may send.
    pub const fn request_body(&self) -> BodyKind {
        match self {
            Self::PutObject { .. } | Self::UploadPart(_) => BodyKind::ObjectData {
                max: MAX_UPLOAD_BYTES,
            },
            Self::DeleteObjects { .. } => BodyKind::Document {
                max: MAX_DELETE_BYTES,
            },
            Self::CompleteMultipartUpload(_) => BodyKind::Document {
                max: MAX_COMPLETE_BYTES,
            },
            _ => BodyKind::None,
        }
    }

    /// What happens to the body of a successful answer.
    pub const fn response_body(&self) -> ResponseBody {
        match self {
            Self::ListBuckets(_) | Self::GetBucketLocation { .. } | Self::DeleteObjects { .. } => {
                ResponseBody::Synthesised
            }
            Self::ListObjects(_)
            | Self::ListObjectsV2(_)
            | Self::ListMultipartUploads(_)
            | Self::ListParts(_) => ResponseBody::Listing,
            Self::CopyObject { .. }
            | Self::UploadPartCopy { .. }
            | Self::CreateMultipartUpload { .. }
            | Self::CompleteMultipartUpload(_) => ResponseBody::Document,
            _ => ResponseBody::Relay,
        }
    }

    /// Whether it may carry the headers that are stored with an object: Content-Type and its
    /// like, user metadata, storage class, encryption.
    pub const fn carries_object_headers(&self) -> bool {
        matches!(
            self,
            Self::PutObject { .. } | Self::CopyObject { .. } | Self::CreateMultipartUpload { .. }
        )
    }
}

pub(crate) fn read_action(version: &Option<VersionId>) -> Action {
    match version {
        None => Action::GetObject,
        Some(_) => Action::GetObjectVersion,
    }
}

pub(crate) fn delete_action(version: &Option<VersionId>) -> Action {
    match version {
        None => Action::DeleteObject,
        Some(_) => Action::DeleteObjectVersion,
    }
}

fn copy_requirements<'a>(object: &'a ObjectName, source: &'a CopySource) -> Vec<Requirement<'a>> {
    vec![
        Requirement {
            action: read_action(&source.version),
            subject: Subject::CopySource(&source.object),
        },
        Requirement {
            action: Action::PutObject,
            subject: Subject::Object(object),
        },
    ]
}
