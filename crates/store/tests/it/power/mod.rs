//! Power loss: what is left on the disk when everything that was never promised is gone.
//!
//! A process writes under `strace`; its calls are replayed on a model of a disk that keeps exactly
//! what `fsync` promised; at many moments the model says what would be found, and a store is
//! opened on that. A killed process does not show this kind of loss: the page cache survives it.

mod disk;
mod ext4;
mod trace;

use crate::process::{ARGUMENTS, Kind, Running, Written, assert_all_there, writer};
use crate::support::*;
use disk::{Disk, Unpromised};
use std::collections::BTreeSet;
use std::path::Path;
use trace::Event;

/// A run of the writer on what is in `folder` (which is durable), and what it asked for.
struct Recording {
    start: Disk,
    events: Vec<Event>,
}

/// A moment of a recording.
struct Moment {
    disk: Disk,
    acknowledged: BTreeSet<Written>,
}

impl Recording {
    fn of(folder: &Path, kind: Kind, round: u64, writes: u64) -> Self {
        let start = Disk::with(folder);
        let logs = memory_folder();
        let log = logs.path().join("log");
        let mut command = trace::traced(&std::env::current_exe().unwrap(), &log);
        command
            .args(ARGUMENTS)
            .envs(writer(folder, kind, round, writes));
        let mut running = Running::start(command);
        while running.acknowledged().is_some() {}
        assert!(running.child.wait().unwrap().success(), "the writer failed");
        Self {
            start,
            events: trace::read(&log),
        }
    }

    /// Some `wanted` moments, spread evenly: every other one right after an acknowledgement, the
    /// others wherever it may be.
    fn moments(&self, wanted: usize) -> Vec<Moment> {
        let acknowledgements = self.written().count();
        assert!(
            acknowledgements > 0,
            "the recording shows no acknowledgement"
        );
        let every_acknowledgement = acknowledgements.div_ceil(wanted.div_ceil(2));
        let every_event = self.events.len().div_ceil(wanted.div_ceil(2));

        let mut disk = self.start.clone();
        let mut acknowledged = BTreeSet::new();
        let mut moments = Vec::new();
        for (at, event) in self.events.iter().enumerate() {
            let said = disk.apply(event);
            let new = said.as_deref().map_or(0, |said| {
                let before = acknowledged.len();
                acknowledged.extend(acknowledgements_in(said));
                acknowledged.len() - before
            });
            if (new > 0 && acknowledged.len() % every_acknowledgement == 0)
                || at % every_event == every_event / 2
            {
                moments.push(Moment {
                    disk: disk.clone(),
                    acknowledged: acknowledged.clone(),
                });
            }
        }
        moments
    }

    fn written(&self) -> impl Iterator<Item = Written> {
        let mut disk = self.start.clone();
        let said = self
            .events
            .iter()
            .filter_map(move |event| disk.apply(event));
        said.flat_map(|said| acknowledgements_in(&said))
    }
}

fn acknowledgements_in(said: &[u8]) -> Vec<Written> {
    let lines = String::from_utf8_lossy(said);
    lines.lines().filter_map(Written::parse).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_write_is_lost_when_the_power_goes() {
    let folder = memory_folder();
    let recording = Recording::of(folder.path(), Kind::Contained, 0, 40);
    for (number, moment) in recording.moments(30 * effort()).iter().enumerate() {
        for unpromised in [Unpromised::Lost, Unpromised::ByChance(number as u64)] {
            let place = OnDisk::new();
            moment.disk.after_power_loss(unpromised, place.0.path());
            let store = place
                .open(ring(1))
                .unwrap_or_else(|error| panic!("moment {number}, {unpromised:?}: {error:?}"));
            assert_all_there(&store, &moment.acknowledged).await;
        }
    }
}

/// The second loss hits the recovery from the first one.
#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_write_is_lost_when_the_power_goes_twice() {
    let folder = memory_folder();
    let first = Recording::of(folder.path(), Kind::Contained, 0, 30);
    for (number, moment) in first.moments(4 * effort()).iter().enumerate() {
        let seed = number as u64;
        let place = OnDisk::new();
        moment
            .disk
            .after_power_loss(Unpromised::ByChance(seed), place.0.path());
        let second = Recording::of(place.0.path(), Kind::Contained, 1, 4);
        for again in second.moments(8 * effort()) {
            let all = &again.acknowledged | &moment.acknowledged;
            for unpromised in [Unpromised::Lost, Unpromised::ByChance(seed)] {
                let place = OnDisk::new();
                again.disk.after_power_loss(unpromised, place.0.path());
                let store = place.open(ring(1)).unwrap();
                assert_all_there(&store, &all).await;
            }
        }
    }
}

#[test]
fn sled_alone_loses_acknowledged_writes_in_the_same_test() {
    let folder = memory_folder();
    let recording = Recording::of(folder.path(), Kind::Raw, 0, 40);
    let moments = recording.moments(30 * effort());
    let lossy = moments.iter().filter(|moment| {
        let place = OnDisk::new();
        moment
            .disk
            .after_power_loss(Unpromised::Lost, place.0.path());
        !ext4::all_there(place.0.path(), &moment.acknowledged)
    });
    assert!(lossy.count() > 0, "the test would not notice a loss");
}
