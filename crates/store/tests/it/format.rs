//! What is on the disk: it stays readable, and it stays where an fsync reaches it.

use crate::support::*;
use store::{KeyExpectation, MemoryStore, Store, StoreError};
use types::{ActionSet, BucketScope, Grant};

/// An export that version 1 of the format wrote, under `ring(1)`, of what `fill` writes.
const VERSION_1: &[u8] = include_bytes!("golden/version-1.export");

#[tokio::test]
async fn an_export_of_version_1_is_still_read() {
    let store = MemoryStore::import(ring(1), &mut &VERSION_1[..]).unwrap();
    assert!(store.verify().await.unwrap().is_sound());
    for name in ["acme", "beta"] {
        let config = store.storage_config(&tenant(name)).await.unwrap().unwrap();
        assert_eq!(told(&config), told(&static_config(name, CANARY)));
        let expected = access_key(&name.to_uppercase(), name);
        let key = store.access_key(&expected.id).await.unwrap().unwrap();
        assert_eq!(told_key(&key), told_key(&expected));
    }
    let pinned = store
        .job_target(&tenant("acme"), &job("job-1"), &alias("data"))
        .await
        .unwrap()
        .unwrap();
    let target_there = store.target(&pinned).await.unwrap();
    assert_eq!(target_there, Some(target("bucket-a")));
}

/// The largest key that the store takes, within one grant.
async fn put_largest_key(store: &impl Store, name: &str) {
    let mut key = access_key(name, name);
    let mut length = 8_192;
    loop {
        key.grants = vec![Grant {
            buckets: BucketScope::All,
            prefix: "p".repeat(length),
            actions: ActionSet::ReadOnly,
        }];
        match store.put_access_key(key.clone(), KeyExpectation::New).await {
            Err(StoreError::TooLarge { .. }) => length -= 16,
            result => return result.unwrap(),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn even_the_largest_records_stay_in_the_file_that_is_synced() {
    let place = OnDisk::new();
    let store = place.open(ring(1)).unwrap();
    // In an order that splits sled's leaves everywhere.
    for number in 0_u64..300 {
        let name = format!("T{}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        put_largest_key(&store, &name).await;
        let apart = std::fs::read_dir(place.0.path().join("db/blobs")).unwrap();
        assert_eq!(apart.count(), 0, "after {number}");
    }
}
