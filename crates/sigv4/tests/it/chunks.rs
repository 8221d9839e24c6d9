//! Chunked bodies: cut anywhere they decode the same, changed anywhere they are refused.

use crate::judge::{sign_headers, signed_chunks};
use crate::request::Request;
use aws_sigv4::http_request::SignableBody;
use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use sigv4::{ChunkDecoder, ChunkError, Trailers};

pub(crate) const CRC: (&str, &str) = ("x-amz-checksum-crc32c", "sOO8/Q==");
pub(crate) const SHA: (&str, &str) = (
    "x-amz-checksum-sha256",
    "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=",
);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Signed,
    SignedTrailer,
    UnsignedTrailer,
}

pub(crate) const MODES: [Mode; 3] = [Mode::Signed, Mode::SignedTrailer, Mode::UnsignedTrailer];

/// A signed request whose body decodes to `length` bytes, with `trailers` announced.
pub(crate) fn request(mode: Mode, length: usize, trailers: &[(&str, &str)]) -> Request {
    let mut request = Request::new("PUT", "/results/a", &[("host", "gw.example.com")]);
    request.append("x-amz-decoded-content-length", &length.to_string());
    if !trailers.is_empty() {
        let names: Vec<&str> = trailers.iter().map(|(name, _)| *name).collect();
        request.append("x-amz-trailer", &names.join(","));
    }
    let body = match mode {
        Mode::Signed => SignableBody::Precomputed("STREAMING-AWS4-HMAC-SHA256-PAYLOAD".into()),
        Mode::SignedTrailer => SignableBody::StreamingSignedPayloadTrailer,
        Mode::UnsignedTrailer => SignableBody::StreamingUnsignedPayloadTrailer,
    };
    sign_headers(&mut request, body, None);
    request
}

pub(crate) fn body(
    mode: Mode,
    request: &Request,
    chunks: &[&[u8]],
    trailers: &[(&'static str, &'static str)],
) -> Vec<u8> {
    match mode {
        Mode::Signed => signed_chunks(request, chunks, None),
        Mode::SignedTrailer => signed_chunks(request, chunks, Some(trailers)),
        Mode::UnsignedTrailer => {
            let mut body = Vec::new();
            for chunk in chunks {
                body.extend_from_slice(format!("{:X}\r\n", chunk.len()).as_bytes());
                body.extend_from_slice(chunk);
                body.extend_from_slice(b"\r\n");
            }
            let fields = trailers
                .iter()
                .map(|(name, value)| format!("{name}:{value}\r\n"));
            body.extend_from_slice(format!("0\r\n{}\r\n", fields.collect::<String>()).as_bytes());
            body
        }
    }
}

pub(crate) fn decoder(request: &Request) -> ChunkDecoder {
    let verified = request.verify().unwrap();
    ChunkDecoder::for_request(verified.payload(), &request.headers).unwrap()
}

pub(crate) fn decode<'p>(
    mut decoder: ChunkDecoder,
    pieces: impl IntoIterator<Item = &'p [u8]>,
) -> Result<(Vec<u8>, Trailers), ChunkError> {
    let mut slices = Vec::new();
    for piece in pieces {
        decoder.push(Bytes::copy_from_slice(piece), &mut slices)?;
    }
    Ok((slices.concat(), decoder.finish()?))
}

/// The trailers of a mode that has any.
pub(crate) fn trailers_of(mode: Mode) -> &'static [(&'static str, &'static str)] {
    if mode == Mode::Signed {
        &[]
    } else {
        &[CRC, SHA]
    }
}

/// A small body of each mode: three chunks and the end.
pub(crate) fn sample(mode: Mode) -> (Request, Vec<u8>) {
    let request = request(mode, 12, trailers_of(mode));
    let body = body(
        mode,
        &request,
        &[b"hello ", b"w", b"orld!"],
        trailers_of(mode),
    );
    (request, body)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_split_gives_the_same_result(
        mode in prop::sample::select(MODES.to_vec()),
        chunks in vec(vec(any::<u8>(), 1..300), 0..5),
        cuts in vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let plain = chunks.concat();
        let slices: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
        let trailers = trailers_of(mode);
        let request = request(mode, plain.len(), trailers);
        let body = body(mode, &request, &slices, trailers);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len())).collect();
        cuts.extend([0, body.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|pair| &body[pair[0]..pair[1]]);
        let (decoded, found) = decode(decoder(&request), pieces).unwrap();
        prop_assert_eq!(decoded, plain);
        prop_assert!(found.iter().eq(trailers.iter().copied()));
    }
}

#[test]
fn a_body_that_comes_byte_by_byte_decodes() {
    for mode in MODES {
        let (request, body) = sample(mode);
        let (decoded, _) = decode(decoder(&request), body.chunks(1)).unwrap();
        assert_eq!(decoded, b"hello world!", "{mode:?}");
    }
}

#[test]
fn sizes_around_the_usual_boundaries_decode() {
    for mode in MODES {
        for (length, chunk) in [
            (0, 8_192),
            (1, 1),
            (8_191, 8_192),
            (8_192, 8_192),
            (8_193, 8_192),
            (65_536, 1_024),
            (5 << 20, 65_536),
        ] {
            let plain: Vec<u8> = (0..length).map(|i| (i * 7 + i / 251) as u8).collect();
            let request = request(mode, length, trailers_of(mode));
            let chunks: Vec<&[u8]> = plain.chunks(chunk).collect();
            let body = body(mode, &request, &chunks, trailers_of(mode));
            let (decoded, _) = decode(decoder(&request), body.chunks(16_000)).unwrap();
            assert!(decoded == plain, "{mode:?} {length} {chunk}");
        }
    }
}

#[test]
fn a_truncated_body_is_refused_wherever_it_ends() {
    for mode in MODES {
        let (request, body) = sample(mode);
        for end in 0..body.len() {
            let result = decode(decoder(&request), [&body[..end]]);
            assert!(result.is_err(), "{mode:?} {end}");
        }
    }
}

#[test]
fn any_changed_byte_of_a_signed_body_is_refused() {
    for mode in [Mode::Signed, Mode::SignedTrailer] {
        let (request, body) = sample(mode);
        let verified = request.verify().unwrap();
        for at in 0..body.len() {
            let flipped = (0..8)
                .map(|bit| body[at] ^ (1 << bit))
                .chain(*b"\r\n\t 0a;:,\0");
            for value in flipped.filter(|value| *value != body[at]) {
                let mut changed = body.clone();
                changed[at] = value;
                let decoder =
                    ChunkDecoder::for_request(verified.payload(), &request.headers).unwrap();
                let result = decode(decoder, [changed.as_slice()]);
                // The name of a trailer means the same in upper case.
                let is_case = changed.eq_ignore_ascii_case(&body) && at > body.len() - 210;
                assert!(
                    result.is_err() || is_case,
                    "{mode:?}: byte {at} is now {value}"
                );
            }
        }
    }
}

#[test]
fn bytes_after_the_end_are_refused() {
    for mode in MODES {
        let (request, mut body) = sample(mode);
        body.push(b'\r');
        let result = decode(decoder(&request), [body.as_slice()]);
        assert_eq!(result.unwrap_err(), ChunkError::AfterEnd, "{mode:?}");
    }
}

#[test]
fn a_wrong_chunk_is_named_and_nothing_goes_on_after_it() {
    let (request, body) = sample(Mode::Signed);
    let at = body
        .windows(5)
        .position(|window| window == b"orld!")
        .unwrap();
    let mut changed = body.clone();
    changed[at] ^= 1;
    let mut decoder = decoder(&request);
    let mut slices = Vec::new();
    let error = decoder.push(Bytes::from(changed), &mut slices).unwrap_err();
    assert_eq!(error, ChunkError::ChunkSignature(2));
    assert_eq!(
        (error.code(), error.status()),
        ("SignatureDoesNotMatch", 403)
    );
    let again = decoder.push(Bytes::from_static(b"0\r\n"), &mut slices);
    assert_eq!(again, Err(ChunkError::AlreadyFailed));
    assert_eq!(decoder.finish(), Err(ChunkError::AlreadyFailed));
}

#[test]
fn the_last_empty_chunk_is_verified() {
    let (request, body) = sample(Mode::Signed);
    let at = body.len() - 5;
    let mut changed = body.clone();
    changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
    let error = decode(decoder(&request), [changed.as_slice()]).unwrap_err();
    assert_eq!(error, ChunkError::ChunkSignature(3));
}

#[test]
fn a_length_other_than_the_declared_one_is_refused() {
    for mode in MODES {
        for (declared, code) in [(11, "InvalidRequest"), (13, "IncompleteBody")] {
            let request = request(mode, declared, trailers_of(mode));
            let body = body(mode, &request, &[b"hello ", b"world!"], trailers_of(mode));
            let error = decode(decoder(&request), [body.as_slice()]).unwrap_err();
            assert_eq!(
                (error.code(), error.status()),
                (code, 400),
                "{mode:?} {declared}"
            );
        }
    }
}

#[test]
fn a_declared_length_that_is_no_length_is_refused() {
    let signed = request(Mode::UnsignedTrailer, 1, &[]);
    let verified = signed.verify().unwrap();
    for length in [
        "",
        "-1",
        "+1",
        "1.0",
        "0x10",
        " 1",
        "18446744073709551616",
        "1,1",
    ] {
        let mut changed = signed.clone();
        changed.set("x-amz-decoded-content-length", length);
        let error = ChunkDecoder::for_request(verified.payload(), &changed.headers).unwrap_err();
        assert_eq!(error, ChunkError::LengthMalformed, "{length:?}");
    }
    let mut twice = signed.clone();
    twice.append("x-amz-decoded-content-length", "1");
    assert!(ChunkDecoder::for_request(verified.payload(), &twice.headers).is_err());
    let mut missing = signed.clone();
    missing.headers.remove("x-amz-decoded-content-length");
    let error = ChunkDecoder::for_request(verified.payload(), &missing.headers).unwrap_err();
    assert_eq!(
        (error.code(), error.status()),
        ("MissingContentLength", 411)
    );
}

#[test]
fn a_malformed_chunk_header_is_refused_in_constant_memory() {
    let request = request(Mode::UnsignedTrailer, 5, &[]);
    for header in [
        "",
        "g",
        "-1",
        "+5",
        " 5",
        "5 ",
        "05",
        "00",
        "5;a=b",
        "5;chunk-signature=",
        "0x5",
        "ffffffffffffffff",
        "10000000000000005",
        "5\n",
        "\n5",
        "5\r",
        "é",
    ] {
        let body = format!("{header}\r\nhello\r\n0\r\n\r\n");
        let result = decode(decoder(&request), [body.as_bytes()]);
        assert_eq!(result.unwrap_err().code(), "InvalidRequest", "{header:?}");
    }
    let endless = vec![b'1'; 200];
    assert!(decode(decoder(&request), [endless.as_slice()]).is_err());
    let no_line_end = decode(decoder(&request), [&b"5\r\nhelloX\r\n"[..]]);
    assert_eq!(no_line_end.unwrap_err().code(), "InvalidRequest");
}

#[test]
fn an_unsigned_chunk_in_a_signed_body_is_refused() {
    let request = request(Mode::Signed, 5, &[]);
    for header in [
        "5",
        "5;",
        "5;chunk-signature",
        "5;chunk-signature=",
        "5;chunk-signature=00",
    ] {
        let body = format!("{header}\r\nhello\r\n");
        let error = decode(decoder(&request), [body.as_bytes()]).unwrap_err();
        assert!(matches!(
            error,
            ChunkError::Framing(_) | ChunkError::ChunkSignature(0)
        ));
    }
}

#[test]
fn a_body_without_chunks_has_no_decoder() {
    let mut request = Request::new("PUT", "/results/a", &[("host", "gw.example.com")]);
    request.append("x-amz-decoded-content-length", "1");
    sign_headers(&mut request, SignableBody::UnsignedPayload, None);
    let verified = request.verify().unwrap();
    let error = ChunkDecoder::for_request(verified.payload(), &request.headers).unwrap_err();
    assert_eq!(error, ChunkError::NotChunked);
}
