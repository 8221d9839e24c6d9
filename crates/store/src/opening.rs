//! Taking the rows of an engine into service: format, keys, manifest, all rows, in this order.

use crate::StoreError;
use crate::engine::{Batch, Engine};
use crate::keyring::KeyRing;
use crate::manifest::{Manifest, SCAN};
use crate::rows;
use crate::seal::{self, StoreId};
use crate::transaction::Core;

/// The newest on-disk format that this version reads and the one that it writes.
pub(crate) const FORMAT: u16 = 1;
const MAGIC: &[u8; 8] = b"byos-kv\0";
pub(crate) const CHECK: &[u8] = b"this store opens with this key";

/// Whether an engine without rows is a new store or one that was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfEmpty {
    Begin,
    Refuse,
}

pub(crate) fn attach_or_begin<E: Engine>(
    engine: E,
    ring: KeyRing,
    if_empty: IfEmpty,
) -> Result<(Core<E>, Manifest), StoreError> {
    let format = engine
        .get(&rows::format())
        .map_err(StoreError::engine("open"))?;
    match (format, if_empty) {
        (Some(format), _) => attach(engine, ring, &format),
        (None, IfEmpty::Begin) => begin(engine, ring),
        (None, IfEmpty::Refuse) => Err(StoreError::Damaged("the database is empty".into())),
    }
}

/// Takes an existing store into service: format, keys, manifest, rows, in this order.
fn attach<E: Engine>(
    engine: E,
    ring: KeyRing,
    format: &[u8],
) -> Result<(Core<E>, Manifest), StoreError> {
    let store = parse_format(format)?;
    let checks = engine
        .scan(&rows::checks(), b"", SCAN)
        .map_err(StoreError::engine("open"))?;
    check_keys(&checks, &ring, &store)?;
    let core = Core::new(engine, store, ring);
    let manifest = core.manifest()?;
    let found = manifest
        .of(&core.engine)
        .map_err(StoreError::engine("open"))?;
    manifest.compare(&found).map_err(StoreError::Damaged)?;
    Ok((core, manifest))
}

/// Writes the first rows of a new store.
fn begin<E: Engine>(engine: E, ring: KeyRing) -> Result<(Core<E>, Manifest), StoreError> {
    let failed = StoreError::engine("begin");
    if !engine.scan(b"", b"", 1).map_err(&failed)?.is_empty() {
        return Err(StoreError::Damaged("the format row is missing".into()));
    }
    let mut store = StoreId::default();
    getrandom::fill(&mut store).map_err(|_| StoreError::Randomness)?;
    let check = rows::check(ring.id());
    let sealed = seal::seal(&ring, &store, &check, 1, CHECK)?;
    let mut batch = Batch::new();
    batch.insert(rows::format(), Some(format_row(&store)));
    batch.insert(check, Some(sealed));
    let manifest = Manifest::empty()?.after(&batch, &engine).map_err(&failed)?;
    let row = rows::manifest();
    let sealed = seal::seal(&ring, &store, &row, 1, &manifest.encode())?;
    batch.insert(row, Some(sealed));
    engine.commit(&batch).map_err(&failed)?;
    Ok((Core::new(engine, store, ring), manifest))
}

fn format_row(store: &StoreId) -> Vec<u8> {
    [&MAGIC[..], &FORMAT.to_be_bytes(), store].concat()
}

pub(crate) fn parse_format(row: &[u8]) -> Result<StoreId, StoreError> {
    let damaged = || StoreError::Damaged("the format row is not one of ours".into());
    let rest = row.strip_prefix(&MAGIC[..]).ok_or_else(damaged)?;
    let (format, store) = rest.split_first_chunk().ok_or_else(damaged)?;
    match u16::from_be_bytes(*format) {
        FORMAT => store.try_into().map_err(|_| damaged()),
        found if found > FORMAT => Err(StoreError::NewerFormat {
            found,
            supported: FORMAT,
        }),
        _ => Err(damaged()),
    }
}

/// Every key in use must be in the ring and be the right one.
pub(crate) fn check_keys(
    checks: &[crate::Row],
    ring: &KeyRing,
    store: &StoreId,
) -> Result<(), StoreError> {
    if checks.is_empty() {
        return Err(StoreError::Damaged("no key check value is there".into()));
    }
    for (row, sealed) in checks {
        let needed = rows::check_id(row)
            .ok_or_else(|| StoreError::Damaged("a key check value has a strange name".into()))?;
        if ring.find(needed).is_none() {
            return Err(StoreError::WrongKey { needed });
        }
        if **seal::open(ring, store, row, sealed)? != *CHECK {
            return Err(StoreError::Damaged("a key check value is strange".into()));
        }
    }
    Ok(())
}
