//! Headers pass by allow-list, and nothing that asks for protection is overlooked.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use s3::{
    ChecksumPolicy, ErrorCode, Operation, RequestHeaders, S3Error, address, classify,
    request_headers,
};

pub(crate) fn map(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(
            HeaderName::try_from(*name).unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    headers
}

pub(crate) fn operation(name: &str) -> Operation {
    let (method, path, query, headers) = match name {
        "GetObject" => ("GET", "/data/k", "", &[][..]),
        "HeadObject" => ("HEAD", "/data/k", "", &[][..]),
        "PutObject" => ("PUT", "/data/k", "", &[][..]),
        "DeleteObject" => ("DELETE", "/data/k", "", &[][..]),
        "CopyObject" => ("PUT", "/data/k", "", &[("x-amz-copy-source", "data/o")][..]),
        "CreateMultipartUpload" => ("POST", "/data/k", "uploads", &[][..]),
        "UploadPart" => ("PUT", "/data/k", "partNumber=1&uploadId=u", &[][..]),
        "UploadPartCopy" => (
            "PUT",
            "/data/k",
            "partNumber=1&uploadId=u",
            &[("x-amz-copy-source", "data/o")][..],
        ),
        "CompleteMultipartUpload" => ("POST", "/data/k", "uploadId=u", &[][..]),
        "AbortMultipartUpload" => ("DELETE", "/data/k", "uploadId=u", &[][..]),
        "ListParts" => ("GET", "/data/k", "uploadId=u", &[][..]),
        "ListObjectsV2" => ("GET", "/data", "list-type=2", &[][..]),
        "ListObjects" => ("GET", "/data", "", &[][..]),
        "ListMultipartUploads" => ("GET", "/data", "uploads", &[][..]),
        "DeleteObjects" => ("POST", "/data", "delete", &[][..]),
        "HeadBucket" => ("HEAD", "/data", "", &[][..]),
        "GetBucketLocation" => ("GET", "/data", "location", &[][..]),
        "ListBuckets" => ("GET", "/", "", &[][..]),
        other => panic!("{other}"),
    };
    let address = address("localhost", path, &[]).unwrap();
    let method = Method::try_from(method).unwrap();
    classify(&method, &address, Some(query), &map(headers)).unwrap()
}

fn sort(name: &str, pairs: &[(&str, &str)]) -> Result<RequestHeaders, S3Error> {
    request_headers(&operation(name), &map(pairs), ChecksumPolicy::Forward)
}

fn forwarded(name: &str, pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let sorted = sort(name, pairs).unwrap_or_else(|error| panic!("{name} {pairs:?}: {error:?}"));
    let mut list: Vec<(String, String)> = sorted
        .forward
        .iter()
        .map(|(name, value)| {
            (
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into(),
            )
        })
        .collect();
    list.sort();
    list
}

const ENCRYPTION_KEY: (&str, &str) = ("x-amz-server-side-encryption-customer-key", "a2V5");

#[test]
fn each_operation_forwards_its_own_headers() {
    for (name, headers) in [
        (
            "GetObject",
            &[
                "range",
                "if-match",
                "if-none-match",
                "if-modified-since",
                "if-unmodified-since",
                "if-range",
                "x-amz-checksum-mode",
            ][..],
        ),
        ("HeadObject", &["range", "x-amz-checksum-mode"]),
        (
            "PutObject",
            &[
                "content-type",
                "cache-control",
                "content-disposition",
                "content-language",
                "expires",
                "x-amz-meta-a",
                "x-amz-storage-class",
                "if-match",
                "if-none-match",
                "x-amz-server-side-encryption",
                "x-amz-server-side-encryption-aws-kms-key-id",
                "x-amz-server-side-encryption-bucket-key-enabled",
                "x-amz-server-side-encryption-context",
                "x-amz-server-side-encryption-customer-algorithm",
                "x-amz-server-side-encryption-customer-key",
                "x-amz-server-side-encryption-customer-key-md5",
            ],
        ),
        (
            "CopyObject",
            &[
                "x-amz-copy-source-if-match",
                "x-amz-copy-source-if-none-match",
                "x-amz-copy-source-if-modified-since",
                "x-amz-copy-source-if-unmodified-since",
                "x-amz-metadata-directive",
                "x-amz-checksum-algorithm",
                "x-amz-meta-b",
                "x-amz-copy-source-server-side-encryption-customer-key",
                "if-none-match",
            ],
        ),
        (
            "CreateMultipartUpload",
            &[
                "content-type",
                "x-amz-meta-a",
                "x-amz-checksum-algorithm",
                "x-amz-checksum-type",
                "x-amz-storage-class",
            ],
        ),
        (
            "UploadPartCopy",
            &["x-amz-copy-source-range", "x-amz-copy-source-if-match"],
        ),
        (
            "CompleteMultipartUpload",
            &[
                "if-match",
                "if-none-match",
                "x-amz-mp-object-size",
                "x-amz-checksum-type",
            ],
        ),
        ("ListParts", &["x-amz-server-side-encryption-customer-key"]),
        ("ListObjectsV2", &["x-amz-optional-object-attributes"]),
    ] {
        for header in headers {
            let found = forwarded(name, &[(header, "v")]);
            assert_eq!(
                found,
                [(header.to_string(), "v".to_string())],
                "{name} {header}"
            );
        }
    }
}

#[test]
fn checksums_pass_all_or_not_at_all() {
    let pairs = [
        ("x-amz-checksum-crc32", "AAAAAA=="),
        ("x-amz-sdk-checksum-algorithm", "CRC32"),
    ];
    for name in ["PutObject", "UploadPart", "CompleteMultipartUpload"] {
        assert_eq!(
            forwarded(name, &pairs),
            [(pairs[0].0.to_owned(), pairs[0].1.to_owned())]
        );
        let held =
            request_headers(&operation(name), &map(&pairs), ChecksumPolicy::Withhold).unwrap();
        assert!(held.forward.is_empty(), "{name}");
        assert!(held.checksums.header.is_some(), "{name}");
    }
    for header in ["x-amz-checksum-algorithm", "x-amz-checksum-type"] {
        let headers = map(&[(header, "CRC32")]);
        let created = operation("CreateMultipartUpload");
        let held = request_headers(&created, &headers, ChecksumPolicy::Withhold).unwrap();
        assert!(held.forward.is_empty(), "{header}");
    }
    assert!(
        forwarded("DeleteObjects", &pairs).is_empty(),
        "the document is written anew"
    );
}

/// Everything that changes who may do what, or what is kept, and is not done here.
const REFUSED: &[&str] = &[
    "x-amz-grant-read",
    "x-amz-grant-read-acp",
    "x-amz-grant-write-acp",
    "x-amz-grant-full-control",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-legal-hold",
    "x-amz-object-lock-retain-until-date",
    "x-amz-bypass-governance-retention",
    "x-amz-mfa",
    "x-amz-website-redirect-location",
    "x-amz-request-payer",
    "x-amz-tagging",
    "x-amz-tagging-directive",
    "x-amz-replication-status",
    "x-amz-write-offset-bytes",
    "x-amz-object-ownership",
    "x-amz-if-match-size",
    "x-amz-security-unknown",
    "x-amz-acl-x",
    "x-amz-fwd-status",
];

#[test]
fn an_unknown_amazon_header_is_refused_on_every_operation_by_its_name() {
    for name in Operation::NAMES {
        for header in REFUSED {
            let error = sort(name, &[(header, "x")]).unwrap_err();
            assert_eq!(error.code(), ErrorCode::NotImplemented, "{name} {header}");
            assert_eq!(error.extra(), [("Header", header.to_string())], "{name}");
        }
    }
}

#[test]
fn a_header_of_another_operation_is_refused_and_not_overlooked() {
    for (name, header) in [
        ("GetObject", "x-amz-copy-source"),
        ("UploadPart", "x-amz-meta-a"),
        ("UploadPart", "x-amz-server-side-encryption"),
        ("DeleteObject", "x-amz-meta-a"),
        ("DeleteObject", "if-match"),
        ("UploadPart", "if-none-match"),
        ("PutObject", "if-unmodified-since"),
        ("PutObject", "content-range"),
        ("PutObject", "x-amz-metadata-directive"),
        ("PutObject", "x-amz-copy-source-if-match"),
        ("GetObject", "x-amz-acl"),
        ("DeleteObjects", "x-amz-server-side-encryption-customer-key"),
        ("CopyObject", "x-amz-copy-source-range"),
        ("GetObject", "x-amz-source-expected-bucket-owner"),
    ] {
        let error = sort(name, &[(header, "private")]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::NotImplemented, "{name} {header}");
    }
}

#[test]
fn the_only_acls_are_the_ones_that_hold_anyway() {
    for acl in ["private", "bucket-owner-full-control"] {
        assert!(
            forwarded("PutObject", &[("x-amz-acl", acl)]).is_empty(),
            "{acl}"
        );
    }
    for acl in [
        "public-read",
        "public-read-write",
        "authenticated-read",
        "aws-exec-read",
        "bucket-owner-read",
        "log-delivery-write",
        "PRIVATE",
        "",
    ] {
        let error = sort("PutObject", &[("x-amz-acl", acl)]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::NotImplemented, "{acl}");
    }
}

#[test]
fn what_concerns_only_the_connection_or_the_signature_stays_here() {
    let pairs = [
        ("host", "h"),
        ("authorization", "a"),
        ("content-length", "3"),
        ("connection", "close"),
        ("transfer-encoding", "chunked"),
        ("expect", "100-continue"),
        ("cookie", "c"),
        ("user-agent", "u"),
        ("accept-encoding", "gzip"),
        ("amz-sdk-request", "r"),
        ("amz-sdk-invocation-id", "i"),
        ("x-forwarded-for", "f"),
        ("x-amzn-trace-id", "t"),
        ("x-amz-date", "d"),
        ("x-amz-content-sha256", "s"),
        ("x-amz-security-token", "t"),
        ("x-amz-decoded-content-length", "3"),
        ("x-amz-user-agent", "u"),
        ("date", "d"),
        ("x-amz-trailer", "x-amz-checksum-crc32"),
        ("x-amz-api-version", "2006-03-01"),
    ];
    for name in Operation::NAMES {
        assert!(forwarded(name, &pairs).is_empty(), "{name}");
    }
}

#[test]
fn framing_is_never_stored_as_content_encoding() {
    for (given, kept) in [
        ("aws-chunked", None),
        ("aws-chunked,gzip", Some("gzip")),
        ("GZip", Some("GZip")),
    ] {
        let found = forwarded("PutObject", &[("content-encoding", given)]);
        let value = found.first().map(|(_, value)| value.as_str());
        assert_eq!(value, kept, "{given}");
    }
    let twice = [
        ("content-encoding", "aws-chunked"),
        ("content-encoding", "gzip"),
    ];
    assert_eq!(forwarded("PutObject", &twice)[0].1, "gzip");
    let error = sort("PutObject", &[("content-encoding", "aws-chunked,\u{e4}")]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
}

#[test]
fn repeated_metadata_is_joined_and_other_repetitions_are_refused() {
    let twice = [("x-amz-meta-a", "1"), ("x-amz-meta-a", "2")];
    assert_eq!(forwarded("PutObject", &twice)[0].1, "1,2");
    for header in [
        "content-type",
        "x-amz-storage-class",
        "x-amz-server-side-encryption",
    ] {
        let error = sort("PutObject", &[(header, "a"), (header, "b")]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidArgument, "{header}");
    }
}

#[test]
fn metadata_ends_at_two_kibibytes_and_headers_at_eight() {
    let metadata = |length: usize| "v".repeat(length - 1);
    let fits = metadata(2_048);
    assert!(sort("PutObject", &[("x-amz-meta-a", &fits)]).is_ok());
    let over = metadata(2_049);
    let error = sort("PutObject", &[("x-amz-meta-a", &over)]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::MetadataTooLarge);
    let cookie = "c".repeat(8_192 - "cookie".len());
    assert!(sort("PutObject", &[("cookie", &cookie)]).is_ok());
    let cookie = "c".repeat(8_193 - "cookie".len());
    let error = sort("PutObject", &[("cookie", &cookie)]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::RequestHeaderSectionTooLarge);
    assert!(sort("GetObject", &[("cookie", &cookie)]).is_ok());
}

#[test]
fn the_expected_owner_is_handed_to_the_caller() {
    let sorted = sort(
        "GetObject",
        &[("x-amz-expected-bucket-owner", "111122223333")],
    )
    .unwrap();
    assert_eq!(
        sorted.expected_bucket_owner.unwrap().as_str(),
        "111122223333"
    );
    assert!(sorted.forward.is_empty());
    let sorted = sort(
        "CopyObject",
        &[("x-amz-source-expected-bucket-owner", "111122223333")],
    );
    assert!(sorted.unwrap().source_expected_bucket_owner.is_some());
    let error = sort("GetObject", &[("x-amz-expected-bucket-owner", "me")]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
}

#[test]
fn a_customer_key_is_pointed_out_and_not_printed() {
    let sorted = sort("PutObject", &[ENCRYPTION_KEY]).unwrap();
    assert!(sorted.customer_key);
    assert!(!format!("{sorted:?}").contains(ENCRYPTION_KEY.1));
    assert!(!sort("PutObject", &[]).unwrap().customer_key);
    let source = [(
        "x-amz-copy-source-server-side-encryption-customer-key",
        "a2V5",
    )];
    assert!(sort("CopyObject", &source).unwrap().customer_key);
}

#[test]
fn an_unsupported_checksum_is_refused_by_its_name() {
    for (header, value) in [
        ("x-amz-checksum-xxhash128", "AAAA"),
        ("x-amz-trailer", "x-amz-checksum-xxhash128"),
        ("x-amz-sdk-checksum-algorithm", "xxhash128"),
    ] {
        let error = sort("PutObject", &[(header, value)]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidRequest, "{header}");
        assert!(error.message().contains("xxhash128"), "{error}");
    }
}
