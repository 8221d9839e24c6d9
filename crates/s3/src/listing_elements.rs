//! Which elements of a listing the client sees, and what each of them is.

/// The kinds of listing, by their root elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Objects,
    Uploads,
    Parts,
}

/// What is done with an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Left out, with all that is in it.
    Drop,
    /// Kept, for its children.
    Group,
    /// Kept, for its children, and left out as a whole when its name is the prefix itself.
    Entry,
    /// Its text passes.
    Text,
    /// Its text is the name of a bucket: the client's is written.
    Bucket,
    /// Its text is the key that the client asked about: the client's is written.
    OwnKey,
    /// Its text is a key or a common prefix: without the tenant's prefix, or the answer is cut.
    Name,
    /// Its text repeats what was asked for: without the tenant's prefix, or left out.
    Echo,
    /// The same for `StartAfter`, which is left out when the client did not send it.
    StartAfter,
    /// The client's own continuation token is written.
    TokenEcho,
    /// The upstream's next continuation token, sealed.
    NextToken,
}

impl Kind {
    pub(crate) const fn root(self) -> &'static str {
        match self {
            Self::Objects => "ListBucketResult",
            Self::Uploads => "ListMultipartUploadsResult",
            Self::Parts => "ListPartsResult",
        }
    }

    /// The rule for element `name` inside `parents`, whose first is the root. Unknown: dropped.
    pub(crate) fn rule(self, parents: &[String], name: &str) -> Rule {
        let parents: Vec<&str> = parents.iter().skip(1).map(String::as_str).collect();
        match (self, &parents[..]) {
            (Self::Objects, []) => objects_root(name),
            (Self::Uploads, []) => uploads_root(name),
            (Self::Parts, []) => parts_root(name),
            (Self::Objects, ["Contents"]) => match name {
                "Key" => Rule::Name,
                "RestoreStatus" => Rule::Group,
                "LastModified" | "ETag" | "Size" | "StorageClass" | "ChecksumAlgorithm"
                | "ChecksumType" => Rule::Text,
                _ => Rule::Drop,
            },
            (Self::Objects, ["Contents", "RestoreStatus"]) => match name {
                "IsRestoreInProgress" | "RestoreExpiryDate" => Rule::Text,
                _ => Rule::Drop,
            },
            (Self::Uploads, ["Upload"]) => match name {
                "Key" => Rule::Name,
                "UploadId" | "StorageClass" | "Initiated" | "ChecksumAlgorithm"
                | "ChecksumType" => Rule::Text,
                _ => Rule::Drop,
            },
            (Self::Parts, ["Part"]) => match name {
                "PartNumber" | "LastModified" | "ETag" | "Size" | "ChecksumCRC32"
                | "ChecksumCRC32C" | "ChecksumCRC64NVME" | "ChecksumSHA1" | "ChecksumSHA256" => {
                    Rule::Text
                }
                _ => Rule::Drop,
            },
            (Self::Objects | Self::Uploads, ["CommonPrefixes"]) if name == "Prefix" => Rule::Name,
            _ => Rule::Drop,
        }
    }
}

fn objects_root(name: &str) -> Rule {
    match name {
        "Name" => Rule::Bucket,
        "Contents" | "CommonPrefixes" => Rule::Entry,
        "Prefix" | "Marker" => Rule::Echo,
        "NextMarker" => Rule::Name,
        "StartAfter" => Rule::StartAfter,
        "ContinuationToken" => Rule::TokenEcho,
        "NextContinuationToken" => Rule::NextToken,
        "MaxKeys" | "Delimiter" | "IsTruncated" | "EncodingType" | "KeyCount" => Rule::Text,
        _ => Rule::Drop,
    }
}

fn uploads_root(name: &str) -> Rule {
    match name {
        "Bucket" => Rule::Bucket,
        "Upload" | "CommonPrefixes" => Rule::Entry,
        "Prefix" | "KeyMarker" => Rule::Echo,
        "NextKeyMarker" => Rule::Name,
        "UploadIdMarker" | "NextUploadIdMarker" | "MaxUploads" | "Delimiter" | "IsTruncated"
        | "EncodingType" => Rule::Text,
        _ => Rule::Drop,
    }
}

fn parts_root(name: &str) -> Rule {
    match name {
        "Bucket" => Rule::Bucket,
        "Key" => Rule::OwnKey,
        "Part" => Rule::Group,
        "UploadId"
        | "PartNumberMarker"
        | "NextPartNumberMarker"
        | "MaxParts"
        | "IsTruncated"
        | "StorageClass"
        | "ChecksumAlgorithm"
        | "ChecksumType" => Rule::Text,
        _ => Rule::Drop,
    }
}
