//! An engine whose commit fails, and what callers and caches are told then.

use crate::support::*;
use std::sync::{Arc, Mutex};
use store::{
    Batch, Change, Engine, EngineError, MemoryEngine, Row, SealedStore, Store, StoreError,
};

/// What an engine does that says that a commit failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Good,
    /// It stores nothing, every time.
    Fails,
    /// It stores nothing, once.
    FailsOnce,
    /// It has stored it all the same.
    Lies,
}

/// Reopening shows what is stored.
#[derive(Debug, Clone)]
struct Moody {
    stored: MemoryEngine,
    mood: Arc<Mutex<Mood>>,
}

impl Moody {
    fn becomes(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }
}

impl Engine for Moody {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.stored.get(key)
    }

    fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Row>, EngineError> {
        self.stored.scan(prefix, after, limit)
    }

    fn commit(&self, batch: &Batch) -> Result<(), EngineError> {
        let mut mood = self.mood.lock().unwrap();
        match *mood {
            Mood::Good => return self.stored.commit(batch),
            Mood::Lies => self.stored.commit(batch)?,
            Mood::Fails => {}
            Mood::FailsOnce => *mood = Mood::Good,
        }
        Err(EngineError::Full)
    }

    fn reopen(&self) -> Result<bool, EngineError> {
        Ok(true)
    }
}

async fn opened() -> (Moody, SealedStore<Moody>) {
    let engine = Moody {
        stored: MemoryEngine::default(),
        mood: Arc::new(Mutex::new(Mood::Good)),
    };
    let store = SealedStore::over(engine.clone(), ring(1)).unwrap();
    put(&store, "acme").await.unwrap();
    (engine, store)
}

async fn put(store: &impl Store, name: &str) -> Result<(), StoreError> {
    store
        .put_storage_config(config(name, 1, "bucket-a"), None)
        .await
}

/// Says so now, and after the store was closed and opened.
async fn assert_holds(engine: Moody, store: SealedStore<Moody>, names: &[&str]) {
    let names: Vec<_> = names.iter().map(|name| tenant(name)).collect();
    assert!(store.verify().await.unwrap().is_sound());
    assert_eq!(store.tenants(None, 10).await.unwrap(), names);
    drop(store);
    let store = SealedStore::over(engine, ring(1)).unwrap();
    assert_eq!(store.tenants(None, 10).await.unwrap(), names);
}

#[tokio::test]
async fn a_failed_commit_is_told_to_the_caller_and_empties_the_caches() {
    let (engine, store) = opened().await;
    let mut changes = store.changes();
    engine.becomes(Mood::Fails);
    assert!(
        put(&store, "beta")
            .await
            .is_err_and(|error| error.is_disk_full())
    );
    assert_eq!(changes.try_next(), Some(Change::Everything));
    assert!(
        store
            .storage_config(&tenant("acme"))
            .await
            .unwrap()
            .is_some()
    );
    assert!(put(&store, "beta").await.is_err());

    engine.becomes(Mood::Good);
    put(&store, "gamma").await.unwrap();
    assert_holds(engine, store, &["acme", "gamma"]).await;
}

#[tokio::test]
async fn a_commit_that_fails_once_is_done_again() {
    let (engine, store) = opened().await;
    let mut changes = store.changes();
    engine.becomes(Mood::FailsOnce);
    put(&store, "beta").await.unwrap();
    assert_eq!(
        changes.try_next(),
        Some(Change::StorageConfig(tenant("beta")))
    );
    assert_holds(engine, store, &["acme", "beta"]).await;
}

#[tokio::test]
async fn a_commit_that_failed_but_is_stored_is_done() {
    let (engine, store) = opened().await;
    engine.becomes(Mood::Lies);
    put(&store, "beta").await.unwrap();
    engine.becomes(Mood::Good);
    put(&store, "gamma").await.unwrap();
    assert_holds(engine, store, &["acme", "beta", "gamma"]).await;
}
