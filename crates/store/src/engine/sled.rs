//! sled 0.34.7, contained.
//!
//! What sled does not do, and this wrapper does:
//! - `flush` writes with `sync_file_range` and never fsyncs: a power loss takes acknowledged
//!   writes. Here the file is synced after every flush, before the write is acknowledged, and
//!   before sled's recovery draws conclusions from it.
//! - It panics on damaged files, on the caller's thread and on its own. Every call is guarded,
//!   and no commit is waited for without an end.
//! - After one failed write it fails everything later. Here it is opened again.
//! - It does not open on a full disk. Here writes are refused before the disk is full, and a
//!   reserve is given up when it is.
//! - A crash while it recovers leaves half a recovery note behind, which it takes for a whole one
//!   and then refuses to open. Here such a note is removed first.
//! - Items above a quarter of a segment go to separate files that a sync does not cover. The store
//!   keeps its rows so small that a leaf of sled's tree stays below that.

mod opening;

use super::{Batch, Engine, EngineError, Row};
use opening::{Opened, close, guarded, open, within};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// The longest that a commit is waited for.
const COMMIT_LIMIT: Duration = Duration::from_secs(30);
/// Writes are refused while less than this is free: sled must not meet a full disk.
const MIN_FREE: u64 = 16 << 20;
/// The pause between two attempts to open a database that does not open any more.
const PAUSE: Duration = Duration::from_secs(1);

/// An embedded database in one folder.
pub struct SledEngine {
    folder: PathBuf,
    /// `None`: it failed and did not open again.
    opened: RwLock<Option<Arc<Opened>>>,
    state: Mutex<State>,
    min_free: u64,
}

#[derive(Debug)]
struct State {
    /// It was opened again after a failure; what it holds must be looked at before a commit.
    reopened: bool,
    /// The disk did not take what it was given.
    unsafe_to_write: bool,
    last_opening: Instant,
}

impl SledEngine {
    /// Opens the database in `folder`, which is created if need be. Its parent must exist.
    pub fn open(folder: &Path) -> Result<Self, EngineError> {
        Ok(Self {
            folder: folder.to_path_buf(),
            opened: RwLock::new(Some(Arc::new(open(folder)?))),
            state: Mutex::new(State {
                reopened: false,
                unsafe_to_write: false,
                last_opening: Instant::now(),
            }),
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

    /// After a failed write, sled fails reading as well, until it is opened anew.
    fn read<T>(
        &self,
        work: impl Fn(&sled::Db) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let failed = match self.current() {
            Some(opened) => match guarded(|| work(&opened.db)) {
                Err(error @ (EngineError::Full | EngineError::Io(_))) => error,
                result => return result,
            },
            None => out_of_order(),
        };
        {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if state.last_opening.elapsed() < PAUSE {
                return Err(failed);
            }
            self.open_again(&mut state);
        }
        let opened = self.current().ok_or_else(out_of_order)?;
        guarded(|| work(&opened.db))
    }

    fn current(&self) -> Option<Arc<Opened>> {
        self.opened
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn open_again(&self, state: &mut State) {
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        close(opened.take());
        match open(&self.folder) {
            Ok(new) => *opened = Some(Arc::new(new)),
            Err(error) => tracing::error!(%error, "the database does not open after a failure"),
        }
        state.reopened = true;
        state.last_opening = Instant::now();
    }

    fn refuse_if_nearly_full(&self) -> Result<(), EngineError> {
        let disk = rustix::fs::statvfs(&self.folder).map_err(std::io::Error::from)?;
        if disk.f_bavail.saturating_mul(disk.f_frsize) < self.min_free {
            return Err(EngineError::Full);
        }
        Ok(())
    }
}

impl Engine for SledEngine {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.read(|db| Ok(db.get(key)?.map(|value| value.to_vec())))
    }

    fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Row>, EngineError> {
        let start = if after < prefix {
            Bound::Included(prefix)
        } else {
            Bound::Excluded(after)
        };
        self.read(|db| {
            let mut rows = Vec::new();
            for row in db.range::<&[u8], _>((start, Bound::Unbounded)).take(limit) {
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
        self.refuse_if_nearly_full()?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.reopened {
            return Err(EngineError::OutOfOrder("an earlier write failed".into()));
        }
        let opened = self.current().ok_or_else(out_of_order)?;
        let mut changes = sled::Batch::default();
        for (key, value) in batch {
            match value {
                Some(value) => changes.insert(key.as_slice(), value.as_slice()),
                None => changes.remove(key.as_slice()),
            }
        }
        let flushed = within(COMMIT_LIMIT, "commit", move || {
            guarded(|| {
                opened.db.apply_batch(changes)?;
                opened.db.flush()?;
                Ok(())
            })?;
            Ok(opened.file.sync_all())
        });
        // After a failed sync the kernel may call pages clean that never reached the disk, and the
        // next sync succeeds: nothing that is written from here on could be promised.
        state.unsafe_to_write |= matches!(flushed, Ok(Err(_)) | Err(EngineError::Io(_)));
        let committed = flushed.and_then(|synced| Ok(synced?));
        if committed.is_err() {
            self.open_again(&mut state);
        }
        committed
    }

    fn reopen(&self) -> Result<bool, EngineError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.unsafe_to_write {
            let words = "the disk failed; check it, then start again";
            return Err(EngineError::OutOfOrder(words.into()));
        }
        if self.current().is_none() {
            self.open_again(&mut state);
        }
        if self.current().is_none() {
            return Err(out_of_order());
        }
        Ok(std::mem::take(&mut state.reopened))
    }
}

fn out_of_order() -> EngineError {
    EngineError::OutOfOrder("it did not open again".into())
}

impl Drop for SledEngine {
    fn drop(&mut self) {
        let opened = self.opened.get_mut();
        close(opened.unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl std::fmt::Debug for SledEngine {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "SledEngine({})", self.folder.display())
    }
}
