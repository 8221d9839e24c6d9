//! Opening sled and closing it, and keeping its panics and its silence to ourselves.

use crate::EngineError;
use std::fs::File;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

/// Items above a quarter of this leave the log. A leaf holds 16 rows before it splits, 30 of the
/// largest rows fit.
const SEGMENT: usize = 1 << 20;
/// sled's page cache. The gateway has a cache of its own in front.
const CACHE: u64 = 64 << 20;
/// The longest that an opening is waited for, and the rate at which a large file may be read.
const OPEN_LIMIT: Duration = Duration::from_secs(60);
const OPEN_BYTES_PER_SECOND: u64 = 4 << 20;
/// The longest that a closing is waited for.
const CLOSE_LIMIT: Duration = Duration::from_secs(30);
/// sled's own threads hold its lock for a moment after it is closed.
const LOCK_LIMIT: Duration = Duration::from_secs(5);
/// Room for some segments and a recovery note: what sled needs to open.
const RESERVE: usize = 4 << 20;

/// An open database and the file that holds it.
pub(super) struct Opened {
    pub(super) db: sled::Db,
    pub(super) file: File,
}

/// Opens the database in `folder`; on a full disk with the room of the reserve.
pub(super) fn open(folder: &Path) -> Result<Opened, EngineError> {
    if !folder.exists() {
        create(folder)?;
    }
    let reserve = reserve(folder);
    let opened = match open_and_sync(folder) {
        Err(EngineError::Full) if reserve.exists() => {
            tracing::warn!("the disk is full: giving up the store's reserve to open it");
            std::fs::remove_file(reserve)?;
            open_and_sync(folder)
        }
        result => result,
    };
    if opened.is_ok()
        && let Err(error) = keep_reserve(folder)
    {
        tracing::warn!(%error, "no room for the whole of the store's reserve");
    }
    opened
}

/// Creates a database beside and moves it into place when all of it is durable: one that a power
/// loss left half created does not open, and is not empty either.
fn create(folder: &Path) -> Result<(), EngineError> {
    let mut begun = folder.as_os_str().to_owned();
    begun.push(".begun");
    let begun = PathBuf::from(begun);
    if begun.exists() {
        std::fs::remove_dir_all(&begun)?;
    }
    close(Some(Arc::new(open_and_sync(&begun)?)));
    std::fs::rename(&begun, folder)?;
    sync_parent(folder)?;
    Ok(())
}

/// sled flushes when it is dropped, and may panic then.
pub(super) fn close(opened: Option<Arc<Opened>>) {
    let closed = within(CLOSE_LIMIT, "close", move || {
        guarded(move || {
            drop(opened);
            Ok(())
        })
    });
    if let Err(error) = closed {
        tracing::warn!(%error, "the database did not close in order");
    }
}

/// Turns a panic of sled's into an error.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
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
pub(super) fn within<T: Send + 'static>(
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
    remove_unfinished_notes(folder)?;
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
    sync_parent(folder)?;
    Ok(Opened { db, file })
}

fn sync_parent(folder: &Path) -> std::io::Result<()> {
    match folder.parent() {
        Some(parent) if parent != Path::new("") => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// sled writes what it recovered to `snap.N.generating`, syncs it and renames it to `snap.N`. Before
/// the rename the file is of no use; after it, it is not there.
fn remove_unfinished_notes(folder: &Path) -> std::io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "generating") {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
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

fn reserve(folder: &Path) -> PathBuf {
    folder.join("reserve")
}

/// Sees to the reserve: as much of it as there is room for.
fn keep_reserve(folder: &Path) -> std::io::Result<()> {
    let path = reserve(folder);
    if path
        .metadata()
        .is_ok_and(|file| file.len() >= RESERVE as u64)
    {
        return Ok(());
    }
    // Not zeros: some file systems store those as nothing.
    let filling = vec![0xA5; 1 << 16];
    let mut file = File::create(path)?;
    for _ in 0..RESERVE / filling.len() {
        file.write_all(&filling)?;
    }
    file.sync_all()
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
