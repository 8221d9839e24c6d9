//! Where storage configurations, access keys and pinned targets live.
//!
//! Two layers. Below, a narrow byte-level [`Engine`]: get, scan, commit a batch. Above, one typed
//! layer, [`SealedStore`], that every engine shares: it seals each record, lists it in a manifest,
//! compares and sets, and tells caches what changed. So an engine can neither read a record nor
//! lose, swap or roll one back unnoticed.
//!
//! What it promises:
//! - **Acknowledged is durable.** A write that returned `Ok` survives power loss.
//! - **Sealed.** AES-256-GCM with a data key per record, wrapped by the key-encryption key of the
//!   [`KeyRing`]; the associated data binds store, record kind, id and generation.
//! - **Complete or refused.** A manifest (row count and keyed hash) is committed with every batch;
//!   a row that is missing, foreign or older than it should be is found at open and by
//!   [`Store::verify`].
//! - **Changes are announced** after they are durable and before the call returns.
//!
//! Left to others: what a configuration means (`control`), bounded caches (`proxy`).

mod changes;
mod dump;
mod engine;
mod error;
mod keyring;
mod manifest;
mod opening;
mod rebuild;
mod records;
mod rotate;
mod rows;
mod seal;
mod sealed;
mod sled_store;
mod snapshot;
mod transaction;
mod verify;
mod writer;

pub use changes::{Change, Changes};
pub use dump::DumpSummary;
pub use engine::{Batch, Engine, EngineError, MemoryEngine, Row, SledEngine};
pub use error::StoreError;
pub use keyring::{KeyId, KeyRing, KeyRingError};
pub use rebuild::Recovered;
pub use records::target_id;
pub use sealed::SealedStore;

use types::{
    AccessKey, AccessKeyId, BucketAlias, ConfigVersion, JobId, StorageConfig, Target, TargetId,
    TenantId,
};

/// A store that forgets everything when it is dropped: for tests.
pub type MemoryStore = SealedStore<MemoryEngine>;

/// The embedded default: sled in a folder, contained.
pub type SledStore = SealedStore<SledEngine>;

/// The most ids or keys that one listing call returns, whatever `limit` says.
pub const MAX_PAGE: usize = 1_000;

/// What must be there for an access key to be written.
#[derive(Debug, Clone)]
pub enum KeyExpectation {
    /// No key with this id.
    New,
    /// Exactly this key: a compare-and-set, so that two edits never undo each other.
    Replace(Box<AccessKey>),
}

/// What a full check of the store found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// The number of the last committed batch.
    pub generation: u64,
    /// How many rows there are.
    pub rows: u64,
    /// What is wrong, one line each, at most a hundred; empty when the store is sound.
    pub problems: Vec<String>,
}

impl VerifyReport {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }
}

/// The store as the rest of the house sees it.
///
/// Point lookups (`storage_config`, `access_key`, `target`, `job_target`) are one engine read and
/// one unsealing, and run on the caller's thread; everything else runs on threads of its own.
/// Dropping the future of a write does not undo the write.
#[async_trait::async_trait]
pub trait Store: Send + Sync + std::fmt::Debug {
    /// The tenant's current configuration.
    async fn storage_config(&self, tenant: &TenantId) -> Result<Option<StorageConfig>, StoreError>;

    /// An earlier (or the current) revision of the tenant's configuration.
    async fn storage_config_at(
        &self,
        tenant: &TenantId,
        version: ConfigVersion,
    ) -> Result<Option<StorageConfig>, StoreError>;

    /// Writes `config` if the tenant's current revision is `expected` (`None`: there is none yet).
    ///
    /// `config.version` must be the one after `expected`, or [`ConfigVersion::FIRST`]. Otherwise
    /// [`StoreError::Conflict`], which names the current revision, and nothing is written.
    async fn put_storage_config(
        &self,
        config: StorageConfig,
        expected: Option<ConfigVersion>,
    ) -> Result<(), StoreError>;

    /// Tenants that have a configuration, in order, those after `after`.
    async fn tenants(
        &self,
        after: Option<&TenantId>,
        limit: usize,
    ) -> Result<Vec<TenantId>, StoreError>;

    /// The access key with this id.
    async fn access_key(&self, id: &AccessKeyId) -> Result<Option<AccessKey>, StoreError>;

    /// Writes an access key if what is there is what `expectation` says.
    ///
    /// A key never moves to another tenant, a revoked key never changes again, and a new secret
    /// needs a greater `secret_version`: [`StoreError::KeyRule`] otherwise.
    async fn put_access_key(
        &self,
        key: AccessKey,
        expectation: KeyExpectation,
    ) -> Result<(), StoreError>;

    /// The tenant's access keys, ordered by id, those after `after`.
    async fn access_keys(
        &self,
        tenant: &TenantId,
        after: Option<&AccessKeyId>,
        limit: usize,
    ) -> Result<Vec<AccessKey>, StoreError>;

    /// The target with this id.
    async fn target(&self, id: &TargetId) -> Result<Option<Target>, StoreError>;

    /// Writes a target under its content address, [`target_id`]; the same target again is no write.
    async fn put_target(&self, target: Target) -> Result<TargetId, StoreError>;

    /// Pins `alias` of a job to a target. The first pin wins: the same again is `Ok`, another
    /// target is [`StoreError::PinConflict`].
    async fn pin_job(
        &self,
        tenant: &TenantId,
        job: &JobId,
        alias: &BucketAlias,
        target: &TargetId,
    ) -> Result<(), StoreError>;

    /// What `alias` of a job is pinned to.
    async fn job_target(
        &self,
        tenant: &TenantId,
        job: &JobId,
        alias: &BucketAlias,
    ) -> Result<Option<TargetId>, StoreError>;

    /// Every change from now on. An event is sent after its write is durable and before the call
    /// that wrote returns.
    fn changes(&self) -> Changes;

    /// Reads and unseals everything, the snapshot too, and compares it with the manifest. Changes
    /// wait meanwhile.
    async fn verify(&self) -> Result<VerifyReport, StoreError>;

    /// Seals every record anew under the key of `new`, while the store is in use, and returns how
    /// many. From then on `new` alone opens the store, and the keys it had open nothing.
    ///
    /// If it fails or the process ends midway, both keys are needed: open with
    /// [`KeyRing::with_previous`] and rotate again.
    async fn rotate_kek(&self, new: KeyRing) -> Result<u64, StoreError>;

    /// Writes everything, sealed, in the format of `dump.rs`. Changes wait meanwhile.
    async fn export(&self, out: Box<dyn std::io::Write + Send>) -> Result<(), StoreError>;
}
