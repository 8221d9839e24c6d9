//! A body that does not hold never becomes an object: the storage waits in vain for its last byte.

use crate::support::checksum::{crc32, sample};
use crate::support::client::Answer;
use crate::support::request::Request;
use crate::support::signer::{Signer, UNSIGNED, sha256_hex};
use crate::support::upload::{CHUNK, Mode, chunked_head, unsigned_chunks, upload};
use crate::support::world::{ACME_KEY, GLOBEX_KEY, World};

const KEY: &str = "/results/canary";

/// An AWS store and another one.
const TENANTS: [&str; 2] = [ACME_KEY, GLOBEX_KEY];

/// Bodies that fit into one piece of the wire, and that do not.
const SIZES: [usize; 4] = [1, 9, 8_193, 3 * CHUNK + 5];

/// Sends what must not be stored; what the client was told.
async fn refused(world: &World, request: &Request, why: &str) -> Answer {
    world.stub.forget();
    let answer = world.ask(request).await;
    assert!((400..500).contains(&answer.status), "{why}: {answer:?}");
    world.stub.assert_nothing_stored(why);
    answer
}

/// Changes one digit of the n-th chunk signature.
fn spoil_chunk_signature(wire: &mut [u8], n: usize) {
    let mark = b"chunk-signature=";
    let places: Vec<usize> = (0..wire.len() - mark.len())
        .filter(|at| wire[*at..].starts_with(mark))
        .collect();
    spoil_digit(&mut wire[places[n] + mark.len()]);
}

fn spoil_digit(digit: &mut u8) {
    *digit = if *digit == b'0' { b'1' } else { b'0' };
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chunk_with_a_bad_signature_stores_nothing_wherever_it_stands() {
    let world = World::start().await;
    for id in TENANTS {
        let signer = world.signer(id);
        for mode in [Mode::SignedChunks, Mode::SignedChunksTrailer] {
            for chunk in [10, 8_192, CHUNK] {
                let body = sample(3 * chunk);
                // The fourth is the empty one at the end.
                for bad in 0..4 {
                    let mut request = upload(&signer, KEY, mode, &body, chunk);
                    spoil_chunk_signature(&mut request.body, bad);
                    let why = format!("{mode:?} chunk {bad} of {chunk} bytes");
                    let answer = refused(&world, &request, &why).await;
                    assert_eq!(answer.verdict(), "403 SignatureDoesNotMatch", "{why}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_byte_of_a_chunked_body_stores_nothing() {
    let world = World::start().await;
    let signer = world.signer(ACME_KEY);
    let body = sample(3 * 8_192);
    for mode in [
        Mode::SignedChunks,
        Mode::SignedChunksTrailer,
        Mode::UnsignedChunksTrailer,
    ] {
        for place in [0, 8_192, body.len() - 1] {
            let mut request = upload(&signer, KEY, mode, &body, 8_192);
            let piece = &body[place..body.len().min(place + 64)];
            let at = (0..request.body.len())
                .find(|at| request.body[*at..].starts_with(piece))
                .unwrap();
            request.body[at] ^= 1;
            refused(&world, &request, &format!("{mode:?} byte {place}")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trailer_that_does_not_hold_stores_nothing() {
    let world = World::start().await;
    for id in TENANTS {
        let signer = world.signer(id);
        for size in SIZES {
            let body = sample(size);
            let (good, other) = (crc32(&body), crc32(b"another body"));
            let pieces: Vec<&[u8]> = body.chunks(CHUNK).collect();
            let signed = chunked_head(&signer, KEY, Mode::SignedChunksTrailer, size);
            let wrong = [("x-amz-checksum-crc32", other.as_str())];
            let wrong = signed
                .clone()
                .body(signer.chunks(&signed, &pieces, Some(&wrong)));
            let answer = refused(&world, &wrong, "signed, other checksum").await;
            assert_eq!(answer.verdict(), "400 BadDigest");
            let mut forged = upload(&signer, KEY, Mode::SignedChunksTrailer, &body, CHUNK);
            let last = forged.body.len() - 5;
            spoil_digit(&mut forged.body[last]);
            let answer = refused(&world, &forged, "forged trailer signature").await;
            assert_eq!(answer.verdict(), "403 SignatureDoesNotMatch");
            let unsigned = chunked_head(&signer, KEY, Mode::UnsignedChunksTrailer, size);
            for (why, trailers, verdict) in [
                (
                    "other",
                    vec![("x-amz-checksum-crc32", other.as_str())],
                    "400 BadDigest",
                ),
                ("none", vec![], "400 MalformedTrailerError"),
                (
                    "unknown",
                    vec![("x-amz-meta-a", "1")],
                    "400 MalformedTrailerError",
                ),
                (
                    "another algorithm",
                    vec![("x-amz-checksum-crc32c", good.as_str())],
                    "400 MalformedTrailerError",
                ),
                (
                    "one more",
                    vec![
                        ("x-amz-checksum-crc32", good.as_str()),
                        ("x-amz-meta-a", "1"),
                    ],
                    "400 MalformedTrailerError",
                ),
                (
                    "twice",
                    vec![
                        ("x-amz-checksum-crc32", good.as_str()),
                        ("x-amz-checksum-crc32", good.as_str()),
                    ],
                    "400 MalformedTrailerError",
                ),
                (
                    "garbage",
                    vec![("x-amz-checksum-crc32", "AAAA")],
                    "400 MalformedTrailerError",
                ),
            ] {
                let wire = unsigned_chunks(&pieces, &trailers);
                let why = format!("unsigned trailer, {why}, {size} bytes");
                let answer = refused(&world, &unsigned.clone().body(wire), &why).await;
                assert_eq!(answer.verdict(), verdict, "{why}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_with_another_hash_stores_nothing() {
    let world = World::start().await;
    for id in TENANTS {
        let signer = world.signer(id);
        for size in SIZES {
            let request = Request::new("PUT", KEY).body(sample(size));
            let mut request = signer.sign(request);
            let last = request.body.len() - 1;
            request.body[last] ^= 1;
            let answer = refused(&world, &request, &format!("hash, {size} bytes")).await;
            assert_eq!(answer.verdict(), "400 XAmzContentSHA256Mismatch");
            let url = Request::new("PUT", KEY).body(sample(size));
            let mut url = signer.presign_payload(url, 60, &sha256_hex(&sample(size)));
            url.body[0] ^= 1;
            let answer = refused(&world, &url, &format!("presigned hash, {size} bytes")).await;
            assert_eq!(answer.verdict(), "400 XAmzContentSHA256Mismatch");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_with_another_checksum_stores_nothing() {
    let world = World::start().await;
    let md5_of_nothing = "1B2M2Y8AsgTpgAmY7PhCfg==";
    for id in TENANTS {
        let signer = world.signer(id);
        for size in SIZES {
            for (name, value, verdict) in [
                ("x-amz-checksum-crc32", crc32(b"other"), "400 BadDigest"),
                ("content-md5", md5_of_nothing.to_string(), "400 BadDigest"),
            ] {
                let put = Request::new("PUT", KEY)
                    .body(sample(size))
                    .header(name, &value);
                let put = signer.sign_payload(put, UNSIGNED);
                let why = format!("{name}, {size} bytes");
                let answer = refused(&world, &put, &why).await;
                assert_eq!(answer.verdict(), verdict, "{why}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decoded_length_that_is_not_that_of_the_body_stores_nothing() {
    let world = World::start().await;
    for id in TENANTS {
        let signer = world.signer(id);
        for mode in [
            Mode::SignedChunks,
            Mode::SignedChunksTrailer,
            Mode::UnsignedChunksTrailer,
        ] {
            let body = sample(20_000);
            for (declared, verdict) in [
                ("19999", "400"),
                ("20001", "400 IncompleteBody"),
                ("0", "400"),
                ("", "4"),
                ("-20000", "400"),
                ("+20000", "400"),
                ("0x4e20", "400"),
                ("20000.0", "400"),
                ("20000, 20000", "400"),
                ("18446744073709551616", "400"),
                ("9223372036854775807", "400 EntityTooLarge"),
                ("5368709121", "400 EntityTooLarge"),
            ] {
                let request = with_declared_length(&signer, mode, &body, declared);
                let why = format!("{mode:?} declares {declared:?}");
                let answer = refused(&world, &request, &why).await;
                assert!(answer.verdict().starts_with(verdict), "{why}: {answer:?}");
            }
        }
    }
}

/// A correct chain of chunks under a head that declares another length.
fn with_declared_length(signer: &Signer, mode: Mode, body: &[u8], declared: &str) -> Request {
    let request = chunked_head(signer, KEY, mode, body.len());
    let mut bare = request.clone();
    for name in ["authorization", "x-amz-date"] {
        bare.remove(name);
    }
    let payload = request.get("x-amz-content-sha256").unwrap().to_string();
    bare.remove("x-amz-decoded-content-length");
    if !declared.is_empty() {
        bare = bare.header("x-amz-decoded-content-length", declared);
    }
    let request = signer.sign_payload(bare, &payload);
    let crc = crc32(body);
    let trailer = [("x-amz-checksum-crc32", crc.as_str())];
    let pieces: Vec<&[u8]> = body.chunks(8_192).collect();
    let wire = match mode {
        Mode::SignedChunks => signer.chunks(&request, &pieces, None),
        Mode::SignedChunksTrailer => signer.chunks(&request, &pieces, Some(&trailer)),
        _ => unsigned_chunks(&pieces, &trailer),
    };
    request.body(wire)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chunk_frame_that_is_not_one_stores_nothing() {
    let world = World::start().await;
    let head = chunked_head(&world.signer(ACME_KEY), KEY, Mode::UnsignedChunksTrailer, 4);
    let crc = crc32(b"body");
    let trailer = format!("0\r\nx-amz-checksum-crc32:{crc}\r\n\r\n");
    let huge = "f".repeat(16);
    for frame in [
        format!("{huge}\r\nbody\r\n"),
        "00000000000000004\r\nbody\r\n".to_string(),
        "4\nbody\n".to_string(),
        "4\r\nbody".to_string(),
        "4\r\nbodyXX".to_string(),
        "-4\r\nbody\r\n".to_string(),
        "4 \r\nbody\r\n".to_string(),
        "+4\r\nbody\r\n".to_string(),
        "0x4\r\nbody\r\n".to_string(),
        "\r\nbody\r\n".to_string(),
        "g\r\nbody\r\n".to_string(),
        format!("4;{}\r\nbody\r\n", "x".repeat(100_000)),
        "4".repeat(100_000),
        "4\r\nbody\r\n0\r\n\r\n4\r\nbody\r\n".to_string(),
    ] {
        let request = head.clone().body(format!("{frame}{trailer}"));
        let why: String = frame.chars().take(40).collect();
        refused(&world, &request, &why).await;
    }
    for after in ["x", "\r\n", "4\r\nbody\r\n", "GET / HTTP/1.1\r\n\r\n"] {
        let request = head.clone().body(format!("4\r\nbody\r\n{trailer}{after}"));
        refused(&world, &request, &format!("afterwards {after:?}")).await;
    }
    let long = format!(
        "4\r\nbody\r\n0\r\nx-amz-checksum-crc32:{}\r\n\r\n",
        "A".repeat(20_000)
    );
    refused(&world, &head.body(long), "an endless trailer").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_object_is_checked_before_the_storage_hears_of_it() {
    let world = World::start().await;
    for id in TENANTS {
        let signer = world.signer(id);
        for mode in [Mode::SignedChunks, Mode::SignedChunksTrailer] {
            let mut request = upload(&signer, KEY, mode, b"", CHUNK);
            spoil_chunk_signature(&mut request.body, 0);
            let answer = refused(&world, &request, &format!("{mode:?}")).await;
            assert_eq!(answer.verdict(), "403 SignatureDoesNotMatch", "{mode:?}");
        }
        let request = signer.sign_payload(Request::new("PUT", KEY).body(""), &sha256_hex(b"x"));
        let answer = refused(&world, &request, "hash").await;
        assert_eq!(answer.verdict(), "400 XAmzContentSHA256Mismatch");
        let put = Request::new("PUT", KEY).body("");
        let put = put.header("x-amz-checksum-crc32", &crc32(b"x"));
        let answer = refused(&world, &signer.sign(put), "checksum").await;
        assert_eq!(answer.verdict(), "400 BadDigest");
        let head = chunked_head(&signer, KEY, Mode::UnsignedChunksTrailer, 0);
        let wire = unsigned_chunks(&[], &[("x-amz-checksum-crc32", &crc32(b"x"))]);
        let answer = refused(&world, &head.body(wire), "trailer").await;
        assert_eq!(answer.verdict(), "400 BadDigest");
    }
    world
        .stub
        .assert_untouched("an empty object is committed by its head");
}
