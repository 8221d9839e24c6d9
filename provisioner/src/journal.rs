//! What was intended and what was done, on disk before and after every call.
//!
//! One store per tenant: its lock is the lock of the tenant. A record is flushed to disk before
//! its call is made, so whatever a crash leaves behind is known to the next run. No record holds
//! a secret.

mod disk;
mod record;
mod remember;

pub use record::{Progress, Record, Run, RunKind, RunState};

use crate::plan::{Change, Step};
use disk::Disk;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use types::Timestamp;

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Somebody else works on this tenant.
    #[error(
        "another run works on this tenant: {holder}\nhint: wait for it, or end it; --lock-timeout waits"
    )]
    Locked {
        /// As it described itself.
        holder: String,
    },
    /// The directory or the store does not work.
    #[error("cannot use the state directory {path}: {reason}\nhint: --state-dir names another one")]
    Store {
        /// The directory.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// A record was written by a newer version, or damaged.
    #[error("a record of the journal in {path} cannot be read: {reason}")]
    Record {
        /// The directory.
        path: String,
        /// What is wrong.
        reason: String,
    },
}

/// The journal of one tenant. Holds the tenant's lock as long as it lives.
#[derive(Debug)]
pub struct Journal {
    disk: Disk,
    directory: PathBuf,
}

const RUN: &str = "run/";
const RECORD: &str = "record/";
const MADE: &str = "made/";

impl Journal {
    /// Opens the journal of `owner` below `state_dir`; `holder` describes this run to others.
    ///
    /// # Errors
    /// [`JournalError::Locked`] while another process holds it.
    pub fn open(state_dir: &Path, owner: &str, holder: &str) -> Result<Self, JournalError> {
        let directory = state_dir.join(directory_name(owner));
        let broken = |reason: String| JournalError::Store {
            path: directory.display().to_string(),
            reason,
        };
        std::fs::create_dir_all(&directory).map_err(|e| broken(e.to_string()))?;
        let disk = Disk::open(&directory.join("journal")).map_err(|error| match error {
            sled::Error::Io(io) if io.kind() == ErrorKind::WouldBlock => JournalError::Locked {
                holder: std::fs::read_to_string(directory.join("holder"))
                    .unwrap_or_else(|_| "unknown".to_string()),
            },
            other => broken(other.to_string()),
        })?;
        // Only a help for whoever finds the lock taken.
        let _ = std::fs::write(directory.join("holder"), holder);
        Ok(Self { disk, directory })
    }

    /// The interrupted run of that kind, or a new one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn begin(&self, kind: RunKind, now: Timestamp) -> Result<Run, JournalError> {
        let last = self.last_run()?;
        if let Some(run) = &last
            && run.state == RunState::Open
            && run.kind == kind
        {
            return Ok(run.clone());
        }
        let run = Run {
            id: last.map_or(1, |run| run.id + 1),
            kind,
            started: now,
            state: RunState::Open,
        };
        self.put(&run_key(run.id), &run)?;
        self.flush()?;
        Ok(run)
    }

    /// The latest run.
    ///
    /// # Errors
    /// When the store fails.
    pub fn last_run(&self) -> Result<Option<Run>, JournalError> {
        match self.disk.db.scan_prefix(RUN).next_back() {
            None => Ok(None),
            Some(Ok((_, value))) => self.decode(&value).map(Some),
            Some(Err(error)) => Err(self.broken(&error)),
        }
    }

    /// Notes, on disk, that the call of `change` is about to be made.
    ///
    /// # Errors
    /// When the store fails: then the call must not be made.
    pub fn intend(&self, run: &Run, change: &Change) -> Result<u64, JournalError> {
        let sequence = match self.disk.db.scan_prefix(records_of(run.id)).next_back() {
            None => 0,
            Some(Ok((key, _))) => sequence_of(&key) + 1,
            Some(Err(error)) => return Err(self.broken(&error)),
        };
        if let Some(name) = made_by(&change.step) {
            self.put(&format!("{MADE}{name}"), &run.id)?;
        }
        let record = Record {
            change: change.clone(),
            progress: Progress::Intended,
        };
        self.put(&record_key(run.id, sequence), &record)?;
        self.flush()?;
        Ok(sequence)
    }

    /// Notes how the call ended.
    ///
    /// # Errors
    /// When the store fails.
    pub fn settle(
        &self,
        run: &Run,
        sequence: u64,
        change: &Change,
        progress: Progress,
    ) -> Result<(), JournalError> {
        let failed = matches!(progress, Progress::Failed { .. });
        let undone = progress == Progress::Undone;
        if failed || undone {
            if let Some(name) = made_by(&change.step) {
                self.remove(&format!("{MADE}{name}"))?;
            }
        } else if let (Progress::Done { .. }, Some(name)) = (&progress, unmade_by(&change.step)) {
            self.remove(&format!("{MADE}{name}"))?;
        }
        let record = Record {
            change: change.clone(),
            progress,
        };
        self.put(&record_key(run.id, sequence), &record)?;
        self.flush()
    }

    /// Notes that the run has ended.
    ///
    /// # Errors
    /// When the store fails.
    pub fn end(&self, run: &Run, state: RunState) -> Result<(), JournalError> {
        let ended = Run {
            state,
            ..run.clone()
        };
        self.put(&run_key(run.id), &ended)?;
        self.flush()
    }

    /// The steps of a run, in the order in which they were made.
    ///
    /// # Errors
    /// When the store fails.
    pub fn records(&self, run: &Run) -> Result<Vec<(u64, Record)>, JournalError> {
        self.disk
            .db
            .scan_prefix(records_of(run.id))
            .map(|item| {
                let (key, value) = item.map_err(|error| self.broken(&error))?;
                Ok((sequence_of(&key), self.decode(&value)?))
            })
            .collect()
    }

    /// Everything that was made here, or was about to be: a crash between making a thing and
    /// tagging it leaves it without a tag, but not without this note.
    ///
    /// # Errors
    /// When the store fails.
    pub fn claims(&self) -> Result<BTreeSet<String>, JournalError> {
        self.disk
            .db
            .scan_prefix(MADE)
            .map(|item| {
                let (key, _) = item.map_err(|error| self.broken(&error))?;
                Ok(String::from_utf8_lossy(&key[MADE.len()..]).into_owned())
            })
            .collect()
    }

    /// Those of the claims whose run did not end.
    ///
    /// # Errors
    /// When the store fails.
    pub fn unfinished(&self) -> Result<BTreeSet<String>, JournalError> {
        let mut names = BTreeSet::new();
        for item in self.disk.db.scan_prefix(MADE) {
            let (key, value) = item.map_err(|error| self.broken(&error))?;
            let run: Option<Run> = match self.disk.db.get(run_key(self.decode(&value)?)) {
                Ok(run) => run.map(|run| self.decode(&run)).transpose()?,
                Err(error) => return Err(self.broken(&error)),
            };
            if run.is_some_and(|run| run.state == RunState::Open) {
                names.insert(String::from_utf8_lossy(&key[MADE.len()..]).into_owned());
            }
        }
        Ok(names)
    }

    fn parts(&self, key: &str) -> Result<BTreeMap<String, String>, JournalError> {
        match self.disk.db.get(key) {
            Ok(None) => Ok(BTreeMap::new()),
            Ok(Some(value)) => self.decode(&value),
            Err(error) => Err(self.broken(&error)),
        }
    }

    fn put(&self, key: &str, value: &impl Serialize) -> Result<(), JournalError> {
        let text = serde_json::to_vec(value).map_err(|error| JournalError::Record {
            path: self.directory.display().to_string(),
            reason: error.to_string(),
        })?;
        self.disk
            .db
            .insert(key, text)
            .map(drop)
            .map_err(|error| self.broken(&error))
    }

    fn remove(&self, key: &str) -> Result<(), JournalError> {
        self.disk
            .db
            .remove(key)
            .map(drop)
            .map_err(|error| self.broken(&error))
    }

    fn decode<T: DeserializeOwned>(&self, value: &[u8]) -> Result<T, JournalError> {
        serde_json::from_slice(value).map_err(|error| JournalError::Record {
            path: self.directory.display().to_string(),
            reason: error.to_string(),
        })
    }

    fn flush(&self) -> Result<(), JournalError> {
        self.disk.flush().map_err(|error| self.broken(&error))
    }

    fn broken(&self, error: &sled::Error) -> JournalError {
        JournalError::Store {
            path: self.directory.display().to_string(),
            reason: error.to_string(),
        }
    }
}

/// A name that every file system can hold, and that no two owners share.
fn directory_name(owner: &str) -> String {
    let digest = hex::encode(&Sha256::digest(owner.as_bytes())[..4]);
    format!("{}-{digest}", owner.replace('/', "."))
}

fn run_key(id: u64) -> String {
    format!("{RUN}{id:020}")
}

fn records_of(run: u64) -> String {
    format!("{RECORD}{run:020}/")
}

fn record_key(run: u64, sequence: u64) -> String {
    format!("{}{sequence:020}", records_of(run))
}

fn sequence_of(key: &[u8]) -> u64 {
    std::str::from_utf8(key)
        .ok()
        .and_then(|text| text.rsplit('/').next())
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}

/// The names that a step brings into the world.
fn made_by(step: &Step) -> Option<&str> {
    match step {
        Step::CreateBucket { bucket, .. } => Some(bucket),
        Step::CreateRole { role, .. } => Some(role),
        Step::CreatePolicy { arn, .. } => Some(arn),
        Step::CreateInstanceProfile { name, .. } => Some(name),
        _ => None,
    }
}

/// The names that a step takes out of it.
fn unmade_by(step: &Step) -> Option<&str> {
    match step {
        Step::DeleteBucket { bucket } => Some(bucket),
        Step::DeleteRole { role } => Some(role),
        Step::DeletePolicy { arn } => Some(arn),
        Step::DeleteInstanceProfile { name } => Some(name),
        _ => None,
    }
}
