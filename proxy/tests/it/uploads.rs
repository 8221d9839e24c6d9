//! A body that holds arrives as what the client meant, in the one framing that its storage takes.

use crate::support::checksum::{crc32, sample};
use crate::support::request::Request;
use crate::support::signer::UNSIGNED;
use crate::support::upload::{CHUNK, MODES, Mode, chunked_head, unsigned_chunks, upload};
use crate::support::world::{ACME_KEY, GLOBEX_KEY, World};

const KEY: &str = "/results/canary";
const SIZES: [usize; 8] = [0, 1, 8_191, 8_192, 8_193, CHUNK, CHUNK + 1, 3 * CHUNK];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_whatever_kind_gets_the_plain_body_with_its_length() {
    let world = World::start().await;
    let signer = world.signer(GLOBEX_KEY);
    for mode in MODES {
        for size in SIZES {
            for chunk in [1_000, 8_192, CHUNK] {
                world.stub.forget();
                let body = sample(size);
                let why = format!("{mode:?}, {size} bytes in chunks of {chunk}");
                let answer = world.ask(&upload(&signer, KEY, mode, &body, chunk)).await;
                assert_eq!(answer.status, 200, "{why}: {answer:?}");
                let request = world.stub.only();
                assert!(request.body == body, "{why}: another body");
                assert_eq!(request.length(), size, "{why}");
                for name in ["content-encoding", "x-amz-trailer", "x-amz-checksum-crc32"] {
                    assert_eq!(request.header(name), None, "{why}");
                }
                assert_eq!(
                    request.header("x-amz-decoded-content-length"),
                    None,
                    "{why}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amazon_gets_a_trailer_in_the_framing_that_it_documents() {
    let world = World::start().await;
    let signer = world.signer(ACME_KEY);
    for mode in [Mode::SignedChunksTrailer, Mode::UnsignedChunksTrailer] {
        for size in SIZES.into_iter().filter(|size| *size > 0) {
            for chunk in [1_000, 100_000] {
                world.stub.forget();
                let body = sample(size);
                let why = format!("{mode:?}, {size} bytes in chunks of {chunk}");
                let answer = world.ask(&upload(&signer, KEY, mode, &body, chunk)).await;
                assert_eq!(answer.status, 200, "{why}: {answer:?}");
                let request = world.stub.only();
                let pieces: Vec<&[u8]> = body.chunks(CHUNK).collect();
                let crc = crc32(&body);
                let reference = unsigned_chunks(&pieces, &[("x-amz-checksum-crc32", &crc)]);
                assert!(request.body == reference, "{why}: another framing");
                assert_eq!(request.length(), reference.len(), "{why}");
                let sha256 = request.header("x-amz-content-sha256");
                assert_eq!(sha256, Some("STREAMING-UNSIGNED-PAYLOAD-TRAILER"), "{why}");
                assert_eq!(
                    request.header("content-encoding"),
                    Some("aws-chunked"),
                    "{why}"
                );
                assert_eq!(
                    request.header("x-amz-trailer"),
                    Some("x-amz-checksum-crc32")
                );
                let decoded = request.header("x-amz-decoded-content-length");
                assert_eq!(decoded, Some(size.to_string().as_str()), "{why}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amazon_gets_a_body_without_trailer_as_it_is() {
    let world = World::start().await;
    let signer = world.signer(ACME_KEY);
    for mode in [Mode::Hash, Mode::Unsigned, Mode::SignedChunks] {
        for size in SIZES {
            world.stub.forget();
            let body = sample(size);
            let answer = world.ask(&upload(&signer, KEY, mode, &body, 8_192)).await;
            assert_eq!(answer.status, 200, "{mode:?} {size}: {answer:?}");
            let request = world.stub.only();
            assert!(request.body == body, "{mode:?} {size}: another body");
            assert_eq!(request.length(), size, "{mode:?}");
            assert_eq!(request.header("content-encoding"), None, "{mode:?} {size}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_client_encoded_stays_and_the_framing_goes() {
    let world = World::start().await;
    for (sent, acme, globex) in [
        ("aws-chunked", Some("aws-chunked"), None),
        ("aws-chunked,gzip", Some("gzip,aws-chunked"), Some("gzip")),
        ("gzip, aws-chunked", Some("gzip,aws-chunked"), Some("gzip")),
        ("gzip", Some("gzip,aws-chunked"), Some("gzip")),
    ] {
        for (id, expected) in [(ACME_KEY, acme), (GLOBEX_KEY, globex)] {
            world.stub.forget();
            let signer = world.signer(id);
            let mut request = chunked_head(&signer, KEY, Mode::UnsignedChunksTrailer, 4);
            let payload = request.get("x-amz-content-sha256").unwrap().to_string();
            request.set("content-encoding", sent);
            for name in ["authorization", "x-amz-date"] {
                request.remove(name);
            }
            let wire = unsigned_chunks(&[b"body"], &[("x-amz-checksum-crc32", &crc32(b"body"))]);
            let request = signer.sign_payload(request, &payload).body(wire);
            assert_eq!(world.ask(&request).await.status, 200, "{sent}");
            let received = world.stub.only();
            let lines = received
                .headers
                .iter()
                .filter(|(name, _)| name == "content-encoding");
            let joined: Vec<&str> = lines.map(|(_, value)| value.as_str()).collect();
            let joined = (!joined.is_empty()).then(|| joined.join(",").replace(' ', ""));
            assert_eq!(joined.as_deref(), expected, "{sent} for {id}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_split_of_the_wire_gives_the_same_object() {
    let world = World::start().await;
    let body = sample(40_000);
    for (id, mode) in [
        (GLOBEX_KEY, Mode::SignedChunksTrailer),
        (ACME_KEY, Mode::UnsignedChunksTrailer),
        (ACME_KEY, Mode::Hash),
    ] {
        let request = upload(&world.signer(id), KEY, mode, &body, 8_192);
        let mut bodies = Vec::new();
        for step in [7, 1_021, 8_190, 65_536] {
            world.stub.forget();
            let mut client = world.connect().await;
            for piece in request.bytes().chunks(step) {
                client.send(piece).await;
            }
            let answer = client.answer("PUT").await;
            assert_eq!(
                answer.status, 200,
                "{mode:?} in steps of {step}: {answer:?}"
            );
            bodies.push(world.stub.only().body);
        }
        assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "{mode:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nested_framing_is_taken_off_twice() {
    let world = World::start().await;
    let body = sample(20_000);
    for id in [ACME_KEY, GLOBEX_KEY] {
        world.stub.forget();
        let mut request = upload(&world.signer(id), KEY, Mode::SignedChunks, &body, 8_192);
        request.remove("content-length");
        request.set("transfer-encoding", "chunked");
        request.body = request
            .body
            .chunks(3_001)
            .flat_map(|piece| {
                [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat()
            })
            .chain(*b"0\r\n\r\n")
            .collect();
        let answer = world.ask(&request).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let received = world.stub.only();
        assert!(received.body == body, "another body");
        assert_eq!(received.length(), body.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_body_without_a_length_is_refused() {
    let world = World::start().await;
    let mut request = Request::new("PUT", KEY);
    request.body = b"4\r\nbody\r\n0\r\n\r\n".to_vec();
    request.set("transfer-encoding", "chunked");
    let request = world.signer(ACME_KEY).sign_payload(request, UNSIGNED);
    assert_eq!(
        world.ask(&request).await.verdict(),
        "411 MissingContentLength"
    );
    let mut request = Request::new("PUT", KEY);
    request = world.signer(ACME_KEY).sign_payload(request, UNSIGNED);
    assert_eq!(
        world.ask(&request).await.verdict(),
        "411 MissingContentLength"
    );
    world.stub.assert_untouched("no length");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_one_put_may_carry_is_refused_before_it_is_read() {
    let world = World::start().await;
    let put = Request::new("PUT", KEY).header("content-length", "5368709121");
    let put = world.signer(ACME_KEY).sign_payload(put, UNSIGNED);
    let mut client = world.connect().await;
    client.send(&put.head()).await;
    assert_eq!(client.answer("PUT").await.verdict(), "400 EntityTooLarge");
    world.stub.assert_untouched("too large");
}
