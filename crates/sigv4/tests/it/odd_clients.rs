//! Clients that sign what no SDK writes: their canonical requests are spelled out here by hand.

use crate::request::{ACCESS_KEY_ID, NOW, Request, SECRET, key, verifier};
use crate::samples::HOST;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use sigv4::{ChunkDecoder, Claim, EMPTY_SHA256, Payload};

const SCOPE: &str = "20130524/eu-central-1/s3/aws4_request";

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn sign(text: &str) -> String {
    let start = format!("AWS4{SECRET}").into_bytes();
    let key = SCOPE.split('/').fold(start, |key, part| hmac(&key, part));
    hex::encode(hmac(&key, text))
}

fn sign_canonical(canonical: &str) -> String {
    let hash = hex::encode(Sha256::digest(canonical));
    sign(&format!(
        "AWS4-HMAC-SHA256\n20130524T000000Z\n{SCOPE}\n{hash}"
    ))
}

/// A request whose headers are all signed, with a canonical request of `path` and `query`.
fn by_hand(
    method: &str,
    target: &str,
    canonical: (&str, &str),
    headers: &[(&str, &str)],
    payload: &str,
) -> Request {
    let mut request = Request::new(method, target, headers);
    let mut names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.dedup();
    let line = |name: &&str| {
        let values: Vec<&str> = headers
            .iter()
            .filter(|(n, _)| n == name)
            .map(|(_, value)| *value)
            .collect();
        format!("{name}:{}\n", values.join(","))
    };
    let lines: String = names.iter().map(line).collect();
    let names = names.join(";");
    let (path, query) = canonical;
    let signature = sign_canonical(&format!(
        "{method}\n{path}\n{query}\n{lines}\n{names}\n{payload}"
    ));
    request.append(
        "authorization",
        &format!(
            "AWS4-HMAC-SHA256 Credential={ACCESS_KEY_ID}/{SCOPE},SignedHeaders={names},\
             Signature={signature}"
        ),
    );
    request
}

const DATE: (&str, &str) = ("x-amz-date", "20130524T000000Z");
const EMPTY: (&str, &str) = ("x-amz-content-sha256", EMPTY_SHA256);

#[test]
fn a_path_or_query_that_is_signed_as_it_is_sent_verifies() {
    for (target, path, query) in [
        ("/results/a%2fb*(c)", "/results/a%2fb*(c)", ""),
        ("/results/a*(c)", "/results/a%2A%28c%29", ""),
        (
            "/results?prefix=a/b&list-type=2",
            "/results",
            "list-type=2&prefix=a/b",
        ),
        (
            "/results?prefix=a/b&list-type=2",
            "/results",
            "list-type=2&prefix=a%2Fb",
        ),
        ("/results?b=a+b", "/results", "b=a%20b"),
        ("/results?b=a+b", "/results", "b=a+b"),
        ("//results//a/", "//results//a/", ""),
        ("/results/a/../b/./c", "/results/a/../b/./c", ""),
    ] {
        let headers = [("host", HOST), DATE, EMPTY];
        let request = by_hand("GET", target, (path, query), &headers, EMPTY_SHA256);
        assert!(request.verify().is_ok(), "{target}");
    }
    for (target, path) in [
        ("/results/a/../b", "/results/b"),
        ("/results//a", "/results/a"),
        ("/results/a", "/results/a/"),
        ("/results/a%2520b", "/results/a%20b"),
        ("/results/a%20b", "/results/a%2520b"),
    ] {
        let headers = [("host", HOST), DATE, EMPTY];
        let request = by_hand("GET", target, (path, ""), &headers, EMPTY_SHA256);
        assert!(request.verify().is_err(), "{target}");
    }
}

#[test]
fn a_date_header_stands_in_for_a_missing_x_amz_date() {
    for date in ["Fri, 24 May 2013 00:00:00 GMT", "20130524T000000Z"] {
        let headers = [("host", HOST), ("date", date), EMPTY];
        let request = by_hand("GET", "/a", ("/a", ""), &headers, EMPTY_SHA256);
        assert!(request.verify().is_ok(), "{date}");
    }
    let headers = [
        ("host", HOST),
        ("date", "Fri, 24 May 1999 00:00:00 GMT"),
        DATE,
        EMPTY,
    ];
    let request = by_hand("GET", "/a", ("/a", ""), &headers, EMPTY_SHA256);
    assert!(request.verify().is_ok(), "x-amz-date wins");
}

#[test]
fn a_request_without_a_payload_hash_and_without_a_body_verifies_as_empty() {
    for method in ["GET", "HEAD", "DELETE"] {
        let request = by_hand(
            method,
            "/a",
            ("/a", ""),
            &[("host", HOST), DATE],
            EMPTY_SHA256,
        );
        let verified = request.verify().unwrap();
        assert!(matches!(verified.payload(), Payload::Sha256(_)), "{method}");
    }
}

#[test]
fn repeated_headers_are_signed_in_the_order_of_their_arrival() {
    let meta = [
        ("x-amz-meta-a", "z"),
        ("x-amz-meta-a", "b"),
        ("x-amz-meta-a", "c"),
    ];
    let headers = [("host", HOST), DATE, EMPTY, meta[0], meta[1], meta[2]];
    let mut request = by_hand("GET", "/a", ("/a", ""), &headers, EMPTY_SHA256);
    assert!(request.verify().is_ok());
    request.headers.remove("x-amz-meta-a");
    for (name, value) in [meta[1], meta[0], meta[2]] {
        request.append(name, value);
    }
    assert!(request.verify().is_err());
    request.set("x-amz-meta-a", "z,b,c");
    assert!(request.verify().is_ok());
    request.set("x-amz-meta-a", "z");
    assert!(request.verify().is_err());
}

/// A presigned URL with further parameters, which sort behind the usual ones or before them.
fn presigned_by_hand(method: &str, before: &str, after: &str, payload: &str) -> Request {
    let credential = format!("{ACCESS_KEY_ID}/{SCOPE}").replace('/', "%2F");
    let query = format!(
        "X-Amz-Algorithm=AWS4-HMAC-SHA256{before}&X-Amz-Credential={credential}\
         &X-Amz-Date=20130524T000000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host{after}"
    );
    let canonical = format!("{method}\n/results/a\n{query}\nhost:{HOST}\n\nhost\n{payload}");
    let signature = sign_canonical(&canonical);
    let target = format!("/results/a?{query}&X-Amz-Signature={signature}");
    Request::new(method, &target, &[("host", HOST)])
}

#[test]
fn the_payload_hash_of_a_presigned_url_binds_the_body() {
    let hash = hex::encode(Sha256::digest("hello"));
    let parameter = format!("&X-Amz-Content-Sha256={hash}");
    let request = presigned_by_hand("PUT", &parameter, "", &hash);
    match request.verify().unwrap().payload() {
        Payload::Sha256(bytes) => assert_eq!(hex::encode(bytes), hash),
        other => panic!("{other:?}"),
    }
    let literal = "&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD";
    let request = presigned_by_hand("PUT", literal, "", "UNSIGNED-PAYLOAD");
    assert!(matches!(
        request.verify().unwrap().payload(),
        Payload::Unsigned
    ));
    let ignored = presigned_by_hand("PUT", &parameter, "", "UNSIGNED-PAYLOAD");
    assert!(ignored.verify().is_err());
}

#[test]
fn a_presigned_url_with_signed_chunks_is_the_seed_of_their_chain() {
    let literal = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
    let parameter = format!("&X-Amz-Content-Sha256={literal}");
    let mut request = presigned_by_hand("PUT", &parameter, "", literal);
    let seed = request
        .query
        .as_deref()
        .unwrap()
        .split_once("X-Amz-Signature=")
        .unwrap()
        .1;
    let link = |previous: &str, data: &str| {
        let hash = hex::encode(Sha256::digest(data));
        sign(&format!(
            "AWS4-HMAC-SHA256-PAYLOAD\n20130524T000000Z\n{SCOPE}\n{previous}\n{EMPTY_SHA256}\n{hash}"
        ))
    };
    let first = link(seed, "hello");
    let last = link(&first, "");
    let body = format!("5;chunk-signature={first}\r\nhello\r\n0;chunk-signature={last}\r\n\r\n");
    let verified = request.verify().unwrap();
    // The length is not an x-amz parameter of authentication; unsigned, it is refused.
    request.append("x-amz-decoded-content-length", "5");
    assert!(request.verify().is_err());
    let mut decoder = ChunkDecoder::for_request(verified.payload(), &request.headers).unwrap();
    let mut slices = Vec::new();
    decoder.push(Bytes::from(body), &mut slices).unwrap();
    assert_eq!(slices.concat(), b"hello");
    assert!(decoder.finish().unwrap().is_empty());
}

#[test]
fn a_session_token_in_a_presigned_url_is_signed_with_it() {
    let token = "&X-Amz-Security-Token=a%2Bb%2F%3D";
    let mut request = presigned_by_hand("GET", "", "", "UNSIGNED-PAYLOAD");
    let plain = request.verify().unwrap();
    assert!(plain.is_presigned());
    request.query = request.query.map(|query| query + token);
    assert!(request.verify().is_err(), "a token that was added later");
    let view = request.view();
    let claim = Claim::parse(&view).unwrap();
    assert_eq!(claim.session_token(), Some("a+b/="));
    assert_eq!(claim.access_key_id(), ACCESS_KEY_ID);
    assert!(!format!("{claim:?}").contains("a+b/="));
    assert!(verifier().verify(&claim, Some(&key()), NOW).is_err());
}
