//! The words of the house, as types: floor 0.
//!
//! Everything here is parsed once at an edge and trusted afterwards. Nothing here does I/O;
//! the clock is a trait so that every rule that depends on time can be tested in a microsecond.

mod access_key;
mod clock;
mod config;
mod endpoint;
mod iam;
mod ids;
mod key;
mod location;
mod names;
mod secret;
mod target;
mod text;

pub use access_key::{AccessKey, AccessKeyStatus, Action, ActionSet, BucketScope, Grant};
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use config::{
    BucketAccess, BucketMapping, ConfigStatus, ConfigVersion, StorageConfig, StorageMode,
    UpstreamAccess,
};
pub use endpoint::{Endpoint, EndpointError, Scheme};
pub use iam::{AccountId, Partition, RoleArn};
pub use ids::{AccessKeyId, ExternalId, ExternalIdPrefix, JobId, RequestId, TenantId};
pub use key::{KeyError, KeyPrefix, MAX_KEY_BYTES, ObjectKey};
pub use location::{AddressingStyle, Backend, Location};
pub use names::{BucketAlias, BucketName, Region};
pub use secret::{Secret, SecretString};
pub use target::{Target, TargetId};
pub use text::ParseError;
