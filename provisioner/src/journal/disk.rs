//! sled's files, and what it takes for a write to outlive a power loss.
//!
//! sled writes with `sync_file_range`, which a power loss does not respect, and takes the note of
//! a recovery that was broken off for a whole one; see docs/decisions/0003-sled-contained.md.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// A process that is being started may hold the lock of the one that starts it for a moment.
const LOCK_LINGERS: Duration = Duration::from_millis(500);

/// An open store, whose writes reach the disk.
#[derive(Debug)]
pub(super) struct Disk {
    pub(super) db: sled::Db,
    file: File,
    // Given up last.
    _lock: File,
}

impl Disk {
    /// Opens the store in `folder`, or makes it; [`io::ErrorKind::WouldBlock`] while somebody else
    /// has it open.
    pub(super) fn open(folder: &Path) -> sled::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let lock = lock(&folder.join("lock"))?;
        let path = folder.join("db");
        // Recovery must not rely on what the disk does not have yet.
        if let Ok(file) = File::open(&path) {
            file.sync_all()?;
        }
        remove_unfinished_notes(folder)?;
        let db = open_when_closed(folder)?;
        let file = File::open(&path)?;
        file.sync_all()?;
        // The names of the files, once.
        for name in ["conf", "blobs", ".", ".."] {
            File::open(folder.join(name))?.sync_all()?;
        }
        Ok(Self {
            db,
            file,
            _lock: lock,
        })
    }

    /// Returns when everything that was written is on the disk.
    pub(super) fn flush(&self) -> sled::Result<()> {
        self.db.flush()?;
        Ok(self.file.sync_all()?)
    }
}

fn lock(path: &Path) -> io::Result<File> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if started.elapsed() < LOCK_LINGERS => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// sled lets its own lock go a moment after it is closed.
fn open_when_closed(folder: &Path) -> sled::Result<sled::Db> {
    let started = Instant::now();
    loop {
        let opened = sled::Config::new()
            .path(folder)
            .cache_capacity(4 << 20)
            .flush_every_ms(None)
            .open();
        match opened {
            Err(sled::Error::Io(error))
                if error.to_string().contains("lock") && started.elapsed() < LOCK_LINGERS =>
            {
                std::thread::sleep(Duration::from_millis(20));
            }
            other => return other,
        }
    }
}

/// sled writes what it recovered to `snap.N.generating` and renames it at the end. Under the lock
/// nobody is at it any more.
fn remove_unfinished_notes(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "generating") {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}
