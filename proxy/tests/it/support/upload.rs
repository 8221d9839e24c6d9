//! Uploads in every mode that clients use.

use super::checksum::crc32;
use super::request::Request;
use super::signer::{SIGNED_CHUNKS, SIGNED_CHUNKS_TRAILER, Signer, UNSIGNED_CHUNKS_TRAILER};

/// Bytes per chunk: what most clients take.
pub(crate) const CHUNK: usize = 64 * 1_024;

/// How a body is covered by a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Hash,
    Unsigned,
    SignedChunks,
    SignedChunksTrailer,
    UnsignedChunksTrailer,
}

pub(crate) const MODES: [Mode; 5] = [
    Mode::Hash,
    Mode::Unsigned,
    Mode::SignedChunks,
    Mode::SignedChunksTrailer,
    Mode::UnsignedChunksTrailer,
];

/// The head of a chunked upload of `length` decoded bytes, signed; its body is still missing.
pub(crate) fn chunked_head(signer: &Signer, target: &str, mode: Mode, length: usize) -> Request {
    let mut request = Request::new("PUT", target)
        .header("content-encoding", "aws-chunked")
        .header("x-amz-decoded-content-length", &length.to_string());
    if matches!(
        mode,
        Mode::SignedChunksTrailer | Mode::UnsignedChunksTrailer
    ) {
        request = request.header("x-amz-trailer", "x-amz-checksum-crc32");
    }
    let payload = match mode {
        Mode::SignedChunks => SIGNED_CHUNKS,
        Mode::SignedChunksTrailer => SIGNED_CHUNKS_TRAILER,
        Mode::UnsignedChunksTrailer => UNSIGNED_CHUNKS_TRAILER,
        Mode::Hash | Mode::Unsigned => panic!("{mode:?} has no chunks"),
    };
    signer.sign_payload(request, payload)
}

/// A correct upload of `body` in chunks of at most `chunk` bytes.
pub(crate) fn upload(
    signer: &Signer,
    target: &str,
    mode: Mode,
    body: &[u8],
    chunk: usize,
) -> Request {
    match mode {
        Mode::Hash => return signer.sign(Request::new("PUT", target).body(body)),
        Mode::Unsigned => {
            let request = Request::new("PUT", target).body(body);
            return signer.sign_payload(request, "UNSIGNED-PAYLOAD");
        }
        _ => {}
    }
    let request = chunked_head(signer, target, mode, body.len());
    let pieces: Vec<&[u8]> = body.chunks(chunk).collect();
    let crc = crc32(body);
    let trailer = [("x-amz-checksum-crc32", crc.as_str())];
    let wire = match mode {
        Mode::SignedChunks => signer.chunks(&request, &pieces, None),
        Mode::SignedChunksTrailer => signer.chunks(&request, &pieces, Some(&trailer)),
        _ => unsigned_chunks(&pieces, &trailer),
    };
    request.body(wire)
}

/// The framing of unsigned chunks with trailers, as the AWS documentation describes it.
pub(crate) fn unsigned_chunks(pieces: &[&[u8]], trailers: &[(&str, &str)]) -> Vec<u8> {
    let mut wire = Vec::new();
    for piece in pieces {
        wire.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        wire.extend_from_slice(piece);
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b"0\r\n");
    for (name, value) in trailers {
        wire.extend_from_slice(format!("{name}:{value}\r\n").as_bytes());
    }
    wire.extend_from_slice(b"\r\n");
    wire
}
