//! What one write sees and stages.

use crate::changes::{Change, ChangeSender};
use crate::engine::{Batch, Engine};
use crate::keyring::KeyRing;
use crate::manifest::Manifest;
use crate::records::Record;
use crate::seal::StoreId;
use crate::{StoreError, rows, seal};
use std::sync::{Arc, PoisonError, RwLock};

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

    pub(crate) fn set_ring(&self, ring: KeyRing) {
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
    }

    /// The manifest as it is stored.
    pub(crate) fn manifest(&self) -> Result<Manifest, StoreError> {
        let row = rows::manifest();
        let sealed = self
            .engine
            .get(&row)
            .map_err(StoreError::engine("open"))?
            .ok_or_else(|| StoreError::Damaged("the manifest is missing".into()))?;
        Manifest::decode(&seal::open(&self.ring(), &self.store, &row, &sealed)?)
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
    staged: Staged,
}

/// What a transaction leaves behind.
#[derive(Default)]
pub(crate) struct Staged {
    pub(crate) rows: Batch,
    pub(crate) changes: Vec<Change>,
}

impl<'a, E: Engine> Transaction<'a, E> {
    /// The one that follows what is staged in `before`, and is part of the same batch.
    pub(crate) fn after(before: &'a Batch, core: &'a Core<E>, generation: u64) -> Self {
        Self {
            core,
            ring: core.ring(),
            generation,
            before,
            staged: Staged::default(),
        }
    }

    pub(crate) fn into_staged(self) -> Staged {
        self.staged
    }

    /// The record at `row`, as it will be when the writes before this one are committed.
    pub(crate) fn get<R: Record>(&self, row: &[u8]) -> Result<Option<R>, StoreError> {
        match self.sealed(row)? {
            None => Ok(None),
            Some(sealed) => R::decode(&self.open(row, &sealed)?).map(Some),
        }
    }

    /// Stages a record.
    pub(crate) fn put(&mut self, row: Vec<u8>, record: &impl Record) -> Result<(), StoreError> {
        let sealed = self.seal(&row, &record.encode()?)?;
        self.stage(row, Some(sealed));
        Ok(())
    }

    /// What [`Transaction::get`] would open.
    pub(crate) fn sealed(&self, row: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.staged.rows.get(row).or_else(|| self.before.get(row)) {
            Some(staged) => Ok(staged.clone()),
            None => self.engine().get(row).map_err(StoreError::engine("read")),
        }
    }

    pub(crate) fn seal(&self, row: &[u8], content: &[u8]) -> Result<Vec<u8>, StoreError> {
        seal::seal(&self.ring, &self.core.store, row, self.generation, content)
    }

    pub(crate) fn open(&self, row: &[u8], sealed: &[u8]) -> Result<seal::Clear, StoreError> {
        seal::open(&self.ring, &self.core.store, row, sealed)
    }

    /// What is stored, without what is staged.
    pub(crate) fn engine(&self) -> &E {
        &self.core.engine
    }

    pub(crate) fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// Stages sealed bytes, or a deletion.
    pub(crate) fn stage(&mut self, row: Vec<u8>, sealed: Option<Vec<u8>>) {
        self.staged.rows.insert(row, sealed);
    }

    /// Announces a change once it is durable.
    pub(crate) fn changed(&mut self, change: Change) {
        self.staged.changes.push(change);
    }
}
