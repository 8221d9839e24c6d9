//! The state machine.

use super::trailers::{TrailerSection, announced};
use super::{ChunkError, Trailers};
use crate::payload::{ChunkChain, Payload};
use crate::signature::Signature;
use bytes::Bytes;
use http::HeaderMap;
use sha2::{Digest, Sha256};
use std::fmt;

/// 16 digits, `;chunk-signature=`, 64 digits: no chunk header is longer.
const MAX_CHUNK_LINE_BYTES: usize = 16 + SIGNATURE_EXTENSION.len() + 64;

/// All trailers together, with their line ends.
const MAX_TRAILER_BYTES: usize = 8_192;

const SIGNATURE_EXTENSION: &str = ";chunk-signature=";

/// Reads an aws-chunked body piece by piece, in constant memory.
///
/// The payload comes out as slices of what goes in, *before* the signature behind it is verified:
/// a chunk may be larger than memory. Whoever sends these slices on holds back at least the last
/// byte of the body until [`ChunkDecoder::finish`] has returned the trailers, and cuts the
/// connection short on any error; then nothing unverified is ever stored.
///
/// After an error every further call fails.
pub struct ChunkDecoder {
    signing: Option<Signing>,
    declared: u64,
    decoded: u64,
    announced: Vec<String>,
    has_trailer: bool,
    state: State,
    line: Vec<u8>,
    trailer_bytes: usize,
    section: TrailerSection,
}

/// The chain of chunk signatures.
struct Signing {
    chain: ChunkChain,
    previous: Signature,
    /// What the header of the current chunk promises.
    promised: Signature,
    hash: Sha256,
    chunk: u64,
}

/// What the next byte belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The line before a chunk.
    Header,
    /// A chunk of which so many bytes are missing.
    Data { left: u64 },
    /// The line end after a chunk.
    DataEnd,
    /// A trailer, or the empty line that ends the body.
    Trailer,
    /// Nothing.
    Done,
    /// Nothing any more.
    Failed,
}

impl ChunkDecoder {
    /// A decoder for `payload` that must yield `decoded_length` bytes and the trailers that
    /// `x-amz-trailer`, if there is one, announces.
    pub fn new(
        payload: &Payload,
        decoded_length: u64,
        trailer_header: Option<&str>,
    ) -> Result<Self, ChunkError> {
        let (signing, has_trailer) = match payload {
            Payload::SignedChunks(chain) => {
                let signing = Signing {
                    previous: chain.seed,
                    promised: chain.seed,
                    chain: chain.clone(),
                    hash: Sha256::new(),
                    chunk: 0,
                };
                (Some(signing), chain.has_trailer())
            }
            Payload::UnsignedChunks => (None, true),
            Payload::Sha256(_) | Payload::Unsigned => return Err(ChunkError::NotChunked),
        };
        let announced = announced(trailer_header.unwrap_or(""))?;
        if !has_trailer && !announced.is_empty() {
            return Err(ChunkError::TrailerHeader(
                "x-amz-content-sha256 must end with -TRAILER for trailers to follow",
            ));
        }
        Ok(Self {
            signing,
            declared: decoded_length,
            decoded: 0,
            announced,
            has_trailer,
            state: State::Header,
            line: Vec::new(),
            trailer_bytes: 0,
            section: TrailerSection::default(),
        })
    }

    /// A decoder for `payload` as the request's `x-amz-decoded-content-length` and
    /// `x-amz-trailer` describe it.
    pub fn for_request(payload: &Payload, headers: &HeaderMap) -> Result<Self, ChunkError> {
        let mut lengths = headers.get_all("x-amz-decoded-content-length").iter();
        let length = lengths.next().ok_or(ChunkError::LengthMissing)?;
        let digits = length
            .to_str()
            .ok()
            .filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
        let length = digits.and_then(|text| text.parse().ok());
        let (Some(length), None) = (length, lengths.next()) else {
            return Err(ChunkError::LengthMalformed);
        };
        let mut names = String::new();
        for value in headers.get_all("x-amz-trailer") {
            let value = value
                .to_str()
                .map_err(|_| ChunkError::TrailerHeader("not plain text"))?;
            if !names.is_empty() {
                names.push(',');
            }
            names.push_str(value);
        }
        Self::new(payload, length, Some(&names))
    }

    /// How many bytes the body has without its framing, by its own word.
    pub fn declared_length(&self) -> u64 {
        self.declared
    }

    /// Whether the body has ended; [`ChunkDecoder::finish`] will not fail for want of bytes.
    pub fn is_complete(&self) -> bool {
        self.state == State::Done
    }

    /// Takes the next piece of the body and appends the payload in it to `output`.
    pub fn push(&mut self, input: Bytes, output: &mut Vec<Bytes>) -> Result<(), ChunkError> {
        let result = self.consume(input, output);
        if result.is_err() {
            self.state = State::Failed;
        }
        result
    }

    /// Judges the body after its last byte.
    pub fn finish(self) -> Result<Trailers, ChunkError> {
        match self.state {
            State::Done => {
                let chain = self.signing.as_ref().filter(|_| self.has_trailer);
                let chain = chain.map(|signing| (&signing.chain, &signing.previous));
                self.section.finish(&self.announced, chain)
            }
            State::Failed => Err(ChunkError::AlreadyFailed),
            _ => Err(ChunkError::Truncated),
        }
    }

    fn consume(&mut self, mut input: Bytes, output: &mut Vec<Bytes>) -> Result<(), ChunkError> {
        while !input.is_empty() {
            match self.state {
                State::Data { left } => self.state = self.data(left, &mut input, output)?,
                State::Header | State::DataEnd | State::Trailer => {
                    if let Some(line) = self.take_line(&mut input)? {
                        self.state = self.end_line(&line)?;
                        self.line = line;
                        self.line.clear();
                    }
                }
                State::Done => return Err(ChunkError::AfterEnd),
                State::Failed => return Err(ChunkError::AlreadyFailed),
            }
        }
        Ok(())
    }

    /// Passes on what `input` has of the current chunk.
    fn data(
        &mut self,
        left: u64,
        input: &mut Bytes,
        output: &mut Vec<Bytes>,
    ) -> Result<State, ChunkError> {
        let here = usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
        let slice = input.split_to(here);
        if let Some(signing) = &mut self.signing {
            signing.hash.update(&slice);
        }
        self.decoded += here as u64;
        output.push(slice);
        let left = left - here as u64;
        if left > 0 {
            return Ok(State::Data { left });
        }
        self.end_chunk()?;
        Ok(State::DataEnd)
    }

    /// Collects a line up to its CR LF, which is not returned.
    fn take_line(&mut self, input: &mut Bytes) -> Result<Option<Vec<u8>>, ChunkError> {
        let limit = match self.state {
            State::Header => MAX_CHUNK_LINE_BYTES + 2,
            State::DataEnd => 2,
            _ => MAX_TRAILER_BYTES - self.trailer_bytes,
        };
        while !input.is_empty() {
            let upto = input
                .iter()
                .position(|b| *b == b'\n')
                .map_or(input.len(), |at| at + 1);
            if self.line.len() + upto > limit {
                return Err(self.line_too_long());
            }
            self.line.extend_from_slice(&input.split_to(upto));
            if self.line.ends_with(b"\r\n") {
                if self.state == State::Trailer {
                    self.trailer_bytes += self.line.len();
                }
                let mut line = std::mem::take(&mut self.line);
                line.truncate(line.len() - 2);
                return Ok(Some(line));
            }
        }
        Ok(None)
    }

    fn line_too_long(&self) -> ChunkError {
        match self.state {
            State::Header => ChunkError::Framing("the line before a chunk is too long"),
            State::DataEnd => ChunkError::Framing("a chunk does not end with a line end"),
            _ => ChunkError::Trailer("they are longer than 8 KiB"),
        }
    }

    fn end_line(&mut self, line: &[u8]) -> Result<State, ChunkError> {
        match self.state {
            State::Header => self.chunk_header(line),
            State::DataEnd if line.is_empty() => Ok(State::Header),
            State::DataEnd => Err(ChunkError::Framing("a chunk does not end with a line end")),
            _ if line.is_empty() => Ok(State::Done),
            _ if !self.has_trailer => Err(ChunkError::Trailer("none may follow this body")),
            _ => self.section.line(line).map(|()| State::Trailer),
        }
    }

    /// Reads `SIZE` or `SIZE;chunk-signature=SIGNATURE`.
    fn chunk_header(&mut self, line: &[u8]) -> Result<State, ChunkError> {
        let size = match &mut self.signing {
            None => line,
            Some(signing) => {
                let digits = line.iter().position(|b| *b == b';').unwrap_or(line.len());
                let (size, extension) = line.split_at(digits);
                let signature = extension
                    .strip_prefix(SIGNATURE_EXTENSION.as_bytes())
                    .ok_or(ChunkError::Framing("a chunk has no chunk-signature"))?;
                signing.promised =
                    Signature::parse(signature).ok_or(ChunkError::ChunkSignature(signing.chunk))?;
                size
            }
        };
        let left = chunk_size(size)?;
        if left > self.declared - self.decoded {
            return Err(ChunkError::TooLong {
                declared: self.declared,
            });
        }
        if left > 0 {
            return Ok(State::Data { left });
        }
        self.end_chunk()?;
        if self.decoded != self.declared {
            return Err(ChunkError::TooShort {
                decoded: self.decoded,
                declared: self.declared,
            });
        }
        Ok(State::Trailer)
    }

    /// Verifies the chunk that just ended.
    fn end_chunk(&mut self) -> Result<(), ChunkError> {
        let Some(signing) = &mut self.signing else {
            return Ok(());
        };
        let hash = signing.hash.finalize_reset().into();
        if !signing
            .chain
            .sign_chunk(&signing.previous, &hash)
            .matches(&signing.promised)
        {
            return Err(ChunkError::ChunkSignature(signing.chunk));
        }
        signing.previous = signing.promised;
        signing.chunk += 1;
        Ok(())
    }
}

impl fmt::Debug for ChunkDecoder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ChunkDecoder")
            .field("declared", &self.declared)
            .field("decoded", &self.decoded)
            .finish_non_exhaustive()
    }
}

/// Hexadecimal, without leading zeros, at most 16 digits.
fn chunk_size(digits: &[u8]) -> Result<u64, ChunkError> {
    let malformed = ChunkError::Framing("the size of a chunk is not a hexadecimal number");
    let text = std::str::from_utf8(digits).map_err(|_| malformed.clone())?;
    let legal = text.bytes().all(|b| b.is_ascii_hexdigit()) && text.len() <= 16;
    if !legal || (text.starts_with('0') && text != "0") {
        return Err(malformed);
    }
    u64::from_str_radix(text, 16).map_err(|_| malformed)
}
