//! What can go wrong, in words for the operator.

use crate::engine::EngineError;
use crate::keyring::KeyId;
use std::sync::Arc;
use types::{ConfigVersion, TargetId};

/// Why the store refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else changed the configuration first. Read it again and decide anew.
    #[error("the storage configuration is at {}, not where the change expected it", describe(.current))]
    Conflict {
        /// The revision that is there.
        current: Option<ConfigVersion>,
    },
    /// The new revision is not the one after the expected one.
    #[error("revision {given:?} cannot follow {}", describe(.expected))]
    Revision {
        /// The revision of the record to write.
        given: ConfigVersion,
        /// What the caller expected to be there.
        expected: Option<ConfigVersion>,
    },
    /// The access key is not as the change expected it: there already, gone, or changed.
    #[error("the access key is not as the change expected it")]
    KeyConflict,
    /// The change breaks a rule that every access key obeys.
    #[error("the access key cannot change like this: {0}")]
    KeyRule(&'static str),
    /// The job is pinned already, elsewhere.
    #[error("the job is pinned to target {pinned} already")]
    PinConflict {
        /// Where it is pinned.
        pinned: TargetId,
    },
    /// A pin to a target that was never stored.
    #[error("target {0} is not stored")]
    UnknownTarget(TargetId),
    /// The record is larger than the store takes.
    #[error("the record has more than {limit} bytes")]
    TooLarge {
        /// The most that a record may have, in bytes.
        limit: usize,
    },
    /// A record or the whole store is not what was written.
    #[error(
        "the store is damaged: {0}; it can be rebuilt from its snapshot by an explicit recovery"
    )]
    Damaged(String),
    /// The records are sealed under a key that the ring does not hold, or holds wrongly.
    #[error("the store is sealed under key {needed}, which is not among the given keys")]
    WrongKey {
        /// The key that is needed.
        needed: KeyId,
    },
    /// An import would overwrite a store.
    #[error("there is a store already; import into an empty place")]
    AlreadyThere,
    /// A later version of this software wrote the store.
    #[error("the store has format {found}; this version reads up to {supported}")]
    NewerFormat {
        /// What was found.
        found: u16,
        /// The newest that is understood.
        supported: u16,
    },
    /// The engine could not do it; what was acknowledged before is safe.
    #[error("the store could not {doing}")]
    Engine {
        /// What we were doing.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: Arc<EngineError>,
    },
    /// The machine gave no random numbers.
    #[error("no randomness for sealing")]
    Randomness,
    /// The store is shut down.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    pub(crate) fn engine(doing: &'static str) -> impl Fn(EngineError) -> Self {
        move |source| match source {
            EngineError::Damaged(why) => Self::Damaged(why),
            source => Self::Engine {
                doing,
                source: Arc::new(source),
            },
        }
    }

    /// The one failure of a commit, for each of the writes that it carried.
    pub(crate) fn of_write(failure: &Arc<EngineError>) -> Self {
        match &**failure {
            EngineError::Damaged(why) => Self::Damaged(why.clone()),
            _ => Self::Engine {
                doing: "write",
                source: failure.clone(),
            },
        }
    }

    /// Whether the disk had no room: writes are refused until there is, reads go on.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Engine { source, .. } if matches!(**source, EngineError::Full))
    }
}

fn describe(version: &Option<ConfigVersion>) -> String {
    match version {
        Some(version) => format!("revision {}", version.0),
        None => "no revision".to_string(),
    }
}
