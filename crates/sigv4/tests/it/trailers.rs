//! The trailers behind a chunked body: the announced ones, signed where they must be.

use crate::chunks::{CRC, Mode, SHA, decode, decoder, request, sample};
use crate::judge::sign_headers;
use crate::request::Request;
use aws_sigv4::http_request::SignableBody;
use sigv4::{ChunkDecoder, ChunkError};

#[test]
fn trailers_must_be_the_announced_ones() {
    let unsigned = |announced: &[(&str, &str)], section: &str| {
        let request = request(Mode::UnsignedTrailer, 0, announced);
        decode(
            decoder(&request),
            [format!("0\r\n{section}\r\n").as_bytes()],
        )
        .map(|(_, t)| t)
    };
    let good = unsigned(&[CRC], "X-Amz-Checksum-Crc32c: sOO8/Q==\r\n").unwrap();
    assert_eq!(good.get(CRC.0), Some(CRC.1));
    assert!(unsigned(&[], "").unwrap().is_empty());
    for (announced, section) in [
        (&[CRC][..], ""),
        (&[], "x-amz-checksum-crc32c:sOO8/Q==\r\n"),
        (&[CRC], "x-amz-checksum-crc32:sOO8/Q==\r\n"),
        (
            &[CRC],
            "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-checksum-crc32c:sOO8/Q==\r\n",
        ),
        (
            &[CRC],
            "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-meta-a:1\r\n",
        ),
        (
            &[CRC, SHA],
            "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-checksum-crc32c:sOO8/Q==\r\n",
        ),
        (&[CRC], "x-amz-checksum-crc32c\r\n"),
        (&[CRC], "x-amz-checksum-crc32c:sOO8\u{7}\r\n"),
        (
            &[CRC],
            "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:0\r\n",
        ),
    ] {
        let error = unsigned(announced, section).unwrap_err();
        assert_eq!(error.status() / 100, 4, "{section}");
    }
    let long = format!("x-amz-checksum-crc32c:{}\r\n", "a".repeat(8_192));
    assert_eq!(
        unsigned(&[CRC], &long).unwrap_err().code(),
        "MalformedTrailerError"
    );
}

#[test]
fn fields_that_end_with_a_line_feed_of_their_own_are_read() {
    // minio-go spells trailers on the wire as they are spelled where they are signed.
    let request = request(Mode::UnsignedTrailer, 0, &[CRC, SHA]);
    let section = format!("0\r\n{}:{}\n{}:{}\n\r\n\r\n", CRC.0, CRC.1, SHA.0, SHA.1);
    let (_, trailers) = decode(decoder(&request), [section.as_bytes()]).unwrap();
    assert!(trailers.iter().eq([CRC, SHA]));
}

#[test]
fn a_signed_trailer_without_its_signature_is_refused() {
    let (request, body) = sample(Mode::SignedTrailer);
    let at = body
        .windows(24)
        .position(|window| window == b"x-amz-trailer-signature:")
        .unwrap();
    let mut cut = body[..at].to_vec();
    cut.extend_from_slice(b"\r\n");
    let error = decode(decoder(&request), [cut.as_slice()]).unwrap_err();
    assert_eq!(error, ChunkError::TrailerSignature);
}

#[test]
fn an_announcement_that_cannot_be_kept_is_refused() {
    let nine: Vec<String> = (0..9).map(|n| format!("x-amz-checksum-{n}")).collect();
    let nine = nine.join(",");
    for names in ["a,a", "a,,b", "a b", "x-amz-trailer-signature", &nine] {
        let mut request = Request::new("PUT", "/results/a", &[("host", "gw.example.com")]);
        request.append("x-amz-trailer", names);
        sign_headers(
            &mut request,
            SignableBody::StreamingUnsignedPayloadTrailer,
            None,
        );
        let verified = request.verify().unwrap();
        let error = ChunkDecoder::new(verified.payload(), 0, Some(names)).unwrap_err();
        assert_eq!(error.code(), "MalformedTrailerError", "{names}");
    }
    let mut request = request(Mode::Signed, 0, &[]);
    request.append("x-amz-trailer", "x-amz-checksum-crc32");
    let verified = request.verify();
    assert!(verified.is_err(), "an unsigned x-amz-trailer");
}
