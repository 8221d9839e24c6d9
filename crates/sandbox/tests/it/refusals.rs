//! What must be refused, and what a refusal must leave behind: nothing.

use crate::object::{assert_both_refused, assert_untouched, get, put};
use crate::raw::{Request, Signed, now};
use crate::support::start_with_bucket;
use std::time::Duration;

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
async fn a_document_that_is_not_the_hashed_or_summed_one_changes_nothing() {
    let (sandbox, keys) = start_with_bucket().await;
    put(&sandbox, &keys, "old", b"old").await;
    let delete = b"<Delete><Object><Key>old</Key></Object></Delete>";
    let sign = |name: &str, value: &str| {
        Request::s3("POST", "/data?delete=")
            .with(name, value)
            .sign(&sandbox, &keys)
    };
    let hashed = Request::s3("POST", "/data?delete=")
        .payload(&"0".repeat(64))
        .sign(&sandbox, &keys);
    assert_eq!(
        hashed.send(delete).await.code(),
        "XAmzContentSHA256Mismatch"
    );
    let unsummed = sign("x-amz-meta-none", "").send(delete).await;
    assert_eq!(unsummed.code(), "InvalidRequest");
    for (name, value) in [
        ("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg=="),
        ("x-amz-checksum-crc32", "AAAAAA=="),
        (
            "x-amz-checksum-sha256",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        ),
    ] {
        assert_eq!(
            sign(name, value).send(delete).await.code(),
            "BadDigest",
            "{name}"
        );
    }
    assert_eq!(get(&sandbox, &keys, "old").await.body, "old");
    let large = sign("x-amz-checksum-crc32", "AAAAAA==")
        .send(&vec![b' '; (4 << 20) + 1])
        .await;
    assert_eq!(large.code(), "MaxMessageLengthExceeded");
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
