//! The key-encryption keys: one that seals, and those that still open older records.

use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use sha2::{Digest, Sha256};
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use types::Secret;
use zeroize::Zeroizing;

/// Names a key-encryption key without telling anything about it: a prefix of its hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub(crate) [u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "KeyId({self})")
    }
}

/// Why a key could not be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// Not 64 hexadecimal digits.
    #[error("a key-encryption key is 64 hexadecimal digits (32 bytes)")]
    Malformed,
    /// Others than the owner may read the file.
    #[error("the key file {} may be read by others; hint: chmod 600", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// The file could not be read or written.
    #[error("could not {doing} the key file {}", path.display())]
    File {
        /// What we were doing.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// The machine gave no random numbers.
    #[error("no randomness for a new key")]
    Randomness,
}

/// One key-encryption key, ready to use.
pub(crate) struct Kek {
    pub(crate) id: KeyId,
    pub(crate) aead: LessSafeKey,
}

impl Kek {
    fn new(bytes: &[u8; 32]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"byos key-encryption key id\0");
        hash.update(bytes);
        let digest = hash.finalize();
        let mut id = [0; 8];
        id.copy_from_slice(&digest[..8]);
        let key = UnboundKey::new(&AES_256_GCM, bytes).expect("AES-256 takes a key of 32 bytes");
        Self {
            id: KeyId(id),
            aead: LessSafeKey::new(key),
        }
    }
}

/// The key that seals, and the keys that still open.
///
/// A key seals safely some four thousand million records (96-bit random nonces); rotate long
/// before that.
#[derive(Clone)]
pub struct KeyRing {
    primary: Arc<Kek>,
    previous: Vec<Arc<Kek>>,
}

impl KeyRing {
    /// A ring with one key, from its 32 bytes.
    pub fn from_bytes(bytes: Secret<[u8; 32]>) -> Self {
        Self {
            primary: Arc::new(Kek::new(bytes.expose())),
            previous: Vec::new(),
        }
    }

    /// A ring with one key, from 64 hexadecimal digits (an environment variable).
    pub fn from_hex(text: &Secret<String>) -> Result<Self, KeyRingError> {
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.expose().trim_ascii(), bytes.as_mut())
            .map_err(|_| KeyRingError::Malformed)?;
        Ok(Self {
            primary: Arc::new(Kek::new(&bytes)),
            previous: Vec::new(),
        })
    }

    /// A ring with one key, from a file with 64 hexadecimal digits that only its owner may read.
    pub fn from_file(path: &Path) -> Result<Self, KeyRingError> {
        let failed = |source| KeyRingError::File {
            doing: "read",
            path: path.to_path_buf(),
            source,
        };
        let file = std::fs::File::open(path).map_err(failed)?;
        refuse_if_exposed(path, &file.metadata().map_err(failed)?)?;
        let mut text = Zeroizing::new(Vec::with_capacity(MAX_KEY_FILE));
        std::io::Read::read_to_end(
            &mut std::io::Read::take(file, MAX_KEY_FILE as u64),
            &mut text,
        )
        .map_err(failed)?;
        let text = std::str::from_utf8(&text).map_err(|_| KeyRingError::Malformed)?;
        Self::from_hex(&Secret::new(text.to_string()))
    }

    /// Draws a key and writes it to a new file with mode 0600. An existing file is left alone and
    /// is an error.
    pub fn generate_file(path: &Path) -> Result<Self, KeyRingError> {
        let failed = |source| KeyRingError::File {
            doing: "create",
            path: path.to_path_buf(),
            source,
        };
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut()).map_err(|_| KeyRingError::Randomness)?;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(failed)?;
        let text = Zeroizing::new(hex::encode(*bytes) + "\n");
        file.write_all(text.as_bytes()).map_err(failed)?;
        // Losing the key is losing the store: it must be on the disk before anything is sealed.
        file.sync_all().map_err(failed)?;
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        std::fs::File::open(folder.unwrap_or(Path::new(".")))
            .and_then(|folder| folder.sync_all())
            .map_err(failed)?;
        Ok(Self {
            primary: Arc::new(Kek::new(&bytes)),
            previous: Vec::new(),
        })
    }

    /// A ring with a freshly drawn key that is kept nowhere: for tests.
    pub fn ephemeral() -> Result<Self, KeyRingError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut()).map_err(|_| KeyRingError::Randomness)?;
        Ok(Self {
            primary: Arc::new(Kek::new(&bytes)),
            previous: Vec::new(),
        })
    }

    /// The same ring, which also opens what `other`'s keys sealed: to finish a rotation. What is
    /// written is sealed under this ring's own key at once, so rotate right after opening.
    #[must_use]
    pub fn with_previous(mut self, other: &Self) -> Self {
        let others = std::iter::once(&other.primary).chain(&other.previous);
        for key in others {
            if self.find(key.id).is_none() {
                self.previous.push(key.clone());
            }
        }
        self
    }

    /// The same ring with its sealing key alone.
    pub(crate) fn without_previous(mut self) -> Self {
        self.previous.clear();
        self
    }

    /// The id of the key that seals.
    pub fn id(&self) -> KeyId {
        self.primary.id
    }

    pub(crate) fn primary(&self) -> &Kek {
        &self.primary
    }

    pub(crate) fn find(&self, id: KeyId) -> Option<&Kek> {
        std::iter::once(&self.primary)
            .chain(&self.previous)
            .find(|key| key.id == id)
            .map(Arc::as_ref)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "KeyRing({}, {} previous)",
            self.primary.id,
            self.previous.len()
        )
    }
}

/// 64 digits, a line end, and room for a careless editor.
const MAX_KEY_FILE: usize = 128;

#[cfg(unix)]
fn refuse_if_exposed(path: &Path, metadata: &std::fs::Metadata) -> Result<(), KeyRingError> {
    use std::os::unix::fs::MetadataExt;
    if metadata.mode() & 0o077 == 0 {
        return Ok(());
    }
    Err(KeyRingError::Exposed {
        path: path.to_path_buf(),
    })
}

#[cfg(not(unix))]
fn refuse_if_exposed(_: &Path, _: &std::fs::Metadata) -> Result<(), KeyRingError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    #[test]
    fn a_generated_key_file_is_private_and_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let made = KeyRing::generate_file(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(KeyRing::from_file(&path).unwrap().id(), made.id());
    }

    #[test]
    fn an_existing_key_file_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let first = KeyRing::generate_file(&path).unwrap();
        assert!(KeyRing::generate_file(&path).is_err());
        assert_eq!(KeyRing::from_file(&path).unwrap().id(), first.id());
    }

    #[test]
    fn a_key_file_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        KeyRing::generate_file(&path).unwrap();
        for mode in [0o640, 0o604, 0o660] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(
                KeyRing::from_file(&path),
                Err(KeyRingError::Exposed { .. })
            ));
        }
    }

    #[test]
    fn a_malformed_key_is_refused() {
        let text = "0".repeat(63);
        for text in ["", "abc", "zz", text.as_str()] {
            assert!(matches!(
                KeyRing::from_hex(&text.into()),
                Err(KeyRingError::Malformed)
            ));
        }
    }

    #[test]
    fn debug_shows_ids_only() {
        let ring = KeyRing::from_bytes(Secret::new([7; 32]));
        let shown = format!("{ring:?}");
        assert!(shown.starts_with("KeyRing(") && shown.contains(&ring.id().to_string()));
        assert!(!shown.contains("0707"));
    }
}
