//! How the body is covered by the signature.

use crate::canonical::ALGORITHM;
use crate::date::SigningDate;
use crate::error::AuthError;
use crate::signature::{HexDigest, Signature, SigningKey};
use crate::{STREAMING_UNSIGNED_PAYLOAD_TRAILER, UNSIGNED_PAYLOAD};
use std::fmt;

/// What stands for the headers that a chunk does not have: the hash of nothing.
const EMPTY_LINE: &[u8] = b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n";

/// What `x-amz-content-sha256` says, before the signature is verified.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PayloadMode {
    Sha256([u8; 32]),
    Unsigned,
    SignedChunks { trailer: bool },
    UnsignedChunks,
}

impl PayloadMode {
    /// Every literal is named here; there is no arm for "something else".
    pub(crate) fn parse(text: &str) -> Result<Self, AuthError> {
        match text {
            UNSIGNED_PAYLOAD => Ok(Self::Unsigned),
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" => Ok(Self::SignedChunks { trailer: false }),
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => {
                Ok(Self::SignedChunks { trailer: true })
            }
            STREAMING_UNSIGNED_PAYLOAD_TRAILER => Ok(Self::UnsignedChunks),
            _ => {
                let mut hash = [0; 32];
                hex::decode_to_slice(text, &mut hash)
                    .map_err(|_| AuthError::PayloadHashUnknown(text.chars().take(80).collect()))?;
                Ok(Self::Sha256(hash))
            }
        }
    }
}

/// How a verified request's body is covered by its signature.
#[derive(Debug, Clone)]
pub enum Payload {
    /// The body hashes to this; [`crate::BodyHash`] checks it.
    Sha256([u8; 32]),
    /// Nothing says what the body is; TLS alone protects it.
    Unsigned,
    /// aws-chunked, each chunk signed; [`crate::ChunkDecoder`] checks them.
    SignedChunks(ChunkChain),
    /// aws-chunked, unsigned, with trailers; [`crate::ChunkDecoder`] takes the framing off.
    UnsignedChunks,
}

impl Payload {
    /// Whether the body is framed as aws-chunked.
    pub fn is_chunked(&self) -> bool {
        matches!(self, Self::SignedChunks(_) | Self::UnsignedChunks)
    }
}

/// The beginning of a chain of chunk signatures; only a verified request has one.
#[derive(Clone)]
pub struct ChunkChain {
    pub(crate) key: SigningKey,
    pub(crate) date: SigningDate,
    pub(crate) scope: Box<str>,
    pub(crate) seed: Signature,
    pub(crate) trailer: bool,
}

impl ChunkChain {
    /// Whether signed trailers follow the last chunk.
    pub fn has_trailer(&self) -> bool {
        self.trailer
    }

    /// The signature of a chunk that hashes to `hash` and follows `previous`.
    pub(crate) fn sign_chunk(&self, previous: &Signature, hash: &[u8; 32]) -> Signature {
        self.link("-PAYLOAD\n", previous, EMPTY_LINE, hash)
    }

    /// The signature of trailers that hash to `hash` and follow the last chunk.
    pub(crate) fn sign_trailer(&self, previous: &Signature, hash: &[u8; 32]) -> Signature {
        self.link("-TRAILER\n", previous, b"", hash)
    }

    fn link(&self, kind: &str, previous: &Signature, middle: &[u8], hash: &[u8; 32]) -> Signature {
        self.key.sign(&[
            ALGORITHM.as_bytes(),
            kind.as_bytes(),
            self.date.as_str().as_bytes(),
            b"\n",
            self.scope.as_bytes(),
            b"\n",
            previous.hex().as_bytes(),
            b"\n",
            middle,
            HexDigest::of(hash).as_bytes(),
        ])
    }
}

impl fmt::Debug for ChunkChain {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ChunkChain")
            .field("trailer", &self.trailer)
            .finish_non_exhaustive()
    }
}
