//! sled 0.34.7, contained.
//!
//! What sled does not do, and this wrapper does:
//! - `flush` writes with `sync_file_range` and never fsyncs: a power loss takes acknowledged
//!   writes. Here the file is synced after every flush, before the write is acknowledged, and
//!   before sled's recovery draws conclusions from it.
//! - It panics on damaged files, on the caller's thread and on its own. Every call is guarded,
//!   and no commit is waited for without an end.
//! - After one failed write it fails all later ones. Here it is opened again.
//! - Items above a quarter of a segment go to separate files that a sync does not cover. The store
//!   keeps its rows so small that a leaf of sled's tree stays below that.

use super::{Batch, Engine, EngineError, Row};
use std::fs::File;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, mpsc};
use std::time::{Duration, Instant};

/// Items above a quarter of this leave the log. A leaf holds 16 rows before it splits, 30 of the
/// largest rows fit.
const SEGMENT: usize = 1 << 20;
/// sled's page cache. The gateway has a cache of its own in front.
const CACHE: u64 = 64 << 20;
/// The longest that a commit is waited for.
const COMMIT_LIMIT: Duration = Duration::from_secs(30);
/// The longest that an opening is waited for, and the rate at which a large file may be read.
const OPEN_LIMIT: Duration = Duration::from_secs(60);
const OPEN_BYTES_PER_SECOND: u64 = 4 << 20;
/// sled's own threads hold its lock for a moment after it is closed.
const LOCK_LIMIT: Duration = Duration::from_secs(5);
/// Writes are refused while less than this is free: sled must not meet a full disk.
const MIN_FREE: u64 = 16 << 20;

/// An embedded database in one folder.
pub struct SledEngine {
    folder: PathBuf,
    opened: RwLock<Option<Arc<Opened>>>,
    /// A write failed: what sled shows is no longer what is stored.
    suspect: AtomicBool,
    min_free: u64,
}

struct Opened {
    db: sled::Db,
    file: File,
}

impl SledEngine {
    /// Opens the database in `folder`, which is created if need be. Its parent must exist.
    pub fn open(folder: &Path) -> Result<Self, EngineError> {
        Ok(Self {
            folder: folder.to_path_buf(),
            opened: RwLock::new(Some(Arc::new(open_and_sync(folder)?))),
            suspect: AtomicBool::new(false),
            min_free: MIN_FREE,
        })
    }

    /// Lets sled meet a full disk: for tests of that case.
    #[doc(hidden)]
    #[must_use]
    pub fn without_space_check(mut self) -> Self {
        self.min_free = 0;
        self
    }

    fn opened(&self) -> Result<Arc<Opened>, EngineError> {
        self.opened
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .ok_or_else(|| EngineError::OutOfOrder("it could not be opened again".into()))
    }

    fn refuse_if_nearly_full(&self) -> Result<(), EngineError> {
        if self.min_free == 0 {
            return Ok(());
        }
        let disk = rustix::fs::statvfs(&self.folder).map_err(std::io::Error::from)?;
        if disk.f_bavail.saturating_mul(disk.f_frsize) < self.min_free {
            return Err(EngineError::Full);
        }
        Ok(())
    }
}

impl Engine for SledEngine {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        let opened = self.opened()?;
        guarded(|| Ok(opened.db.get(key)?.map(|value| value.to_vec())))
    }

    fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Row>, EngineError> {
        let opened = self.opened()?;
        let start = if after < prefix {
            Bound::Included(prefix)
        } else {
            Bound::Excluded(after)
        };
        guarded(|| {
            let mut rows = Vec::new();
            for row in opened
                .db
                .range::<&[u8], _>((start, Bound::Unbounded))
                .take(limit)
            {
                let (key, value) = row?;
                if !key.starts_with(prefix) {
                    break;
                }
                rows.push((key.to_vec(), value.to_vec()));
            }
            Ok(rows)
        })
    }

    fn commit(&self, batch: &Batch) -> Result<(), EngineError> {
        if self.suspect.load(Ordering::Acquire) {
            return Err(EngineError::OutOfOrder("an earlier write failed".into()));
        }
        self.refuse_if_nearly_full()?;
        let opened = self.opened()?;
        let mut changes = sled::Batch::default();
        for (key, value) in batch {
            match value {
                Some(value) => changes.insert(key.as_slice(), value.as_slice()),
                None => changes.remove(key.as_slice()),
            }
        }
        self.suspect.store(true, Ordering::Release);
        within(COMMIT_LIMIT, "commit", move || {
            guarded(|| {
                opened.db.apply_batch(changes)?;
                opened.db.flush()?;
                Ok(())
            })?;
            opened.file.sync_all()?;
            Ok(())
        })?;
        self.suspect.store(false, Ordering::Release);
        Ok(())
    }

    fn reopen(&self) -> Result<bool, EngineError> {
        if !self.suspect.load(Ordering::Acquire) {
            return Ok(false);
        }
        // Closing it while the disk is full would end the reading as well.
        self.refuse_if_nearly_full()?;
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        close(opened.take());
        *opened = Some(Arc::new(open_and_sync(&self.folder)?));
        self.suspect.store(false, Ordering::Release);
        Ok(true)
    }
}

impl Drop for SledEngine {
    fn drop(&mut self) {
        let opened = self
            .opened
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        close(opened.take());
    }
}

impl std::fmt::Debug for SledEngine {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "SledEngine({})", self.folder.display())
    }
}

/// sled flushes when it is dropped, and may panic then.
fn close(opened: Option<Arc<Opened>>) {
    let closed = within(COMMIT_LIMIT, "close", move || {
        guarded(move || {
            drop(opened);
            Ok(())
        })
    });
    if let Err(error) = closed {
        tracing::warn!(%error, "the database did not close in order");
    }
}

fn open_and_sync(folder: &Path) -> Result<Opened, EngineError> {
    let path = folder.join("db");
    // After a killed process the file may be ahead of the disk. sled's recovery would note, durably,
    // what it sees; a power loss could then take back what the note relies on.
    let size = match File::open(&path) {
        Ok(file) => {
            file.sync_all()?;
            file.metadata()?.len()
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error.into()),
    };
    let limit = OPEN_LIMIT + Duration::from_secs(size / OPEN_BYTES_PER_SECOND);
    let config = sled::Config::new()
        .path(folder)
        .segment_size(SEGMENT)
        .cache_capacity(CACHE)
        .flush_every_ms(None);
    let db = within(limit, "open", move || open_when_unlocked(&config))?;
    let file = File::open(&path)?;
    file.sync_all()?;
    File::open(folder.join("conf"))?.sync_all()?;
    // The names of the files, once.
    File::open(folder.join("blobs"))?.sync_all()?;
    File::open(folder)?.sync_all()?;
    if let Some(parent) = folder.parent() {
        File::open(parent)?.sync_all()?;
    }
    Ok(Opened { db, file })
}

fn open_when_unlocked(config: &sled::Config) -> Result<sled::Db, EngineError> {
    let end = Instant::now() + LOCK_LIMIT;
    loop {
        match guarded(|| Ok(config.open()?)) {
            Err(EngineError::Locked) if Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(5));
            }
            result => return result,
        }
    }
}

/// Turns a panic of sled's into an error.
fn guarded<T>(work: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let words = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no reason given");
        Err(EngineError::Damaged(format!("sled panicked: {words}")))
    })
}

/// Does `work` on a thread of its own: when one of sled's threads has died, others wait for ever.
fn within<T: Send + 'static>(
    limit: Duration,
    doing: &str,
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    let (tell, told) = mpsc::sync_channel(1);
    std::thread::Builder::new()
        .name(format!("sled-{doing}"))
        .spawn(move || {
            let _nobody_waits_any_more = tell.send(work());
        })?;
    told.recv_timeout(limit)
        .map_err(|_| EngineError::OutOfOrder(format!("no end of {doing} in {limit:?}")))?
}

impl From<sled::Error> for EngineError {
    fn from(error: sled::Error) -> Self {
        match error {
            sled::Error::Io(error) => match error.kind() {
                std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::InvalidData => {
                    Self::Damaged(error.to_string())
                }
                std::io::ErrorKind::Other if error.to_string().contains("acquire lock") => {
                    Self::Locked
                }
                _ => error.into(),
            },
            other => Self::Damaged(other.to_string()),
        }
    }
}
