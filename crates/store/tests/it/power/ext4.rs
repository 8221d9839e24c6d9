//! The same question to a system that we did not write: ext4 on a loop device, whose image is
//! copied while the writer stands still, and mounted as after a power loss.
//!
//! It is kinder than the model (what ext4 has sent to the device counts as stored), and it is
//! real.

use crate::mount::{Mount, can_mount};
use crate::process::{ARGUMENTS, Kind, Running, Written, assert_all_there, raw_key, writer};
use crate::support::{effort, ring};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One trial for each number of acknowledged writes.
fn trials() -> impl Iterator<Item = u64> {
    (0..6 * effort() as u64).map(|trial| 1 + trial * trial * 10 % 397)
}

/// An image with what was on the disk at some moment, and what had been acknowledged by then.
struct Wreck {
    _folder: tempfile::TempDir,
    image: PathBuf,
    acknowledged: BTreeSet<Written>,
}

fn run(program: &str, arguments: &[&dyn AsRef<std::ffi::OsStr>]) {
    let mut command = Command::new(program);
    for argument in arguments {
        command.arg(argument);
    }
    let status = command.status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "{program} failed; this test needs e2fsprogs and mount"
    );
}

/// Lets the writer acknowledge `count` writes on a new ext4 and takes its disk away.
fn wreck(kind: Kind, count: u64) -> Wreck {
    let folder = tempfile::tempdir().unwrap();
    let (live, image) = (folder.path().join("live"), folder.path().join("copy"));
    std::fs::File::create(&live)
        .unwrap()
        .set_len(96 << 20)
        .unwrap();
    run("mkfs.ext4", &[&"-q", &live]);
    let disk = Mount::of_image(&live);
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(ARGUMENTS)
        .envs(writer(&disk.path().join("store"), kind, 0, 1_000_000));
    let mut running = Running::start(command);
    let acknowledged = (0..count)
        .map(|_| running.acknowledged().expect("the writer goes on"))
        .collect();
    let stop = format!("kill -STOP {}", running.child.id());
    run("bash", &[&"-c", &stop]);
    std::fs::copy(&live, &image).unwrap();
    running.kill();
    Wreck {
        _folder: folder,
        image,
        acknowledged,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_ext4_no_acknowledged_write_is_lost_when_the_power_goes() {
    if !can_mount("power loss on ext4") {
        return;
    }
    for count in trials() {
        let wreck = wreck(Kind::Contained, count);
        let disk = Mount::of_image(&wreck.image);
        let store = store::SledStore::open(&disk.path().join("store"), ring(1)).unwrap();
        assert_all_there(&store, &wreck.acknowledged).await;
        drop(store);
    }
}

#[test]
fn on_ext4_sled_alone_loses_acknowledged_writes() {
    if !can_mount("the control of power loss on ext4") {
        return;
    }
    let lossy = trials().filter(|count| {
        let wreck = wreck(Kind::Raw, *count);
        let disk = Mount::of_image(&wreck.image);
        !all_there(&disk.path().join("store"), &wreck.acknowledged)
    });
    assert!(lossy.count() > 0, "the test would not notice a loss");
}

/// Whether sled alone finds what it acknowledged.
pub(super) fn all_there(folder: &Path, acknowledged: &BTreeSet<Written>) -> bool {
    let Ok(db) = sled::open(folder.join("db")) else {
        return false;
    };
    acknowledged
        .iter()
        .all(|written| db.contains_key(raw_key(*written)).is_ok_and(|there| there))
}
