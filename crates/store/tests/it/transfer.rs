//! Moving a store: export, import, and rebuilding from the snapshot.

use crate::support::*;
use std::io::Write;
use std::sync::{Arc, Mutex};
use store::{MemoryStore, SledStore, Store, StoreError};

/// A place to export to.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

async fn exported(store: &impl Store) -> Vec<u8> {
    let sink = Sink::default();
    store.export(Box::new(sink.clone())).await.unwrap();
    sink.0.lock().unwrap().clone()
}

async fn a_filled_store_exports() -> Vec<u8> {
    let store = MemoryStore::over(store::MemoryEngine::default(), ring(1)).unwrap();
    fill(&store).await;
    exported(&store).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_of_an_import_is_the_same_file_across_engines() {
    let place = OnDisk::new();
    let first = place.open(ring(1)).unwrap();
    fill(&first).await;
    let from_sled = exported(&first).await;

    let in_memory = MemoryStore::import(ring(1), &mut &from_sled[..]).unwrap();
    let from_memory = exported(&in_memory).await;
    assert_eq!(from_memory, from_sled);

    let other = OnDisk::new();
    let folder = other.0.path().join("store");
    let summary = SledStore::import(&folder, &ring(1), &mut &from_memory[..]).unwrap();
    let again = SledStore::open(&folder, ring(1)).unwrap();
    assert_eq!(exported(&again).await, from_sled);
    let report = again.verify().await.unwrap();
    assert!(report.is_sound());
    assert_eq!(
        (summary.generation, summary.rows),
        (report.generation, report.rows)
    );
    let read = again
        .storage_config(&tenant("acme"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(told(&read), told(&static_config("acme", CANARY)));
}

#[tokio::test]
async fn an_export_is_sealed() {
    let bytes = a_filled_store_exports().await;
    for hidden in [CANARY, "AKIAEXAMPLE", "bucket-a", "s3.example.com"] {
        let found = bytes
            .windows(hidden.len())
            .any(|part| part == hidden.as_bytes());
        assert!(!found, "{hidden}");
    }
    assert!(matches!(
        MemoryStore::import(ring(2), &mut &bytes[..]),
        Err(StoreError::WrongKey { .. })
    ));
}

#[tokio::test]
async fn a_shortened_lengthened_or_changed_export_is_refused() {
    let sound = a_filled_store_exports().await;
    for length in 0..sound.len() {
        assert!(
            MemoryStore::import(ring(1), &mut &sound[..length]).is_err(),
            "{length}"
        );
    }
    for byte in 0..sound.len() {
        let mut changed = sound.clone();
        changed[byte] ^= 1;
        assert!(
            MemoryStore::import(ring(1), &mut &changed[..]).is_err(),
            "{byte}"
        );
    }
    let longer = [&sound[..], b"x"].concat();
    assert!(MemoryStore::import(ring(1), &mut &longer[..]).is_err());
}

#[tokio::test]
async fn an_export_of_a_newer_format_is_refused_by_name() {
    let mut bytes = a_filled_store_exports().await;
    bytes[9] = 2;
    assert!(matches!(
        MemoryStore::import(ring(1), &mut &bytes[..]),
        Err(StoreError::NewerFormat {
            found: 2,
            supported: 1
        })
    ));
}

#[tokio::test]
async fn a_refused_import_leaves_no_store_behind() {
    let sound = a_filled_store_exports().await;
    let place = OnDisk::new();
    let cut = &sound[..sound.len() - 1];
    assert!(SledStore::import(place.0.path(), &ring(1), &mut &*cut).is_err());
    let store = place.open(ring(1)).unwrap();
    assert!(store.tenants(None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_import_never_overwrites_a_store() {
    let bytes = a_filled_store_exports().await;
    let place = OnDisk::new();
    drop(place.open(ring(1)).unwrap());
    assert!(matches!(
        SledStore::import(place.0.path(), &ring(1), &mut &bytes[..]),
        Err(StoreError::AlreadyThere)
    ));
}

#[tokio::test]
async fn a_folder_is_open_in_one_process_at_a_time() {
    let place = OnDisk::new();
    let first = place.open(ring(1)).unwrap();
    let second = place.open(ring(1));
    assert!(second.is_err_and(|error| matches!(
        error,
        StoreError::Engine { source, .. } if matches!(*source, store::EngineError::Locked)
    )));
    drop(first);
    place.open(ring(1)).unwrap();
}

#[tokio::test]
async fn a_lost_database_is_never_begun_anew_and_comes_back_from_its_snapshot() {
    let place = OnDisk::new();
    let store = place.open(ring(1)).unwrap();
    fill(&store).await;
    let before = exported(&store).await;
    drop(store);
    std::fs::remove_dir_all(place.0.path().join("db")).unwrap();
    assert!(matches!(place.open(ring(1)), Err(StoreError::Damaged(_))));
    let snapshot = place.0.path().join("snapshot");
    let sound = std::fs::read(&snapshot).unwrap();
    std::fs::write(&snapshot, b"not any more").unwrap();
    assert!(matches!(place.open(ring(1)), Err(StoreError::Damaged(_))));
    std::fs::write(&snapshot, sound).unwrap();
    let recovered = SledStore::recover(place.0.path(), &ring(1)).unwrap();
    assert_eq!(recovered.moved_to, None);
    let store = place.open(ring(1)).unwrap();
    assert_eq!(exported(&store).await, before);
}

#[tokio::test]
async fn a_database_that_is_older_than_its_snapshot_is_refused() {
    let place = OnDisk::new();
    let store = place.open(ring(1)).unwrap();
    fill(&store).await;
    drop(store);
    let old = files(&place.0.path().join("db"));
    let store = place.open(ring(1)).unwrap();
    store
        .put_storage_config(config("late", 1, "bucket-a"), None)
        .await
        .unwrap();
    drop(store);
    std::fs::remove_dir_all(place.0.path().join("db")).unwrap();
    std::fs::create_dir_all(place.0.path().join("db/blobs")).unwrap();
    for (path, content) in old {
        std::fs::write(path, content).unwrap();
    }
    assert!(matches!(place.open(ring(1)), Err(StoreError::Damaged(_))));
    SledStore::recover(place.0.path(), &ring(1)).unwrap();
    let store = place.open(ring(1)).unwrap();
    assert!(
        store
            .storage_config(&tenant("late"))
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn verify_reads_the_snapshot_too() {
    let place = OnDisk::new();
    let store = place.open(ring(1)).unwrap();
    drop(store);
    let store = place.open(ring(1)).unwrap();
    assert!(store.verify().await.unwrap().is_sound());
    let path = place.0.path().join("snapshot");
    let mut content = std::fs::read(&path).unwrap();
    *content.last_mut().unwrap() ^= 1;
    std::fs::write(&path, content).unwrap();
    assert_eq!(store.verify().await.unwrap().problems.len(), 1);
}

#[tokio::test]
async fn a_damaged_snapshot_is_written_anew() {
    let place = OnDisk::new();
    let store = place.open(ring(1)).unwrap();
    fill(&store).await;
    drop(store);
    let path = place.0.path().join("snapshot");
    let sound = std::fs::read(&path).unwrap();
    let mut flipped = sound.clone();
    flipped[sound.len() / 2] ^= 1;
    for damaged in [&sound[..40], &sound[..0], &flipped] {
        std::fs::write(&path, damaged).unwrap();
        drop(place.open(ring(1)).unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), sound);
    }
}
