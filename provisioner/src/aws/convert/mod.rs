//! Between our documents and the SDK's types, both ways, without loss.

mod delivery;
mod lifecycle;
mod plain;

pub(crate) use delivery::{
    inventory_from_sdk, inventory_to_sdk, logging_from_sdk, logging_to_sdk, notifications_from_sdk,
    notifications_to_sdk,
};
pub(crate) use lifecycle::{
    lifecycle_from_sdk, lifecycle_to_sdk, minimum_from_sdk, minimum_to_sdk,
};
pub(crate) use plain::{
    cors_from_sdk, cors_to_sdk, encryption_from_sdk, encryption_to_sdk, iam_tags_from_sdk,
    iam_tags_to_sdk, lock_from_sdk, lock_to_sdk, public_access_from_sdk, public_access_to_sdk,
    s3_tags_from_sdk, s3_tags_to_sdk,
};

/// The builders of the SDK fail only when a required field was forgotten here.
const COMPLETE: &str = "every required field is set";
