//! The upstream's errors, as the client sees them: its own faults in our words, and everything
//! else as trouble of the tenant's storage.

use crate::dom::dom;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use s3::{
    ErrorCode, ErrorContext, FailureKind, Fault, Operation, UpstreamFailure, address, classify,
    is_failure, translate_upstream_error,
};
use types::{Region, RequestId};

/// What must not show: real bucket, prefix, endpoint, role.
const HIDDEN: &[&str] = &[
    "acme-prod-bucket",
    "orgs/acme/",
    "s3.eu-central-1.amazonaws.com",
    "ByosRole",
];

fn operation(method: &str, path: &str) -> Operation {
    let address = address("localhost", path, &[]).unwrap();
    classify(
        &Method::try_from(method).unwrap(),
        &address,
        None,
        &HeaderMap::new(),
    )
    .unwrap()
}

fn translate_with(
    operation: &Operation,
    status: u16,
    headers: &[(&str, &str)],
    body: &str,
) -> UpstreamFailure {
    let pairs = headers.iter().map(|(name, value)| {
        (
            HeaderName::try_from(*name).unwrap(),
            HeaderValue::try_from(*value).unwrap(),
        )
    });
    let context = ErrorContext {
        operation,
        resource: "/data/key",
        hidden: HIDDEN,
    };
    let status = StatusCode::from_u16(status).unwrap();
    translate_upstream_error(status, &pairs.collect(), body.as_bytes(), &context)
}

fn translate(status: u16, code: &str) -> UpstreamFailure {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>\
         <Message>User: arn:aws:sts::111122223333:assumed-role/ByosRole/x</Message>\
         <BucketName>acme-prod-bucket</BucketName><Resource>/acme-prod-bucket/orgs/acme/key</Resource>\
         <Key>orgs/acme/key</Key><Endpoint>s3.eu-central-1.amazonaws.com</Endpoint>\
         <AWSAccessKeyId>ASIAEXAMPLE</AWSAccessKeyId><StringToSign>secret</StringToSign>\
         <RequestId>UPSTREAMID</RequestId><HostId>UPSTREAMHOST</HostId></Error>"
    );
    translate_with(&operation("GET", "/data/key"), status, &[], &body)
}

fn document(failure: &UpstreamFailure) -> String {
    let bytes = failure.client.to_xml(RequestId::from_bits(1), "gw");
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_clients_own_faults_pass_under_their_own_names() {
    for (status, code) in [
        (404, "NoSuchKey"),
        (404, "NoSuchUpload"),
        (404, "NoSuchVersion"),
        (412, "PreconditionFailed"),
        (416, "InvalidRange"),
        (400, "BadDigest"),
        (400, "EntityTooSmall"),
        (400, "EntityTooLarge"),
        (400, "InvalidPart"),
        (400, "InvalidPartOrder"),
        (400, "InvalidArgument"),
        (400, "InvalidRequest"),
        (403, "InvalidObjectState"),
        (400, "InvalidStorageClass"),
        (400, "KeyTooLongError"),
        (405, "MethodNotAllowed"),
        (409, "ConditionalRequestConflict"),
        (409, "OperationAborted"),
        (400, "XAmzContentSHA256Mismatch"),
        (400, "IncompleteBody"),
        (501, "NotImplemented"),
        (400, "MetadataTooLarge"),
        (400, "InvalidDigest"),
        (400, "RequestTimeout"),
    ] {
        let failure = translate(status, code);
        assert_eq!(failure.kind, FailureKind::Client, "{code}");
        assert_eq!(failure.client.code().as_str(), code);
        assert_eq!(failure.client.status().as_u16(), status, "{code}");
    }
}

#[test]
fn what_the_upstream_has_against_the_gateway_is_never_the_clients_fault() {
    let wrong_region = FailureKind::WrongRegion { region: None };
    for (status, code, kind) in [
        (403, "AccessDenied", FailureKind::AccessDenied),
        (403, "AllAccessDisabled", FailureKind::AccessDenied),
        (
            403,
            "SignatureDoesNotMatch",
            FailureKind::CredentialRejected,
        ),
        (403, "InvalidAccessKeyId", FailureKind::CredentialRejected),
        (400, "ExpiredToken", FailureKind::CredentialRejected),
        (400, "InvalidToken", FailureKind::CredentialRejected),
        (400, "TokenRefreshRequired", FailureKind::CredentialRejected),
        (
            400,
            "AuthorizationHeaderMalformed",
            FailureKind::CredentialRejected,
        ),
        (403, "RequestTimeTooSkewed", FailureKind::ClockSkewed),
        (404, "NoSuchBucket", FailureKind::NoSuchBucket),
        (301, "PermanentRedirect", wrong_region.clone()),
        (307, "TemporaryRedirect", wrong_region),
        (
            400,
            "KMS.DisabledException",
            FailureKind::EncryptionKeyRefused,
        ),
        (403, "QuotaExceeded", FailureKind::StorageFull),
        (507, "XMinioStorageFull", FailureKind::StorageFull),
        (500, "InternalError", FailureKind::Unavailable),
        (503, "ServiceUnavailable", FailureKind::Unavailable),
        (503, "XMinioServerNotInitialized", FailureKind::Unavailable),
        (400, "SomethingNew", FailureKind::Unexpected),
        (400, "MalformedXML", FailureKind::Unexpected),
    ] {
        let failure = translate(status, code);
        assert_eq!(failure.kind, kind, "{code}");
        assert_eq!(failure.upstream_code.as_deref(), Some(code));
        assert_eq!(failure.client.code().fault(), Fault::Tenant, "{code}");
        let authentication = [
            "AccessDenied",
            "SignatureDoesNotMatch",
            "InvalidAccessKeyId",
            "ExpiredToken",
            "RequestTimeTooSkewed",
            "NoSuchBucket",
            "PermanentRedirect",
        ];
        assert!(
            !authentication.contains(&failure.client.code().as_str()),
            "{code}"
        );
    }
    for code in [
        "SlowDown",
        "Throttling",
        "RequestLimitExceeded",
        "TooManyRequests",
    ] {
        let failure = translate(503, code);
        assert_eq!(
            (failure.kind, failure.client.code()),
            (FailureKind::Throttled, ErrorCode::SlowDown)
        );
    }
}

#[test]
fn nothing_of_the_storage_shows_whatever_the_code() {
    let codes = ErrorCode::ALL.iter().map(|code| code.as_str());
    for code in codes.chain([
        "NoSuchBucket",
        "KMS.NotFoundException",
        "Strange",
        "<x>",
        "",
    ]) {
        for status in [301, 400, 403, 404, 409, 412, 500, 503] {
            let text = document(&translate(status, code));
            for word in HIDDEN
                .iter()
                .chain(&["111122223333", "arn:", "ASIA", "UPSTREAM", "secret"])
            {
                assert!(!text.contains(word), "{code}: {text}");
            }
            assert_eq!(dom(text.as_bytes()).text_of("Resource"), Some("/data/key"));
        }
    }
}

#[test]
fn a_helpful_message_passes_only_when_it_shows_nothing() {
    let ask = |message: &str| {
        let body =
            format!("<Error><Code>InvalidArgument</Code><Message>{message}</Message></Error>");
        translate_with(&operation("GET", "/data/key"), 400, &[], &body)
            .client
            .message()
            .to_owned()
    };
    let helpful = "Part number must be an integer between 1 and 10000, inclusive";
    assert_eq!(ask(helpful), helpful);
    for telling in [
        "bucket acme-prod-bucket is odd",
        "BUCKET ACME-PROD-BUCKET",
        "key orgs/acme/x",
        "arn:aws:s3:::x",
        "account 111122223333",
        "see https://example.com",
        "line\nbreak",
        "at host.amazonaws.com.cn",
        "\u{430}cme",
        &"x".repeat(301),
    ] {
        assert_eq!(
            ask(telling),
            ErrorCode::InvalidArgument.message(),
            "{telling}"
        );
    }
}

#[test]
fn details_about_the_clients_own_request_pass() {
    let body = "<Error><Code>EntityTooSmall</Code><ProposedSize>1</ProposedSize>\
        <MinSizeAllowed>5242880</MinSizeAllowed><PartNumber>2</PartNumber>\
        <Condition>orgs/acme/</Condition><HostId>h</HostId></Error>";
    let failure = translate_with(&operation("GET", "/data/key"), 400, &[], body);
    let wanted = [
        ("MinSizeAllowed", "5242880"),
        ("PartNumber", "2"),
        ("ProposedSize", "1"),
    ];
    assert_eq!(
        failure.client.extra(),
        wanted.map(|(name, value)| (name, value.to_owned()))
    );
}

#[test]
fn the_right_region_is_learned_from_the_document_or_the_header() {
    let frankfurt = Some(Region::parse("eu-central-1").unwrap());
    let body =
        "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-central-1</Region></Error>";
    let get = operation("GET", "/data/key");
    let wanted = FailureKind::WrongRegion { region: frankfurt };
    assert_eq!(translate_with(&get, 400, &[], body).kind, wanted);
    let header = [("x-amz-bucket-region", "eu-central-1")];
    let body = "<Error><Code>PermanentRedirect</Code></Error>";
    assert_eq!(translate_with(&get, 301, &header, body).kind, wanted);
    let head = operation("HEAD", "/data/key");
    assert_eq!(translate_with(&head, 301, &header, "").kind, wanted);
    let odd = [("x-amz-bucket-region", "<script>")];
    assert_eq!(
        translate_with(&head, 301, &odd, "").kind,
        FailureKind::WrongRegion { region: None }
    );
}

#[test]
fn answers_without_a_document_are_judged_by_their_status() {
    let object = operation("HEAD", "/data/key");
    let bucket = operation("HEAD", "/data");
    let get = operation("GET", "/data/key");
    for (asked, status, kind, code) in [
        (&object, 404, FailureKind::Client, "NoSuchKey"),
        (&object, 412, FailureKind::Client, "PreconditionFailed"),
        (&object, 416, FailureKind::Client, "InvalidRange"),
        (&object, 405, FailureKind::Client, "MethodNotAllowed"),
        (&object, 409, FailureKind::Client, "OperationAborted"),
        (&object, 400, FailureKind::BareBadRequest, "InvalidRequest"),
        (
            &object,
            403,
            FailureKind::AccessDenied,
            "TenantStorageRefused",
        ),
        (
            &bucket,
            404,
            FailureKind::NoSuchBucket,
            "TenantStorageRefused",
        ),
        (&get, 404, FailureKind::Unexpected, "TenantStorageRefused"),
        (
            &get,
            401,
            FailureKind::CredentialRejected,
            "TenantStorageUnavailable",
        ),
        (&get, 429, FailureKind::Throttled, "SlowDown"),
        (
            &get,
            502,
            FailureKind::Unavailable,
            "TenantStorageUnavailable",
        ),
        (&get, 507, FailureKind::StorageFull, "QuotaExceeded"),
        (&get, 418, FailureKind::Unexpected, "TenantStorageRefused"),
    ] {
        let failure = translate_with(asked, status, &[], "");
        assert_eq!(
            (failure.kind, failure.client.code().as_str()),
            (kind, code),
            "{status}"
        );
        assert_eq!(failure.upstream_code, None);
    }
}

#[test]
fn answers_of_something_else_than_s3_do_no_harm() {
    let huge = "x".repeat(200_000);
    for body in [
        "<html><body>proxy error at s3.eu-central-1.amazonaws.com</body></html>",
        "<Error><Code>",
        "<Error>",
        "<!DOCTYPE x><Error><Code>NoSuchKey</Code></Error>",
        "<Other><Code>NoSuchKey</Code></Other>",
        "{\"error\":\"AccessDenied\"}",
        "<Error><Sub><Code>NoSuchKey</Code></Sub></Error>",
        huge.as_str(),
    ] {
        let failure = translate_with(&operation("GET", "/data/key"), 500, &[], body);
        assert_eq!(failure.kind, FailureKind::Unavailable, "{body:.60}");
        assert!(!document(&failure).contains("amazonaws"));
    }
}

#[test]
fn a_document_that_was_cut_still_tells_its_code() {
    let body = "<Error><Code>NoSuchKey</Code><Message>The specified";
    let failure = translate_with(&operation("GET", "/data/key"), 404, &[], body);
    assert_eq!(failure.client.code(), ErrorCode::NoSuchKey);
}

#[test]
fn only_success_and_not_modified_are_no_failures() {
    for (status, failed) in [
        (200, false),
        (204, false),
        (206, false),
        (304, false),
        (301, true),
        (307, true),
        (400, true),
        (404, true),
        (412, true),
        (500, true),
    ] {
        assert_eq!(
            is_failure(StatusCode::from_u16(status).unwrap()),
            failed,
            "{status}"
        );
    }
}
