//! The one typed model that every way of applying reads: direct calls, Terraform,
//! CloudFormation, scripts.
//!
//! [`TenantSpec`] is what a person writes; [`compile`] checks it, all mistakes at once, and
//! completes it into [`Desired`]. Nothing here does I/O.

mod arn;
mod bucket;
mod compile;
mod cors;
mod culprit;
mod desired;
mod documents;
mod file;
mod names;
mod problems;
mod role;
mod spec;

pub use arn::Arn;
pub use bucket::{
    ABORT_RULE_ID, BlockedEncryption, DesiredBucket, Destination, Encryption, Inventory,
    InventoryFormat, InventoryFrequency, Lifecycle, LifecycleRule, LockMode, LogKeyFormat, Logging,
    Namespace, Notification, Notifications, OUR_ID_PREFIX, ObjectLock, PROBE_RULE_ID, Purpose,
    StorageClass, Transition, TransitionMinimum, Versioning,
};
pub(crate) use compile::managed_policy_arn;
pub use compile::{Home, check_together, compile, compile_all, is_our_tag};
pub use cors::CorsRule;
pub use desired::{Desired, ORIGIN_TAG, OWNER_TAG, Store, UNMANAGED_TAG};
pub use documents::{Companion, Documents, companions};
pub use file::{
    FileError, FileFormat, MAX_FILE_BYTES, read_tenants, read_tenants_with, set_field, tenant_of,
};
pub use names::{MAX_BUCKET_NAME, MAX_POLICY_NAME, MAX_ROLE_NAME, Naming};
pub use problems::{Problem, Problems};
pub use role::{Attachment, ComputeService, DesiredRole, Trust, VpcEndpoint, VpcEndpointKind};
pub use spec::{
    AttachmentSpec, BucketSpec, CompatibleSpec, EncryptionSpec, InventorySpec, LoggingSpec,
    NotificationSpec, NotificationsSpec, RoleSpec, TenantSpec, VpcEndpointSpec,
};
