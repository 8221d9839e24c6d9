//! The settings: their calls, their actions, their grammar.

use super::{Answer, Turn, acl, delivery, lifecycle, lock, numbered, object, policy, simple, tags};
use crate::disk::BucketRecord;
use crate::node::{Node, Shape};
use http::StatusCode;
use s3s::S3Result;

type Run = fn(&Turn<'_>, &Setting) -> S3Result<Answer>;

/// A call on a setting.
pub(super) struct Api {
    pub(super) name: &'static str,
    pub(super) action: &'static str,
    /// The action when a version is named.
    pub(super) versioned: Option<&'static str>,
    pub(super) run: Run,
}

/// What is answered when a setting was never made, or was deleted.
#[derive(Clone, Copy)]
pub(super) enum Absent {
    /// 404 with a code and a message.
    Error(&'static str, &'static str),
    /// What AWS does without being told.
    Default(fn(&BucketRecord) -> Node),
}

/// A setting.
pub(super) struct Setting {
    pub(super) query: &'static str,
    pub(super) on_object: bool,
    /// There are several, each with an id.
    pub(super) is_numbered: bool,
    pub(super) root: &'static str,
    pub(super) shape: &'static Shape,
    pub(super) absent: Absent,
    pub(super) put_status: StatusCode,
    /// Checks what the grammar cannot, and completes what was left out.
    pub(super) check: fn(&Turn<'_>, &mut Node) -> S3Result<()>,
    /// What else changes on the bucket.
    pub(super) apply: fn(&mut BucketRecord, &Node) -> S3Result<()>,
    pub(super) get: Option<Api>,
    pub(super) put: Option<Api>,
    pub(super) delete: Option<Api>,
    pub(super) list: Option<Api>,
}

/// No grammar: the setting has a handler of its own.
const FREE: Shape = Shape::AnyText;

const NONE: Setting = Setting {
    query: "",
    on_object: false,
    is_numbered: false,
    root: "",
    shape: &FREE,
    absent: Absent::Error(
        "NoSuchConfiguration",
        "The specified configuration does not exist.",
    ),
    put_status: StatusCode::OK,
    check: |_, _| Ok(()),
    apply: |_, _| Ok(()),
    get: None,
    put: None,
    delete: None,
    list: None,
};

const fn api(name: &'static str, action: &'static str, run: Run) -> Option<Api> {
    Some(Api {
        name,
        action,
        versioned: None,
        run,
    })
}

const fn object_api(
    name: &'static str,
    action: &'static str,
    versioned: &'static str,
    run: Run,
) -> Option<Api> {
    Some(Api {
        name,
        action,
        versioned: Some(versioned),
        run,
    })
}

/// Every setting of the sandbox.
pub(super) static SETTINGS: &[Setting] = &[
    Setting {
        query: "policy",
        get: api("GetBucketPolicy", "s3:GetBucketPolicy", policy::get),
        put: api("PutBucketPolicy", "s3:PutBucketPolicy", policy::put),
        delete: api(
            "DeleteBucketPolicy",
            "s3:DeleteBucketPolicy",
            policy::delete,
        ),
        ..NONE
    },
    Setting {
        query: "policyStatus",
        get: api(
            "GetBucketPolicyStatus",
            "s3:GetBucketPolicyStatus",
            policy::status,
        ),
        ..NONE
    },
    Setting {
        query: "publicAccessBlock",
        root: "PublicAccessBlockConfiguration",
        shape: &simple::PUBLIC_ACCESS_BLOCK,
        absent: Absent::Error(
            "NoSuchPublicAccessBlockConfiguration",
            "The public access block configuration was not found",
        ),
        check: simple::complete_public_access_block,
        get: api(
            "GetPublicAccessBlock",
            "s3:GetBucketPublicAccessBlock",
            simple::get,
        ),
        put: api(
            "PutPublicAccessBlock",
            "s3:PutBucketPublicAccessBlock",
            simple::put,
        ),
        delete: api(
            "DeletePublicAccessBlock",
            "s3:PutBucketPublicAccessBlock",
            simple::delete,
        ),
        ..NONE
    },
    Setting {
        query: "versioning",
        root: "VersioningConfiguration",
        shape: &simple::VERSIONING,
        absent: Absent::Default(|_| Node::new("VersioningConfiguration")),
        check: simple::check_versioning,
        apply: simple::apply_versioning,
        get: api("GetBucketVersioning", "s3:GetBucketVersioning", simple::get),
        put: api("PutBucketVersioning", "s3:PutBucketVersioning", simple::put),
        ..NONE
    },
    Setting {
        query: "encryption",
        root: "ServerSideEncryptionConfiguration",
        shape: &simple::ENCRYPTION,
        absent: Absent::Default(simple::default_encryption),
        check: simple::complete_encryption,
        get: api(
            "GetBucketEncryption",
            "s3:GetEncryptionConfiguration",
            simple::get,
        ),
        put: api(
            "PutBucketEncryption",
            "s3:PutEncryptionConfiguration",
            simple::put,
        ),
        delete: api(
            "DeleteBucketEncryption",
            "s3:PutEncryptionConfiguration",
            simple::delete,
        ),
        ..NONE
    },
    Setting {
        query: "ownershipControls",
        root: "OwnershipControls",
        shape: &simple::OWNERSHIP,
        absent: Absent::Error(
            "OwnershipControlsNotFoundError",
            "The bucket ownership controls were not found",
        ),
        get: api(
            "GetBucketOwnershipControls",
            "s3:GetBucketOwnershipControls",
            simple::get,
        ),
        put: api(
            "PutBucketOwnershipControls",
            "s3:PutBucketOwnershipControls",
            simple::put,
        ),
        delete: api(
            "DeleteBucketOwnershipControls",
            "s3:PutBucketOwnershipControls",
            simple::delete,
        ),
        ..NONE
    },
    Setting {
        query: "tagging",
        root: "Tagging",
        shape: &tags::SHAPE,
        absent: Absent::Error("NoSuchTagSet", "The TagSet does not exist"),
        put_status: StatusCode::NO_CONTENT,
        check: tags::check,
        get: api("GetBucketTagging", "s3:GetBucketTagging", simple::get),
        put: api("PutBucketTagging", "s3:PutBucketTagging", simple::put),
        delete: api("DeleteBucketTagging", "s3:PutBucketTagging", simple::delete),
        ..NONE
    },
    Setting {
        query: "lifecycle",
        root: "LifecycleConfiguration",
        shape: &lifecycle::SHAPE,
        absent: Absent::Error(
            "NoSuchLifecycleConfiguration",
            "The lifecycle configuration does not exist",
        ),
        check: lifecycle::check,
        get: api(
            "GetBucketLifecycleConfiguration",
            "s3:GetLifecycleConfiguration",
            lifecycle::get,
        ),
        put: api(
            "PutBucketLifecycleConfiguration",
            "s3:PutLifecycleConfiguration",
            lifecycle::put,
        ),
        delete: api(
            "DeleteBucketLifecycle",
            "s3:PutLifecycleConfiguration",
            lifecycle::delete,
        ),
        ..NONE
    },
    Setting {
        query: "cors",
        root: "CORSConfiguration",
        shape: &simple::CORS,
        absent: Absent::Error(
            "NoSuchCORSConfiguration",
            "The CORS configuration does not exist",
        ),
        check: simple::check_cors,
        get: api("GetBucketCors", "s3:GetBucketCORS", simple::get),
        put: api("PutBucketCors", "s3:PutBucketCORS", simple::put),
        delete: api("DeleteBucketCors", "s3:PutBucketCORS", simple::delete),
        ..NONE
    },
    Setting {
        query: "logging",
        root: "BucketLoggingStatus",
        shape: &delivery::LOGGING,
        absent: Absent::Default(|_| Node::new("BucketLoggingStatus")),
        check: delivery::check_logging,
        get: api("GetBucketLogging", "s3:GetBucketLogging", simple::get),
        put: api("PutBucketLogging", "s3:PutBucketLogging", simple::put),
        ..NONE
    },
    Setting {
        query: "notification",
        root: "NotificationConfiguration",
        shape: &delivery::NOTIFICATION,
        absent: Absent::Default(|_| Node::new("NotificationConfiguration")),
        check: delivery::check_notification,
        get: api(
            "GetBucketNotificationConfiguration",
            "s3:GetBucketNotification",
            simple::get,
        ),
        put: api(
            "PutBucketNotificationConfiguration",
            "s3:PutBucketNotification",
            simple::put,
        ),
        ..NONE
    },
    Setting {
        query: "accelerate",
        root: "AccelerateConfiguration",
        shape: &simple::ACCELERATE,
        absent: Absent::Default(|_| Node::new("AccelerateConfiguration")),
        check: simple::check_accelerate,
        get: api(
            "GetBucketAccelerateConfiguration",
            "s3:GetAccelerateConfiguration",
            simple::get,
        ),
        put: api(
            "PutBucketAccelerateConfiguration",
            "s3:PutAccelerateConfiguration",
            simple::put,
        ),
        ..NONE
    },
    Setting {
        query: "requestPayment",
        root: "RequestPaymentConfiguration",
        shape: &simple::REQUEST_PAYMENT,
        absent: Absent::Default(simple::default_request_payment),
        get: api(
            "GetBucketRequestPayment",
            "s3:GetBucketRequestPayment",
            simple::get,
        ),
        put: api(
            "PutBucketRequestPayment",
            "s3:PutBucketRequestPayment",
            simple::put,
        ),
        ..NONE
    },
    Setting {
        query: "object-lock",
        root: "ObjectLockConfiguration",
        shape: &lock::CONFIGURATION,
        absent: Absent::Error(
            "ObjectLockConfigurationNotFoundError",
            "Object Lock configuration does not exist for this bucket",
        ),
        check: lock::check_configuration,
        apply: lock::apply_configuration,
        get: api(
            "GetObjectLockConfiguration",
            "s3:GetBucketObjectLockConfiguration",
            simple::get,
        ),
        put: api(
            "PutObjectLockConfiguration",
            "s3:PutBucketObjectLockConfiguration",
            simple::put,
        ),
        ..NONE
    },
    Setting {
        query: "replication",
        absent: Absent::Error(
            "ReplicationConfigurationNotFoundError",
            "The replication configuration was not found",
        ),
        get: api(
            "GetBucketReplication",
            "s3:GetReplicationConfiguration",
            simple::get,
        ),
        ..NONE
    },
    Setting {
        query: "website",
        absent: Absent::Error(
            "NoSuchWebsiteConfiguration",
            "The specified bucket does not have a website configuration",
        ),
        get: api("GetBucketWebsite", "s3:GetBucketWebsite", simple::get),
        ..NONE
    },
    Setting {
        query: "acl",
        get: api("GetBucketAcl", "s3:GetBucketAcl", acl::get),
        put: api("PutBucketAcl", "s3:PutBucketAcl", acl::put),
        ..NONE
    },
    Setting {
        query: "inventory",
        is_numbered: true,
        root: "InventoryConfiguration",
        shape: &numbered::INVENTORY,
        check: numbered::check_inventory,
        get: api(
            "GetBucketInventoryConfiguration",
            "s3:GetInventoryConfiguration",
            numbered::get,
        ),
        put: api(
            "PutBucketInventoryConfiguration",
            "s3:PutInventoryConfiguration",
            numbered::put,
        ),
        delete: api(
            "DeleteBucketInventoryConfiguration",
            "s3:PutInventoryConfiguration",
            numbered::delete,
        ),
        list: api(
            "ListBucketInventoryConfigurations",
            "s3:GetInventoryConfiguration",
            numbered::list,
        ),
        put_status: StatusCode::NO_CONTENT,
        ..NONE
    },
    Setting {
        query: "intelligent-tiering",
        is_numbered: true,
        root: "IntelligentTieringConfiguration",
        shape: &numbered::INTELLIGENT_TIERING,
        check: numbered::check_intelligent_tiering,
        get: api(
            "GetBucketIntelligentTieringConfiguration",
            "s3:GetIntelligentTieringConfiguration",
            numbered::get,
        ),
        put: api(
            "PutBucketIntelligentTieringConfiguration",
            "s3:PutIntelligentTieringConfiguration",
            numbered::put,
        ),
        delete: api(
            "DeleteBucketIntelligentTieringConfiguration",
            "s3:PutIntelligentTieringConfiguration",
            numbered::delete,
        ),
        list: api(
            "ListBucketIntelligentTieringConfigurations",
            "s3:GetIntelligentTieringConfiguration",
            numbered::list,
        ),
        ..NONE
    },
    Setting {
        query: "metrics",
        is_numbered: true,
        root: "MetricsConfiguration",
        shape: &numbered::METRICS,
        get: api(
            "GetBucketMetricsConfiguration",
            "s3:GetMetricsConfiguration",
            numbered::get,
        ),
        put: api(
            "PutBucketMetricsConfiguration",
            "s3:PutMetricsConfiguration",
            numbered::put,
        ),
        delete: api(
            "DeleteBucketMetricsConfiguration",
            "s3:PutMetricsConfiguration",
            numbered::delete,
        ),
        list: api(
            "ListBucketMetricsConfigurations",
            "s3:GetMetricsConfiguration",
            numbered::list,
        ),
        ..NONE
    },
    Setting {
        query: "tagging",
        on_object: true,
        root: "Tagging",
        shape: &tags::SHAPE,
        check: tags::check,
        get: object_api(
            "GetObjectTagging",
            "s3:GetObjectTagging",
            "s3:GetObjectVersionTagging",
            object::get_tags,
        ),
        put: object_api(
            "PutObjectTagging",
            "s3:PutObjectTagging",
            "s3:PutObjectVersionTagging",
            object::put_tags,
        ),
        delete: object_api(
            "DeleteObjectTagging",
            "s3:DeleteObjectTagging",
            "s3:DeleteObjectVersionTagging",
            object::delete_tags,
        ),
        ..NONE
    },
    Setting {
        query: "retention",
        on_object: true,
        root: "Retention",
        shape: &lock::RETENTION,
        get: api(
            "GetObjectRetention",
            "s3:GetObjectRetention",
            lock::get_retention,
        ),
        put: api(
            "PutObjectRetention",
            "s3:PutObjectRetention",
            lock::put_retention,
        ),
        ..NONE
    },
    Setting {
        query: "legal-hold",
        on_object: true,
        root: "LegalHold",
        shape: &lock::LEGAL_HOLD,
        get: api(
            "GetObjectLegalHold",
            "s3:GetObjectLegalHold",
            lock::get_legal_hold,
        ),
        put: api(
            "PutObjectLegalHold",
            "s3:PutObjectLegalHold",
            lock::put_legal_hold,
        ),
        ..NONE
    },
    Setting {
        query: "acl",
        on_object: true,
        get: object_api(
            "GetObjectAcl",
            "s3:GetObjectAcl",
            "s3:GetObjectVersionAcl",
            acl::get,
        ),
        put: object_api(
            "PutObjectAcl",
            "s3:PutObjectAcl",
            "s3:PutObjectVersionAcl",
            acl::put,
        ),
        ..NONE
    },
];
