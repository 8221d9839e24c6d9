//! The operations that the gateway knows, each with its data and what follows from it.

use crate::copy_source::CopySource;
use crate::error::S3Error;
use crate::error_code::ErrorCode;
use types::{AccessKey, Action, BucketAlias, ObjectKey};

/// The largest object that one PUT may carry: 5 GiB. Source: S3 user guide, "Uploading objects".
const MAX_UPLOAD_BYTES: u64 = 5 * 1_024 * 1_024 * 1_024;
/// The largest DeleteObjects document: 1,000 keys of 1,024 bytes, escaped. S3's own limit is 2 MB.
const MAX_DELETE_BYTES: u64 = 2 * 1_024 * 1_024;
/// The largest CompleteMultipartUpload document: 10,000 parts with a checksum each.
const MAX_COMPLETE_BYTES: u64 = 4 * 1_024 * 1_024;

/// An object in the client's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectName {
    /// The client's bucket.
    pub bucket: BucketAlias,
    /// The key, without the tenant's prefix.
    pub key: ObjectKey,
}

macro_rules! opaque_id {
    ($(#[$doc:meta])* $name:ident, $parameter:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// Checks the text: 1 to 1,024 visible ASCII characters.
            ///
            /// # Errors
            /// `InvalidArgument`.
            pub fn parse(text: impl Into<String>) -> Result<Self, S3Error> {
                let text = text.into();
                if (1..=1_024).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
                    return Ok(Self(text));
                }
                Err(S3Error::with_message(
                    ErrorCode::InvalidArgument,
                    concat!("The ", $parameter, " is not valid."),
                )
                .with("ArgumentName", $parameter))
            }

            /// The id itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

opaque_id! {
    /// The id of an object version.
    VersionId, "versionId"
}

opaque_id! {
    /// The id of a multipart upload, given by the tenant's storage.
    UploadId, "uploadId"
}

/// GetObject and HeadObject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadObject {
    /// Which object.
    pub object: ObjectName,
    /// Which version.
    pub version: Option<VersionId>,
    /// Which part of a multipart object.
    pub part_number: Option<u16>,
    /// `response-*` parameters that overwrite response headers, in the order of their names.
    pub overrides: Vec<(&'static str, String)>,
}

/// ListBuckets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListBuckets {
    /// Only names that begin so.
    pub prefix: String,
    /// At most so many.
    pub max_buckets: Option<u32>,
    /// The last name of the page before.
    pub after: Option<String>,
    /// Only buckets of this region.
    pub region: Option<String>,
}

/// ListObjects, the first version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListObjects {
    /// The client's bucket.
    pub bucket: BucketAlias,
    /// Only keys that begin so; empty for all.
    pub prefix: String,
    /// What rolls keys up into common prefixes.
    pub delimiter: Option<String>,
    /// At most so many, up to 1,000.
    pub max_keys: Option<u32>,
    /// Only keys after this one.
    pub marker: Option<String>,
    /// Whether keys in the answer are percent-encoded (`encoding-type=url`).
    pub url_encoded: bool,
}

/// ListObjectsV2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListObjectsV2 {
    /// The client's bucket.
    pub bucket: BucketAlias,
    /// Only keys that begin so; empty for all.
    pub prefix: String,
    /// What rolls keys up into common prefixes.
    pub delimiter: Option<String>,
    /// At most so many, up to 1,000.
    pub max_keys: Option<u32>,
    /// Only keys after this one.
    pub start_after: Option<String>,
    /// The client's token from the page before.
    pub continuation_token: Option<String>,
    /// Whether keys in the answer are percent-encoded (`encoding-type=url`).
    pub url_encoded: bool,
}

/// ListMultipartUploads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListMultipartUploads {
    /// The client's bucket.
    pub bucket: BucketAlias,
    /// Only keys that begin so; empty for all.
    pub prefix: String,
    /// What rolls keys up into common prefixes.
    pub delimiter: Option<String>,
    /// At most so many, up to 1,000.
    pub max_uploads: Option<u32>,
    /// Only uploads of this key or after it.
    pub key_marker: Option<String>,
    /// Only uploads after this one of the marker's key.
    pub upload_id_marker: Option<String>,
    /// Whether keys in the answer are percent-encoded (`encoding-type=url`).
    pub url_encoded: bool,
}

/// A multipart upload of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The object that it will make.
    pub object: ObjectName,
    /// The upload.
    pub id: UploadId,
}

/// One part of a multipart upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Of which upload.
    pub upload: Upload,
    /// 1 to 10,000.
    pub number: u16,
}

/// ListParts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListParts {
    /// Of which upload.
    pub upload: Upload,
    /// At most so many, up to 1,000.
    pub max_parts: Option<u32>,
    /// Only parts after this one.
    pub after: Option<u32>,
}

/// What a request asks for. Everything that is not here is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// The buckets that the access key may see.
    ListBuckets(ListBuckets),
    /// Whether a bucket is there.
    HeadBucket {
        /// The client's bucket.
        bucket: BucketAlias,
    },
    /// The region of a bucket.
    GetBucketLocation {
        /// The client's bucket.
        bucket: BucketAlias,
    },
    /// A page of keys, first version.
    ListObjects(ListObjects),
    /// A page of keys.
    ListObjectsV2(ListObjectsV2),
    /// A page of unfinished uploads.
    ListMultipartUploads(ListMultipartUploads),
    /// Up to 1,000 deletions, named in the body.
    DeleteObjects {
        /// The client's bucket.
        bucket: BucketAlias,
    },
    /// An object's bytes.
    GetObject(ReadObject),
    /// An object's headers.
    HeadObject(ReadObject),
    /// Stores an object.
    PutObject {
        /// Where.
        object: ObjectName,
        /// Whether it carries `If-Match` or `If-None-Match`, so that a repetition may fail.
        conditional: bool,
    },
    /// Stores an object from another one of the same tenant.
    CopyObject {
        /// Where.
        object: ObjectName,
        /// From where.
        source: CopySource,
    },
    /// Deletes an object or one version.
    DeleteObject {
        /// Which object.
        object: ObjectName,
        /// Which version.
        version: Option<VersionId>,
    },
    /// Begins a multipart upload.
    CreateMultipartUpload {
        /// The object that it will make.
        object: ObjectName,
    },
    /// Stores a part.
    UploadPart(Part),
    /// Stores a part from another object of the same tenant.
    UploadPartCopy {
        /// Which part.
        part: Part,
        /// From where.
        source: CopySource,
    },
    /// Makes the object from its parts, named in the body.
    CompleteMultipartUpload(Upload),
    /// Throws the parts away.
    AbortMultipartUpload(Upload),
    /// A page of parts.
    ListParts(ListParts),
}

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
    /// The name in S3's API reference.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ListBuckets(_) => "ListBuckets",
            Self::HeadBucket { .. } => "HeadBucket",
            Self::GetBucketLocation { .. } => "GetBucketLocation",
            Self::ListObjects(_) => "ListObjects",
            Self::ListObjectsV2(_) => "ListObjectsV2",
            Self::ListMultipartUploads(_) => "ListMultipartUploads",
            Self::DeleteObjects { .. } => "DeleteObjects",
            Self::GetObject(_) => "GetObject",
            Self::HeadObject(_) => "HeadObject",
            Self::PutObject { .. } => "PutObject",
            Self::CopyObject { .. } => "CopyObject",
            Self::DeleteObject { .. } => "DeleteObject",
            Self::CreateMultipartUpload { .. } => "CreateMultipartUpload",
            Self::UploadPart(_) => "UploadPart",
            Self::UploadPartCopy { .. } => "UploadPartCopy",
            Self::CompleteMultipartUpload(_) => "CompleteMultipartUpload",
            Self::AbortMultipartUpload(_) => "AbortMultipartUpload",
            Self::ListParts(_) => "ListParts",
        }
    }

    /// The names of all operations.
    pub const NAMES: [&'static str; 18] = [
        "ListBuckets",
        "HeadBucket",
        "GetBucketLocation",
        "ListObjects",
        "ListObjectsV2",
        "ListMultipartUploads",
        "DeleteObjects",
        "GetObject",
        "HeadObject",
        "PutObject",
        "CopyObject",
        "DeleteObject",
        "CreateMultipartUpload",
        "UploadPart",
        "UploadPartCopy",
        "CompleteMultipartUpload",
        "AbortMultipartUpload",
        "ListParts",
    ];

    /// The client's bucket; none for ListBuckets.
    pub fn bucket(&self) -> Option<&BucketAlias> {
        match self {
            Self::ListBuckets(_) => None,
            Self::HeadBucket { bucket }
            | Self::GetBucketLocation { bucket }
            | Self::DeleteObjects { bucket } => Some(bucket),
            Self::ListObjects(list) => Some(&list.bucket),
            Self::ListObjectsV2(list) => Some(&list.bucket),
            Self::ListMultipartUploads(list) => Some(&list.bucket),
            _ => self.object().map(|object| &object.bucket),
        }
    }

    /// The object, for operations on one.
    pub fn object(&self) -> Option<&ObjectName> {
        match self {
            Self::GetObject(read) | Self::HeadObject(read) => Some(&read.object),
            Self::PutObject { object, .. }
            | Self::CopyObject { object, .. }
            | Self::DeleteObject { object, .. }
            | Self::CreateMultipartUpload { object } => Some(object),
            Self::ListBuckets(_)
            | Self::HeadBucket { .. }
            | Self::GetBucketLocation { .. }
            | Self::ListObjects(_)
            | Self::ListObjectsV2(_)
            | Self::ListMultipartUploads(_)
            | Self::DeleteObjects { .. } => None,
            _ => self.upload().map(|upload| &upload.object),
        }
    }

    /// The key, for operations on an object.
    pub fn key(&self) -> Option<&ObjectKey> {
        self.object().map(|object| &object.key)
    }

    /// The multipart upload, for operations on one.
    pub fn upload(&self) -> Option<&Upload> {
        match self {
            Self::UploadPart(part) | Self::UploadPartCopy { part, .. } => Some(&part.upload),
            Self::CompleteMultipartUpload(upload) | Self::AbortMultipartUpload(upload) => {
                Some(upload)
            }
            Self::ListParts(list) => Some(&list.upload),
            _ => None,
        }
    }

    /// The second object, for copies.
    pub fn copy_source(&self) -> Option<&CopySource> {
        match self {
            Self::CopyObject { source, .. } | Self::UploadPartCopy { source, .. } => Some(source),
            _ => None,
        }
    }

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
