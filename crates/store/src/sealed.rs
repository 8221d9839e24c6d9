//! The typed layer over any engine: opening, and the [`Store`] itself.

use crate::dump;
use crate::engine::{Batch, Engine, MemoryEngine};
use crate::keyring::KeyRing;
use crate::manifest::{Manifest, SCAN};
use crate::records::{Mark, Record, target_id};
use crate::rotate;
use crate::rows;
use crate::seal::{self, StoreId};
use crate::snapshot::Snapshot;
use crate::verify::verify;
use crate::writer::{Core, Loop, Transaction, Writer};
use crate::{Change, Changes, KeyExpectation, MAX_PAGE, Store, StoreError, VerifyReport};
use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use types::{
    AccessKey, AccessKeyId, AccessKeyStatus, BucketAlias, ConfigVersion, JobId, StorageConfig,
    Target, TargetId, TenantId,
};

/// The newest on-disk format that this version reads and the one that it writes.
pub(crate) const FORMAT: u16 = 1;
const MAGIC: &[u8; 8] = b"byos-kv\0";
pub(crate) const CHECK: &[u8] = b"this store opens with this key";

/// The typed layer over an engine; see the crate's documentation for what it promises.
pub struct SealedStore<E: Engine> {
    core: Arc<Core<E>>,
    writer: Option<Writer<E>>,
    thread: Option<std::thread::JoinHandle<()>>,
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

/// Whether an engine without rows is a new store or one that was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfEmpty {
    Begin,
    Refuse,
}

pub(crate) fn attach_or_begin<E: Engine>(
    engine: E,
    ring: KeyRing,
    if_empty: IfEmpty,
) -> Result<(Core<E>, Manifest), StoreError> {
    let format = engine
        .get(&rows::format())
        .map_err(StoreError::engine("open"))?;
    match (format, if_empty) {
        (Some(format), _) => attach(engine, ring, &format),
        (None, IfEmpty::Begin) => begin(engine, ring),
        (None, IfEmpty::Refuse) => Err(StoreError::Damaged("the database is empty".into())),
    }
}

/// Takes an existing store into service: format, keys, manifest, rows, in this order.
fn attach<E: Engine>(
    engine: E,
    ring: KeyRing,
    format: &[u8],
) -> Result<(Core<E>, Manifest), StoreError> {
    let store = parse_format(format)?;
    let checks = engine
        .scan(&rows::checks(), b"", SCAN)
        .map_err(StoreError::engine("open"))?;
    check_keys(&checks, &ring, &store)?;
    let core = Core::new(engine, store, ring);
    let manifest = core.manifest()?;
    let found = manifest
        .of(&core.engine)
        .map_err(StoreError::engine("open"))?;
    manifest.compare(&found).map_err(StoreError::Damaged)?;
    Ok((core, manifest))
}

/// Writes the first rows of a new store.
fn begin<E: Engine>(engine: E, ring: KeyRing) -> Result<(Core<E>, Manifest), StoreError> {
    let failed = StoreError::engine("begin");
    if !engine.scan(b"", b"", 1).map_err(&failed)?.is_empty() {
        return Err(StoreError::Damaged("the format row is missing".into()));
    }
    let mut store = StoreId::default();
    getrandom::fill(&mut store).map_err(|_| StoreError::Randomness)?;
    let check = rows::check(ring.id());
    let sealed = seal::seal(&ring, &store, &check, 1, CHECK)?;
    let mut batch = Batch::new();
    batch.insert(rows::format(), Some(format_row(&store)));
    batch.insert(check, Some(sealed));
    let manifest = Manifest::empty()?.after(&batch, &engine).map_err(&failed)?;
    let row = rows::manifest();
    let sealed = seal::seal(&ring, &store, &row, 1, &manifest.encode())?;
    batch.insert(row, Some(sealed));
    engine.commit(&batch).map_err(&failed)?;
    Ok((Core::new(engine, store, ring), manifest))
}

fn format_row(store: &StoreId) -> Vec<u8> {
    [&MAGIC[..], &FORMAT.to_be_bytes(), store].concat()
}

pub(crate) fn parse_format(row: &[u8]) -> Result<StoreId, StoreError> {
    let damaged = || StoreError::Damaged("the format row is not one of ours".into());
    let rest = row.strip_prefix(&MAGIC[..]).ok_or_else(damaged)?;
    let (format, store) = rest.split_first_chunk().ok_or_else(damaged)?;
    match u16::from_be_bytes(*format) {
        FORMAT => store.try_into().map_err(|_| damaged()),
        found if found > FORMAT => Err(StoreError::NewerFormat {
            found,
            supported: FORMAT,
        }),
        _ => Err(damaged()),
    }
}

/// Every key in use must be in the ring and be the right one.
pub(crate) fn check_keys(
    checks: &[crate::Row],
    ring: &KeyRing,
    store: &StoreId,
) -> Result<(), StoreError> {
    if checks.is_empty() {
        return Err(StoreError::Damaged("no key check value is there".into()));
    }
    for (row, sealed) in checks {
        let needed = rows::check_id(row)
            .ok_or_else(|| StoreError::Damaged("a key check value has a strange name".into()))?;
        if ring.find(needed).is_none() {
            return Err(StoreError::WrongKey { needed });
        }
        if **seal::open(ring, store, row, sealed)? != *CHECK {
            return Err(StoreError::Damaged("a key check value is strange".into()));
        }
    }
    Ok(())
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
        if self.core.read::<Target>(&row)?.is_none() {
            self.writer()
                .write(move |transaction| match transaction.get::<Target>(&row)? {
                    Some(_) => Ok(()),
                    None => transaction.put(row, &target),
                })
                .await?;
        }
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
