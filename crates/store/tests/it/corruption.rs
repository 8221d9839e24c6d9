//! Damaged files: noticed or harmless, never believed, and repaired from the snapshot.

use crate::support::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use store::{Engine, KeyExpectation, SledEngine, SledStore, Store, StoreError};
use types::{AccessKeyStatus, ConfigVersion};

const TENANTS: u64 = 60;
const REVISIONS: u64 = 4;

/// The files of a closed store with some hundred records.
async fn sound_files() -> BTreeMap<PathBuf, Vec<u8>> {
    let place = OnDisk::new();
    for revision in 1..=REVISIONS {
        // Opened anew for each revision, so that sled has written recovery notes.
        let store = place.open(ring(1)).unwrap();
        for number in 0..TENANTS {
            let config = expected(number, revision);
            let before = (revision > 1).then(|| ConfigVersion(revision - 1));
            store.put_storage_config(config, before).await.unwrap();
        }
    }
    let root = place.0.path();
    files(root)
        .into_iter()
        .map(|(path, content)| (path.strip_prefix(root).unwrap().to_path_buf(), content))
        .collect()
}

fn expected(number: u64, revision: u64) -> types::StorageConfig {
    let name = format!("tenant-{number}");
    config(&name, revision, &format!("bucket-{number}-{revision}"))
}

fn lay_out(files: &BTreeMap<PathBuf, Vec<u8>>) -> OnDisk {
    let place = OnDisk::new();
    std::fs::create_dir_all(place.0.path().join("db/blobs")).unwrap();
    for (path, content) in files {
        std::fs::write(place.0.path().join(path), content).unwrap();
    }
    place
}

async fn assert_complete(store: &impl Store) {
    for number in 0..TENANTS {
        for revision in 1..=REVISIONS {
            let version = ConfigVersion(revision);
            let expected = expected(number, revision);
            let found = store.storage_config_at(&expected.tenant, version).await;
            assert_eq!(told(&found.unwrap().unwrap()), told(&expected));
        }
        let current = expected(number, REVISIONS);
        let found = store
            .storage_config(&current.tenant)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(told(&found), told(&current));
    }
    assert!(store.verify().await.unwrap().is_sound());
}

/// Numbers that look random and are the same in every run.
fn numbers(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move |end| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as usize % end
    }
}

/// Flips some bytes in the part that is in use, or cuts the file short.
fn damage(content: &mut Vec<u8>, seed: u64) {
    let mut below = numbers(seed);
    let used = content
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(1, |last| last + 1);
    if seed % 4 == 3 {
        content.truncate(below(used));
        return;
    }
    let start = below(used);
    let length = [1, 32, 512][seed as usize % 3];
    for byte in content.iter_mut().skip(start).take(length) {
        *byte ^= 1 + below(255) as u8;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_noticed_or_harmless_and_the_store_comes_back_from_its_snapshot() {
    let sound = sound_files().await;
    let of_sled: Vec<_> = sound
        .keys()
        .filter(|path| path.starts_with("db") && !sound[*path].is_empty())
        .collect();
    let mut noticed = 0;
    let seeds = 90 * effort() as u64;
    for seed in 0..seeds {
        // Two of three hit the data, the others the notes beside it.
        let path = match seed % 3 {
            2 => of_sled[(seed / 3) as usize % of_sled.len()].clone(),
            _ => PathBuf::from("db/db"),
        };
        let mut damaged = sound.clone();
        damage(damaged.get_mut(&path).unwrap(), seed);
        let place = lay_out(&damaged);
        match place.open(ring(1)) {
            Ok(store) => assert_complete(&store).await,
            Err(StoreError::Damaged(_)) => noticed += 1,
            Err(error) => panic!("seed {seed}, {}: {error:?}", path.display()),
        }
        let recovered = SledStore::recover(place.0.path(), &ring(1)).unwrap();
        assert!(recovered.moved_to.unwrap().join("db").exists());
        assert_complete(&place.open(ring(1)).unwrap()).await;
    }
    assert!(noticed > seeds / 3, "{noticed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_takes_over_what_is_younger_than_the_snapshot_and_sound() {
    let place = OnDisk::new();
    let store = place.open(ring(1)).unwrap();
    fill(&store).await;
    drop(store);
    let path = place.0.path().join("snapshot");
    let old_snapshot = std::fs::read(&path).unwrap();

    let store = place.open(ring(1)).unwrap();
    let key = access_key("ACME", "acme");
    let mut revoked = key.clone();
    revoked.status = AccessKeyStatus::Revoked;
    let expectation = KeyExpectation::Replace(Box::new(key));
    store
        .put_access_key(revoked.clone(), expectation)
        .await
        .unwrap();
    store
        .put_storage_config(expected(1, 1), None)
        .await
        .unwrap();
    store
        .put_storage_config(expected(2, 1), None)
        .await
        .unwrap();
    drop(store);
    std::fs::write(&path, old_snapshot).unwrap();
    spoil_row(&place.0.path().join("db"), b"dtenant-1");

    assert!(matches!(place.open(ring(1)), Err(StoreError::Damaged(_))));
    let recovered = SledStore::recover(place.0.path(), &ring(1)).unwrap();
    // The key; two revisions and one current configuration of two.
    assert_eq!(recovered.salvaged, 4);
    let store = place.open(ring(1)).unwrap();
    assert!(store.verify().await.unwrap().is_sound());
    let found = store.access_key(&revoked.id).await.unwrap().unwrap();
    assert_eq!(found.status, AccessKeyStatus::Revoked);
    assert!(
        store
            .storage_config(&tenant("tenant-1"))
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        store
            .storage_config(&tenant("tenant-2"))
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        store
            .storage_config(&tenant("acme"))
            .await
            .unwrap()
            .is_some()
    );
}

/// Changes one bit of one row, behind the back of everything above sled.
fn spoil_row(folder: &Path, row: &[u8]) {
    let engine = SledEngine::open(folder).unwrap();
    let mut value = engine.get(row).unwrap().unwrap();
    *value.last_mut().unwrap() ^= 1;
    engine
        .commit(&[(row.to_vec(), Some(value))].into())
        .unwrap();
}

#[tokio::test]
async fn a_recovery_note_that_a_crash_left_unfinished_is_no_obstacle() {
    let mut found = sound_files().await;
    for content in [&b""[..], b"half a note"] {
        let path = Path::new("db/snap.7FFFFFFFFFFFFFFF.generating");
        found.insert(path.to_path_buf(), content.to_vec());
        assert_complete(&lay_out(&found).open(ring(1)).unwrap()).await;
    }
}

#[tokio::test]
async fn a_damaged_snapshot_is_no_base_for_a_recovery() {
    let sound = sound_files().await;
    for seed in 0..40 {
        let mut damaged = sound.clone();
        damage(damaged.get_mut(Path::new("snapshot")).unwrap(), seed);
        let place = lay_out(&damaged);
        let refused = SledStore::recover(place.0.path(), &ring(1));
        assert!(refused.is_err(), "seed {seed}");
        // The database itself is sound, and must be left alone.
        assert_complete(&place.open(ring(1)).unwrap()).await;
    }
}
