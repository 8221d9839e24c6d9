//! Telling caches what changed.

use tokio::sync::broadcast;
use types::{AccessKeyId, JobId, TenantId};

/// How many events a receiver may fall behind before it is told to forget everything.
const BACKLOG: usize = 4_096;

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A tenant's configuration.
    StorageConfig(TenantId),
    /// An access key: created, changed, disabled, revoked.
    AccessKey(AccessKeyId),
    /// A job got pinned.
    Job(TenantId, JobId),
    /// Events were missed: forget everything that is cached.
    Everything,
}

/// A stream of [`Change`]s.
///
/// A receiver that fell behind gets [`Change::Everything`] in place of what it missed, so that a
/// cache that does what it is told can never keep a revoked key. One care is left to the cache: what
/// it began to read before an event came in may be what the event ended, and must not be kept.
#[derive(Debug)]
pub struct Changes(broadcast::Receiver<Change>);

impl Changes {
    /// The next change; `None` once the store is gone.
    pub async fn next(&mut self) -> Option<Change> {
        match self.0.recv().await {
            Ok(change) => Some(change),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Change::Everything),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }

    /// A change that has already happened, without waiting; `None` when there is none.
    pub fn try_next(&mut self) -> Option<Change> {
        match self.0.try_recv() {
            Ok(change) => Some(change),
            Err(broadcast::error::TryRecvError::Lagged(_)) => Some(Change::Everything),
            Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed) => {
                None
            }
        }
    }
}

/// The sending end, owned by the writer.
#[derive(Debug, Clone)]
pub(crate) struct ChangeSender(broadcast::Sender<Change>);

impl ChangeSender {
    pub(crate) fn new() -> Self {
        Self(broadcast::channel(BACKLOG).0)
    }

    /// Nobody listening is no error.
    pub(crate) fn send(&self, change: Change) {
        let _nobody_listens = self.0.send(change);
    }

    pub(crate) fn subscribe(&self) -> Changes {
        Changes(self.0.subscribe())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_receiver_that_fell_behind_is_told_to_forget_everything() {
        let sender = ChangeSender::new();
        let mut changes = sender.subscribe();
        let tenant = TenantId::parse("acme").unwrap();
        for _ in 0..=BACKLOG {
            sender.send(Change::StorageConfig(tenant.clone()));
        }
        assert_eq!(changes.next().await, Some(Change::Everything));
        assert_eq!(changes.next().await, Some(Change::StorageConfig(tenant)));
    }
}
