//! The embedded store: a folder with the database and its snapshot.
//!
//! ```text
//! lock          held while a process has the store open
//! db/           sled's files, and a reserve of disk space
//! snapshot      sealed copy of all rows, see `snapshot.rs` and `dump.rs`
//! db.damaged-n  what a recovery moved aside
//! ```

use crate::dump::{self, Contents, DumpSummary};
use crate::engine::{Batch, Engine, EngineError, SledEngine};
use crate::keyring::KeyRing;
use crate::manifest::Manifest;
use crate::seal::StoreId;
use crate::sealed::{IfEmpty, SealedStore, attach_or_begin};
use crate::snapshot::{self, Snapshot};
use crate::{SledStore, StoreError};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// How many bytes an import commits at once.
const CHUNK: usize = 1 << 20;

/// What a recovery did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// What the snapshot held.
    pub summary: DumpSummary,
    /// Where the damaged database is now, if there was one.
    pub moved_to: Option<PathBuf>,
}

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
        let if_empty = match beside {
            Some(_) if !place.database().join("db").exists() => {
                return Err(StoreError::Damaged("the database is missing".into()));
            }
            Some(_) => IfEmpty::Refuse,
            None => IfEmpty::Begin,
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

    /// Rebuilds the database in `folder` from its snapshot and moves the old one aside.
    ///
    /// Changes that are younger than the snapshot are lost; the summary names the generation that
    /// is back. It blocks.
    pub fn recover(folder: &Path, ring: &KeyRing) -> Result<Recovered, StoreError> {
        let place = Folder::take(folder)?;
        let file = File::open(place.snapshot())
            .map_err(|error| StoreError::engine("read the snapshot")(error.into()))?;
        let summary = place.build(&mut BufReader::new(file), ring)?;
        let moved_to = place.put_in_service()?;
        Ok(Recovered { summary, moved_to })
    }

    /// Makes a store in `folder`, which must not hold one, from an export. It blocks.
    pub fn import(
        folder: &Path,
        ring: &KeyRing,
        from: &mut dyn Read,
    ) -> Result<DumpSummary, StoreError> {
        let place = Folder::take(folder)?;
        if place.database().exists() || place.snapshot().exists() {
            return Err(StoreError::AlreadyThere);
        }
        let summary = place.build(&mut BufReader::new(from), ring)?;
        place.put_in_service()?;
        Ok(summary)
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
struct Folder {
    path: PathBuf,
    lock: File,
}

impl Folder {
    fn take(path: &Path) -> Result<Self, StoreError> {
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
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(StoreError::engine("take its folder")(EngineError::Locked));
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(failed(error)),
        }
        if let Some(parent) = path.parent().filter(|parent| *parent != Path::new("")) {
            let _not_ours_to_sync = File::open(parent).and_then(|parent| parent.sync_all());
        }
        Ok(Self {
            path: path.to_path_buf(),
            lock,
        })
    }

    fn database(&self) -> PathBuf {
        self.path.join("db")
    }

    fn unfinished(&self) -> PathBuf {
        self.path.join("db.new")
    }

    fn snapshot(&self) -> PathBuf {
        self.path.join("snapshot")
    }

    /// Builds a database from a dump, beside the one in service.
    fn build(&self, from: &mut dyn Read, ring: &KeyRing) -> Result<DumpSummary, StoreError> {
        let path = self.unfinished();
        if path.exists() {
            std::fs::remove_dir_all(&path)
                .map_err(|error| StoreError::engine("clear up")(error.into()))?;
        }
        let engine = SledEngine::open(&path).map_err(StoreError::engine("build"))?;
        load(&engine, ring, from)
    }

    /// Puts what was built in the place of the database.
    fn put_in_service(&self) -> Result<Option<PathBuf>, StoreError> {
        let failed = |error: std::io::Error| StoreError::engine("put in service")(error.into());
        let mut moved_to = None;
        if self.database().exists() {
            let aside = (1..)
                .map(|n: u32| self.path.join(format!("db.damaged-{n}")))
                .find(|path| !path.exists())
                .expect("there are fewer recoveries than numbers");
            std::fs::rename(self.database(), &aside).map_err(failed)?;
            moved_to = Some(aside);
        }
        std::fs::rename(self.unfinished(), self.database()).map_err(failed)?;
        File::open(&self.path)
            .and_then(|folder| folder.sync_all())
            .map_err(failed)?;
        Ok(moved_to)
    }
}

/// Copies a dump into an empty engine. The row that makes it a store comes last.
pub(crate) fn load(
    engine: &dyn Engine,
    ring: &KeyRing,
    from: &mut dyn Read,
) -> Result<DumpSummary, StoreError> {
    let failed = StoreError::engine("import");
    if !engine.scan(b"", b"", 1).map_err(&failed)?.is_empty() {
        return Err(StoreError::AlreadyThere);
    }
    let mut batch = Batch::new();
    let mut bytes = 0;
    let contents = dump::read(from, ring, &mut |(key, value)| {
        bytes += key.len() + value.len();
        batch.insert(key, Some(value));
        if bytes >= CHUNK {
            engine.commit(&batch).map_err(&failed)?;
            batch.clear();
            bytes = 0;
        }
        Ok(())
    })?;
    // The last batch holds the format row, which the reader hands over once all is proved.
    engine.commit(&batch).map_err(&failed)?;
    Ok(contents.summary())
}

impl SealedStore<crate::MemoryEngine> {
    /// A store in memory from an export: to look at one, or to test.
    pub fn import(ring: KeyRing, from: &mut dyn Read) -> Result<Self, StoreError> {
        let engine = crate::MemoryEngine::default();
        load(&engine, &ring, from)?;
        Self::over(engine, ring)
    }
}
