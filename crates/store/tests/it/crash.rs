//! Killed processes.

use crate::process::{ARGUMENTS, Kind, Running, assert_all_there, writer};
use crate::support::*;
use std::collections::BTreeSet;
use std::process::Command;
use store::Store;

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_write_is_lost_when_the_process_is_killed() {
    let mut place = OnDisk::new();
    let mut acknowledged = BTreeSet::new();
    let mut in_all = 0;
    let rounds = 12 * effort() as u64;
    for round in 0..rounds {
        // Several times in the same folder, and then not for ever, as it only grows.
        if round % 6 == 0 {
            place = OnDisk::new();
            acknowledged = BTreeSet::new();
        }
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(ARGUMENTS)
            .envs(writer(place.0.path(), Kind::Contained, round, 1_000_000));
        let mut running = Running::start(command);
        // Sometimes at once, sometimes in the middle of many.
        for _ in 0..1 + round * round % 97 {
            acknowledged.insert(
                running
                    .acknowledged()
                    .expect("the writer goes on until killed"),
            );
        }
        acknowledged.extend(running.kill());

        let store = place.open(ring(1)).unwrap();
        assert_all_there(&store, &acknowledged).await;
        in_all += acknowledged.len() as u64;
    }
    assert!(in_all > rounds);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_the_snapshot_alone_brings_back_a_sound_store() {
    let place = OnDisk::new();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(ARGUMENTS)
        .envs(writer(place.0.path(), Kind::Contained, 0, 1_000_000));
    let mut running = Running::start(command);
    for _ in 0..200 {
        running.acknowledged().unwrap();
    }
    running.kill();
    std::fs::remove_dir_all(place.0.path().join("db")).unwrap();
    store::SledStore::recover(place.0.path(), &ring(1)).unwrap();
    let store = place.open(ring(1)).unwrap();
    assert!(store.verify().await.unwrap().is_sound());
}
