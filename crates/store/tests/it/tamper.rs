//! Whoever can write to the database file can destroy, but cannot lie.

use crate::support::*;
use store::{Engine, MemoryEngine, MemoryStore, Row, Store, StoreError, VerifyReport};

async fn filled() -> MemoryEngine {
    let engine = MemoryEngine::default();
    let store = MemoryStore::over(engine.clone(), ring(1)).unwrap();
    fill(&store).await;
    engine
}

fn open(rows: &[Row]) -> Result<MemoryStore, StoreError> {
    MemoryStore::over(engine_of(rows), ring(1))
}

/// What `verify` says of an open store whose rows become `changed` behind its back.
async fn verify_after(changed: &[Row]) -> VerifyReport {
    opened_then_changed(changed).await.verify().await.unwrap()
}

/// A store that was opened in order, with rows that changed afterwards.
async fn opened_then_changed(changed: &[Row]) -> MemoryStore {
    let sound = original().await;
    let engine = engine_of(sound);
    let store = MemoryStore::over(engine.clone(), ring(1)).unwrap();
    let gone = sound.iter().map(|(key, _)| (key.clone(), None));
    let put = changed
        .iter()
        .map(|(key, value)| (key.clone(), Some(value.clone())));
    engine.commit(&gone.chain(put).collect()).unwrap();
    store
}

/// The rows of one filled store, the same in every test.
async fn original() -> &'static [Row] {
    static ROWS: tokio::sync::OnceCell<Vec<Row>> = tokio::sync::OnceCell::const_new();
    ROWS.get_or_init(|| async { rows(&filled().await) }).await
}

#[tokio::test]
async fn a_flip_in_any_byte_of_any_row_is_refused_at_open() {
    let sound = original().await;
    assert!(open(sound).is_ok());
    for row in 0..sound.len() {
        for byte in 0..sound[row].1.len() {
            let mut flipped = sound.to_vec();
            flipped[row].1[byte] ^= 1 << (byte % 8);
            assert!(open(&flipped).is_err(), "row {row}, byte {byte}");
        }
    }
}

#[tokio::test]
async fn a_record_that_changes_while_the_store_is_open_is_never_handed_out() {
    let sound = original().await;
    let row = sound.iter().position(|(key, _)| key == b"dacme").unwrap();
    for byte in 0..sound[row].1.len() {
        let mut flipped = sound.to_vec();
        flipped[row].1[byte] ^= 0x10;
        let store = opened_then_changed(&flipped).await;
        assert!(
            store.storage_config(&tenant("acme")).await.is_err(),
            "byte {byte}"
        );
    }
}

#[tokio::test]
async fn two_swapped_values_are_refused_on_reading_at_open_and_by_verify() {
    let sound = original().await;
    for first in 1..sound.len() {
        for second in 1..first {
            let mut swapped = sound.to_vec();
            let value = std::mem::take(&mut swapped[first].1);
            swapped[first].1 = std::mem::replace(&mut swapped[second].1, value);
            assert!(open(&swapped).is_err(), "{first} and {second}");
            let report = verify_after(&swapped).await;
            assert!(report.problems.len() >= 2, "{first} and {second}");
        }
    }
}

#[tokio::test]
async fn a_tenant_cannot_be_given_the_configuration_of_another() {
    let sound = original().await;
    let mut swapped = sound.to_vec();
    let value = |name: &[u8]| sound.iter().find(|(key, _)| key == name).unwrap().1.clone();
    for (key, content) in &mut swapped {
        if key == b"dacme" {
            *content = value(b"dbeta");
        }
    }
    let store = opened_then_changed(&swapped).await;
    let refused = store.storage_config(&tenant("acme")).await;
    assert!(matches!(refused, Err(StoreError::Damaged(_))));
}

#[tokio::test]
async fn a_missing_row_is_noticed_whichever_it_is() {
    let sound = original().await;
    for row in 0..sound.len() {
        let mut fewer = sound.to_vec();
        fewer.remove(row);
        assert!(open(&fewer).is_err(), "row {row}");
        if sound[row].0 != b"C" {
            assert!(!verify_after(&fewer).await.is_sound(), "row {row}");
        }
    }
}

#[tokio::test]
async fn a_row_from_elsewhere_is_noticed() {
    let sound = original().await;
    let stranger = rows(&filled().await);
    for row in &stranger {
        let mut more = sound.to_vec();
        match more.iter_mut().find(|(key, _)| *key == row.0) {
            Some(mine) if mine.1 != row.1 => mine.1.clone_from(&row.1),
            _ => more.push((b"dcuckoo".to_vec(), row.1.clone())),
        }
        assert!(open(&more).is_err());
        assert!(!verify_after(&more).await.is_sound());
    }
}

#[tokio::test]
async fn a_row_that_is_rolled_back_is_noticed() {
    let engine = MemoryEngine::default();
    let store = MemoryStore::over(engine.clone(), ring(1)).unwrap();
    fill(&store).await;
    let old = rows(&engine);
    let mut changed = static_config("acme", "another");
    changed.version = types::ConfigVersion(2);
    store
        .put_storage_config(changed, Some(types::ConfigVersion(1)))
        .await
        .unwrap();
    let mut rolled_back = rows(&engine);
    let before = old.iter().find(|(key, _)| key == b"dacme").unwrap();
    for (key, value) in &mut rolled_back {
        if key == b"dacme" {
            value.clone_from(&before.1);
        }
    }
    assert!(matches!(open(&rolled_back), Err(StoreError::Damaged(_))));
}

#[tokio::test]
async fn a_newer_format_is_refused_by_name() {
    let mut rows = original().await.to_vec();
    let format = rows.iter_mut().find(|(key, _)| key == b"A").unwrap();
    format.1[8..10].copy_from_slice(&2_u16.to_be_bytes());
    assert!(matches!(
        open(&rows),
        Err(StoreError::NewerFormat {
            found: 2,
            supported: 1
        })
    ));
}

#[tokio::test]
async fn no_secret_is_in_any_file_or_shown_by_debug() {
    let place = OnDisk::new();
    let store = place.open(ring(1)).unwrap();
    fill(&store).await;
    let config = store.storage_config(&tenant("acme")).await.unwrap();
    assert!(!format!("{store:?} {config:?}").contains(CANARY));
    drop(store);
    for (path, content) in files(place.0.path()) {
        let found = content
            .windows(CANARY.len())
            .any(|part| part == CANARY.as_bytes());
        assert!(!found, "{}", path.display());
    }
}
