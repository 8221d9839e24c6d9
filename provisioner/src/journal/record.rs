//! What stands in the journal.

use crate::aws::Outcome;
use crate::plan::Change;
use serde::{Deserialize, Serialize};
use types::Timestamp;

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
