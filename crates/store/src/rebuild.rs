//! Making a database from a dump: an import, or a recovery from the snapshot.

use crate::dump::{self, DumpSummary};
use crate::engine::{Batch, Engine, SledEngine};
use crate::keyring::KeyRing;
use crate::manifest::SCAN;
use crate::opening::{IfEmpty, attach_or_begin};
use crate::rows::Kind;
use crate::sled_store::Folder;
use crate::writer::Loop;
use crate::{MemoryEngine, MemoryStore, SledStore, StoreError, seal};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many bytes are committed at once.
const CHUNK: usize = 1 << 20;

/// What a recovery did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// What the snapshot held.
    pub summary: DumpSummary,
    /// How many records that were younger than the snapshot could still be read.
    pub salvaged: u64,
    /// Where the damaged database is now, if there was one.
    pub moved_to: Option<PathBuf>,
}

impl SledStore {
    /// Rebuilds the database in `folder` from its snapshot and moves the old one aside.
    ///
    /// Records of the old database that are younger than the snapshot, and sound, are taken over;
    /// other changes that are younger than the snapshot (see `snapshot.rs`: some hundredths of a
    /// second) are lost. It blocks.
    pub fn recover(folder: &Path, ring: &KeyRing) -> Result<Recovered, StoreError> {
        let place = Folder::take(folder)?;
        let file = File::open(place.snapshot())
            .map_err(|error| StoreError::engine("read the snapshot")(error.into()))?;
        let (engine, summary) = build(&place, &mut BufReader::new(file), ring)?;
        let salvaged = match place.database().exists() {
            true => salvage(&place.database(), engine, ring)?,
            false => 0,
        };
        let moved_to = put_in_service(&place)?;
        Ok(Recovered {
            summary,
            salvaged,
            moved_to,
        })
    }

    /// Makes a store in `folder`, which must not hold one, from an export. It blocks.
    pub fn import(
        folder: &Path,
        ring: &KeyRing,
        from: &mut dyn Read,
    ) -> Result<DumpSummary, StoreError> {
        let place = Folder::take(folder)?;
        if place.database().exists() || place.snapshot().exists() {
            return Err(StoreError::AlreadyThere);
        }
        let (engine, summary) = build(&place, &mut BufReader::new(from), ring)?;
        drop(engine);
        put_in_service(&place)?;
        Ok(summary)
    }
}

impl MemoryStore {
    /// A store in memory from an export: to look at one, or to test.
    pub fn import(ring: KeyRing, from: &mut dyn Read) -> Result<Self, StoreError> {
        let engine = MemoryEngine::default();
        load(&engine, &ring, from)?;
        Self::over(engine, ring)
    }
}

/// Builds a database from a dump, beside the one in service.
fn build(
    place: &Folder,
    from: &mut dyn Read,
    ring: &KeyRing,
) -> Result<(SledEngine, DumpSummary), StoreError> {
    let path = place.unfinished();
    if path.exists() {
        std::fs::remove_dir_all(&path)
            .map_err(|error| StoreError::engine("clear up")(error.into()))?;
    }
    let engine = SledEngine::open(&path).map_err(StoreError::engine("build"))?;
    let summary = load(&engine, ring, from)?;
    Ok((engine, summary))
}

/// Copies a dump into an empty engine. The row that makes it a store comes last.
fn load(
    engine: &dyn Engine,
    ring: &KeyRing,
    from: &mut dyn Read,
) -> Result<DumpSummary, StoreError> {
    let failed = StoreError::engine("import");
    let mut batch = Batch::new();
    let mut bytes = 0;
    let contents = dump::read(from, ring, &mut |(key, value)| {
        bytes += key.len() + value.len();
        batch.insert(key, Some(value));
        if bytes >= CHUNK {
            engine.commit(&batch).map_err(&failed)?;
            batch.clear();
            bytes = 0;
        }
        Ok(())
    })?;
    // The last batch holds the format row, which the reader hands over once all is proved.
    engine.commit(&batch).map_err(&failed)?;
    Ok(contents.summary())
}

/// Takes over from a damaged database what is younger than the new one and opens.
///
/// Every record is judged by itself: it belongs to this store and this row, and its generation
/// says when it was written. A revoked key does not come back to life because the snapshot was
/// written a moment before.
fn salvage(damaged: &Path, new: SledEngine, ring: &KeyRing) -> Result<u64, StoreError> {
    let (core, manifest) = attach_or_begin(new, ring.clone(), IfEmpty::Refuse)?;
    let since = manifest.generation;
    let store = core.store;
    let mut state = Loop::new(Arc::new(core), manifest, None);
    let Ok(damaged) = SledEngine::open(damaged) else {
        return Ok(0);
    };
    let mut salvaged = 0;
    let mut after = Vec::new();
    // Behind the first part that cannot be read, nothing can be found.
    while let Ok(rows) = damaged.scan(b"", &after, SCAN) {
        let Some((last, _)) = rows.last() else { break };
        after.clone_from(last);
        let younger: Batch = rows
            .into_iter()
            .filter(|(row, sealed)| {
                !matches!(
                    Kind::of(row),
                    None | Some(Kind::Format | Kind::Check | Kind::Manifest)
                ) && seal::generation(sealed).is_some_and(|written| written > since)
                    && seal::open(ring, &store, row, sealed).is_ok()
            })
            .map(|(row, sealed)| (row, Some(sealed)))
            .collect();
        salvaged += younger.len() as u64;
        state
            .take_over(younger)
            .map_err(StoreError::engine("salvage"))?;
    }
    Ok(salvaged)
}

/// Puts what was built in the place of the database.
fn put_in_service(place: &Folder) -> Result<Option<PathBuf>, StoreError> {
    let failed = |error: std::io::Error| StoreError::engine("put in service")(error.into());
    let mut moved_to = None;
    if place.database().exists() {
        let aside = (1..)
            .map(|number: u32| place.path.join(format!("db.damaged-{number}")))
            .find(|path| !path.exists())
            .expect("there are fewer recoveries than numbers");
        std::fs::rename(place.database(), &aside).map_err(failed)?;
        moved_to = Some(aside);
    }
    std::fs::rename(place.unfinished(), place.database()).map_err(failed)?;
    File::open(&place.path)
        .and_then(|folder| folder.sync_all())
        .map_err(failed)?;
    Ok(moved_to)
}
