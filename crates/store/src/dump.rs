//! The file format of snapshots and exports: all rows of a store, as they are, sealed.
//!
//! ```text
//! 8 bytes   "byos-st" and a zero byte
//! 2 bytes   version of this layout: 1
//! then, for every row, ordered by key:
//!   2 bytes   length of the key, not zero
//!   4 bytes   length of the value
//!             key, value
//! 2 bytes   zero: the end
//! 32 bytes  SHA-256 of everything before
//! ```
//! Numbers are big-endian. The rows begin with the format row, the key checks and the manifest, so
//! that a reader knows before the first record whether it has the keys, and after the last one
//! whether it has seen exactly the rows that the manifest lists. No row is in clear but the format
//! row; ids stand in row keys. Since rows are copied as they are, an export of an import is the
//! same file byte for byte, whatever engines are in between.

use crate::StoreError;
use crate::engine::{Engine, EngineError, Row};
use crate::keyring::KeyRing;
use crate::manifest::{Manifest, SCAN};
use crate::opening::{check_keys, parse_format};
use crate::rows::{self, Kind};
use crate::seal::{self, StoreId};
use sha2::{Digest, Sha256};
use std::io::{Read, Write};

const MAGIC: &[u8; 8] = b"byos-st\0";
const VERSION: u16 = 1;
/// Longer than any row key: a pin has at most 64 + 128 + 63 characters and separators.
const MAX_KEY: usize = 512;
const MAX_VALUE: usize = seal::MAX_CONTENT + 1_024;
/// More keys than this are never in use at once.
const MAX_CHECKS: usize = 64;

/// What a dump holds, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpSummary {
    /// The number of the last batch in it.
    pub generation: u64,
    /// How many rows it has, the manifest not counted.
    pub rows: u64,
}

/// What a dump that was read says of itself.
pub(crate) struct Contents {
    pub(crate) store: StoreId,
    pub(crate) manifest: Manifest,
}

impl Contents {
    pub(crate) fn summary(&self) -> DumpSummary {
        DumpSummary {
            generation: self.manifest.generation,
            rows: self.manifest.rows,
        }
    }
}

/// What stands before the records.
struct Head {
    contents: Contents,
    rows: Vec<Row>,
}

/// Writes all rows of `engine`. Nothing may be written meanwhile.
pub(crate) fn write(engine: &dyn Engine, out: &mut dyn Write) -> Result<(), EngineError> {
    let mut out = Hashing::new(out);
    out.write_all(MAGIC)?;
    out.write_all(&VERSION.to_be_bytes())?;
    let mut after = Vec::new();
    loop {
        let rows = engine.scan(b"", &after, SCAN)?;
        let Some((last, _)) = rows.last() else { break };
        after.clone_from(last);
        for (key, value) in &rows {
            let too_long = || EngineError::Damaged("a row is longer than any row can be".into());
            let key_length = u16::try_from(key.len()).map_err(|_| too_long())?;
            let value_length = u32::try_from(value.len()).map_err(|_| too_long())?;
            out.write_all(&key_length.to_be_bytes())?;
            out.write_all(&value_length.to_be_bytes())?;
            out.write_all(key)?;
            out.write_all(value)?;
        }
    }
    out.write_all(&0_u16.to_be_bytes())?;
    let digest = out.hash.finalize();
    out.inner.write_all(&digest)?;
    out.inner.flush()?;
    Ok(())
}

/// Reads a whole dump, judging every row, and hands the rows to `sink`.
///
/// The format row comes last, after the dump has proved to be complete: rows without it are no
/// store.
pub(crate) fn read(
    from: &mut dyn Read,
    ring: &KeyRing,
    sink: &mut dyn FnMut(Row) -> Result<(), StoreError>,
) -> Result<Contents, StoreError> {
    let mut reader = Reader::begin(from)?;
    let Head { contents, rows } = reader.head(ring)?;
    let mut found = contents.manifest.without_rows();
    let mut kept_back = None;
    for (key, value) in rows {
        match Kind::of(&key) {
            Some(Kind::Format) => {
                found.add(&key, &value);
                kept_back = Some((key, value));
            }
            Some(Kind::Manifest) => sink((key, value))?,
            _ => {
                found.add(&key, &value);
                sink((key, value))?;
            }
        }
    }
    let mut last = rows::manifest();
    while let Some((key, value)) = reader.row()? {
        if key <= last {
            return Err(damaged("its rows are out of order"));
        }
        seal::open(ring, &contents.store, &key, &value)?;
        found.add(&key, &value);
        last.clone_from(&key);
        sink((key, value))?;
    }
    reader.end()?;
    contents
        .manifest
        .compare(&found)
        .map_err(StoreError::Damaged)?;
    if let Some(format) = kept_back {
        sink(format)?;
    }
    Ok(contents)
}

struct Reader<'a> {
    from: &'a mut dyn Read,
    hash: Sha256,
}

impl<'a> Reader<'a> {
    fn begin(from: &'a mut dyn Read) -> Result<Self, StoreError> {
        let mut reader = Self {
            from,
            hash: Sha256::new(),
        };
        if reader.array::<8>()? != *MAGIC {
            return Err(damaged("it does not begin like one"));
        }
        match u16::from_be_bytes(reader.array()?) {
            VERSION => Ok(reader),
            0 => Err(damaged("it has version 0")),
            found => Err(StoreError::NewerFormat {
                found,
                supported: VERSION,
            }),
        }
    }

    fn head(&mut self, ring: &KeyRing) -> Result<Head, StoreError> {
        let mut rows = Vec::new();
        let format = self.row()?.ok_or_else(|| damaged("it is empty"))?;
        if format.0 != rows::format() {
            return Err(damaged("it does not begin with the format row"));
        }
        let store = parse_format(&format.1)?;
        rows.push(format);
        loop {
            let row = self.row()?.ok_or_else(|| damaged("it has no manifest"))?;
            match Kind::of(&row.0) {
                Some(Kind::Check) if rows.len() <= MAX_CHECKS => rows.push(row),
                Some(Kind::Manifest) => {
                    check_keys(&rows[1..], ring, &store)?;
                    let content = seal::open(ring, &store, &row.0, &row.1)?;
                    rows.push(row);
                    let manifest = Manifest::decode(&content)?;
                    return Ok(Head {
                        contents: Contents { store, manifest },
                        rows,
                    });
                }
                _ => return Err(damaged("it has no manifest where one belongs")),
            }
        }
    }

    fn row(&mut self) -> Result<Option<Row>, StoreError> {
        let key_length = usize::from(u16::from_be_bytes(self.array()?));
        if key_length == 0 {
            return Ok(None);
        }
        let value_length = u32::from_be_bytes(self.array()?) as usize;
        if key_length > MAX_KEY || value_length > MAX_VALUE {
            return Err(damaged("a row is longer than any row can be"));
        }
        let mut key = vec![0; key_length];
        self.fill(&mut key)?;
        let mut value = vec![0; value_length];
        self.fill(&mut value)?;
        Ok(Some((key, value)))
    }

    fn end(&mut self) -> Result<(), StoreError> {
        let expected = self.hash.clone().finalize();
        if self.array::<32>()?[..] != expected[..] {
            return Err(damaged("its hash is not that of its content"));
        }
        match self.from.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(damaged("it goes on after its end")),
            Err(error) => Err(unreadable(error)),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), StoreError> {
        self.from.read_exact(bytes).map_err(unreadable)?;
        self.hash.update(bytes);
        Ok(())
    }
}

struct Hashing<'a> {
    inner: std::io::BufWriter<&'a mut dyn Write>,
    hash: Sha256,
}

impl<'a> Hashing<'a> {
    fn new(out: &'a mut dyn Write) -> Self {
        Self {
            inner: std::io::BufWriter::with_capacity(1 << 16, out),
            hash: Sha256::new(),
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.hash.update(bytes);
        self.inner.write_all(bytes)
    }
}

fn damaged(why: &str) -> StoreError {
    StoreError::Damaged(format!("the dump cannot be used: {why}"))
}

fn unreadable(error: std::io::Error) -> StoreError {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => damaged("it ends early"),
        _ => StoreError::engine("read the dump")(error.into()),
    }
}
