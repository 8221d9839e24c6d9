//! A full disk: what was acknowledged stays, reading goes on, the process can start again, and
//! writing comes back with the space.

use crate::mount::{Mount, can_mount};
use crate::process::{ARGUMENTS, Kind, Running, assert_all_there, writer};
use crate::support::*;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use store::{SealedStore, SledEngine, SledStore, Store, StoreError};

/// Takes all space that is left on a disk but `free` bytes.
fn fill_up_to(free: usize, disk: &Mount) -> PathBuf {
    let path = disk.path().join("filling");
    let mut file = std::fs::File::create(&path).unwrap();
    let mut size = 0;
    for part in [1 << 20, 4_096] {
        let part = vec![1; part];
        while file.write_all(&part).is_ok() {
            size += part.len();
        }
    }
    file.set_len(size.saturating_sub(free) as u64).unwrap();
    path
}

async fn put(store: &impl Store, name: &str) -> Result<(), StoreError> {
    store
        .put_storage_config(config(name, 1, "bucket-a"), None)
        .await
}

async fn assert_there(store: &impl Store, names: &[String]) {
    for name in names {
        let found = store.storage_config(&tenant(name)).await.unwrap().unwrap();
        assert_eq!(told(&found), told(&config(name, 1, "bucket-a")));
    }
    assert!(store.verify().await.unwrap().is_sound());
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_reading_and_restarting_work_and_writing_comes_back() {
    if !can_mount("a full disk") {
        return;
    }
    let disk = Mount::of_memory(64);
    let folder = disk.path().join("store");
    let store = SledStore::open(&folder, ring(1)).unwrap();
    let mut names = Vec::new();
    for number in 0..100 {
        let name = format!("tenant-{number}");
        put(&store, &name).await.unwrap();
        names.push(name);
    }
    let filling = fill_up_to(0, &disk);
    let refused = put(&store, "refused").await;
    assert!(refused.is_err_and(|error| error.is_disk_full()));
    assert_there(&store, &names).await;
    drop(store);

    // Twice: the first start may use up what was put by for it.
    for _ in 0..2 {
        let store = SledStore::open(&folder, ring(1)).unwrap();
        assert_there(&store, &names).await;
        let refused = put(&store, "refused").await;
        assert!(refused.is_err_and(|error| error.is_disk_full()));
    }

    let store = SledStore::open(&folder, ring(1)).unwrap();
    std::fs::remove_file(filling).unwrap();
    put(&store, "after").await.unwrap();
    names.push("after".into());
    drop(store);
    assert_there(&SledStore::open(&folder, ring(1)).unwrap(), &names).await;
}

/// Others may take the last space between our look and sled's write.
#[tokio::test(flavor = "multi_thread")]
async fn when_sled_itself_meets_the_full_disk_nothing_acknowledged_is_lost() {
    if !can_mount("sled on a full disk") {
        return;
    }
    for free in [0, 100_000, 700_000, 3_000_000] {
        let disk = Mount::of_memory(32);
        let folder = disk.path().join("db");
        let engine = SledEngine::open(&folder).unwrap().without_space_check();
        let store = SealedStore::over(engine, ring(1)).unwrap();
        let mut names = Vec::new();
        let mut filling = None;
        let refused = loop {
            let name = format!("tenant-{}", names.len());
            match put(&store, &name).await {
                Ok(()) => names.push(name),
                Err(error) => break error,
            }
            if names.len() == 50 {
                filling = Some(fill_up_to(free, &disk));
            }
        };
        assert!(refused.is_disk_full(), "{refused:?}");
        for name in &names {
            assert!(store.storage_config(&tenant(name)).await.unwrap().is_some());
        }

        std::fs::remove_file(filling.unwrap()).unwrap();
        put(&store, "after").await.unwrap();
        names.push("after".into());
        assert_there(&store, &names).await;
        drop(store);
        let store = SealedStore::over(SledEngine::open(&folder).unwrap(), ring(1)).unwrap();
        assert_there(&store, &names).await;
    }
}

/// The same without a mount: the database file may not grow beyond 3 MiB.
#[tokio::test(flavor = "multi_thread")]
async fn when_the_database_may_not_grow_nothing_acknowledged_is_lost() {
    let place = OnDisk::new();
    drop(place.open(ring(1)).unwrap());
    let mut command = Command::new("bash");
    command
        .args(["-c", "trap '' XFSZ; ulimit -f 3072; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(ARGUMENTS)
        .envs(writer(place.0.path(), Kind::Contained, 0, 100_000));
    let mut running = Running::start(command);
    let acknowledged = std::iter::from_fn(|| running.acknowledged()).collect();
    assert!(
        !running.child.wait().unwrap().success(),
        "the limit was not reached"
    );
    assert_all_there(&place.open(ring(1)).unwrap(), &acknowledged).await;
}
