//! The byte level: what a database must be able to do to carry the store.

mod memory;
mod sled;

pub use memory::MemoryEngine;
pub use sled::SledEngine;

use std::collections::BTreeMap;

/// A key and its sealed value.
pub type Row = (Vec<u8>, Vec<u8>);

/// Puts (`Some`) and deletions (`None`), by key.
pub type Batch = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Why an engine failed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No room on the disk.
    #[error("the disk is full")]
    Full,
    /// The operating system refused.
    #[error("input or output failed")]
    Io(#[source] std::io::Error),
    /// The database noticed that its file is not what it wrote.
    #[error("the database file is damaged: {0}")]
    Damaged(String),
    /// Another process has the database open.
    #[error("another process has the database open")]
    Locked,
    /// An earlier write failed and the database could not be opened again since.
    #[error("the database is out of order since an earlier failure: {0}")]
    OutOfOrder(String),
}

/// An ordered map from bytes to bytes with atomic, durable batches.
///
/// Only one thread at a time calls `commit`; `get` and `scan` come from any thread.
pub trait Engine: Send + Sync + std::fmt::Debug + 'static {
    /// The value at `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError>;

    /// At most `limit` rows whose key begins with `prefix` and is greater than `after`, in order.
    fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Row>, EngineError>;

    /// Applies all of `batch` or nothing. `Ok` means: it survives power loss.
    ///
    /// After an error the batch may still be found later: call [`Engine::reopen`].
    fn commit(&self, batch: &Batch) -> Result<(), EngineError>;

    /// Called after a failed `commit` and before the next one: brings the engine back to what is
    /// really stored. `true` when that may differ from what was there before the failure.
    fn reopen(&self) -> Result<bool, EngineError> {
        Ok(false)
    }
}

impl From<std::io::Error> for EngineError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull
            | std::io::ErrorKind::QuotaExceeded
            | std::io::ErrorKind::FileTooLarge => Self::Full,
            _ => Self::Io(error),
        }
    }
}
