//! What goes over the wire to a tenant's store, and what never does.

use crate::fixtures::aws;
use crate::fixtures::{START, ScriptedSts, by_keys, by_role, clock, compatible, mapping, random};
use http::Method;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use sigv4::{OutgoingPayload, Signer};
use std::sync::Arc;
use types::{AddressingStyle, ObjectKey, StorageConfig};
use upstream::{
    CacheLimits, CredentialCache, Credentials, Route, SignedRequest, TenantAccess, UpstreamRequest,
};

async fn credentials(access: &TenantAccess) -> Arc<Credentials> {
    let clock = clock();
    let sts = ScriptedSts::new(&clock);
    let limits = CacheLimits::default();
    let cache = CredentialCache::new(sts, clock, random(1), limits);
    cache.get(access, START).await.unwrap()
}

async fn signed(
    config: &StorageConfig,
    build: impl FnOnce(UpstreamRequest<'_>) -> UpstreamRequest<'_>,
) -> SignedRequest {
    let access = TenantAccess::of(config).unwrap();
    let place = config.buckets.values().next().unwrap();
    let route = Route::new(&access, place);
    let key = route.join(&ObjectKey::parse("a b+ü").unwrap()).unwrap();
    let request = build(UpstreamRequest::object(&route, Method::PUT, &key));
    let credentials = credentials(&access).await;
    request.sign(&Signer::new(16), &credentials, START).unwrap()
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        })
        .collect()
}

#[tokio::test]
async fn a_request_by_role_is_addressed_dated_and_signed() {
    let request = signed(&by_role("acme", 1), |it| {
        it.query("partNumber=1&uploadId=u%2F1")
            .headers(headers(&[
                ("content-type", "text/plain"),
                ("range", "bytes=0-1"),
            ]))
            .payload(OutgoingPayload::Unsigned)
    })
    .await;
    assert_eq!(request.method, Method::PUT);
    assert_eq!(
        request.path_and_query,
        "/in/a%20b%2B%C3%BC?partNumber=1&uploadId=u%2F1"
    );
    let header = |name: &str| request.headers[name].to_str().unwrap();
    assert_eq!(
        header("host"),
        "customer-results.s3.eu-central-1.amazonaws.com"
    );
    assert_eq!(header("x-amz-date"), "20270115T080000Z");
    assert_eq!(header("x-amz-content-sha256"), "UNSIGNED-PAYLOAD");
    assert_eq!(header("x-amz-security-token"), "canary-token-1");
    assert_eq!(header("x-amz-expected-bucket-owner"), "123456789012");
    let authorization = header("authorization");
    assert!(authorization.starts_with(
        "AWS4-HMAC-SHA256 Credential=ASIA1/20270115/eu-central-1/s3/aws4_request, \
         SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;\
         x-amz-expected-bucket-owner;x-amz-security-token, Signature="
    ));
    assert!(!format!("{request:?}").contains("canary"));
}

#[tokio::test]
async fn nothing_that_a_client_sends_replaces_what_is_ours() {
    let hostile = headers(&[
        ("host", "evil.example.com"),
        ("authorization", "AWS4-HMAC-SHA256 Credential=canary"),
        ("x-amz-security-token", "canary"),
        ("x-amz-date", "19700101T000000Z"),
        ("x-amz-content-sha256", "canary"),
        ("x-amz-expected-bucket-owner", "999999999999"),
        ("x-amz-source-expected-bucket-owner", "999999999999"),
    ]);
    for config in [by_role("acme", 1), by_keys("acme", 1)] {
        let headers = hostile.clone();
        let request = signed(&config, |it| it.headers(headers)).await;
        for (name, value) in &hostile {
            for sent in request.headers.get_all(name) {
                assert_ne!(sent, value, "{name}");
            }
        }
        assert_eq!(request.headers.get_all("authorization").iter().count(), 1);
        assert_eq!(request.headers.get_all("host").iter().count(), 1);
    }
}

#[tokio::test]
async fn the_owner_is_named_on_aws_and_only_where_there_is_one() {
    let owner = "x-amz-expected-bucket-owner";
    let source_owner = "x-amz-source-expected-bucket-owner";
    let copy = || headers(&[("x-amz-copy-source", "customer-results/in/x")]);
    let by_role = signed(&by_role("acme", 1), |it| it.headers(copy())).await;
    assert_eq!(by_role.headers[owner], "123456789012");
    assert_eq!(by_role.headers[source_owner], "123456789012");

    let mut elsewhere = by_keys("acme", 1);
    for place in elsewhere.buckets.values_mut() {
        let backend = compatible("https://s.example.com", AddressingStyle::Path);
        *place = mapping(backend, "bucket", "in/");
    }
    let elsewhere = signed(&elsewhere, |it| it.headers(copy())).await;
    assert!(!elsewhere.headers.contains_key(owner));
    assert!(!elsewhere.headers.contains_key(source_owner));
    assert!(!elsewhere.headers.contains_key("x-amz-security-token"));
    assert_eq!(elsewhere.path_and_query, "/bucket/in/a%20b%2B%C3%BC");
}

#[tokio::test]
async fn a_request_without_a_body_says_so() {
    let request = signed(&by_role("acme", 1), |it| it).await;
    assert_eq!(request.headers["x-amz-content-sha256"], sigv4::EMPTY_SHA256);
    let request = signed(&by_role("acme", 1), |it| {
        it.payload(OutgoingPayload::Sha256([0xab; 32]))
    })
    .await;
    assert_eq!(
        request.headers["x-amz-content-sha256"],
        "ab".repeat(32).as_str()
    );
}

#[tokio::test]
async fn a_bucket_request_has_the_buckets_own_path() {
    for (backend, path) in [
        (aws("eu-central-1"), "/?list-type=2&prefix=in%2F"),
        (
            compatible("https://s.example.com", AddressingStyle::Path),
            "/bucket?list-type=2&prefix=in%2F",
        ),
    ] {
        let access = TenantAccess::of(&by_role("acme", 1)).unwrap();
        let route = Route::new(&access, &mapping(backend, "bucket", "in/"));
        let credentials = credentials(&access).await;
        let request = UpstreamRequest::bucket(&route, Method::GET)
            .query("list-type=2&prefix=in%2F")
            .sign(&Signer::new(16), &credentials, START)
            .unwrap();
        assert_eq!(request.path_and_query, path);
    }
}
