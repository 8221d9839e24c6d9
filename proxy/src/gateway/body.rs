//! A request body on its way: decoded, counted, hashed, compared, held back. No I/O.
//!
//! The storage commits an upload when the last byte of its content-length arrives. So the tail of
//! a body stays here until everything that vouches for it has been checked; a body that fails is
//! never completed, and nothing is stored. Memory is one piece of the wire, whatever the size.

use bytes::{Bytes, BytesMut};
use s3::{Algorithm, Checksum, DeclaredChecksums, Digest, ErrorCode, S3Error};
use sha2::{Digest as _, Sha256};
use sigv4::{ChunkDecoder, ChunkError, Payload, Trailers};

/// Decoded bytes per chunk towards the upstream, when it gets the checksum as a trailer.
const CHUNK: u64 = 64 * 1_024;

/// Why a body is refused.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The chunk framing or one of its signatures.
    #[error("the chunked body does not hold")]
    Chunks(#[from] ChunkError),
    /// More bytes than declared.
    #[error("the body is longer than declared")]
    TooLong,
    /// Fewer bytes than declared.
    #[error("the body is shorter than declared")]
    TooShort,
    /// Not the bytes that `x-amz-content-sha256` names.
    #[error("the body does not have the signed SHA-256")]
    Sha256,
    /// Not the bytes that a checksum names.
    #[error("the body does not have the declared {}", .0.name())]
    Checksum(Algorithm),
    /// The trailer is missing, or its value is none.
    #[error("the trailer is not the announced checksum")]
    Trailer,
}

impl BodyError {
    /// What the client is told.
    pub fn to_s3(&self) -> S3Error {
        match self {
            Self::Chunks(error) => chunk_error(error),
            Self::TooLong => S3Error::with_message(
                ErrorCode::InvalidRequest,
                "The body is longer than the length that was declared for it.",
            ),
            Self::TooShort => S3Error::new(ErrorCode::IncompleteBody),
            Self::Sha256 => S3Error::new(ErrorCode::XAmzContentSHA256Mismatch),
            Self::Checksum(algorithm) => S3Error::with_message(
                ErrorCode::BadDigest,
                format!(
                    "The {} that was sent does not match the bytes that arrived.",
                    algorithm.name()
                ),
            ),
            Self::Trailer => S3Error::new(ErrorCode::MalformedTrailerError),
        }
    }
}

fn chunk_error(error: &ChunkError) -> S3Error {
    let code = ErrorCode::parse(error.code()).unwrap_or(ErrorCode::InvalidRequest);
    S3Error::with_message(code, super::admit::sentence(&error.to_string()))
}

/// How the body travels on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutFraming {
    /// As it is, with a content-length.
    Plain,
    /// In unsigned chunks with the checksum as a trailer, so that the storage checks and keeps it.
    Trailer(Algorithm),
}

/// What has to be done to a body: made once per request, started once per try.
#[derive(Debug, Clone)]
pub struct BodyPlan {
    /// What the signature says about the body.
    pub payload: Payload,
    /// How many decoded bytes must come.
    pub length: u64,
    /// What the client declares.
    pub declared: DeclaredChecksums,
    /// How it travels on.
    pub out: OutFraming,
}

impl BodyPlan {
    /// The content-length towards the upstream: known before the first byte.
    pub fn upstream_length(&self) -> u64 {
        match self.out {
            OutFraming::Plain => self.length,
            OutFraming::Trailer(algorithm) => framed_length(self.length, algorithm),
        }
    }

    /// Whether the headers about the body agree with each other.
    ///
    /// # Errors
    /// A trailer that the payload cannot have.
    pub fn check(&self) -> Result<(), BodyError> {
        match (self.payload.is_chunked(), self.declared.trailer) {
            (true, _) => Ok(self.decoder().map(drop)?),
            (false, Some(_)) => Err(BodyError::Trailer),
            (false, None) => Ok(()),
        }
    }

    fn decoder(&self) -> Result<ChunkDecoder, ChunkError> {
        let announced = self.declared.trailer.map(Algorithm::header_name);
        ChunkDecoder::new(&self.payload, self.length, announced)
    }

    /// A pipeline for one try.
    pub fn start(&self) -> BodyPipeline {
        let is_chunked = self.payload.is_chunked();
        let decoder = is_chunked.then(|| {
            self.decoder()
                .expect("the plan was checked when it was made")
        });
        let sha256 = match self.payload {
            Payload::Sha256(expected) => Some((Sha256::new(), expected)),
            _ => None,
        };
        let mut checks = Vec::new();
        checks.extend(self.declared.header.clone().map(Check::against));
        checks.extend(self.declared.content_md5.clone().map(Check::against));
        let trailer = self.declared.trailer.map(Checksum::new);
        let vouched = is_chunked || sha256.is_some() || !checks.is_empty();
        BodyPipeline {
            decoder,
            length: self.length,
            seen: 0,
            sha256,
            checks,
            trailer,
            out: Framer {
                out: self.out,
                total: self.length,
                sent: 0,
            },
            held: Bytes::new(),
            vouched,
            pieces: Vec::new(),
        }
    }
}

#[derive(Debug)]
struct Check {
    state: Checksum,
    expected: Digest,
}

impl Check {
    fn against(expected: Digest) -> Self {
        Self {
            state: Checksum::new(expected.algorithm()),
            expected,
        }
    }
}

/// One body being checked.
#[derive(Debug)]
pub struct BodyPipeline {
    decoder: Option<ChunkDecoder>,
    length: u64,
    seen: u64,
    sha256: Option<(Sha256, [u8; 32])>,
    checks: Vec<Check>,
    trailer: Option<Checksum>,
    out: Framer,
    /// What came last: it leaves when more comes, or when the end has been checked.
    held: Bytes,
    /// Whether anything vouches for the body; if nothing does, nothing is held back.
    vouched: bool,
    pieces: Vec<Bytes>,
}

impl BodyPipeline {
    /// Takes bytes from the wire; returns what may travel on now, possibly nothing.
    ///
    /// # Errors
    /// As soon as anything does not hold. The pipeline is of no use afterwards.
    pub fn push(&mut self, wire: Bytes) -> Result<Bytes, BodyError> {
        let mut pieces = std::mem::take(&mut self.pieces);
        pieces.clear();
        match &mut self.decoder {
            None => pieces.push(wire),
            Some(decoder) => decoder.push(wire, &mut pieces)?,
        }
        for piece in &pieces {
            self.look_at(piece)?;
        }
        let fresh = self.out.frame(&mut pieces);
        self.pieces = pieces;
        if !self.vouched {
            return Ok(fresh);
        }
        if fresh.is_empty() {
            return Ok(Bytes::new());
        }
        Ok(std::mem::replace(&mut self.held, fresh))
    }

    /// The wire has ended: checks everything, and returns the tail.
    ///
    /// # Errors
    /// When anything does not hold.
    pub fn finish(&mut self) -> Result<Bytes, BodyError> {
        let trailers = self.decoder.take().map(ChunkDecoder::finish).transpose()?;
        if self.seen < self.length {
            return Err(BodyError::TooShort);
        }
        if let Some((state, expected)) = self.sha256.take()
            && state.finalize().as_slice() != expected
        {
            return Err(BodyError::Sha256);
        }
        for check in self.checks.drain(..) {
            let algorithm = check.expected.algorithm();
            if check.state.finish() != check.expected {
                return Err(BodyError::Checksum(algorithm));
            }
        }
        let trailer = match self.trailer.take() {
            None => None,
            Some(state) => Some(compare_trailer(state.finish(), trailers.as_ref())?),
        };
        Ok(self
            .out
            .end(std::mem::take(&mut self.held), trailer.as_ref()))
    }

    fn look_at(&mut self, piece: &[u8]) -> Result<(), BodyError> {
        self.seen += piece.len() as u64;
        if self.seen > self.length {
            return Err(BodyError::TooLong);
        }
        if let Some((state, _)) = &mut self.sha256 {
            state.update(piece);
        }
        for check in &mut self.checks {
            check.state.update(piece);
        }
        if let Some(state) = &mut self.trailer {
            state.update(piece);
        }
        Ok(())
    }
}

fn compare_trailer(computed: Digest, trailers: Option<&Trailers>) -> Result<Digest, BodyError> {
    let algorithm = computed.algorithm();
    let sent = trailers
        .and_then(|trailers| trailers.get(algorithm.header_name()))
        .ok_or(BodyError::Trailer)?;
    let sent = Digest::parse_base64(algorithm, sent).map_err(|_| BodyError::Trailer)?;
    if sent == computed {
        Ok(computed)
    } else {
        Err(BodyError::Checksum(algorithm))
    }
}

/// Puts decoded pieces into the framing towards the upstream.
#[derive(Debug)]
struct Framer {
    out: OutFraming,
    total: u64,
    sent: u64,
}

impl Framer {
    /// Chunk heads are written where a chunk begins: its size is known from what is left, so no
    /// chunk is ever gathered.
    fn frame(&mut self, pieces: &mut Vec<Bytes>) -> Bytes {
        if self.out == OutFraming::Plain {
            return join(pieces);
        }
        let mut framed = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum::<usize>() + 64);
        for mut piece in pieces.drain(..) {
            while !piece.is_empty() {
                let into_chunk = self.sent % CHUNK;
                if into_chunk == 0 {
                    let size = CHUNK.min(self.total - self.sent);
                    framed.extend_from_slice(format!("{size:x}\r\n").as_bytes());
                }
                let room = (CHUNK - into_chunk).min(self.total - self.sent);
                let taken = usize::try_from(room).unwrap_or(usize::MAX).min(piece.len());
                framed.extend_from_slice(&piece.split_to(taken));
                self.sent += taken as u64;
                if self.sent.is_multiple_of(CHUNK) || self.sent == self.total {
                    framed.extend_from_slice(b"\r\n");
                }
            }
        }
        framed.freeze()
    }

    fn end(&mut self, held: Bytes, trailer: Option<&Digest>) -> Bytes {
        let (OutFraming::Trailer(algorithm), Some(digest)) = (self.out, trailer) else {
            return held;
        };
        let mut tail = BytesMut::from(held.as_ref());
        let line = format!(
            "0\r\n{}:{}\r\n\r\n",
            algorithm.header_name(),
            digest.to_base64()
        );
        tail.extend_from_slice(line.as_bytes());
        tail.freeze()
    }
}

fn join(pieces: &mut Vec<Bytes>) -> Bytes {
    if pieces.len() == 1 {
        return pieces.pop().unwrap_or_default();
    }
    let mut joined = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
    for piece in pieces.drain(..) {
        joined.extend_from_slice(&piece);
    }
    joined.freeze()
}

fn framed_length(length: u64, algorithm: Algorithm) -> u64 {
    let chunk = |size: u64| format!("{size:x}").len() as u64 + 2 + size + 2;
    let (full, rest) = (length / CHUNK, length % CHUNK);
    let data = full * chunk(CHUNK) + if rest == 0 { 0 } else { chunk(rest) };
    let value = algorithm.digest_len().div_ceil(3) * 4;
    data + 3 + (algorithm.header_name().len() + 1 + value + 4) as u64
}

#[cfg(test)]
mod tests;
