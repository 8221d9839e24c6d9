//! The typed layer over any engine: the [`Store`] itself, and the rules of its records.

use crate::dump;
use crate::engine::{Engine, MemoryEngine};
use crate::keyring::KeyRing;
use crate::manifest::Manifest;
use crate::opening::{IfEmpty, attach_or_begin};
use crate::records::{Mark, Record, target_id};
use crate::rotate;
use crate::rows;
use crate::seal;
use crate::snapshot::Snapshot;
use crate::transaction::{Core, Transaction};
use crate::verify::verify;
use crate::writer::{Loop, Writer};
use crate::{Change, Changes, KeyExpectation, MAX_PAGE, Store, StoreError, VerifyReport};
use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use types::{
    AccessKey, AccessKeyId, AccessKeyStatus, BucketAlias, ConfigVersion, JobId, StorageConfig,
    Target, TargetId, TenantId,
};

/// The typed layer over an engine; see the crate's documentation for what it promises.
pub struct SealedStore<E: Engine> {
    core: Arc<Core<E>>,
    writer: Option<Writer<E>>,
    thread: Option<std::thread::JoinHandle<()>>,
    rotation: tokio::sync::Mutex<()>,
    /// Released after the engine is closed.
    _lock: Option<File>,
}

impl SealedStore<MemoryEngine> {
    /// An empty store under a key of its own.
    ///
    /// # Panics
    /// When the machine gives no random numbers or no thread.
    pub fn new() -> Self {
        let ring = KeyRing::ephemeral().expect("the machine gives random numbers");
        Self::over(MemoryEngine::default(), ring).expect("an empty store in memory opens")
    }
}

impl Default for SealedStore<MemoryEngine> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: Engine> SealedStore<E> {
    /// Opens the store that `engine` holds, or begins a new one when it holds no rows at all.
    ///
    /// Nothing is written before the keys are known to fit and every row is accounted for.
    pub fn over(engine: E, ring: KeyRing) -> Result<Self, StoreError> {
        let (core, manifest) = attach_or_begin(engine, ring, IfEmpty::Begin)?;
        Self::run(core, manifest, None, None)
    }

    /// Starts the writer of an opened store.
    pub(crate) fn run(
        core: Core<E>,
        manifest: Manifest,
        snapshot: Option<Snapshot>,
        lock: Option<File>,
    ) -> Result<Self, StoreError> {
        let core = Arc::new(core);
        let (writer, thread) = Writer::start(Loop::new(core.clone(), manifest, snapshot))
            .map_err(|error| StoreError::engine("start its writer")(error.into()))?;
        Ok(Self {
            core,
            writer: Some(writer),
            thread: Some(thread),
            rotation: tokio::sync::Mutex::default(),
            _lock: lock,
        })
    }

    fn writer(&self) -> &Writer<E> {
        self.writer
            .as_ref()
            .expect("the writer is there until the store is dropped")
    }

    /// Reads away from the async threads.
    async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Core<E>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let core = self.core.clone();
        tokio::task::spawn_blocking(move || work(&core))
            .await
            .map_err(|_| StoreError::Closed)?
    }
}

impl<E: Engine> Drop for SealedStore<E> {
    fn drop(&mut self) {
        // Closing the queue ends the thread, and with it the last user of the engine: whoever
        // opens the same directory next finds it free.
        self.writer.take();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer ended by a panic");
        }
    }
}

impl<E: Engine> std::fmt::Debug for SealedStore<E> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "SealedStore({:?})", self.core.engine)
    }
}

#[async_trait::async_trait]
impl<E: Engine> Store for SealedStore<E> {
    async fn storage_config(&self, tenant: &TenantId) -> Result<Option<StorageConfig>, StoreError> {
        self.core.read(&rows::config(tenant))
    }

    async fn storage_config_at(
        &self,
        tenant: &TenantId,
        version: ConfigVersion,
    ) -> Result<Option<StorageConfig>, StoreError> {
        self.core.read(&rows::revision(tenant, version))
    }

    async fn put_storage_config(
        &self,
        config: StorageConfig,
        expected: Option<ConfigVersion>,
    ) -> Result<(), StoreError> {
        if config.version != expected.map_or(ConfigVersion::FIRST, ConfigVersion::next) {
            return Err(StoreError::Revision {
                given: config.version,
                expected,
            });
        }
        self.writer()
            .write(move |transaction| put_config(transaction, &config, expected))
            .await
    }

    async fn tenants(
        &self,
        after: Option<&TenantId>,
        limit: usize,
    ) -> Result<Vec<TenantId>, StoreError> {
        let after = after.map(rows::config).unwrap_or_default();
        self.off_thread(move |core| {
            let prefix = rows::configs();
            list(core, &prefix, &after, limit)?
                .iter()
                .map(|(row, _)| parsed(row, &prefix, TenantId::parse))
                .collect()
        })
        .await
    }

    async fn access_key(&self, id: &AccessKeyId) -> Result<Option<AccessKey>, StoreError> {
        self.core.read(&rows::access_key(id))
    }

    async fn put_access_key(
        &self,
        key: AccessKey,
        expectation: KeyExpectation,
    ) -> Result<(), StoreError> {
        self.writer()
            .write(move |transaction| put_key(transaction, &key, &expectation))
            .await
    }

    async fn access_keys(
        &self,
        tenant: &TenantId,
        after: Option<&AccessKeyId>,
        limit: usize,
    ) -> Result<Vec<AccessKey>, StoreError> {
        let prefix = rows::tenant_keys(tenant);
        let after = after
            .map(|id| rows::tenant_key(tenant, id))
            .unwrap_or_default();
        self.off_thread(move |core| {
            list(core, &prefix, &after, limit)?
                .iter()
                .map(|(row, _)| {
                    let id = parsed(row, &prefix, AccessKeyId::parse)?;
                    core.read(&rows::access_key(&id))?
                        .ok_or_else(|| StoreError::Damaged(format!("access key {id} is missing")))
                })
                .collect()
        })
        .await
    }

    async fn target(&self, id: &TargetId) -> Result<Option<Target>, StoreError> {
        self.core.read(&rows::target(id))
    }

    async fn put_target(&self, target: Target) -> Result<TargetId, StoreError> {
        let id = target_id(&target);
        let row = rows::target(&id);
        self.writer()
            .write(move |transaction| match transaction.get::<Target>(&row)? {
                Some(_) => Ok(()),
                None => transaction.put(row, &target),
            })
            .await?;
        Ok(id)
    }

    async fn pin_job(
        &self,
        tenant: &TenantId,
        job: &JobId,
        alias: &BucketAlias,
        target: &TargetId,
    ) -> Result<(), StoreError> {
        let row = rows::pin(tenant, job, alias);
        let change = Change::Job(tenant.clone(), job.clone());
        let target = target.clone();
        self.writer()
            .write(move |transaction| pin(transaction, row, target, change))
            .await
    }

    async fn job_target(
        &self,
        tenant: &TenantId,
        job: &JobId,
        alias: &BucketAlias,
    ) -> Result<Option<TargetId>, StoreError> {
        self.core.read(&rows::pin(tenant, job, alias))
    }

    fn changes(&self) -> Changes {
        self.core.changes.subscribe()
    }

    async fn verify(&self) -> Result<VerifyReport, StoreError> {
        self.writer().alone(|state| verify(state)).await?
    }

    async fn rotate_kek(&self, new: KeyRing) -> Result<u64, StoreError> {
        let _one_at_a_time = self.rotation.lock().await;
        rotate::rotate(self.writer(), new).await
    }

    async fn export(&self, mut out: Box<dyn Write + Send>) -> Result<(), StoreError> {
        self.writer()
            .alone(move |state| dump::write(&state.core.engine, &mut *out))
            .await?
            .map_err(StoreError::engine("export"))
    }
}

fn put_config<E: Engine>(
    transaction: &mut Transaction<'_, E>,
    config: &StorageConfig,
    expected: Option<ConfigVersion>,
) -> Result<(), StoreError> {
    let row = rows::config(&config.tenant);
    let current = transaction
        .get::<StorageConfig>(&row)?
        .map(|current| current.version);
    if current != expected {
        return Err(StoreError::Conflict { current });
    }
    transaction.put(rows::revision(&config.tenant, config.version), config)?;
    transaction.put(row, config)?;
    transaction.changed(Change::StorageConfig(config.tenant.clone()));
    Ok(())
}

fn put_key<E: Engine>(
    transaction: &mut Transaction<'_, E>,
    key: &AccessKey,
    expectation: &KeyExpectation,
) -> Result<(), StoreError> {
    let row = rows::access_key(&key.id);
    let current = transaction.get::<AccessKey>(&row)?;
    match (&current, expectation) {
        (None, KeyExpectation::New) => {
            transaction.put(rows::tenant_key(&key.tenant, &key.id), &Mark {})?;
        }
        (Some(current), KeyExpectation::Replace(expected)) => {
            if current.encode()? != expected.encode()? {
                return Err(StoreError::KeyConflict);
            }
            check_key_change(current, key)?;
        }
        (Some(_), KeyExpectation::New) | (None, KeyExpectation::Replace(_)) => {
            return Err(StoreError::KeyConflict);
        }
    }
    transaction.put(row, key)?;
    transaction.changed(Change::AccessKey(key.id.clone()));
    Ok(())
}

fn check_key_change(old: &AccessKey, new: &AccessKey) -> Result<(), StoreError> {
    if old.tenant != new.tenant {
        return Err(StoreError::KeyRule("it belongs to another tenant"));
    }
    if old.status == AccessKeyStatus::Revoked {
        return Err(StoreError::KeyRule("it is revoked for good"));
    }
    let same_secret = old.secret.expose() == new.secret.expose();
    if new.secret_version < old.secret_version
        || (!same_secret && new.secret_version == old.secret_version)
    {
        return Err(StoreError::KeyRule(
            "a new secret needs a greater secret version",
        ));
    }
    Ok(())
}

fn pin<E: Engine>(
    transaction: &mut Transaction<'_, E>,
    row: Vec<u8>,
    target: TargetId,
    change: Change,
) -> Result<(), StoreError> {
    match transaction.get::<TargetId>(&row)? {
        Some(pinned) if pinned == target => Ok(()),
        Some(pinned) => Err(StoreError::PinConflict { pinned }),
        None if transaction.get::<Target>(&rows::target(&target))?.is_none() => {
            Err(StoreError::UnknownTarget(target))
        }
        None => {
            transaction.put(row, &target)?;
            transaction.changed(change);
            Ok(())
        }
    }
}

fn list<E: Engine>(
    core: &Core<E>,
    prefix: &[u8],
    after: &[u8],
    limit: usize,
) -> Result<Vec<crate::Row>, StoreError> {
    core.engine
        .scan(prefix, after, limit.min(MAX_PAGE))
        .map_err(StoreError::engine("list"))
}

fn parsed<T>(
    row: &[u8],
    prefix: &[u8],
    parse: impl Fn(String) -> Result<T, types::ParseError>,
) -> Result<T, StoreError> {
    rows::tail(row, prefix)
        .and_then(|text| parse(text.to_string()).ok())
        .ok_or_else(|| StoreError::Damaged(format!("row {} has no id", seal::name(row))))
}
