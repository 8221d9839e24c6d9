//! The one thread that writes.
//!
//! Writes that wait together are committed together, so that they share one fsync. Each sees the
//! ones before it. All are answered only after the commit; if it fails, all of them failed.

use crate::changes::{Change, ChangeSender};
use crate::engine::{Batch, Engine, EngineError};
use crate::keyring::KeyRing;
use crate::manifest::Manifest;
use crate::records::Record;
use crate::seal::StoreId;
use crate::{StoreError, rows, seal};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::{mpsc, oneshot};

/// How many writes may wait; more callers wait to be allowed to wait.
const QUEUE: usize = 1_024;
/// How many writes share a commit at most.
const GROUP: usize = 256;

/// What readers and the writer share.
#[derive(Debug)]
pub(crate) struct Core<E> {
    pub(crate) engine: E,
    pub(crate) store: StoreId,
    ring: RwLock<Arc<KeyRing>>,
    pub(crate) changes: ChangeSender,
}

impl<E: Engine> Core<E> {
    pub(crate) fn new(engine: E, store: StoreId, ring: KeyRing) -> Self {
        Self {
            engine,
            store,
            ring: RwLock::new(Arc::new(ring)),
            changes: ChangeSender::new(),
        }
    }

    pub(crate) fn ring(&self) -> Arc<KeyRing> {
        self.ring
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn read<R: Record>(&self, row: &[u8]) -> Result<Option<R>, StoreError> {
        let sealed = self.engine.get(row).map_err(StoreError::engine("read"))?;
        match sealed {
            None => Ok(None),
            Some(sealed) => {
                let content = seal::open(&self.ring(), &self.store, row, &sealed)?;
                R::decode(&content).map(Some)
            }
        }
    }
}

/// What a write does: it reads and stages through the transaction and says what it changed.
pub(crate) struct Transaction<'a, E> {
    core: &'a Core<E>,
    ring: Arc<KeyRing>,
    generation: u64,
    /// Staged by the writes before this one in the group.
    before: &'a Batch,
    staged: Batch,
    changes: Vec<Change>,
}

impl<E: Engine> Transaction<'_, E> {
    /// The record at `row`, as it will be when the writes before this one are committed.
    pub(crate) fn get<R: Record>(&self, row: &[u8]) -> Result<Option<R>, StoreError> {
        let staged = self.staged.get(row).or_else(|| self.before.get(row));
        match staged {
            None => self.core.read(row),
            Some(None) => Ok(None),
            Some(Some(sealed)) => {
                let content = seal::open(&self.ring, &self.core.store, row, sealed)?;
                R::decode(&content).map(Some)
            }
        }
    }

    /// Stages a record.
    pub(crate) fn put(&mut self, row: Vec<u8>, record: &impl Record) -> Result<(), StoreError> {
        let sealed = seal::seal(
            &self.ring,
            &self.core.store,
            &row,
            self.generation,
            &record.encode()?,
        )?;
        self.staged.insert(row, Some(sealed));
        Ok(())
    }

    /// Announces a change once it is durable.
    pub(crate) fn changed(&mut self, change: Change) {
        self.changes.push(change);
    }
}

type Answer = Box<dyn FnOnce(Result<(), Arc<EngineError>>) + Send>;
type Job<E> = Box<dyn FnOnce(&mut Transaction<'_, E>) -> (bool, Answer) + Send>;

type Errand<E> = Box<dyn FnOnce(&mut Loop<E>) + Send>;

/// The way to the writer.
#[derive(Debug)]
pub(crate) struct Writer<E: Engine> {
    queue: mpsc::Sender<Task<E>>,
}

enum Task<E: Engine> {
    Write(Job<E>),
    /// Anything that must not overlap with a write.
    Alone(Errand<E>),
}

impl<E: Engine> Writer<E> {
    /// Starts the thread. It ends when the last handle is gone and the queue is empty.
    pub(crate) fn start(
        core: Arc<Core<E>>,
        manifest: Manifest,
    ) -> std::io::Result<(Self, std::thread::JoinHandle<()>)> {
        let (queue, tasks) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || Loop { core, manifest }.run(tasks))?;
        Ok((Self { queue }, thread))
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
                    Err(source) => Err(StoreError::Engine {
                        doing: "write",
                        source,
                    }),
                };
                let _caller_gave_up = tell.send(result);
            });
            (keep, answer)
        });
        self.enter(Task::Write(job)).await?;
        told.await.map_err(|_| StoreError::Closed)?
    }

    /// Runs `work` while no write is under way.
    pub(crate) async fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Loop<E>) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let (tell, told) = oneshot::channel();
        self.enter(Task::Alone(Box::new(move |state| {
            let _caller_gave_up = tell.send(work(state));
        })))
        .await?;
        told.await.map_err(|_| StoreError::Closed)
    }

    async fn enter(&self, task: Task<E>) -> Result<(), StoreError> {
        self.queue.send(task).await.map_err(|_| StoreError::Closed)
    }
}

/// What the thread owns.
pub(crate) struct Loop<E> {
    pub(crate) core: Arc<Core<E>>,
    pub(crate) manifest: Manifest,
}

impl<E: Engine> Loop<E> {
    fn run(mut self, mut tasks: mpsc::Receiver<Task<E>>) {
        let mut next = tasks.blocking_recv();
        while let Some(task) = next.take() {
            match task {
                Task::Alone(work) => work(&mut self),
                Task::Write(first) => {
                    let mut group = vec![first];
                    while group.len() < GROUP {
                        match tasks.try_recv() {
                            Ok(Task::Write(job)) => group.push(job),
                            Ok(alone) => {
                                next = Some(alone);
                                break;
                            }
                            Err(_) => break,
                        }
                    }
                    self.commit_group(group);
                }
            }
            if next.is_none() {
                next = tasks.blocking_recv();
            }
        }
    }

    fn commit_group(&mut self, group: Vec<Job<E>>) {
        let mut batch = Batch::new();
        let mut changes = Vec::new();
        let mut answers = Vec::with_capacity(group.len());
        let ring = self.core.ring();
        for job in group {
            let mut transaction = Transaction {
                core: &self.core,
                ring: ring.clone(),
                generation: self.manifest.generation + 1,
                before: &batch,
                staged: Batch::new(),
                changes: Vec::new(),
            };
            let (keep, answer) = job(&mut transaction);
            let Transaction {
                staged,
                changes: announced,
                ..
            } = transaction;
            if keep {
                batch.extend(staged);
                changes.extend(announced);
            }
            answers.push(answer);
        }
        let committed = self.commit(batch).map_err(Arc::new);
        if committed.is_ok() {
            changes
                .into_iter()
                .for_each(|change| self.core.changes.send(change));
        }
        for answer in answers {
            answer(committed.clone());
        }
    }

    /// Commits `batch` together with the manifest that lists it.
    pub(crate) fn commit(&mut self, mut batch: Batch) -> Result<(), EngineError> {
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
        self.core.engine.commit(&batch)?;
        self.manifest = next;
        Ok(())
    }
}
