//! The sealed copy beside the database, from which it can be rebuilt.
//!
//! When it is written: after a change, as soon as the writer has nothing else to do, but so that
//! at most a tenth of the writer's time goes into it. So it is up to date a moment after the last
//! change, and under constant load it lags by ten times the time it takes to write. It never takes
//! part in acknowledging: an acknowledged change is durable in the database, and only a change
//! that is younger than the snapshot is at risk if the database file is *damaged* (not: killed,
//! powered off, full).

use crate::StoreError;
use crate::dump::{self, Contents};
use crate::engine::{Engine, EngineError};
use crate::keyring::KeyRing;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// One part of time for the snapshot, nine for writes.
const REST: u32 = 9;
/// The shortest pause between two snapshots.
const PAUSE: Duration = Duration::from_millis(50);
/// The pause after a failure (a full disk).
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(5);

/// A snapshot file and when it is due.
#[derive(Debug)]
pub(crate) struct Snapshot {
    path: PathBuf,
    /// There are changes that it does not hold.
    behind: bool,
    not_before: Instant,
}

impl Snapshot {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self {
            path,
            behind: false,
            not_before: Instant::now(),
        }
    }

    /// Whether what is on the disk could rebuild the store.
    pub(crate) fn check(&self, ring: &KeyRing) -> Result<(), StoreError> {
        match read(&self.path, ring)? {
            Some(_) => Ok(()),
            None => Err(StoreError::Damaged("the snapshot is missing".into())),
        }
    }

    /// Notes that something changed.
    pub(crate) fn outdated(&mut self) {
        self.behind = true;
    }

    /// How long the writer may wait for other work; `None` when there is nothing to write.
    pub(crate) fn due_in(&self) -> Option<Duration> {
        self.behind
            .then(|| self.not_before.saturating_duration_since(Instant::now()))
    }

    /// Writes it now if it is behind.
    pub(crate) fn catch_up(&mut self, engine: &dyn Engine) -> Result<(), EngineError> {
        if !self.behind {
            return Ok(());
        }
        let start = Instant::now();
        let result = replace(&self.path, engine);
        let end = Instant::now();
        self.behind = result.is_err();
        self.not_before = end
            + match result {
                Ok(()) => ((end - start) * REST).max(PAUSE),
                Err(_) => PAUSE_AFTER_FAILURE,
            };
        result
    }
}

/// Reads and judges the whole snapshot at `path`; `None` when there is no file.
pub(crate) fn read(path: &Path, ring: &KeyRing) -> Result<Option<Contents>, StoreError> {
    match File::open(path) {
        Ok(file) => {
            let mut file = BufReader::with_capacity(1 << 16, file);
            dump::read(&mut file, ring, &mut |_| Ok(())).map(Some)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::engine("read the snapshot")(error.into())),
    }
}

/// Written beside, synced, renamed over, and the folder synced: a reader finds the old one or the
/// new one, whole.
fn replace(path: &Path, engine: &dyn Engine) -> Result<(), EngineError> {
    let new = path.with_extension("new");
    let mut options = File::options();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options
        .open(&new)
        .map_err(EngineError::from)
        .and_then(|mut file| {
            dump::write(engine, &mut file)?;
            file.sync_all()?;
            std::fs::rename(&new, path)?;
            Ok(())
        });
    if let Err(error) = written {
        // Half a snapshot is of no use and takes room that may be short.
        let _may_not_exist = std::fs::remove_file(&new);
        return Err(error);
    }
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
