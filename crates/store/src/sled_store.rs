//! The embedded store: a folder with the database and its snapshot.
//!
//! ```text
//! lock          held while a process has the store open
//! db/           sled's files, and a reserve of disk space
//! snapshot      sealed copy of all rows, see `snapshot.rs` and `dump.rs`
//! db.damaged-n  what a recovery moved aside
//! ```

use crate::dump::Contents;
use crate::engine::{EngineError, SledEngine};
use crate::keyring::KeyRing;
use crate::manifest::Manifest;
use crate::opening::{IfEmpty, attach_or_begin};
use crate::seal::StoreId;
use crate::snapshot::{self, Snapshot};
use crate::{SledStore, StoreError};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A process that ends, or one that is just being started by this one, holds the lock a little
/// longer.
const LOCK_LIMIT: Duration = Duration::from_secs(1);

impl SledStore {
    /// Opens the store in `folder`, or begins a new one there.
    ///
    /// Keys are judged by the snapshot before sled is touched: with a wrong key nothing is
    /// written. It blocks; call it before serving, or away from the async threads.
    pub fn open(folder: &Path, ring: KeyRing) -> Result<Self, StoreError> {
        let place = Folder::take(folder)?;
        let beside = match snapshot::read(&place.snapshot(), &ring) {
            Ok(beside) => beside,
            Err(StoreError::Damaged(why)) => {
                tracing::warn!(
                    why,
                    "the store's snapshot is damaged and will be written anew"
                );
                None
            }
            Err(error) => return Err(error),
        };
        // A snapshot, even a damaged one, is only ever written beside a database with a store in it.
        let if_empty = match place.snapshot().exists() {
            true if !place.database().join("db").exists() => {
                return Err(StoreError::Damaged("the database is missing".into()));
            }
            true => IfEmpty::Refuse,
            false => IfEmpty::Begin,
        };
        let engine = SledEngine::open(&place.database()).map_err(StoreError::engine("open"))?;
        let (core, manifest) = attach_or_begin(engine, ring, if_empty)?;
        let mut copy = Snapshot::at(place.snapshot());
        if !is_copy_of(beside.as_ref(), core.store, &manifest)? {
            copy.outdated();
        }
        if let Err(error) = copy.catch_up(&core.engine) {
            tracing::warn!(%error, "could not write the store's snapshot");
        }
        Self::run(core, manifest, Some(copy), Some(place.lock))
    }
}

/// Whether the snapshot is up to date. The database may be ahead of it, never behind: then it is
/// not the one that wrote it, or an old copy.
fn is_copy_of(
    beside: Option<&Contents>,
    store: StoreId,
    manifest: &Manifest,
) -> Result<bool, StoreError> {
    match beside {
        None => Ok(false),
        Some(beside) if beside.store != store => Err(StoreError::Damaged(
            "the database and the snapshot belong to different stores".into(),
        )),
        Some(beside) if beside.manifest.generation > manifest.generation => {
            Err(StoreError::Damaged(format!(
                "the database is at generation {}, its snapshot already at {}",
                manifest.generation, beside.manifest.generation
            )))
        }
        Some(beside) => Ok(beside.manifest.generation == manifest.generation),
    }
}

/// The folder, while this process owns it.
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    lock: File,
}

impl Folder {
    pub(crate) fn take(path: &Path) -> Result<Self, StoreError> {
        let failed = |error: std::io::Error| StoreError::engine("take its folder")(error.into());
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path).map_err(failed)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("lock"))
            .map_err(failed)?;
        let end = Instant::now() + LOCK_LIMIT;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < end => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(StoreError::engine("take its folder")(EngineError::Locked));
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        if let Some(parent) = path.parent().filter(|parent| *parent != Path::new("")) {
            let _not_ours_to_sync = File::open(parent).and_then(|parent| parent.sync_all());
        }
        Ok(Self {
            path: path.to_path_buf(),
            lock,
        })
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path.join("db")
    }

    pub(crate) fn unfinished(&self) -> PathBuf {
        self.path.join("db.new")
    }

    pub(crate) fn snapshot(&self) -> PathBuf {
        self.path.join("snapshot")
    }
}
