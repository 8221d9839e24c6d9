//! Headers in a query, and headers of an answer.

use crate::headers::{map, operation};
use http::{HeaderMap, HeaderName, StatusCode};
use s3::{
    ChecksumPolicy, ErrorCode, RequestHeaders, S3Error, hoist_query, request_headers,
    response_headers,
};
use std::borrow::Cow;

#[test]
fn amazon_parameters_of_a_presigned_url_act_as_headers() {
    let query = "X-Amz-Signature=s&x-amz-storage-class=GLACIER&X-Amz-Meta-A=a%20b";
    let headers = map(&[("x-amz-meta-b", "2")]);
    let joined = hoist_query(Some(query), &headers).unwrap();
    assert_eq!(joined.get("x-amz-storage-class").unwrap(), "GLACIER");
    assert_eq!(joined.get("x-amz-meta-a").unwrap(), "a b");
    assert_eq!(joined.get("x-amz-meta-b").unwrap(), "2");
    assert_eq!(joined.get("x-amz-signature"), None);

    let error = sort_hoisted("x-amz-acl=public-read").unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotImplemented);
    let untouched = hoist_query(Some("X-Amz-Signature=s&partNumber=1"), &headers).unwrap();
    assert!(matches!(untouched, Cow::Borrowed(_)));
}

fn sort_hoisted(query: &str) -> Result<RequestHeaders, S3Error> {
    let headers = HeaderMap::new();
    let joined = hoist_query(Some(query), &headers)?;
    request_headers(&operation("PutObject"), &joined, ChecksumPolicy::Forward)
}

#[test]
fn a_header_and_a_parameter_may_not_contradict_each_other() {
    let headers = map(&[("x-amz-storage-class", "STANDARD")]);
    let error = hoist_query(Some("x-amz-storage-class=GLACIER"), &headers).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidRequest);
    assert!(hoist_query(Some("x-amz-storage-class=STANDARD"), &headers).is_ok());
    for query in [
        "x-amz-meta-a=x%0D%0Ax-amz-acl:public-read",
        "x-amz-meta%20a=x",
        "x-amz-trailer=x-amz-checksum-crc32",
        "x-amz-decoded-content-length=1",
        "x-amz-acl=a&X-Amz-Acl=b",
    ] {
        let error = hoist_query(Some(query), &HeaderMap::new()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidArgument, "{query}");
    }
}

#[test]
fn the_client_sees_the_object_and_nothing_of_the_storage() {
    let upstream = map(&[
        ("etag", "\"e\""),
        ("content-type", "text/plain"),
        ("content-length", "3"),
        ("x-amz-meta-a", "1"),
        ("x-amz-version-id", "v"),
        ("x-amz-checksum-crc32", "AAAAAA=="),
        ("retry-after", "1"),
        ("server", "AmazonS3"),
        ("x-amz-id-2", "i"),
        ("x-amz-request-id", "r"),
        ("x-amz-bucket-region", "eu-central-1"),
        ("location", "/real"),
        ("set-cookie", "c"),
        ("connection", "close"),
        ("date", "d"),
        ("via", "v"),
        ("x-amz-server-side-encryption", "aws:kms"),
        ("x-amz-expiration", "rule-id=\"r\""),
        (
            "x-amz-server-side-encryption-aws-kms-key-id",
            "arn:aws:kms:eu:111122223333:key/k",
        ),
        ("x-amz-replication-status", "COMPLETED"),
        ("x-amz-access-point-alias", "x"),
        ("x-amz-website-redirect-location", "/x"),
        ("access-control-allow-origin", "*"),
    ]);
    let shown = response_headers(&operation("GetObject"), StatusCode::OK, &upstream);
    let mut names: Vec<&str> = shown.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "content-length",
            "content-type",
            "etag",
            "retry-after",
            "x-amz-checksum-crc32",
            "x-amz-meta-a",
            "x-amz-server-side-encryption",
            "x-amz-version-id"
        ]
    );
}

#[test]
fn a_partial_answer_has_no_checksum_of_the_whole() {
    let upstream = map(&[
        ("x-amz-checksum-crc32", "AAAAAA=="),
        ("x-amz-checksum-type", "FULL_OBJECT"),
        ("etag", "e"),
    ]);
    let shown = response_headers(
        &operation("GetObject"),
        StatusCode::PARTIAL_CONTENT,
        &upstream,
    );
    assert_eq!(
        shown.keys().map(HeaderName::as_str).collect::<Vec<_>>(),
        ["etag"]
    );
}

#[test]
fn a_rewritten_body_has_another_length_and_old_framing_is_forgotten() {
    let upstream = map(&[("content-length", "9"), ("content-encoding", "aws-chunked")]);
    let shown = response_headers(&operation("ListObjectsV2"), StatusCode::OK, &upstream);
    assert!(shown.is_empty());
    let shown = response_headers(&operation("GetObject"), StatusCode::OK, &upstream);
    assert!(shown.contains_key("content-length") && !shown.contains_key("content-encoding"));
}
