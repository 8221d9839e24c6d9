//! The operations that the gateway knows, each with its data and what follows from it.

use crate::copy_source::CopySource;
use crate::error::S3Error;
use crate::error_code::ErrorCode;
use types::{BucketAlias, ObjectKey};

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
}
