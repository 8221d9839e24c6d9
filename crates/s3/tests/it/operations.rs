//! Which requests are operations, and what follows from each.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use s3::{
    Address, Domain, ErrorCode, OpaqueTokens, Operation, S3Error, address, classify, hoist_query,
};
use std::collections::BTreeSet;
use types::KeyPrefix;

const SERVICE: &str = "/";
pub(crate) const BUCKET: &str = "/data";
pub(crate) const OBJECT: &str = "/data/a/key";

fn at(path: &str) -> Address {
    address("localhost", path, &[Domain::parse("localhost").unwrap()]).unwrap()
}

pub(crate) fn with_headers(
    method: &str,
    path: &str,
    query: Option<&str>,
    headers: &[(&str, &str)],
) -> Result<Operation, S3Error> {
    let pairs = headers.iter().map(|(name, value)| {
        (
            HeaderName::try_from(*name).unwrap(),
            HeaderValue::try_from(*value).unwrap(),
        )
    });
    let headers: HeaderMap = pairs.collect();
    let headers = hoist_query(query, &headers)?;
    classify(
        &Method::try_from(method).unwrap(),
        &at(path),
        query,
        &headers,
    )
}

pub(crate) fn ask(method: &str, path: &str, query: &str) -> Result<Operation, S3Error> {
    with_headers(method, path, (!query.is_empty()).then_some(query), &[])
}

const COPY: &[(&str, &str)] = &[("x-amz-copy-source", "/results/other")];

/// One request for each operation.
fn supported() -> Vec<(&'static str, &'static str, &'static str, &'static str, bool)> {
    vec![
        ("ListBuckets", "GET", SERVICE, "", false),
        ("HeadBucket", "HEAD", BUCKET, "", false),
        ("GetBucketLocation", "GET", BUCKET, "location", false),
        ("ListObjects", "GET", BUCKET, "", false),
        ("ListObjectsV2", "GET", BUCKET, "list-type=2", false),
        ("ListMultipartUploads", "GET", BUCKET, "uploads", false),
        ("DeleteObjects", "POST", BUCKET, "delete", false),
        ("GetObject", "GET", OBJECT, "", false),
        ("HeadObject", "HEAD", OBJECT, "", false),
        ("PutObject", "PUT", OBJECT, "", false),
        ("CopyObject", "PUT", OBJECT, "", true),
        ("DeleteObject", "DELETE", OBJECT, "", false),
        ("CreateMultipartUpload", "POST", OBJECT, "uploads", false),
        (
            "UploadPart",
            "PUT",
            OBJECT,
            "partNumber=1&uploadId=u",
            false,
        ),
        (
            "UploadPartCopy",
            "PUT",
            OBJECT,
            "partNumber=1&uploadId=u",
            true,
        ),
        (
            "CompleteMultipartUpload",
            "POST",
            OBJECT,
            "uploadId=u",
            false,
        ),
        (
            "AbortMultipartUpload",
            "DELETE",
            OBJECT,
            "uploadId=u",
            false,
        ),
        ("ListParts", "GET", OBJECT, "uploadId=u", false),
    ]
}

pub(crate) fn operation(name: &str) -> Operation {
    let all = supported();
    let (_, method, path, query, copies) = all.iter().find(|row| row.0 == name).unwrap();
    let headers = if *copies { COPY } else { &[] };
    with_headers(method, path, Some(query), headers).unwrap()
}

#[test]
fn every_operation_is_recognised_by_its_request() {
    let mut seen = BTreeSet::new();
    for (name, ..) in supported() {
        let found = operation(name);
        assert_eq!(found.name(), name);
        seen.insert(found.name());
    }
    assert_eq!(seen, BTreeSet::from(Operation::NAMES));
}

/// Sub-resources of S3 and of stores that speak it.
const SUBRESOURCES: &[&str] = &[
    "abac",
    "accelerate",
    "acl",
    "analytics",
    "append",
    "attributes",
    "cors",
    "delete",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metadataConfiguration",
    "metadataInventoryTable",
    "metadataJournalTable",
    "metadataTable",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "renameObject",
    "replication",
    "requestPayment",
    "restore",
    "retention",
    "select",
    "select&select-type=2",
    "session",
    "tagging",
    "torrent",
    "uploads",
    "versioning",
    "versions",
    "website",
    "events",
    "replication-metrics",
    "lambdaArn",
    "quota",
    "syncing",
    "mdsearch",
    "unknown",
    "ACL",
    "Delete",
    "x-goog-acl",
    "comp=list",
];

#[test]
fn of_all_methods_and_subresources_exactly_the_supported_ones_are_accepted() {
    let accepted: BTreeSet<(&str, &str, &str)> = [
        ("GET", BUCKET, "location"),
        ("GET", BUCKET, "uploads"),
        ("POST", BUCKET, "delete"),
        ("POST", OBJECT, "uploads"),
    ]
    .into();
    for method in [
        "GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH", "TRACE", "LINK",
    ] {
        for path in [SERVICE, BUCKET, OBJECT] {
            for subresource in SUBRESOURCES {
                let found = ask(method, path, subresource);
                if accepted.contains(&(method, path, subresource)) {
                    assert!(found.is_ok(), "{method} {path}?{subresource}");
                    continue;
                }
                let error = found.expect_err(&format!("{method} {path}?{subresource}"));
                let refused = [ErrorCode::NotImplemented, ErrorCode::MethodNotAllowed];
                assert!(
                    refused.contains(&error.code()),
                    "{method} {path}?{subresource}: {error}"
                );
            }
        }
    }
}

#[test]
fn a_subresource_hidden_among_allowed_parameters_is_still_refused() {
    for (_, method, path, query, copies) in supported() {
        for smuggled in [
            "acl",
            "policy",
            "tagging=",
            "retention",
            "versions",
            "torrent",
        ] {
            let headers = if copies { COPY } else { &[] };
            for joined in [format!("{query}&{smuggled}"), format!("{smuggled}&{query}")] {
                let error = with_headers(method, path, Some(&joined), headers).unwrap_err();
                assert_eq!(
                    error.code(),
                    ErrorCode::NotImplemented,
                    "{method} {path}?{joined}"
                );
            }
        }
    }
}

#[test]
fn methods_without_subresource_are_accepted_where_s3_has_them() {
    for (method, path, code) in [
        ("HEAD", SERVICE, ErrorCode::MethodNotAllowed),
        ("POST", SERVICE, ErrorCode::MethodNotAllowed),
        ("PUT", BUCKET, ErrorCode::NotImplemented),
        ("DELETE", BUCKET, ErrorCode::NotImplemented),
        ("POST", BUCKET, ErrorCode::NotImplemented),
        ("POST", OBJECT, ErrorCode::NotImplemented),
        ("OPTIONS", OBJECT, ErrorCode::MethodNotAllowed),
        ("PATCH", OBJECT, ErrorCode::MethodNotAllowed),
        ("CONNECT", OBJECT, ErrorCode::MethodNotAllowed),
    ] {
        assert_eq!(
            ask(method, path, "").unwrap_err().code(),
            code,
            "{method} {path}"
        );
    }
}

#[test]
fn parameters_that_authenticate_or_name_the_operation_are_passed_over() {
    let signed = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a%2Fb&X-Amz-Date=d&\
        X-Amz-Expires=9&X-Amz-SignedHeaders=host&X-Amz-Signature=s&X-Amz-Security-Token=t&\
        X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&x-id=GetObject";
    assert_eq!(ask("GET", OBJECT, signed).unwrap().name(), "GetObject");
    assert_eq!(ask("PUT", OBJECT, signed).unwrap().name(), "PutObject");
    let query = ask("GET", OBJECT, &format!("{signed}&versionId=v1"))
        .unwrap()
        .upstream_query(&KeyPrefix::root(), &OpaqueTokens);
    assert_eq!(query.unwrap(), "versionId=v1");
}

#[test]
fn a_parameter_given_twice_is_refused() {
    for query in [
        "versionId=a&versionId=b",
        "versionId=a&version%49d=a",
        "x-id=a&x-id=b",
    ] {
        assert_eq!(
            ask("GET", OBJECT, query).unwrap_err().code(),
            ErrorCode::InvalidArgument,
            "{query}"
        );
    }
}

#[test]
fn a_bad_value_is_an_invalid_argument() {
    for (method, path, query) in [
        ("GET", BUCKET, "list-type=1"),
        ("GET", BUCKET, "list-type"),
        ("GET", BUCKET, "list-type=2&max-keys=-1"),
        ("GET", BUCKET, "max-keys=1x"),
        ("GET", BUCKET, "max-keys=99999999999"),
        ("GET", BUCKET, "encoding-type=base64"),
        ("GET", BUCKET, "prefix=%00"),
        ("GET", BUCKET, "list-type=2&continuation-token="),
        ("GET", BUCKET, "location=x"),
        ("POST", BUCKET, "delete=x"),
        ("POST", OBJECT, "uploads=x"),
        ("PUT", OBJECT, "partNumber=1"),
        ("PUT", OBJECT, "uploadId=u"),
        ("PUT", OBJECT, "partNumber=0&uploadId=u"),
        ("PUT", OBJECT, "partNumber=10001&uploadId=u"),
        ("PUT", OBJECT, "partNumber=%2B1&uploadId=u"),
        ("PUT", OBJECT, "partNumber=1&uploadId="),
        ("PUT", OBJECT, "partNumber=1&uploadId=a%0Ab"),
        ("GET", OBJECT, "partNumber=0"),
        ("GET", OBJECT, "versionId="),
        ("GET", OBJECT, "versionId=a%20b"),
        ("GET", OBJECT, "response-content-type=a%0D%0Ab"),
    ] {
        let error = ask(method, path, query).unwrap_err();
        assert_eq!(
            error.code(),
            ErrorCode::InvalidArgument,
            "{method} {path}?{query}: {error}"
        );
    }
    let long = format!("prefix={}", "a".repeat(1_025));
    assert_eq!(
        ask("GET", BUCKET, &long).unwrap_err().code(),
        ErrorCode::KeyTooLongError
    );
    assert_eq!(
        ask("GET", BUCKET, "prefix=%zz").unwrap_err().code(),
        ErrorCode::InvalidURI
    );
    let many: Vec<String> = (0..65).map(|n| format!("p{n}")).collect();
    assert!(ask("GET", OBJECT, &many.join("&")).is_err());
}

#[test]
fn a_copy_source_in_the_query_makes_a_copy_and_never_a_plain_put() {
    let query = "x-amz-copy-source=%2Fresults%2Fother";
    assert_eq!(ask("PUT", OBJECT, query).unwrap().name(), "CopyObject");
    // A caller that forgets to hoist is stopped.
    let error = classify(&Method::PUT, &at(OBJECT), Some(query), &HeaderMap::new()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidRequest);
}

#[test]
fn two_copy_sources_are_refused() {
    let mut headers = HeaderMap::new();
    headers.append("x-amz-copy-source", HeaderValue::from_static("/results/a"));
    headers.append("x-amz-copy-source", HeaderValue::from_static("/data/b"));
    let error = classify(&Method::PUT, &at(OBJECT), None, &headers).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
}
