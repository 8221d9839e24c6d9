//! One byte of a valid request changed: refused, unless it still means the same.

use crate::judge::{presign, sign_headers};
use crate::request::{NOW, Request, key, verifier};
use aws_sigv4::http_request::SignableBody;
use http::HeaderValue;
use sigv4::Verifier;

/// Whether a raw request is accepted.
fn accepts(verifier: &Verifier, request: &Request) -> bool {
    request.verify_with(verifier, Some(&key()), NOW).is_ok()
}

/// `text` with one byte changed: each bit of each byte, and what the syntax around it is made of.
fn changes(text: &str) -> impl Iterator<Item = String> {
    let values = |byte: u8| {
        let flipped = (0..7)
            .map(move |bit| byte ^ (1 << bit))
            .chain(*b"%+&=/;,:0aA");
        flipped.filter(move |value| value.is_ascii_graphic() && *value != byte)
    };
    text.bytes().enumerate().flat_map(move |(at, byte)| {
        values(byte).map(move |value| {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = value;
            String::from_utf8(bytes).unwrap()
        })
    })
}

fn decoded(text: &str, plus_is_space: bool) -> Vec<u8> {
    let text = if plus_is_space {
        text.replace('+', " ")
    } else {
        text.to_string()
    };
    percent_encoding::percent_decode_str(&text).collect()
}

/// What a query says, whatever its spelling: the decoded pairs, in no order.
fn meaning(query: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    let mut pairs: Vec<_> = parts
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(name, value)| (decoded(name, true), decoded(value, true)))
        // The signature does not cover its own name.
        .map(
            |(name, value)| match name.eq_ignore_ascii_case(b"x-amz-signature") {
                true => (name.to_ascii_lowercase(), value),
                false => (name, value),
            },
        )
        .collect();
    pairs.sort();
    pairs
}

fn every_change_is_refused(request: &Request) -> usize {
    let verifier = verifier();
    assert!(accepts(&verifier, request));
    let mut refused = 0;
    let mut expect_refusal = |changed: &Request, what: &str| {
        assert!(
            !accepts(&verifier, changed),
            "{what} is accepted: {changed:?}"
        );
        refused += 1;
    };
    for method in changes(&request.method) {
        expect_refusal(
            &Request {
                method,
                ..request.clone()
            },
            "another method",
        );
    }
    for path in changes(&request.path) {
        if decoded(&path, false) != decoded(&request.path, false) {
            expect_refusal(
                &Request {
                    path,
                    ..request.clone()
                },
                "another path",
            );
        }
    }
    let query = request.query.clone().unwrap();
    for changed in changes(&query) {
        if meaning(&changed) != meaning(&query) {
            let query = Some(changed);
            expect_refusal(
                &Request {
                    query,
                    ..request.clone()
                },
                "another query",
            );
        }
    }
    for (name, value) in &request.headers {
        for changed in changes(value.to_str().unwrap()) {
            let mut with = request.clone();
            with.headers
                .insert(name, HeaderValue::from_str(&changed).unwrap());
            expect_refusal(&with, name.as_str());
        }
    }
    refused
}

#[test]
fn any_changed_byte_of_a_signed_request_is_refused() {
    let headers = [
        ("host", "gw.example.com:9000"),
        ("x-amz-meta-a", "b c"),
        ("content-type", "text/plain"),
    ];
    let mut request = Request::new(
        "PUT",
        "/results/a%20b/c.txt?partNumber=1&uploadId=u%2Bv",
        &headers,
    );
    sign_headers(&mut request, SignableBody::Bytes(b"hello"), Some("token"));
    let refused = every_change_is_refused(&request);
    assert!(refused > 6_000, "{refused}");
}

#[test]
fn any_changed_byte_of_a_presigned_url_is_refused() {
    let mut request = Request::new(
        "GET",
        "/results/a%2Fb?versionId=1",
        &[("host", "gw.example.com")],
    );
    presign(&mut request, 900, Some("to/k+en"));
    let refused = every_change_is_refused(&request);
    assert!(refused > 5_000, "{refused}");
}

#[test]
fn other_spellings_of_the_same_request_are_accepted() {
    let target = "/results/a%20b%2Bc%28d%29?prefix=a%2Fb%20c&uploads=&x=1";
    let mut request = Request::new("GET", target, &[("host", "gw.example.com:9000")]);
    sign_headers(&mut request, SignableBody::Bytes(b""), None);
    for (path, query) in [
        ("/results/a%20b%2bc(d)", "prefix=a%2Fb%20c&uploads=&x=1"),
        ("/results/a%20b+c%28d%29", "prefix=a/b+c&uploads&x=1"),
        (
            "/results/%61%20b%2Bc%28d%29",
            "x=1&prefix=a%2fb%20c&uploads",
        ),
    ] {
        let spelled = Request {
            path: path.into(),
            query: Some(query.into()),
            ..request.clone()
        };
        assert!(spelled.verify().is_ok(), "{path} {query}");
    }
    for (path, query) in [
        (
            "/results//a%20b%2Bc%28d%29",
            "prefix=a%2Fb%20c&uploads=&x=1",
        ),
        ("/results/a+b%2Bc%28d%29", "prefix=a%2Fb%20c&uploads=&x=1"),
        (
            "/results/a%20b%2Bc%28d%29/",
            "prefix=a%2Fb%20c&uploads=&x=1",
        ),
        (
            "/results/a%20b%2Bc%28d%29",
            "prefix=a%2Fb%20c&uploads=&x=1&x=1",
        ),
        ("/results/a%20b%2Bc%28d%29", "prefix=a%2Fb%20c&uploads="),
        (
            "/results/a%20b%2Bc%28d%29",
            "prefix=a%252Fb%20c&uploads=&x=1",
        ),
    ] {
        let other = Request {
            path: path.into(),
            query: Some(query.into()),
            ..request.clone()
        };
        assert!(other.verify().is_err(), "{path} {query}");
    }
}
