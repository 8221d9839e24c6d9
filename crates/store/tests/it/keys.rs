//! Key-encryption keys: the right one, the wrong one, and changing it while the store is in use.

use crate::support::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use store::{Engine, MemoryEngine, MemoryStore, Store, StoreError};

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_refuses_to_start_and_writes_nothing() {
    let place = OnDisk::new();
    let store = place.open(ring(1)).unwrap();
    fill(&store).await;
    drop(store);
    let before = files(place.0.path());
    match place.open(ring(2)) {
        Err(StoreError::WrongKey { needed }) => assert_eq!(needed, ring(1).id()),
        result => panic!("{result:?}"),
    }
    assert_eq!(files(place.0.path()), before);
    assert!(
        place
            .open(ring(1))
            .unwrap()
            .verify()
            .await
            .unwrap()
            .is_sound()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_noticed_without_the_snapshot_too() {
    let place = OnDisk::new();
    let store = place.open(ring(1)).unwrap();
    fill(&store).await;
    drop(store);
    std::fs::remove_file(place.0.path().join("snapshot")).unwrap();
    assert!(matches!(
        place.open(ring(2)),
        Err(StoreError::WrongKey { .. })
    ));
    assert!(!place.0.path().join("snapshot").exists());
    assert!(
        place
            .open(ring(1))
            .unwrap()
            .verify()
            .await
            .unwrap()
            .is_sound()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_rotation_the_old_key_opens_nothing() {
    let place = OnDisk::new();
    let store = place.open(ring(1)).unwrap();
    fill(&store).await;
    let records = store.verify().await.unwrap().rows - 2;
    assert_eq!(store.rotate_kek(ring(2)).await.unwrap(), records);
    assert!(store.verify().await.unwrap().is_sound());
    drop(store);
    let before = files(place.0.path());
    match place.open(ring(1)) {
        Err(StoreError::WrongKey { needed }) => assert_eq!(needed, ring(2).id()),
        result => panic!("{result:?}"),
    }
    assert_eq!(files(place.0.path()), before);
    let store = place.open(ring(2)).unwrap();
    let read = store
        .storage_config(&tenant("acme"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(told(&read), told(&static_config("acme", CANARY)));
}

#[tokio::test]
async fn after_a_rotation_no_row_names_the_old_key() {
    let engine = MemoryEngine::default();
    let store = MemoryStore::over(engine.clone(), ring(1)).unwrap();
    fill(&store).await;
    let old = hex::decode(ring(1).id().to_string()).unwrap();
    let names_it = |(key, value): &store::Row| [&key[1..], &value[1..9]].contains(&&old[..]);
    assert!(rows(&engine).iter().any(names_it));
    store.rotate_kek(ring(2)).await.unwrap();
    assert!(!rows(&engine).iter().any(names_it));
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_and_writing_go_on_during_a_rotation() {
    let place = OnDisk::new();
    let store = Arc::new(place.open(ring(1)).unwrap());
    for number in 0..500 {
        let name = format!("tenant-{number}");
        store
            .put_storage_config(config(&name, 1, "bucket-a"), None)
            .await
            .unwrap();
    }
    let done = Arc::new(AtomicBool::new(false));
    let traffic = {
        let (store, done) = (store.clone(), done.clone());
        tokio::spawn(async move {
            let mut written = 0;
            while !done.load(Ordering::Relaxed) {
                for number in (0..500).step_by(7) {
                    let name = tenant(&format!("tenant-{number}"));
                    assert!(store.storage_config(&name).await.unwrap().is_some());
                }
                let name = format!("late-{written}");
                store
                    .put_storage_config(config(&name, 1, "bucket-b"), None)
                    .await
                    .unwrap();
                written += 1;
            }
            written
        })
    };
    for key in 2..6 {
        store.rotate_kek(ring(key)).await.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    let written = traffic.await.unwrap();
    drop(store);
    let store = place.open(ring(5)).unwrap();
    assert!(store.verify().await.unwrap().is_sound());
    assert_eq!(
        store.tenants(None, 1_000).await.unwrap().len(),
        (500 + written).min(1_000)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rotations_at_the_same_time_take_turns() {
    let engine = MemoryEngine::default();
    let store = MemoryStore::over(engine.clone(), ring(1)).unwrap();
    for number in 0..300 {
        let name = format!("tenant-{number}");
        let config = config(&name, 1, "bucket-a");
        store.put_storage_config(config, None).await.unwrap();
    }
    let (first, second) = tokio::join!(store.rotate_kek(ring(2)), store.rotate_kek(ring(3)));
    assert_eq!((first.unwrap(), second.unwrap()), (600, 600));
    assert!(store.verify().await.unwrap().is_sound());
    drop(store);
    MemoryStore::over(engine, ring(3)).unwrap();
}

/// Fails its commits after the first `left`.
#[derive(Debug)]
struct Dying {
    engine: MemoryEngine,
    left: std::sync::atomic::AtomicUsize,
}

impl Engine for Dying {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, store::EngineError> {
        self.engine.get(key)
    }

    fn scan(
        &self,
        prefix: &[u8],
        after: &[u8],
        limit: usize,
    ) -> Result<Vec<store::Row>, store::EngineError> {
        self.engine.scan(prefix, after, limit)
    }

    fn commit(&self, batch: &store::Batch) -> Result<(), store::EngineError> {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            return Err(store::EngineError::Full);
        }
        self.left.store(left - 1, Ordering::Relaxed);
        self.engine.commit(batch)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_ends_midway_is_finished_by_doing_it_again() {
    let engine = MemoryEngine::default();
    let store = MemoryStore::over(engine.clone(), ring(1)).unwrap();
    for number in 0..400 {
        let name = format!("tenant-{number}");
        store
            .put_storage_config(config(&name, 1, "bucket-a"), None)
            .await
            .unwrap();
    }
    drop(store);
    let sound = rows(&engine);
    let mut steps = 0;
    loop {
        let engine = engine_of(&sound);
        let dying = Dying {
            engine: engine.clone(),
            left: steps.into(),
        };
        let store = store::SealedStore::over(dying, ring(1)).unwrap();
        let finished = store.rotate_kek(ring(2)).await.is_ok();
        drop(store);

        let both = ring(2).with_previous(&ring(1));
        let store = MemoryStore::over(engine.clone(), both).unwrap();
        store.rotate_kek(ring(2)).await.unwrap();
        drop(store);
        let store = MemoryStore::over(engine, ring(2)).unwrap();
        assert!(
            store.verify().await.unwrap().is_sound(),
            "after {steps} steps"
        );
        if finished {
            break;
        }
        steps += 1;
    }
    assert!(
        steps >= 7,
        "a rotation of 800 rows takes several steps, not {steps}"
    );
}
