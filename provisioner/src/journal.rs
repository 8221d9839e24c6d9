//! What was intended and what was done, on disk before and after every call.
//!
//! One store per tenant: its lock is the lock of the tenant. A record is flushed to disk before
//! its call is made, so whatever a crash leaves behind is known to the next run. No record holds
//! a secret.

use crate::aws::Outcome;
use crate::plan::{Change, Step};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
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

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// Makes things as desired.
    Apply,
    /// Takes things down.
    Destroy,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Under way, or interrupted.
    Open,
    /// Everything was done.
    Finished,
    /// Everything was undone.
    RolledBack,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its number; later runs have greater ones.
    pub id: u64,
    /// What it does.
    pub kind: RunKind,
    /// When it began.
    pub started: Timestamp,
    /// How far it is.
    pub state: RunState,
}

/// How far one step is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Progress {
    /// The call may or may not have been made.
    Intended,
    /// The call succeeded.
    Done {
        /// What it said.
        outcome: Outcome,
    },
    /// The call failed for good.
    Failed {
        /// The store's code.
        code: Option<String>,
    },
    /// What it did was undone.
    Undone,
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The change, with its step and its inverse.
    pub change: Change,
    /// How far it is.
    pub progress: Progress,
}

/// The journal of one tenant. Holds the tenant's lock as long as it lives.
#[derive(Debug)]
pub struct Journal {
    db: sled::Db,
    directory: PathBuf,
}

const RUN: &str = "run/";
const RECORD: &str = "record/";
const MADE: &str = "made/";
const APPLIED: &str = "applied";
const TERRAFORM: &str = "terraform";
const REFUSED: &str = "refused";

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
        let db = open_store(&directory.join("journal")).map_err(|error| match error {
            sled::Error::Io(io) if is_lock_error(&io) => JournalError::Locked {
                holder: std::fs::read_to_string(directory.join("holder"))
                    .unwrap_or_else(|_| "unknown".to_string()),
            },
            other => broken(other.to_string()),
        })?;
        // Only a help for whoever finds the lock taken.
        let _ = std::fs::write(directory.join("holder"), holder);
        Ok(Self { db, directory })
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
        match self.db.scan_prefix(RUN).next_back() {
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
        let sequence = match self.db.scan_prefix(records_of(run.id)).next_back() {
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
        self.db
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
        self.db
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
        for item in self.db.scan_prefix(MADE) {
            let (key, value) = item.map_err(|error| self.broken(&error))?;
            let run: Option<Run> = match self.db.get(run_key(self.decode(&value)?)) {
                Ok(run) => run.map(|run| self.decode(&run)).transpose()?,
                Err(error) => return Err(self.broken(&error)),
            };
            if run.is_some_and(|run| run.state == RunState::Open) {
                names.insert(String::from_utf8_lossy(&key[MADE.len()..]).into_owned());
            }
        }
        Ok(names)
    }

    /// Remembers what was applied last: a digest for each part.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remember_applied(&self, parts: &BTreeMap<String, String>) -> Result<(), JournalError> {
        self.put(APPLIED, parts)?;
        self.flush()
    }

    /// What was applied last.
    ///
    /// # Errors
    /// When the store fails.
    pub fn applied(&self) -> Result<BTreeMap<String, String>, JournalError> {
        self.parts(APPLIED)
    }

    /// Remembers what the store refused to take: a digest of what was asked for, for each part.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remember_refused(&self, parts: &BTreeMap<String, String>) -> Result<(), JournalError> {
        self.put(REFUSED, parts)?;
        self.flush()
    }

    /// What the store refused to take.
    ///
    /// # Errors
    /// When the store fails.
    pub fn refused(&self) -> Result<BTreeMap<String, String>, JournalError> {
        self.parts(REFUSED)
    }

    /// Forgets what was applied and what was refused: it was taken down, or undone.
    ///
    /// # Errors
    /// When the store fails.
    pub fn forget_applied(&self) -> Result<(), JournalError> {
        self.put(REFUSED, &BTreeMap::<String, String>::new())?;
        self.remember_applied(&BTreeMap::new())
    }

    /// Remembers that Terraform holds the set-up, with its configuration in `folder`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn hold_by_terraform(&self, folder: &Path) -> Result<(), JournalError> {
        self.put(TERRAFORM, &folder)?;
        self.flush()
    }

    /// Where the configuration is when Terraform holds the set-up. Who deletes the folder has taken
    /// it out of Terraform's hands.
    ///
    /// # Errors
    /// When the store fails.
    pub fn held_by_terraform(&self) -> Result<Option<PathBuf>, JournalError> {
        let folder = match self.db.get(TERRAFORM) {
            Ok(None) => return Ok(None),
            Ok(Some(value)) => self.decode::<PathBuf>(&value)?,
            Err(error) => return Err(self.broken(&error)),
        };
        Ok(folder.is_dir().then_some(folder))
    }

    /// Forgets that Terraform holds the set-up: it is gone.
    ///
    /// # Errors
    /// When the store fails.
    pub fn release_by_terraform(&self) -> Result<(), JournalError> {
        self.remove(TERRAFORM)?;
        self.flush()
    }

    fn parts(&self, key: &str) -> Result<BTreeMap<String, String>, JournalError> {
        match self.db.get(key) {
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
        self.db
            .insert(key, text)
            .map(drop)
            .map_err(|error| self.broken(&error))
    }

    fn remove(&self, key: &str) -> Result<(), JournalError> {
        self.db
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
        self.db
            .flush()
            .map(drop)
            .map_err(|error| self.broken(&error))
    }

    fn broken(&self, error: &sled::Error) -> JournalError {
        JournalError::Store {
            path: self.directory.display().to_string(),
            reason: error.to_string(),
        }
    }
}

/// The store lets its lock go a moment after it is closed, and a process that is just being
/// started may hold it as long as that takes.
const LOCK_LINGERS: Duration = Duration::from_millis(500);

fn open_store(path: &Path) -> sled::Result<sled::Db> {
    let started = Instant::now();
    loop {
        let opened = sled::Config::new()
            .path(path)
            .cache_capacity(4 << 20)
            .flush_every_ms(None)
            .open();
        match opened {
            Err(sled::Error::Io(io)) if is_lock_error(&io) && started.elapsed() < LOCK_LINGERS => {
                std::thread::sleep(Duration::from_millis(20));
            }
            other => return other,
        }
    }
}

fn is_lock_error(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::WouldBlock || error.to_string().contains("lock")
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
