//! What must be refused, and what a refusal must leave behind: nothing.

use crate::raw::{Answer, Request, Signed, now};
use crate::support::start_with_bucket;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::SigningSettings;
use aws_sigv4::sign::v4::{self, SigningParams};
use sandbox::{KeyPair, Sandbox};
use std::time::Duration;

async fn put(sandbox: &Sandbox, keys: &KeyPair, key: &str, body: &[u8]) {
    let target = format!("/data/{key}");
    let answer = Request::s3("PUT", &target)
        .sign(sandbox, keys)
        .send(body)
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

async fn get(sandbox: &Sandbox, keys: &KeyPair, key: &str) -> Answer {
    let target = format!("/data/{key}");
    Request::s3("GET", &target)
        .sign(sandbox, keys)
        .send(b"")
        .await
}

/// The object is still what it was, and an object that never was still is not.
async fn assert_untouched(sandbox: &Sandbox, keys: &KeyPair) {
    assert_eq!(get(sandbox, keys, "old").await.body, "old");
    assert_eq!(get(sandbox, keys, "new").await.status, 404);
}

async fn assert_both_refused(
    sandbox: &Sandbox,
    keys: &KeyPair,
    code: &str,
    send: impl AsyncFn(&str) -> Answer,
) {
    put(sandbox, keys, "old", b"old").await;
    for key in ["old", "new"] {
        let answer = send(key).await;
        assert_eq!(answer.code(), code, "{key}: {answer:?}");
    }
    assert_untouched(sandbox, keys).await;
}

#[tokio::test]
async fn a_body_that_is_not_the_hashed_one_leaves_nothing() {
    let (sandbox, keys) = start_with_bucket().await;
    let hash = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"; // hello
    assert_both_refused(&sandbox, &keys, "XAmzContentSHA256Mismatch", async |key| {
        let target = format!("/data/{key}");
        Request::s3("PUT", &target)
            .payload(hash)
            .sign(&sandbox, &keys)
            .send(b"hellO")
            .await
    })
    .await;
}

#[tokio::test]
async fn a_body_that_is_cut_short_leaves_nothing() {
    let (sandbox, keys) = start_with_bucket().await;
    put(&sandbox, &keys, "old", b"old").await;
    for key in ["old", "new"] {
        for sent in [0, 1, 9] {
            let target = format!("/data/{key}");
            let answer = Request::s3("PUT", &target)
                .sign(&sandbox, &keys)
                .send_claiming(10, &vec![b'x'; sent])
                .await;
            assert_ne!(answer.status, 200, "{answer:?}");
        }
    }
    assert_untouched(&sandbox, &keys).await;
}

#[tokio::test]
async fn a_large_body_that_is_cut_short_leaves_nothing() {
    let (sandbox, keys) = start_with_bucket().await;
    let answer = Request::s3("PUT", "/data/new")
        .sign(&sandbox, &keys)
        .send_claiming(8 << 20, &vec![b'x'; (8 << 20) - 1])
        .await;
    assert_ne!(answer.status, 200);
    assert_eq!(get(&sandbox, &keys, "new").await.status, 404);
}

#[tokio::test]
async fn headers_must_be_signed_and_what_is_signed_must_be_there() {
    let (sandbox, keys) = start_with_bucket().await;
    let sign = || {
        Request::s3("PUT", "/data/new")
            .with("x-amz-meta-a", "1")
            .sign(&sandbox, &keys)
    };
    assert_eq!(sign().send(b"").await.status, 200);
    for (tampered, status, code) in [
        (sign().and("x-amz-meta-b", "2"), 403, "AccessDenied"),
        (sign().and("x-amz-acl", "private"), 403, "AccessDenied"),
        (sign().without("x-amz-meta-a"), 403, "SignatureDoesNotMatch"),
        (
            sign().without("x-amz-meta-a").and("x-amz-meta-a", "2"),
            403,
            "SignatureDoesNotMatch",
        ),
        (
            sign().without("x-amz-date"),
            400,
            "AuthorizationHeaderMalformed",
        ),
        (
            sign().without("x-amz-content-sha256"),
            403,
            "SignatureDoesNotMatch",
        ),
        (sign().without("authorization"), 403, "AccessDenied"),
    ] {
        let answer = tampered.send(b"").await;
        assert_eq!((answer.status, answer.code()), (status, code), "{answer:?}");
    }
}

#[tokio::test]
async fn a_signature_covers_method_path_and_query() {
    let (sandbox, keys) = start_with_bucket().await;
    for (method, target) in [
        ("DELETE", "/data/a?x-id=1"),
        ("GET", "/data/b?x-id=1"),
        ("GET", "/data/a?x-id=2"),
        ("GET", "/data/a"),
        ("GET", "/data/%61?x-id=1&x-id=1"),
    ] {
        let mut signed = Request::s3("GET", "/data/a?x-id=1").sign(&sandbox, &keys);
        signed.method = method.to_string();
        signed.target = target.to_string();
        let answer = signed.send(b"").await;
        assert_eq!(
            answer.code(),
            "SignatureDoesNotMatch",
            "{method} {target}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn old_and_double_mechanisms_are_refused() {
    let (sandbox, keys) = start_with_bucket().await;
    let plain = |target: &str| Signed {
        host: sandbox.endpoint().host_header(),
        method: "GET".to_string(),
        target: target.to_string(),
        headers: vec![("host".to_string(), sandbox.endpoint().host_header())],
        signature: String::new(),
        keep_alive: false,
    };
    let v2 = plain("/data/a?AWSAccessKeyId=AKIA&Signature=x&Expires=9999999999");
    assert_eq!(v2.send(b"").await.code(), "InvalidRequest");
    let v2 = plain("/data/a").and("authorization", "AWS AKIAXXXX:sig");
    assert_eq!(v2.send(b"").await.code(), "InvalidRequest");
    let v4a = plain("/data/a").and("authorization", "AWS4-ECDSA-P256-SHA256 Credential=x");
    assert_eq!(v4a.send(b"").await.code(), "InvalidRequest");
    let both = Request::s3("GET", "/data/a?X-Amz-Signature=00").sign(&sandbox, &keys);
    assert_eq!(both.send(b"").await.code(), "InvalidArgument");
    let anonymous = plain("/data/a").send(b"").await;
    assert_eq!((anonymous.status, anonymous.code()), (403, "AccessDenied"));
}

#[tokio::test]
async fn a_request_from_another_hour_region_or_service_is_refused() {
    let (sandbox, keys) = start_with_bucket().await;
    let late = Request {
        time: now() - Duration::from_secs(901),
        ..Request::s3("GET", "/data/a")
    };
    assert_eq!(
        late.sign(&sandbox, &keys).send(b"").await.code(),
        "RequestTimeTooSkewed"
    );
    let elsewhere = Request {
        region: "eu-west-1",
        ..Request::s3("GET", "/data/a")
    };
    let answer = elsewhere.sign(&sandbox, &keys).send(b"").await;
    assert_eq!((answer.status, answer.code()), (301, "PermanentRedirect"));
    assert!(
        answer.head.contains("x-amz-bucket-region: us-east-1"),
        "{answer:?}"
    );
    let other = Request {
        service: "sts",
        ..Request::s3("GET", "/data/a")
    };
    assert_eq!(
        other.sign(&sandbox, &keys).send(b"").await.code(),
        "AuthorizationHeaderMalformed"
    );
}

#[tokio::test]
async fn what_s3s_would_take_for_something_else_is_refused() {
    let (sandbox, keys) = start_with_bucket().await;
    put(&sandbox, &keys, "old", b"old").await;
    for (method, target) in [
        ("DELETE", "/data?lifecycles"),
        ("DELETE", "/data/old?torrent"),
        ("PUT", "/data/old?append"),
        ("GET", "/data?analytics&id=1"),
        ("GET", "/data/old?surprise=1"),
        ("POST", "/data/old?select&select-type=2"),
        ("GET", "/?Action=ListUsers"),
    ] {
        let answer = Request::s3(method, target)
            .sign(&sandbox, &keys)
            .send(b"")
            .await;
        assert_eq!(answer.status, 501, "{method} {target}: {answer:?}");
    }
    assert_eq!(get(&sandbox, &keys, "old").await.body, "old");
}

#[tokio::test]
async fn an_error_names_its_request() {
    let (sandbox, keys) = start_with_bucket().await;
    let answer = get(&sandbox, &keys, "none").await;
    let id = answer
        .body
        .split_once("<RequestId>")
        .unwrap()
        .1
        .split_once('<')
        .unwrap()
        .0;
    assert_eq!(id.len(), 16);
    let header = format!("x-amz-request-id: {}", id.to_ascii_lowercase());
    assert!(answer.head.contains(&header), "{answer:?}");
}

#[tokio::test]
async fn a_client_that_waits_for_100_is_refused_on_a_connection_that_closes() {
    let (sandbox, keys) = start_with_bucket().await;
    for body in ["", "1"] {
        let mut signed = Request::s3("PUT", "/data/a?uploadId=none&partNumber=1")
            .with("expect", "100-continue")
            .sign(&sandbox, &keys);
        signed.keep_alive = true;
        let answer = signed.send(body.as_bytes()).await;
        assert_eq!(answer.code(), "NoSuchUpload", "{answer:?}");
        assert!(answer.head.contains("connection: close"), "{answer:?}");
    }
}

/// A body in signed chunks, and the head that announces it.
struct Chunked {
    signed: Signed,
    body: Vec<u8>,
}

const STREAMING: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const STREAMING_TRAILER: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";

fn chunked(sandbox: &Sandbox, keys: &KeyPair, key: &str, trailer: Option<&str>) -> Chunked {
    let target = format!("/data/{key}");
    let chunks: [&[u8]; 3] = [b"first chunk ", b"second chunk", b""];
    let length: usize = chunks.iter().map(|chunk| chunk.len()).sum();
    let mut request = Request::s3("PUT", &target)
        .payload(if trailer.is_some() {
            STREAMING_TRAILER
        } else {
            STREAMING
        })
        .with("x-amz-decoded-content-length", length.to_string())
        .with("content-encoding", "aws-chunked");
    if trailer.is_some() {
        request = request.with("x-amz-trailer", "x-amz-checksum-crc32");
    }
    let time = request.time;
    let signed = request.sign(sandbox, keys);
    let identity = Credentials::new(
        &keys.access_key_id,
        keys.secret_access_key.expose(),
        None,
        None,
        "test",
    )
    .into();
    let parameters: SigningParams<'_, SigningSettings> = SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("s3")
        .time(time)
        .settings(SigningSettings::default())
        .build()
        .unwrap();
    let mut before = signed.signature.clone();
    let mut body = Vec::new();
    for chunk in chunks {
        let bytes = bytes::Bytes::copy_from_slice(chunk);
        let (_, signature) = v4::sign_chunk(&bytes, &before, &parameters)
            .unwrap()
            .into_parts();
        body.extend(format!("{:x};chunk-signature={signature}\r\n", chunk.len()).bytes());
        body.extend(chunk);
        if !chunk.is_empty() {
            body.extend(b"\r\n");
        }
        before = signature;
    }
    match trailer {
        None => body.extend(b"\r\n"),
        Some(value) => {
            let mut headers = aws_smithy_runtime_api::http::Headers::new();
            headers.insert("x-amz-checksum-crc32", value.to_string());
            let (_, signature) = v4::sign_trailer(&headers, &before, &parameters)
                .unwrap()
                .into_parts();
            body.extend(
                format!(
                    "x-amz-checksum-crc32:{value}\r\nx-amz-trailer-signature:{signature}\r\n\r\n"
                )
                .bytes(),
            );
        }
    }
    Chunked { signed, body }
}

/// CRC-32 of "first chunk second chunk", by Python's zlib.
const CRC32: &str = "oQEsew==";

#[tokio::test]
async fn chunks_are_taken_when_every_signature_holds() {
    let (sandbox, keys) = start_with_bucket().await;
    for (key, trailer) in [("plain", None), ("trailer", Some(CRC32))] {
        let Chunked { signed, body } = chunked(&sandbox, &keys, key, trailer);
        let answer = signed.send(&body).await;
        assert_eq!(answer.status, 200, "{key}: {answer:?}");
        let answer = get(&sandbox, &keys, key).await;
        assert_eq!(answer.body, "first chunk second chunk");
        assert!(!answer.head.contains("content-encoding"), "{answer:?}");
    }
}

#[tokio::test]
async fn no_byte_of_a_signed_chunk_can_be_changed() {
    let (sandbox, keys) = start_with_bucket().await;
    put(&sandbox, &keys, "old", b"old").await;
    for trailer in [None, Some(CRC32)] {
        let Chunked { signed, body } = chunked(&sandbox, &keys, "old", trailer);
        for at in (0..body.len()).step_by(3) {
            let mut tampered = body.clone();
            tampered[at] ^= 1;
            let answer = signed.send(&tampered).await;
            let harmless = answer.status == 200
                && get(&sandbox, &keys, "old").await.body == "first chunk second chunk";
            assert!(answer.status != 200 || harmless, "byte {at}: {answer:?}");
            if harmless {
                // Line ends and the case of names carry no meaning.
                put(&sandbox, &keys, "old", b"old").await;
            }
        }
    }
    assert_untouched(&sandbox, &keys).await;
}

#[tokio::test]
async fn chunks_that_end_early_leave_nothing() {
    let (sandbox, keys) = start_with_bucket().await;
    put(&sandbox, &keys, "old", b"old").await;
    for trailer in [None, Some(CRC32)] {
        let Chunked { signed, body } = chunked(&sandbox, &keys, "old", trailer);
        for length in (0..body.len() - 4).step_by(5) {
            let answer = signed.send(&body[..length]).await;
            assert_ne!(
                answer.status, 200,
                "{trailer:?} cut at {length}: {answer:?}"
            );
        }
    }
    assert_untouched(&sandbox, &keys).await;
}

#[tokio::test]
async fn a_trailer_with_the_wrong_checksum_leaves_nothing() {
    let (sandbox, keys) = start_with_bucket().await;
    assert_both_refused(&sandbox, &keys, "BadDigest", async |key| {
        let Chunked { signed, body } = chunked(&sandbox, &keys, key, Some("AAAAAA=="));
        signed.send(&body).await
    })
    .await;
}

#[tokio::test]
async fn an_unsigned_trailer_with_the_wrong_checksum_leaves_nothing() {
    let (sandbox, keys) = start_with_bucket().await;
    let unsigned = async |key: &str, checksum: &str| {
        let target = format!("/data/{key}");
        let body = format!("3\r\nabc\r\n0\r\nx-amz-checksum-crc32:{checksum}\r\n\r\n");
        Request::s3("PUT", &target)
            .payload("STREAMING-UNSIGNED-PAYLOAD-TRAILER")
            .with("x-amz-decoded-content-length", "3")
            .with("x-amz-trailer", "x-amz-checksum-crc32")
            .sign(&sandbox, &keys)
            .send(body.as_bytes())
            .await
    };
    assert_eq!(unsigned("good", "NSRBwg==").await.status, 200);
    assert_both_refused(&sandbox, &keys, "BadDigest", async |key| {
        unsigned(key, "NSRBwQ==").await
    })
    .await;
}
