//! What each operation needs: the IAM action, what it acts on, the query it understands.
//!
//! An operation that is not in the table, and a query parameter that its row does not name, is
//! answered with NotImplemented: s3s itself would take `DELETE /bucket?anything` for DeleteBucket.

/// What an action is judged on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    /// `*`.
    Service,
    /// The bucket.
    Bucket,
    /// The object.
    Object,
    /// The objects that the body names: judged one by one, later.
    EachObject,
}

/// A row of the table.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) name: &'static str,
    pub(super) action: &'static str,
    pub(super) on: On,
    pub(super) is_write: bool,
    query: &'static [&'static str],
}

impl Operation {
    /// The row of the operation that s3s calls `name`.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        OPERATIONS.iter().find(|operation| operation.name == name)
    }

    /// Whether the operation understands a query parameter.
    pub(super) fn understands(&self, parameter: &str) -> bool {
        self.query.contains(&parameter)
            || parameter == "x-id"
            || parameter.to_ascii_lowercase().starts_with("x-amz-")
    }
}

const fn read(
    name: &'static str,
    action: &'static str,
    on: On,
    query: &'static [&'static str],
) -> Operation {
    Operation {
        name,
        action,
        on,
        is_write: false,
        query,
    }
}

const fn write(
    name: &'static str,
    action: &'static str,
    on: On,
    query: &'static [&'static str],
) -> Operation {
    Operation {
        name,
        action,
        on,
        is_write: true,
        query,
    }
}

const GET_QUERY: &[&str] = &[
    "versionId",
    "partNumber",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
];

const OPERATIONS: &[Operation] = &[
    read(
        "ListBuckets",
        "s3:ListAllMyBuckets",
        On::Service,
        &[
            "prefix",
            "max-buckets",
            "continuation-token",
            "bucket-region",
        ],
    ),
    write("DeleteBucket", "s3:DeleteBucket", On::Bucket, &[]),
    read("HeadBucket", "s3:ListBucket", On::Bucket, &[]),
    read(
        "GetBucketLocation",
        "s3:GetBucketLocation",
        On::Bucket,
        &["location"],
    ),
    read(
        "ListObjects",
        "s3:ListBucket",
        On::Bucket,
        &["prefix", "delimiter", "marker", "max-keys", "encoding-type"],
    ),
    read(
        "ListObjectsV2",
        "s3:ListBucket",
        On::Bucket,
        &[
            "list-type",
            "prefix",
            "delimiter",
            "start-after",
            "continuation-token",
            "max-keys",
            "fetch-owner",
            "encoding-type",
        ],
    ),
    read(
        "ListObjectVersions",
        "s3:ListBucketVersions",
        On::Bucket,
        &[
            "versions",
            "prefix",
            "delimiter",
            "key-marker",
            "version-id-marker",
            "max-keys",
            "encoding-type",
        ],
    ),
    read("GetObject", "s3:GetObject", On::Object, GET_QUERY),
    read("HeadObject", "s3:GetObject", On::Object, GET_QUERY),
    write("PutObject", "s3:PutObject", On::Object, &[]),
    write("CopyObject", "s3:PutObject", On::Object, &[]),
    write(
        "DeleteObject",
        "s3:DeleteObject",
        On::Object,
        &["versionId"],
    ),
    write(
        "DeleteObjects",
        "s3:DeleteObject",
        On::EachObject,
        &["delete"],
    ),
    write(
        "CreateMultipartUpload",
        "s3:PutObject",
        On::Object,
        &["uploads"],
    ),
    write(
        "UploadPart",
        "s3:PutObject",
        On::Object,
        &["uploadId", "partNumber"],
    ),
    write(
        "UploadPartCopy",
        "s3:PutObject",
        On::Object,
        &["uploadId", "partNumber"],
    ),
    write(
        "CompleteMultipartUpload",
        "s3:PutObject",
        On::Object,
        &["uploadId"],
    ),
    write(
        "AbortMultipartUpload",
        "s3:AbortMultipartUpload",
        On::Object,
        &["uploadId"],
    ),
    read(
        "ListParts",
        "s3:ListMultipartUploadParts",
        On::Object,
        &["uploadId", "max-parts", "part-number-marker"],
    ),
    read(
        "ListMultipartUploads",
        "s3:ListBucketMultipartUploads",
        On::Bucket,
        &[
            "uploads",
            "prefix",
            "delimiter",
            "key-marker",
            "upload-id-marker",
            "max-uploads",
            "encoding-type",
        ],
    ),
];
