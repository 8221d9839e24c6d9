//! A process that writes to a store and says what was acknowledged, so that the tests can do to it
//! what machines do to processes.
//!
//! It is this test binary, started again: [`writer_process`] is the test that then runs, and does
//! nothing in an ordinary run.

use crate::support::*;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use store::{Store, StoreError};
use types::{ConfigVersion, StorageConfig};

const FOLDER: &str = "STORE_TEST_FOLDER";
const ROUND: &str = "STORE_TEST_ROUND";
const WRITES: &str = "STORE_TEST_WRITES";
const CONTAINED: &str = "STORE_TEST_CONTAINED";
/// Writers at the same time, so that commits are shared.
const WRITERS: u64 = 4;
/// Each writer's tenants, written in turn: new ones first, then one revision after another.
const TENANTS: u64 = 12;

/// One write: the `count`-th of `writer` in `round`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Written {
    round: u64,
    writer: u64,
    count: u64,
}

impl Written {
    /// What was written. Its size varies, so that records end anywhere in sled's segments.
    pub(crate) fn config(self) -> StorageConfig {
        let name = format!("r{}-w{}-{}", self.round, self.writer, self.count % TENANTS);
        let mut config = config(&name, self.count / TENANTS + 1, "bucket-a");
        for bucket in 0..(self.count * 7 + self.writer) % 25 {
            let name = format!("bucket-{bucket}");
            config.buckets.insert(alias(&name), mapping(&name));
        }
        config
    }

    pub(crate) fn parse(line: &str) -> Option<Self> {
        // The test framework writes in front of the first line.
        let (_, numbers) = line.split_once("ack ")?;
        let numbers: Vec<u64> = numbers
            .split(' ')
            .map(|number| number.parse().ok())
            .collect::<Option<_>>()?;
        match numbers[..] {
            [round, writer, count] => Some(Self {
                round,
                writer,
                count,
            }),
            _ => None,
        }
    }
}

/// A store, or sled as it comes, to see what the containment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Contained,
    Raw,
}

/// How to start the writer.
pub(crate) fn writer(folder: &Path, kind: Kind, round: u64, writes: u64) -> Vec<(String, String)> {
    let contained = (kind == Kind::Contained).to_string();
    [
        (FOLDER, folder.to_str().unwrap().to_string()),
        (ROUND, round.to_string()),
        (WRITES, writes.to_string()),
        (CONTAINED, contained),
    ]
    .map(|(name, value)| (name.to_string(), value))
    .into()
}

/// The arguments that make this binary the writer.
pub(crate) const ARGUMENTS: [&str; 4] = [
    "--exact",
    "process::writer_process",
    "--nocapture",
    "--quiet",
];

/// A writer at work.
pub(crate) struct Running {
    pub(crate) child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next acknowledged write; `None` at the end.
    pub(crate) fn acknowledged(&mut self) -> Option<Written> {
        self.lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| Written::parse(&line))
    }

    /// Ends it as a crash does, and returns what else it had acknowledged.
    pub(crate) fn kill(mut self) -> BTreeSet<Written> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::iter::from_fn(|| self.acknowledged()).collect()
    }
}

/// Asserts that every acknowledged write is there, as it was written.
pub(crate) async fn assert_all_there(store: &impl Store, acknowledged: &BTreeSet<Written>) {
    for written in acknowledged {
        let config = written.config();
        let found = store
            .storage_config_at(&config.tenant, config.version)
            .await
            .unwrap()
            .unwrap_or_else(|| panic!("{written:?} was acknowledged and is lost"));
        assert_eq!(told(&found), told(&config));
    }
    let report = store.verify().await.unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
}

/// Not a test: what the tests start as a process of its own.
#[test]
fn writer_process() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let number = |name| std::env::var(name).unwrap().parse().unwrap();
    let (round, writes) = (number(ROUND), number(WRITES));
    if std::env::var(CONTAINED).unwrap() == "true" {
        write_contained(Path::new(&folder), round, writes);
    } else {
        write_raw(Path::new(&folder), round, writes);
    }
}

#[tokio::main]
async fn write_contained(folder: &Path, round: u64, writes: u64) {
    let store = store::SledStore::open(folder, ring(1)).unwrap();
    let store = std::sync::Arc::new(store);
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let store = store.clone();
        writers.spawn(async move {
            for count in 0..writes {
                let written = Written {
                    round,
                    writer,
                    count,
                };
                write_one(&*store, written).await.unwrap();
                acknowledge(written);
            }
        });
    }
    writers.join_all().await;
}

async fn write_one(store: &impl Store, written: Written) -> Result<(), StoreError> {
    let config = written.config();
    let expected = config.version.0 - 1;
    let expected = (expected > 0).then_some(ConfigVersion(expected));
    store.put_storage_config(config, expected).await
}

/// The same writes with sled alone: insert, flush, acknowledge.
fn write_raw(folder: &Path, round: u64, writes: u64) {
    let db = sled::Config::new()
        .path(folder.join("db"))
        .flush_every_ms(None)
        .open()
        .unwrap();
    for count in 0..writes {
        let written = Written {
            round,
            writer: 0,
            count,
        };
        db.insert(raw_key(written), vec![7; 600]).unwrap();
        db.flush().unwrap();
        acknowledge(written);
    }
}

/// Where [`write_raw`] puts a write.
pub(crate) fn raw_key(written: Written) -> Vec<u8> {
    format!("{written:?}").into_bytes()
}

fn acknowledge(written: Written) {
    let Written {
        round,
        writer,
        count,
    } = written;
    let mut out = std::io::stdout().lock();
    out.write_all(format!("ack {round} {writer} {count}\n").as_bytes())
        .unwrap();
}
