//! The list of all rows, in 80 bytes: how many there are and a keyed hash over all of them.
//!
//! The hash is the XOR of one HMAC-SHA-256 per row, so that a batch updates it by its own rows
//! alone. With a secret key, and itself sealed, it binds the set of rows: one that is missing,
//! foreign, swapped or rolled back changes it.

use crate::StoreError;
use crate::engine::{Batch, Engine, EngineError};
use crate::rows;
use crate::seal::Clear;
use ring::hmac;
use zeroize::Zeroizing;

const DIGEST: usize = 32;
const LENGTH: usize = 8 + 8 + DIGEST + 32;

/// How many rows are read at a time when all are.
pub(crate) const SCAN: usize = 512;

/// The state of a store, in short.
#[derive(Clone)]
pub(crate) struct Manifest {
    /// The number of the last batch.
    pub(crate) generation: u64,
    /// How many rows there are, this one not counted.
    pub(crate) rows: u64,
    digest: [u8; DIGEST],
    secret: Zeroizing<[u8; 32]>,
    key: hmac::Key,
}

impl std::fmt::Debug for Manifest {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Manifest({} rows)", self.rows)
    }
}

impl Manifest {
    /// Of a store without rows.
    pub(crate) fn empty() -> Result<Self, StoreError> {
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(secret.as_mut()).map_err(|_| StoreError::Randomness)?;
        Ok(Self {
            generation: 0,
            rows: 0,
            digest: [0; DIGEST],
            key: hmac::Key::new(hmac::HMAC_SHA256, secret.as_ref()),
            secret,
        })
    }

    /// From the content of its own row.
    pub(crate) fn decode(content: &[u8]) -> Result<Self, StoreError> {
        let content: &[u8; LENGTH] = content
            .try_into()
            .map_err(|_| StoreError::Damaged("the manifest has another length".into()))?;
        let number = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&content[at..at + 8]);
            u64::from_be_bytes(bytes)
        };
        let mut digest = [0; DIGEST];
        digest.copy_from_slice(&content[16..48]);
        let mut secret = Zeroizing::new([0; 32]);
        secret.copy_from_slice(&content[48..]);
        Ok(Self {
            generation: number(0),
            rows: number(8),
            digest,
            key: hmac::Key::new(hmac::HMAC_SHA256, secret.as_ref()),
            secret,
        })
    }

    /// The content of its own row.
    pub(crate) fn encode(&self) -> Clear {
        let mut content = Zeroizing::new(Vec::with_capacity(LENGTH));
        content.extend_from_slice(&self.generation.to_be_bytes());
        content.extend_from_slice(&self.rows.to_be_bytes());
        content.extend_from_slice(&self.digest);
        content.extend_from_slice(self.secret.as_ref());
        content
    }

    /// The manifest after `batch` (which does not hold the manifest row).
    pub(crate) fn after(&self, batch: &Batch, engine: &dyn Engine) -> Result<Self, EngineError> {
        let mut next = self.clone();
        next.generation += 1;
        for (key, value) in batch {
            if let Some(old) = engine.get(key)? {
                next.mix(key, &old);
                next.rows = next.rows.checked_sub(1).ok_or_else(|| {
                    EngineError::Damaged("there are more rows than the manifest lists".into())
                })?;
            }
            if let Some(new) = value {
                next.mix(key, new);
                next.rows += 1;
            }
        }
        Ok(next)
    }

    /// The manifest of the rows that are really there, under the same generation and key.
    pub(crate) fn of(&self, engine: &dyn Engine) -> Result<Self, EngineError> {
        let mut found = self.without_rows();
        let mut after = Vec::new();
        loop {
            let rows = engine.scan(b"", &after, SCAN)?;
            let Some((last, _)) = rows.last() else {
                return Ok(found);
            };
            after.clone_from(last);
            for (key, value) in rows.iter().filter(|(key, _)| *key != rows::manifest()) {
                found.add(key, value);
            }
        }
    }

    /// The same generation and key, and no row counted yet.
    pub(crate) fn without_rows(&self) -> Self {
        Self {
            rows: 0,
            digest: [0; DIGEST],
            ..self.clone()
        }
    }

    /// Counts one more row.
    pub(crate) fn add(&mut self, key: &[u8], value: &[u8]) {
        self.mix(key, value);
        self.rows += 1;
    }

    /// Whether both list the same rows; what differs otherwise.
    pub(crate) fn compare(&self, found: &Self) -> Result<(), String> {
        if self.rows != found.rows {
            return Err(format!(
                "the manifest of generation {} lists {} rows, but there are {}",
                self.generation, self.rows, found.rows
            ));
        }
        if self.digest != found.digest {
            return Err(format!(
                "a row is not the one that the manifest of generation {} lists",
                self.generation
            ));
        }
        Ok(())
    }

    fn mix(&mut self, key: &[u8], value: &[u8]) {
        let mut mac = hmac::Context::with_key(&self.key);
        mac.update(&(key.len() as u64).to_be_bytes());
        mac.update(key);
        mac.update(value);
        for (mine, other) in self.digest.iter_mut().zip(mac.sign().as_ref()) {
            *mine ^= other;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::MemoryEngine;

    fn put(rows: &[(&[u8], &[u8])]) -> Batch {
        rows.iter()
            .map(|(key, value)| (key.to_vec(), Some(value.to_vec())))
            .collect()
    }

    #[test]
    fn a_manifest_kept_by_batches_is_the_one_counted_from_the_rows() {
        let engine = MemoryEngine::default();
        let mut manifest = Manifest::empty().unwrap();
        let mut remove = put(&[(b"x", b"4")]);
        remove.insert(b"y".to_vec(), None);
        for batch in [
            put(&[(b"x", b"1"), (b"y", b"2")]),
            put(&[(b"x", b"3")]),
            remove,
        ] {
            manifest = manifest.after(&batch, &engine).unwrap();
            engine.commit(&batch).unwrap();
        }
        let found = manifest.of(&engine).unwrap();
        assert_eq!((manifest.generation, found.rows), (3, 1));
        assert_eq!(manifest.compare(&found), Ok(()));
    }

    #[test]
    fn a_lost_added_swapped_or_older_row_is_noticed() {
        let batch = put(&[(b"x", b"1"), (b"y", b"2")]);
        let manifest = Manifest::empty()
            .unwrap()
            .after(&batch, &MemoryEngine::default())
            .unwrap();
        let lost: Batch = [(b"y".to_vec(), None)].into();
        for change in [
            lost,
            put(&[(b"z", b"3")]),
            put(&[(b"x", b"2"), (b"y", b"1")]),
            put(&[(b"x", b"0")]),
        ] {
            let engine = MemoryEngine::default();
            engine.commit(&batch).unwrap();
            engine.commit(&change).unwrap();
            let found = manifest.of(&engine).unwrap();
            assert!(manifest.compare(&found).is_err());
        }
    }

    #[test]
    fn a_manifest_reads_back_as_written() {
        let batch = put(&[(b"x", b"1")]);
        let manifest = Manifest::empty()
            .unwrap()
            .after(&batch, &MemoryEngine::default())
            .unwrap();
        let read = Manifest::decode(&manifest.encode()).unwrap();
        assert_eq!(*read.encode(), *manifest.encode());
        assert!(Manifest::decode(&manifest.encode()[1..]).is_err());
    }
}
