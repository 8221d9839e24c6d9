//! The hash of a plain body, held against what was signed.

use sha2::{Digest, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;

/// Hashes a body while it streams.
#[derive(Clone)]
pub struct BodyHash {
    expected: [u8; 32],
    running: Sha256,
}

/// The body is not the one that was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body's SHA-256 is not the x-amz-content-sha256 that was signed")]
pub struct BodyHashMismatch;

impl BodyHashMismatch {
    /// The S3 error code.
    pub fn code(&self) -> &'static str {
        "XAmzContentSHA256Mismatch"
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        400
    }
}

impl BodyHash {
    /// For a body that should hash to `expected`.
    pub fn new(expected: [u8; 32]) -> Self {
        Self {
            expected,
            running: Sha256::new(),
        }
    }

    /// Takes the next bytes of the body.
    pub fn update(&mut self, bytes: &[u8]) {
        self.running.update(bytes);
    }

    /// Judges the body after its last byte; only then may that byte be sent on.
    pub fn finish(self) -> Result<(), BodyHashMismatch> {
        let actual: [u8; 32] = self.running.finalize().into();
        if bool::from(actual.ct_eq(&self.expected)) {
            Ok(())
        } else {
            Err(BodyHashMismatch)
        }
    }
}

impl fmt::Debug for BodyHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("BodyHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wrong_byte_is_found_however_the_body_is_cut() {
        let expected = crate::signature::sha256(b"hello");
        for (pieces, good) in [
            (["hel", "lo"], true),
            (["", "hello"], true),
            (["hel", "lO"], false),
        ] {
            let mut hash = BodyHash::new(expected);
            pieces
                .iter()
                .for_each(|piece| hash.update(piece.as_bytes()));
            assert_eq!(hash.finish().is_ok(), good);
        }
    }
}
