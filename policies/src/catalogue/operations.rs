//! Which IAM actions an S3 API operation needs.

/// An S3 API operation and what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// The name in the S3 API reference.
    pub name: &'static str,
    /// What must be allowed on what it names.
    pub actions: &'static [&'static str],
    /// What must be allowed instead of the first action when a `versionId` is given.
    pub with_version: &'static [&'static str],
    /// What must be allowed on the source of a copy.
    pub on_source: &'static [&'static str],
}

const fn plain(name: &'static str, actions: &'static [&'static str]) -> Operation {
    Operation {
        name,
        actions,
        with_version: &[],
        on_source: &[],
    }
}

const fn versioned(
    name: &'static str,
    actions: &'static [&'static str],
    with_version: &'static [&'static str],
) -> Operation {
    Operation {
        name,
        actions,
        with_version,
        on_source: &[],
    }
}

const fn copying(name: &'static str) -> Operation {
    Operation {
        name,
        actions: &["s3:PutObject"],
        with_version: &[],
        on_source: &["s3:GetObject"],
    }
}

/// S3's operations on general purpose buckets, by name.
pub const OPERATIONS: &[Operation] = &[
    plain("AbortMultipartUpload", &["s3:AbortMultipartUpload"]),
    plain("CompleteMultipartUpload", &["s3:PutObject"]),
    copying("CopyObject"),
    plain("CreateBucket", &["s3:CreateBucket"]),
    plain("CreateMultipartUpload", &["s3:PutObject"]),
    plain("DeleteBucket", &["s3:DeleteBucket"]),
    plain("DeleteBucketCors", &["s3:PutBucketCORS"]),
    plain("DeleteBucketEncryption", &["s3:PutEncryptionConfiguration"]),
    plain(
        "DeleteBucketInventoryConfiguration",
        &["s3:PutInventoryConfiguration"],
    ),
    plain("DeleteBucketLifecycle", &["s3:PutLifecycleConfiguration"]),
    plain(
        "DeleteBucketOwnershipControls",
        &["s3:PutBucketOwnershipControls"],
    ),
    plain("DeleteBucketPolicy", &["s3:DeleteBucketPolicy"]),
    plain(
        "DeleteBucketReplication",
        &["s3:PutReplicationConfiguration"],
    ),
    plain("DeleteBucketTagging", &["s3:PutBucketTagging"]),
    versioned(
        "DeleteObject",
        &["s3:DeleteObject"],
        &["s3:DeleteObjectVersion"],
    ),
    versioned(
        "DeleteObjectTagging",
        &["s3:DeleteObjectTagging"],
        &["s3:DeleteObjectVersionTagging"],
    ),
    versioned(
        "DeleteObjects",
        &["s3:DeleteObject"],
        &["s3:DeleteObjectVersion"],
    ),
    plain(
        "DeletePublicAccessBlock",
        &["s3:PutBucketPublicAccessBlock"],
    ),
    plain("GetBucketAcl", &["s3:GetBucketAcl"]),
    plain("GetBucketCors", &["s3:GetBucketCORS"]),
    plain("GetBucketEncryption", &["s3:GetEncryptionConfiguration"]),
    plain(
        "GetBucketIntelligentTieringConfiguration",
        &["s3:GetIntelligentTieringConfiguration"],
    ),
    plain(
        "GetBucketInventoryConfiguration",
        &["s3:GetInventoryConfiguration"],
    ),
    plain(
        "GetBucketLifecycleConfiguration",
        &["s3:GetLifecycleConfiguration"],
    ),
    plain("GetBucketLocation", &["s3:GetBucketLocation"]),
    plain("GetBucketLogging", &["s3:GetBucketLogging"]),
    plain(
        "GetBucketNotificationConfiguration",
        &["s3:GetBucketNotification"],
    ),
    plain(
        "GetBucketOwnershipControls",
        &["s3:GetBucketOwnershipControls"],
    ),
    plain("GetBucketPolicy", &["s3:GetBucketPolicy"]),
    plain("GetBucketPolicyStatus", &["s3:GetBucketPolicyStatus"]),
    plain("GetBucketReplication", &["s3:GetReplicationConfiguration"]),
    plain("GetBucketTagging", &["s3:GetBucketTagging"]),
    plain("GetBucketVersioning", &["s3:GetBucketVersioning"]),
    versioned("GetObject", &["s3:GetObject"], &["s3:GetObjectVersion"]),
    versioned(
        "GetObjectAcl",
        &["s3:GetObjectAcl"],
        &["s3:GetObjectVersionAcl"],
    ),
    versioned(
        "GetObjectAttributes",
        &["s3:GetObjectAttributes", "s3:GetObject"],
        &["s3:GetObjectVersionAttributes", "s3:GetObjectVersion"],
    ),
    plain("GetObjectLegalHold", &["s3:GetObjectLegalHold"]),
    plain(
        "GetObjectLockConfiguration",
        &["s3:GetBucketObjectLockConfiguration"],
    ),
    plain("GetObjectRetention", &["s3:GetObjectRetention"]),
    versioned(
        "GetObjectTagging",
        &["s3:GetObjectTagging"],
        &["s3:GetObjectVersionTagging"],
    ),
    plain("GetPublicAccessBlock", &["s3:GetBucketPublicAccessBlock"]),
    plain("HeadBucket", &["s3:ListBucket"]),
    versioned("HeadObject", &["s3:GetObject"], &["s3:GetObjectVersion"]),
    plain("ListBuckets", &["s3:ListAllMyBuckets"]),
    plain("ListMultipartUploads", &["s3:ListBucketMultipartUploads"]),
    plain("ListObjectVersions", &["s3:ListBucketVersions"]),
    plain("ListObjects", &["s3:ListBucket"]),
    plain("ListObjectsV2", &["s3:ListBucket"]),
    plain("ListParts", &["s3:ListMultipartUploadParts"]),
    plain("PutBucketCors", &["s3:PutBucketCORS"]),
    plain("PutBucketEncryption", &["s3:PutEncryptionConfiguration"]),
    plain(
        "PutBucketIntelligentTieringConfiguration",
        &["s3:PutIntelligentTieringConfiguration"],
    ),
    plain(
        "PutBucketInventoryConfiguration",
        &["s3:PutInventoryConfiguration"],
    ),
    plain(
        "PutBucketLifecycleConfiguration",
        &["s3:PutLifecycleConfiguration"],
    ),
    plain("PutBucketLogging", &["s3:PutBucketLogging"]),
    plain(
        "PutBucketNotificationConfiguration",
        &["s3:PutBucketNotification"],
    ),
    plain(
        "PutBucketOwnershipControls",
        &["s3:PutBucketOwnershipControls"],
    ),
    plain("PutBucketPolicy", &["s3:PutBucketPolicy"]),
    plain(
        "PutBucketReplication",
        &["s3:PutReplicationConfiguration", "iam:PassRole"],
    ),
    plain("PutBucketTagging", &["s3:PutBucketTagging"]),
    plain("PutBucketVersioning", &["s3:PutBucketVersioning"]),
    plain("PutObject", &["s3:PutObject"]),
    plain("PutObjectLegalHold", &["s3:PutObjectLegalHold"]),
    plain(
        "PutObjectLockConfiguration",
        &["s3:PutBucketObjectLockConfiguration"],
    ),
    plain("PutObjectRetention", &["s3:PutObjectRetention"]),
    versioned(
        "PutObjectTagging",
        &["s3:PutObjectTagging"],
        &["s3:PutObjectVersionTagging"],
    ),
    plain("PutPublicAccessBlock", &["s3:PutBucketPublicAccessBlock"]),
    plain("RestoreObject", &["s3:RestoreObject"]),
    plain("UploadPart", &["s3:PutObject"]),
    copying("UploadPartCopy"),
];

/// What `operation` needs; `None` for an operation that is not in the table.
pub fn actions_of(operation: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|known| known.name == operation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_that_an_operation_needs_is_in_the_catalogue() {
        for operation in OPERATIONS {
            let all = [
                operation.actions,
                operation.with_version,
                operation.on_source,
            ]
            .concat();
            for action in all {
                assert!(
                    super::super::entry(action).is_some(),
                    "{} {action}",
                    operation.name
                );
            }
        }
    }

    #[test]
    fn head_bucket_is_a_listing() {
        assert_eq!(actions_of("HeadBucket").unwrap().actions, ["s3:ListBucket"]);
    }
}
