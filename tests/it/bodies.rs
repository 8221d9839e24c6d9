//! Bodies that are not what was signed never become objects, and framing never reaches one.

use crate::upstreams::on_each_upstream;
use tests::client::Login;
use tests::files::content;
use tests::request::{Connection, Request, Response, send};
use tests::signer::{SIGNED_CHUNKS, Signer, UNSIGNED, UNSIGNED_TRAILER, sha256_base64};
use tests::world::{RESULTS, World};

on_each_upstream! {
    signed_chunks_of_any_size_arrive_as_the_plain_object,
    the_first_the_middle_and_the_last_chunk_are_all_verified,
    a_body_that_does_not_have_the_signed_hash_is_not_stored,
    a_body_that_ends_early_is_not_stored,
    an_object_survives_a_bad_upload_over_it,
    chunks_whose_sum_is_not_the_declared_length_are_not_stored,
    an_unsigned_body_arrives_as_it_was_sent,
    a_checksum_behind_the_body_is_verified,
    a_checksum_in_a_header_is_verified,
    a_client_that_waits_is_told_to_go_on_only_when_it_may,
}

const CHUNK: usize = 8_192;

fn put(world: &World, key: &str) -> Request {
    Request::new("PUT", &world.host(), &format!("/{RESULTS}/bodies/{key}"))
}

fn chunked(world: &World, key: &str, body: &[u8], size: usize) -> Request {
    let mut request = put(world, key)
        .header("content-encoding", "aws-chunked")
        .header("x-amz-decoded-content-length", &body.len().to_string());
    let signer = Signer::now(&world.acme.client);
    let seed = signer.sign(&mut request, SIGNED_CHUNKS);
    request.body = signer.signed_chunks(&seed, body, size);
    request
}

fn ask(login: &Login, method: &str, host: &str, path: &str) -> Response {
    let mut request = Request::new(method, host, path);
    Signer::now(login).sign_with_hash(&mut request);
    send(&request)
}

fn get(world: &World, key: &str) -> Response {
    let path = format!("/{RESULTS}/bodies/{key}");
    ask(&world.acme.client, "GET", &world.host(), &path)
}

/// Asks the store itself, past the gateway.
fn is_stored(world: &World, key: &str) -> bool {
    let acme = &world.acme;
    let path = format!("/{}/{}bodies/{key}", acme.real_results, acme.prefix);
    let host = acme.owner.endpoint.trim_start_matches("http://");
    match ask(&acme.owner, "HEAD", host, &path).status {
        200 => true,
        404 => false,
        other => panic!("the store answers {other}"),
    }
}

/// Sends a request that must fail; the gateway may also just close, as the store would.
fn refused(request: &Request, host: &str) -> String {
    let answer = Connection::open(host).and_then(|mut open| open.send(request));
    match answer {
        Ok(answer) => {
            assert!(answer.status >= 400, "accepted with {}", answer.status);
            answer.verdict()
        }
        Err(error) => error.to_string(),
    }
}

fn signed_chunks_of_any_size_arrive_as_the_plain_object(world: &World) {
    for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 65_536, 300_000] {
        for size in [CHUNK, 65_536, 131_072] {
            let key = format!("chunks-{length}-{size}");
            let body = content(length);
            let answer = send(&chunked(world, &key, &body, size));
            assert_eq!(answer.status, 200, "{key}: {}", answer.text());
            let back = get(world, &key);
            assert!(
                back.body == body,
                "{key} came back as {} bytes",
                back.body.len()
            );
            assert_eq!(back.header("content-encoding"), None, "{key}");
        }
    }
}

fn the_first_the_middle_and_the_last_chunk_are_all_verified(world: &World) {
    let body = content(10 * CHUNK);
    let good = chunked(world, "tampered", &body, CHUNK);
    let framed = good.body.len();
    // The digit before the final empty chunk's line end, and a data byte in three places.
    for at in [200, framed / 2, framed - 200, framed - 5] {
        let mut bad = good.clone();
        bad.body[at] = if bad.body[at] == b'0' { b'1' } else { b'0' };
        let verdict = refused(&bad, &world.host());
        assert_eq!(
            verdict, "403 SignatureDoesNotMatch",
            "byte {at} of {framed}"
        );
        assert!(!is_stored(world, "tampered"), "byte {at} of {framed}");
    }
    assert_eq!(send(&good).status, 200);
    assert!(is_stored(world, "tampered"));
}

fn a_body_that_does_not_have_the_signed_hash_is_not_stored(world: &World) {
    for length in [1, CHUNK, 300_000] {
        let key = format!("wrong-hash-{length}");
        let mut request = put(world, &key).body(content(length));
        Signer::now(&world.acme.client).sign_with_hash(&mut request);
        *request.body.last_mut().unwrap() ^= 1;
        let verdict = refused(&request, &world.host());
        assert_eq!(verdict, "400 XAmzContentSHA256Mismatch", "{length} bytes");
        assert!(!is_stored(world, &key), "{length} bytes");
    }
}

fn a_body_that_ends_early_is_not_stored(world: &World) {
    let mut request = put(world, "short").header("content-length", "100000");
    request.body = content(60_000);
    Signer::now(&world.acme.client).sign(&mut request, UNSIGNED);
    let mut connection = Connection::open(&world.host()).unwrap();
    connection.write(&request.head()).unwrap();
    connection.write(&request.body).unwrap();
    drop(connection);
    // Proof that the gateway has had time to do the wrong thing: a later request is complete.
    assert_eq!(
        send(&chunked(world, "after-short", b"x", CHUNK)).status,
        200
    );
    assert!(!is_stored(world, "short"));
}

fn an_object_survives_a_bad_upload_over_it(world: &World) {
    let old = content(1_000);
    assert_eq!(send(&chunked(world, "kept", &old, CHUNK)).status, 200);
    let mut bad = chunked(world, "kept", &content(200_000), CHUNK);
    let last = bad.body.len() - 5;
    bad.body[last] = if bad.body[last] == b'0' { b'1' } else { b'0' };
    refused(&bad, &world.host());
    assert!(get(world, "kept").body == old);
}

fn chunks_whose_sum_is_not_the_declared_length_are_not_stored(world: &World) {
    for declared in [999, 1_001] {
        let key = format!("declared-{declared}");
        let mut request = put(world, &key)
            .header("content-encoding", "aws-chunked")
            .header("x-amz-decoded-content-length", &declared.to_string());
        let signer = Signer::now(&world.acme.client);
        let seed = signer.sign(&mut request, SIGNED_CHUNKS);
        request.body = signer.signed_chunks(&seed, &content(1_000), CHUNK);
        let verdict = refused(&request, &world.host());
        assert!(verdict.starts_with("400 "), "{declared}: {verdict}");
        assert!(!is_stored(world, &key), "{declared}");
    }
}

fn an_unsigned_body_arrives_as_it_was_sent(world: &World) {
    let mut request = put(world, "unsigned")
        .header("content-type", "text/x-proof")
        .header("x-amz-meta-origin", "raw")
        .body(content(100_000));
    Signer::now(&world.acme.client).sign(&mut request, UNSIGNED);
    assert_eq!(send(&request).status, 200);
    let back = get(world, "unsigned");
    assert!(back.body == request.body);
    assert_eq!(back.header("content-type"), Some("text/x-proof"));
    assert_eq!(back.header("x-amz-meta-origin"), Some("raw"));
}

/// `body` in unsigned chunks with the checksum of `checked` behind it.
fn with_trailer(world: &World, key: &str, body: &[u8], checked: &[u8]) -> Request {
    let mut request = put(world, key)
        .header("content-encoding", "aws-chunked")
        .header("x-amz-decoded-content-length", &body.len().to_string())
        .header("x-amz-trailer", "x-amz-checksum-sha256");
    Signer::now(&world.acme.client).sign(&mut request, UNSIGNED_TRAILER);
    for chunk in body.chunks(CHUNK) {
        request
            .body
            .extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        request.body.extend_from_slice(chunk);
        request.body.extend_from_slice(b"\r\n");
    }
    let trailer = format!(
        "0\r\nx-amz-checksum-sha256:{}\r\n\r\n",
        sha256_base64(checked)
    );
    request.body.extend_from_slice(trailer.as_bytes());
    request
}

fn a_checksum_behind_the_body_is_verified(world: &World) {
    for length in [0, 1, CHUNK, 100_000] {
        let (key, body) = (format!("trailer-{length}"), content(length));
        let bad = with_trailer(world, &key, &body, b"something else");
        assert_eq!(
            refused(&bad, &world.host()),
            "400 BadDigest",
            "{length} bytes"
        );
        assert!(!is_stored(world, &key), "{length} bytes");
        let good = send(&with_trailer(world, &key, &body, &body));
        assert_eq!(good.status, 200, "{length} bytes: {}", good.text());
        let back = get(world, &key);
        assert!(back.body == body, "{length} bytes");
        assert_eq!(back.header("content-encoding"), None, "{length} bytes");
    }
}

fn a_checksum_in_a_header_is_verified(world: &World) {
    let checked = |key: &str, body: &[u8]| {
        let request = put(world, key).body(content(5_000));
        let mut request = request.header("x-amz-checksum-sha256", &sha256_base64(body));
        Signer::now(&world.acme.client).sign(&mut request, UNSIGNED);
        request
    };
    let bad = refused(
        &checked("header-checksum", b"something else"),
        &world.host(),
    );
    assert_eq!(bad, "400 BadDigest");
    assert!(!is_stored(world, "header-checksum"));
    assert_eq!(
        send(&checked("header-checksum", &content(5_000))).status,
        200
    );
}

fn a_client_that_waits_is_told_to_go_on_only_when_it_may(world: &World) {
    let waiting = |login: &Login| {
        let mut request = put(world, "expected")
            .header("expect", "100-continue")
            .header("content-length", "50000");
        Signer::now(login).sign(&mut request, UNSIGNED);
        let mut connection = Connection::open(&world.host()).unwrap();
        connection.write(&request.head()).unwrap();
        connection
    };
    // Nothing of the body has been sent when the refusal comes.
    let refused = waiting(&world.acme.reader).response("PUT").unwrap();
    assert_eq!(
        (refused.verdict().as_str(), refused.continued),
        ("403 AccessDenied", false)
    );
    let mut connection = waiting(&world.acme.client);
    connection.wait_for_continue().unwrap();
    connection.write(&content(50_000)).unwrap();
    assert_eq!(connection.response("PUT").unwrap().status, 200);
    assert!(get(world, "expected").body == content(50_000));
}
