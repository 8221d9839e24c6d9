//! The one thread that writes.
//!
//! Writes that wait together are committed together, so that they share one fsync. Each sees the
//! ones before it. All are answered only after the commit; if it fails, all of them failed.

use crate::changes::Change;
use crate::engine::{Batch, Engine, EngineError};
use crate::manifest::Manifest;
use crate::snapshot::Snapshot;
use crate::transaction::{Core, Staged, Transaction};
use crate::{StoreError, rows, seal};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// How many writes may wait; more callers wait to be allowed to wait.
const QUEUE: usize = 1_024;
/// How many writes share a commit at most, and how many bytes.
const GROUP: usize = 256;
const GROUP_BYTES: usize = 1 << 20;

type Answer = Box<dyn FnOnce(Result<(), Arc<EngineError>>) + Send>;
type Job<E> = Box<dyn FnOnce(&mut Transaction<'_, E>) -> (bool, Answer) + Send>;

type Errand<E> = Box<dyn FnOnce(&mut Loop<E>) + Send>;

/// The way to the writer.
#[derive(Debug)]
pub(crate) struct Writer<E: Engine> {
    tasks: Sender<Task<E>>,
    room: Arc<Semaphore>,
}

enum Work<E: Engine> {
    Write(Job<E>),
    /// Anything that must not overlap with a write.
    Alone(Errand<E>),
}

/// Work, and its place in the queue, which is free again when the work is taken up.
type Task<E> = (Work<E>, OwnedSemaphorePermit);

impl<E: Engine> Writer<E> {
    /// Starts the thread. It ends when the handle is gone and the queue is empty.
    pub(crate) fn start(state: Loop<E>) -> std::io::Result<(Self, std::thread::JoinHandle<()>)> {
        let (tasks, queue) = channel();
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || state.run(&queue))?;
        let room = Arc::new(Semaphore::new(QUEUE));
        Ok((Self { tasks, room }, thread))
    }

    /// Runs `work` in a transaction and waits until it is durable.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Transaction<'_, E>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (tell, told) = oneshot::channel();
        let job: Job<E> = Box::new(move |transaction| {
            let result = work(transaction);
            let keep = result.is_ok();
            let answer: Answer = Box::new(move |committed| {
                let result = match committed {
                    Ok(()) => result,
                    Err(failure) => Err(StoreError::of_write(&failure)),
                };
                let _caller_gave_up = tell.send(result);
            });
            (keep, answer)
        });
        self.enter(Work::Write(job)).await?;
        told.await.map_err(|_| StoreError::Closed)?
    }

    /// Runs `work` while no write is under way.
    pub(crate) async fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Loop<E>) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let (tell, told) = oneshot::channel();
        self.enter(Work::Alone(Box::new(move |state| {
            let _caller_gave_up = tell.send(work(state));
        })))
        .await?;
        told.await.map_err(|_| StoreError::Closed)
    }

    async fn enter(&self, work: Work<E>) -> Result<(), StoreError> {
        let place = self.room.clone().acquire_owned().await;
        let place = place.map_err(|_| StoreError::Closed)?;
        self.tasks
            .send((work, place))
            .map_err(|_| StoreError::Closed)
    }
}

/// What the thread owns.
#[derive(Debug)]
pub(crate) struct Loop<E> {
    pub(crate) core: Arc<Core<E>>,
    manifest: Manifest,
    snapshot: Option<Snapshot>,
    /// A commit failed: what the engine holds must be looked at before the next one.
    failed: bool,
}

impl<E: Engine> Loop<E> {
    pub(crate) fn new(core: Arc<Core<E>>, manifest: Manifest, snapshot: Option<Snapshot>) -> Self {
        Self {
            core,
            manifest,
            snapshot,
            failed: false,
        }
    }

    fn run(mut self, queue: &Receiver<Task<E>>) {
        let mut next = None;
        while let Some(work) = next.take().or_else(|| self.wait(queue)) {
            match work {
                Work::Alone(errand) => errand(&mut self),
                Work::Write(first) => next = self.write_group(first, queue),
            }
        }
        self.catch_up_or_warn();
    }

    /// The next piece of work; meanwhile the snapshot, when it is due. `None`: the store closes.
    fn wait(&mut self, queue: &Receiver<Task<E>>) -> Option<Work<E>> {
        loop {
            let due = match &self.snapshot {
                Some(snapshot) if !self.failed => snapshot.due_in(),
                _ => None,
            };
            let received = match due {
                None => queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(due) => queue.recv_timeout(due),
            };
            match received {
                Ok((work, _place)) => return Some(work),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => self.catch_up_or_warn(),
            }
        }
    }

    /// Writes the snapshot if it is behind.
    pub(crate) fn catch_up(&mut self) -> Result<(), EngineError> {
        match &mut self.snapshot {
            // What the engine shows after a failed commit may never have been stored.
            Some(snapshot) if !self.failed => snapshot.catch_up(&self.core.engine),
            _ => Ok(()),
        }
    }

    /// The same where nobody waits for it: a failure delays it and harms nothing else.
    fn catch_up_or_warn(&mut self) {
        if let Err(error) = self.catch_up() {
            tracing::warn!(%error, "could not write the store's snapshot; trying again later");
        }
    }

    /// Commits `first` and the writes that wait behind it, up to the first one that must be alone.
    fn write_group(&mut self, first: Job<E>, queue: &Receiver<Task<E>>) -> Option<Work<E>> {
        let mut group = Group::default();
        let reopened = self.reopen_after_failure();
        let mut next = None;
        group.add(first, &self.core, self.manifest.generation + 1);
        while group.answers.len() < GROUP && group.bytes < GROUP_BYTES {
            match queue.try_recv() {
                Ok((Work::Write(job), _place)) => {
                    group.add(job, &self.core, self.manifest.generation + 1);
                }
                Ok((alone, _place)) => {
                    next = Some(alone);
                    break;
                }
                Err(_) => break,
            }
        }
        let committed = reopened
            .and_then(|_| self.commit(group.batch))
            .map_err(Arc::new);
        match &committed {
            Ok(()) => group
                .changes
                .into_iter()
                .for_each(|change| self.core.changes.send(change)),
            // The batch may be there in part or later; nobody may rely on what was cached.
            Err(_) => self.core.changes.send(Change::Everything),
        }
        for answer in group.answers {
            answer(committed.clone());
        }
        next
    }

    /// Commits rows that were sealed in the past of another database of the same store. Later
    /// batches count on from the youngest of them.
    pub(crate) fn take_over(&mut self, rows: Batch) -> Result<(), EngineError> {
        let generations = rows
            .values()
            .flatten()
            .filter_map(|row| seal::generation(row));
        let youngest = generations.max().unwrap_or_default();
        self.manifest.generation = self.manifest.generation.max(youngest);
        self.commit(rows)
    }

    /// Commits `batch` together with the manifest that lists it.
    fn commit(&mut self, mut batch: Batch) -> Result<(), EngineError> {
        if batch.is_empty() {
            return Ok(());
        }
        let next = self.manifest.after(&batch, &self.core.engine)?;
        let row = rows::manifest();
        let sealed = seal::seal(
            &self.core.ring(),
            &self.core.store,
            &row,
            next.generation,
            &next.encode(),
        )
        .map_err(|error| EngineError::OutOfOrder(error.to_string()))?;
        batch.insert(row, Some(sealed));
        if let Err(error) = self.core.engine.commit(&batch) {
            self.failed = true;
            self.after_failure(error, &batch, next.generation)?;
        }
        self.manifest = next;
        if let Some(snapshot) = &mut self.snapshot {
            snapshot.outdated();
        }
        Ok(())
    }

    /// A failed commit may have been stored all the same, or may succeed now that the engine is in
    /// order again.
    fn after_failure(
        &mut self,
        error: EngineError,
        batch: &Batch,
        generation: u64,
    ) -> Result<(), EngineError> {
        let before = self.manifest.generation;
        if !self.reopen_after_failure()? {
            return Err(error);
        }
        if self.manifest.generation == generation {
            return Ok(());
        }
        if self.manifest.generation != before {
            let words = "it is neither before nor after a failed write".to_string();
            return Err(EngineError::Damaged(words));
        }
        self.core
            .engine
            .commit(batch)
            .inspect_err(|_| self.failed = true)
    }

    /// Whether the snapshot could rebuild the store, where there is one.
    pub(crate) fn check_snapshot(&self) -> Result<(), StoreError> {
        match &self.snapshot {
            Some(snapshot) => snapshot.check(&self.core.ring()),
            None => Ok(()),
        }
    }

    /// The manifest that the rows must agree with.
    pub(crate) fn current_manifest(&self) -> Result<Manifest, StoreError> {
        if self.failed {
            // Whether the failed batch is there, only the engine knows.
            return self.core.manifest();
        }
        Ok(self.manifest.clone())
    }

    /// After a failed commit, takes what is really stored for the truth: all of the batch or
    /// nothing of it, as the manifest tells. `false`: there was no need to.
    fn reopen_after_failure(&mut self) -> Result<bool, EngineError> {
        if !self.failed {
            return Ok(false);
        }
        let reopened = self.core.engine.reopen()?;
        if reopened {
            let damaged = |error: StoreError| EngineError::Damaged(error.to_string());
            let manifest = self.core.manifest().map_err(damaged)?;
            let found = manifest.of(&self.core.engine)?;
            manifest.compare(&found).map_err(EngineError::Damaged)?;
            self.manifest = manifest;
        }
        self.failed = false;
        Ok(reopened)
    }
}

/// Writes that will be committed together.
#[derive(Default)]
struct Group {
    batch: Batch,
    bytes: usize,
    changes: Vec<Change>,
    answers: Vec<Answer>,
}

impl Group {
    fn add<E: Engine>(&mut self, job: Job<E>, core: &Core<E>, generation: u64) {
        let mut transaction = Transaction::after(&self.batch, core, generation);
        let (keep, answer) = job(&mut transaction);
        let Staged { rows, changes } = transaction.into_staged();
        if keep {
            let values = rows.values().flatten();
            self.bytes += values.map(Vec::len).sum::<usize>();
            self.batch.extend(rows);
            self.changes.extend(changes);
        }
        self.answers.push(answer);
    }
}
