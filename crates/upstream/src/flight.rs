//! Single flight: many want a value, one fetches it, nobody's cancellation stops the others.

use std::future::Future;
use std::sync::Mutex;
use tokio::sync::watch;

/// At most one piece of work at a time.
///
/// The work runs as a task of its own: a caller that goes away neither cancels it nor makes the
/// next caller begin again. It stores its result itself; this only says when it is over.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    running: Mutex<Option<watch::Receiver<()>>>,
}

/// Waits for the end of one flight.
#[derive(Debug)]
pub(crate) struct Landing(watch::Receiver<()>);

impl Flight {
    /// Joins the running flight, or starts `work`.
    pub(crate) fn join<F>(&self, work: impl FnOnce() -> F) -> Landing
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut running = self.lock();
        if let Some(landing) = running.as_ref().filter(|it| it.has_changed().is_ok()) {
            return Landing(landing.clone());
        }
        let (sender, receiver) = watch::channel(());
        *running = Some(receiver.clone());
        let work = work();
        tokio::spawn(async move {
            work.await;
            // Dropping the sender is the signal; a panic in the work drops it too.
            drop(sender);
        });
        Landing(receiver)
    }

    /// Whether someone is on the way.
    pub(crate) fn is_running(&self) -> bool {
        self.lock()
            .as_ref()
            .is_some_and(|it| it.has_changed().is_ok())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<watch::Receiver<()>>> {
        self.running
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Landing {
    /// Returns when the work is over, however it ended.
    pub(crate) async fn wait(mut self) {
        // Nothing is ever sent: the only news is that the sender is gone.
        while self.0.changed().await.is_ok() {}
    }
}
