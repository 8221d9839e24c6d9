//! S3: general purpose buckets and their objects.

use super::Access::{List, Permissions, Read, Tagging, Write};
use super::{Access, Entry, ResourceType};

const BUCKET: &[ResourceType] = &[ResourceType::Bucket];
const OBJECT: &[ResourceType] = &[ResourceType::Object];
const NOTHING: &[ResourceType] = &[ResourceType::None];

/// On every request.
const REQUEST: &[&str] = &[
    "s3:authType",
    "s3:ResourceAccount",
    "s3:signatureAge",
    "s3:signatureversion",
    "s3:TlsVersion",
    "s3:x-amz-content-sha256",
];
/// On requests that can go through an access point.
const POINT: &[&str] = &[
    "s3:AccessPointNetworkOrigin",
    "s3:DataAccessPointAccount",
    "s3:DataAccessPointArn",
];
/// On requests that an access grant can authorise.
const GRANT: &[&str] = &["s3:AccessGrantsInstanceArn"];
const LISTING: &[&str] = &["s3:delimiter", "s3:max-keys", "s3:prefix"];
const VERSION: &[&str] = &["s3:versionid"];
const STORED_TAGS: &[&str] = &["s3:ExistingObjectTag/*"];
const SENT_TAGS: &[&str] = &["s3:RequestObjectTag/*", "s3:RequestObjectTagKeys"];
const IF_MATCH: &[&str] = &["s3:if-match", "s3:if-none-match"];
const CLASS: &[&str] = &["s3:x-amz-storage-class"];
const LEGAL_HOLD: &[&str] = &["s3:object-lock-legal-hold"];
const RETENTION: &[&str] = &[
    "s3:object-lock-mode",
    "s3:object-lock-remaining-retention-days",
    "s3:object-lock-retain-until-date",
];
const ACL: &[&str] = &[
    "s3:x-amz-acl",
    "s3:x-amz-grant-full-control",
    "s3:x-amz-grant-read",
    "s3:x-amz-grant-read-acp",
    "s3:x-amz-grant-write",
    "s3:x-amz-grant-write-acp",
];
const ENCRYPTION: &[&str] = &[
    "s3:x-amz-server-side-encryption",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:x-amz-server-side-encryption-customer-algorithm",
];
const WRITING: &[&str] = &[
    "s3:x-amz-copy-source",
    "s3:x-amz-metadata-directive",
    "s3:x-amz-website-redirect-location",
];

const fn action(
    name: &'static str,
    access: Access,
    resources: &'static [ResourceType],
    keys: &'static [&'static [&'static str]],
) -> Entry {
    Entry {
        name,
        access,
        resources,
        keys,
    }
}

/// An action on a bucket that carries only what every request carries.
const fn bucket(name: &'static str, access: Access) -> Entry {
    action(name, access, BUCKET, &[REQUEST])
}

/// Actions on buckets and objects.
pub(super) const ACTIONS: &[Entry] = &[
    // objects, read
    action(
        "GetObject",
        Read,
        OBJECT,
        &[REQUEST, POINT, GRANT, STORED_TAGS, IF_MATCH],
    ),
    action(
        "GetObjectAcl",
        Read,
        OBJECT,
        &[REQUEST, POINT, GRANT, STORED_TAGS],
    ),
    action(
        "GetObjectAttributes",
        Read,
        OBJECT,
        &[REQUEST, POINT, STORED_TAGS],
    ),
    action("GetObjectLegalHold", Read, OBJECT, &[REQUEST, POINT]),
    action("GetObjectRetention", Read, OBJECT, &[REQUEST, POINT]),
    action(
        "GetObjectTagging",
        Read,
        OBJECT,
        &[REQUEST, POINT, STORED_TAGS],
    ),
    action("GetObjectTorrent", Read, OBJECT, &[REQUEST]),
    action(
        "GetObjectVersion",
        Read,
        OBJECT,
        &[REQUEST, POINT, GRANT, STORED_TAGS, VERSION],
    ),
    action(
        "GetObjectVersionAcl",
        Read,
        OBJECT,
        &[REQUEST, POINT, GRANT, STORED_TAGS, VERSION],
    ),
    action(
        "GetObjectVersionAttributes",
        Read,
        OBJECT,
        &[REQUEST, POINT, STORED_TAGS, VERSION],
    ),
    action("GetObjectVersionForReplication", Read, OBJECT, &[REQUEST]),
    action(
        "GetObjectVersionTagging",
        Read,
        OBJECT,
        &[REQUEST, POINT, STORED_TAGS, VERSION],
    ),
    action("GetObjectVersionTorrent", Read, OBJECT, &[REQUEST, VERSION]),
    action(
        "ListMultipartUploadParts",
        List,
        OBJECT,
        &[REQUEST, POINT, GRANT],
    ),
    // objects, write
    action(
        "AbortMultipartUpload",
        Write,
        OBJECT,
        &[REQUEST, POINT, GRANT],
    ),
    action(
        "BypassGovernanceRetention",
        Permissions,
        OBJECT,
        &[
            REQUEST, POINT, SENT_TAGS, LEGAL_HOLD, RETENTION, ACL, ENCRYPTION, WRITING, CLASS,
        ],
    ),
    action("DeleteObject", Write, OBJECT, &[REQUEST, POINT, GRANT]),
    action(
        "DeleteObjectTagging",
        Tagging,
        OBJECT,
        &[REQUEST, POINT, STORED_TAGS],
    ),
    action(
        "DeleteObjectVersion",
        Write,
        OBJECT,
        &[REQUEST, POINT, GRANT, VERSION],
    ),
    action(
        "DeleteObjectVersionTagging",
        Tagging,
        OBJECT,
        &[REQUEST, POINT, STORED_TAGS, VERSION],
    ),
    action(
        "InitiateReplication",
        Write,
        OBJECT,
        &[&["s3:ResourceAccount"]],
    ),
    action(
        "ObjectOwnerOverrideToBucketOwner",
        Permissions,
        OBJECT,
        &[REQUEST],
    ),
    action(
        "PutObject",
        Write,
        OBJECT,
        &[
            REQUEST,
            POINT,
            GRANT,
            SENT_TAGS,
            IF_MATCH,
            LEGAL_HOLD,
            RETENTION,
            ACL,
            ENCRYPTION,
            WRITING,
            CLASS,
            &["s3:ObjectCreationOperation"],
        ],
    ),
    action(
        "PutObjectAcl",
        Permissions,
        OBJECT,
        &[REQUEST, POINT, GRANT, STORED_TAGS, ACL, CLASS],
    ),
    action(
        "PutObjectLegalHold",
        Write,
        OBJECT,
        &[REQUEST, POINT, LEGAL_HOLD],
    ),
    action(
        "PutObjectRetention",
        Write,
        OBJECT,
        &[REQUEST, POINT, RETENTION],
    ),
    action(
        "PutObjectTagging",
        Tagging,
        OBJECT,
        &[REQUEST, POINT, STORED_TAGS, SENT_TAGS],
    ),
    action(
        "PutObjectVersionAcl",
        Permissions,
        OBJECT,
        &[REQUEST, POINT, GRANT, STORED_TAGS, ACL, CLASS, VERSION],
    ),
    action(
        "PutObjectVersionTagging",
        Tagging,
        OBJECT,
        &[REQUEST, POINT, STORED_TAGS, SENT_TAGS, VERSION],
    ),
    action("ReplicateDelete", Write, OBJECT, &[REQUEST]),
    action("ReplicateObject", Write, OBJECT, &[REQUEST, ENCRYPTION]),
    action("ReplicateTags", Tagging, OBJECT, &[REQUEST]),
    action("RestoreObject", Write, OBJECT, &[REQUEST, POINT]),
    action(
        "UpdateObjectEncryption",
        Write,
        OBJECT,
        &[REQUEST, POINT, ENCRYPTION],
    ),
    // buckets, list
    action(
        "ListBucket",
        List,
        BUCKET,
        &[REQUEST, POINT, GRANT, LISTING],
    ),
    action(
        "ListBucketMultipartUploads",
        List,
        BUCKET,
        &[REQUEST, POINT, GRANT],
    ),
    action(
        "ListBucketVersions",
        List,
        BUCKET,
        &[REQUEST, POINT, GRANT, LISTING],
    ),
    // buckets, make and unmake
    action(
        "CreateBucket",
        Write,
        BUCKET,
        &[
            REQUEST,
            ACL,
            &["s3:locationconstraint", "s3:x-amz-object-ownership"],
        ],
    ),
    bucket("DeleteBucket", Write),
    // buckets, configuration
    bucket("CreateBucketMetadataTableConfiguration", Write),
    bucket("DeleteBucketMetadataTableConfiguration", Write),
    bucket("DeleteBucketPolicy", Permissions),
    bucket("DeleteBucketWebsite", Write),
    bucket("GetAccelerateConfiguration", Read),
    bucket("GetAnalyticsConfiguration", Read),
    bucket("GetBucketAbac", Read),
    bucket("GetBucketAcl", Read),
    bucket("GetBucketCORS", Read),
    bucket("GetBucketLocation", Read),
    bucket("GetBucketLogging", Read),
    bucket("GetBucketMetadataTableConfiguration", Read),
    bucket("GetBucketNotification", Read),
    action(
        "GetBucketObjectLockConfiguration",
        Read,
        BUCKET,
        &[&[
            "s3:authType",
            "s3:ResourceAccount",
            "s3:signatureAge",
            "s3:signatureversion",
            "s3:TlsVersion",
        ]],
    ),
    bucket("GetBucketOwnershipControls", Read),
    bucket("GetBucketPolicy", Read),
    bucket("GetBucketPolicyStatus", Read),
    bucket("GetBucketPublicAccessBlock", Read),
    bucket("GetBucketRequestPayment", Read),
    bucket("GetBucketTagging", Read),
    bucket("GetBucketVersioning", Read),
    bucket("GetBucketWebsite", Read),
    bucket("GetEncryptionConfiguration", Read),
    bucket("GetIntelligentTieringConfiguration", Read),
    bucket("GetInventoryConfiguration", Read),
    bucket("GetLifecycleConfiguration", Read),
    bucket("GetMetricsConfiguration", Read),
    bucket("GetReplicationConfiguration", Read),
    action(
        "PauseReplication",
        Write,
        BUCKET,
        &[REQUEST, &["s3:destinationRegion"]],
    ),
    bucket("PutAccelerateConfiguration", Write),
    bucket("PutAnalyticsConfiguration", Write),
    bucket("PutBucketAbac", Write),
    action("PutBucketAcl", Permissions, BUCKET, &[REQUEST, ACL]),
    bucket("PutBucketCORS", Write),
    bucket("PutBucketLogging", Write),
    bucket("PutBucketNotification", Write),
    action(
        "PutBucketObjectLockConfiguration",
        Write,
        BUCKET,
        &[&[
            "s3:authType",
            "s3:ResourceAccount",
            "s3:signatureAge",
            "s3:signatureversion",
            "s3:TlsVersion",
        ]],
    ),
    bucket("PutBucketOwnershipControls", Permissions),
    bucket("PutBucketPolicy", Permissions),
    bucket("PutBucketPublicAccessBlock", Permissions),
    bucket("PutBucketRequestPayment", Write),
    bucket("PutBucketTagging", Tagging),
    bucket("PutBucketVersioning", Write),
    bucket("PutBucketWebsite", Write),
    bucket("PutEncryptionConfiguration", Write),
    bucket("PutIntelligentTieringConfiguration", Write),
    action(
        "PutInventoryConfiguration",
        Write,
        BUCKET,
        &[REQUEST, &["s3:InventoryAccessibleOptionalFields"]],
    ),
    bucket("PutLifecycleConfiguration", Write),
    bucket("PutMetricsConfiguration", Write),
    action(
        "PutReplicationConfiguration",
        Write,
        BUCKET,
        &[REQUEST, &["s3:isReplicationPauseRequest"]],
    ),
    // tags on buckets since 2025, when attribute-based access control came
    bucket("ListTagsForResource", List),
    bucket("TagResource", Tagging),
    bucket("UntagResource", Tagging),
    // no resource
    action("GetAccountPublicAccessBlock", Read, NOTHING, &[REQUEST]),
    action("ListAllMyBuckets", List, NOTHING, &[REQUEST]),
    action(
        "PutAccountPublicAccessBlock",
        Permissions,
        NOTHING,
        &[REQUEST],
    ),
];

/// Access points, access grants, batch jobs, Storage Lens, annotations: not about buckets.
pub(super) fn is_beyond_buckets(name: &str) -> bool {
    [
        "AccessGrant",
        "AccessPoint",
        "Annotation",
        "DataAccess",
        "Job",
        "Metadata",
        "StorageLens",
    ]
    .iter()
    .any(|family| name.contains(family))
}
