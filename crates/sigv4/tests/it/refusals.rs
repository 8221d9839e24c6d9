//! What is refused, and with which code.

use crate::judge::sign_headers;
use crate::request::{ACCESS_KEY_ID, Request};
use crate::samples::{
    HOST, presigned, refusal, replace_in_authorization, replace_in_query, signed,
};
use aws_sigv4::http_request::SignableBody;
use sigv4::{AuthError, EMPTY_SHA256, Mechanism};

#[test]
fn the_unchanged_samples_are_accepted() {
    assert!(signed().verify().is_ok());
    assert!(presigned().verify().is_ok());
}

#[test]
fn a_malformed_authorization_header_is_refused_with_400() {
    for (from, to) in [
        ("Credential=", "Credentials="),
        ("Credential=", ""),
        (", SignedHeaders=", ", X=1, SignedHeaders="),
        (", SignedHeaders=", ", Credential=a, SignedHeaders="),
        (", Signature=", ", Signature=1, Signature="),
        (", Signature=", ", Sig="),
        ("/s3/", "/ec2/"),
        ("/s3/", "/"),
        ("/aws4_request", "/aws4_requests"),
        ("/20130524/", "/20130523/"),
        ("/20130524/", "/2013052/"),
        ("/eu-central-1/", "//"),
        ("/eu-central-1/", "/eu central/"),
        (ACCESS_KEY_ID, ""),
        (
            "SignedHeaders=content-length;host",
            "SignedHeaders=host;content-length",
        ),
        (
            "SignedHeaders=content-length;",
            "SignedHeaders=content-length;content-length;",
        ),
        (
            "SignedHeaders=content-length;",
            "SignedHeaders=;content-length;",
        ),
        (";host;", ";Host;"),
        ("x-amz-meta-a", "x-amz-meta-a;"),
    ] {
        let mut request = signed();
        replace_in_authorization(&mut request, from, to);
        assert_eq!(
            refusal(&request),
            ("AuthorizationHeaderMalformed", 400),
            "{from} -> {to}"
        );
    }
    let mut twice = signed();
    let text = twice.headers["authorization"].to_str().unwrap().to_string();
    twice.append("authorization", &text);
    assert_eq!(refusal(&twice), ("AuthorizationHeaderMalformed", 400));
}

#[test]
fn the_parts_of_the_authorization_header_may_come_in_any_order_and_spacing() {
    let mut request = signed();
    let text = request.headers["authorization"]
        .to_str()
        .unwrap()
        .to_string();
    let (scheme, parts) = text.split_once(' ').unwrap();
    let mut parts: Vec<&str> = parts.split(", ").collect();
    parts.reverse();
    for joint in [",", ", ", " ,  "] {
        request.set("authorization", &format!("{scheme} {}", parts.join(joint)));
        assert!(request.verify().is_ok(), "{joint:?}");
    }
}

#[test]
fn a_malformed_signature_is_refused_with_403() {
    for to in [
        "",
        "0",
        &"A".repeat(64),
        &"z".repeat(64),
        &"0".repeat(63),
        &"0".repeat(65),
    ] {
        let mut request = signed();
        let signature = request.signature();
        replace_in_authorization(&mut request, &signature, to);
        assert_eq!(refusal(&request), ("SignatureDoesNotMatch", 403), "{to}");
        let mut request = presigned();
        let (start, _) = request
            .query
            .as_deref()
            .unwrap()
            .split_once("X-Amz-Signature")
            .unwrap();
        request.query = Some(format!("{start}X-Amz-Signature={to}"));
        assert_eq!(refusal(&request), ("SignatureDoesNotMatch", 403), "{to}");
    }
}

#[test]
fn an_x_amz_header_that_is_not_signed_is_refused() {
    for name in [
        "x-amz-copy-source",
        "x-amz-acl",
        "x-amz-tagging",
        "x-amz-meta-b",
        "x-amz-storage-class",
        "x-amz-website-redirect-location",
        "x-amz-security-token",
        "x-amz-content-sha256",
        "x-amz-date",
    ] {
        let mut url = presigned();
        url.append(name, "UNSIGNED-PAYLOAD");
        assert_eq!(refusal(&url), ("AccessDenied", 403), "{name}");
        let mut header = signed();
        if !header.headers.contains_key(name) {
            header.append(name, "x");
            assert_eq!(
                header.verify().unwrap_err(),
                AuthError::HeadersNotSigned(name.into())
            );
        }
    }
}

#[test]
fn a_host_that_is_not_signed_is_refused() {
    let mut request = signed();
    replace_in_authorization(&mut request, ";host;", ";");
    assert_eq!(
        request.verify().unwrap_err(),
        AuthError::HeadersNotSigned("host".into())
    );
    let mut url = presigned();
    replace_in_query(&mut url, "SignedHeaders=host", "SignedHeaders=range");
    url.append("range", "bytes=0-1");
    assert_eq!(
        url.verify().unwrap_err(),
        AuthError::HeadersNotSigned("host".into())
    );
}

#[test]
fn a_signed_header_that_is_absent_is_refused_by_its_name() {
    let mut request = signed();
    request.headers.remove("x-amz-meta-a");
    assert_eq!(
        request.verify().unwrap_err(),
        AuthError::SignedHeaderAbsent("x-amz-meta-a".into())
    );
    let mut request = signed();
    request.headers.remove("host");
    assert_eq!(refusal(&request), ("InvalidRequest", 400));
    let mut request = signed();
    request.append("host", "other.example.com");
    assert_eq!(refusal(&request), ("InvalidRequest", 400));
}

#[test]
fn expect_and_an_empty_content_length_may_be_taken_off_on_the_way() {
    let headers = [
        ("host", HOST),
        ("expect", "100-continue"),
        ("content-length", "0"),
    ];
    let mut request = Request::new("PUT", "/results/a", &headers);
    sign_headers(&mut request, SignableBody::Bytes(b""), None);
    request.headers.remove("expect");
    request.headers.remove("content-length");
    assert!(request.verify().is_ok());
    request.append("transfer-encoding", "chunked");
    let error = request.verify().unwrap_err();
    assert_eq!(
        error,
        AuthError::SignedHeaderAbsent("content-length".into())
    );
}

#[test]
fn a_presigned_url_with_a_missing_or_repeated_parameter_is_refused() {
    let complete = presigned();
    let query = complete.query.clone().unwrap();
    for part in query.split('&').filter(|part| part.starts_with("X-Amz-")) {
        let mut missing = complete.clone();
        let rest: Vec<&str> = query.split('&').filter(|other| *other != part).collect();
        missing.query = Some(rest.join("&"));
        assert_eq!(
            refusal(&missing),
            ("AuthorizationQueryParametersError", 400),
            "{part}"
        );
        let mut repeated = complete.clone();
        repeated.query = Some(format!("{query}&{part}"));
        assert_eq!(
            refusal(&repeated),
            ("AuthorizationQueryParametersError", 400),
            "{part}"
        );
    }
}

#[test]
fn two_ways_of_authenticating_are_refused() {
    let mut both = presigned();
    both.append(
        "authorization",
        signed().headers["authorization"].to_str().unwrap(),
    );
    assert_eq!(refusal(&both), ("InvalidArgument", 400));
    let mut stray = signed();
    replace_in_query(&mut stray, "uploadId", "X-Amz-Signature=0&uploadId");
    assert_eq!(refusal(&stray), ("InvalidArgument", 400));
    let mut old = presigned();
    replace_in_query(&mut old, "uploadId", "AWSAccessKeyId=a&uploadId");
    assert_eq!(refusal(&old), ("InvalidArgument", 400));
    let mut old = signed();
    replace_in_query(&mut old, "uploadId", "AWSAccessKeyId=a&uploadId");
    assert_eq!(refusal(&old), ("InvalidArgument", 400));
}

#[test]
fn a_foreign_authorization_header_does_not_disturb_a_presigned_url() {
    for foreign in ["Basic YTpi", "Bearer token"] {
        let mut url = presigned();
        url.append("authorization", foreign);
        assert!(url.verify().is_ok(), "{foreign}");
        let mut alone = signed();
        alone.set("authorization", foreign);
        assert_eq!(refusal(&alone), ("InvalidRequest", 400), "{foreign}");
    }
}

#[test]
fn other_mechanisms_are_refused_by_their_names() {
    let mut request = signed();
    let ecdsa = "AWS4-ECDSA-P256-SHA256";
    let v2_query = "AWSAccessKeyId=AKIDEXAMPLE12345&Signature=abc%3D&Expires=1369353600";
    let mechanism = |request: &Request| match request.verify().unwrap_err() {
        AuthError::Unsupported(mechanism) => mechanism,
        other => panic!("{other}"),
    };
    request.set("authorization", "AWS AKIDEXAMPLE12345:frJIUN8DYpKDtOLCwo==");
    assert_eq!(mechanism(&request), Mechanism::SigV2Header);
    request.set(
        "authorization",
        &format!("{ecdsa} Credential=a/20130524/s3/aws4_request"),
    );
    assert_eq!(mechanism(&request), Mechanism::SigV4A);
    assert_eq!(refusal(&request), ("NotImplemented", 501));
    request.set("authorization", "AWS4-HMAC-SHA512 Credential=a");
    assert_eq!(
        mechanism(&request),
        Mechanism::Other("AWS4-HMAC-SHA512".into())
    );
    let mut url = presigned();
    replace_in_query(&mut url, "AWS4-HMAC-SHA256", ecdsa);
    assert_eq!(mechanism(&url), Mechanism::SigV4A);
    let old = Request::new("GET", &format!("/results/a?{v2_query}"), &[("host", HOST)]);
    assert_eq!(mechanism(&old), Mechanism::SigV2Query);
    let words = old.verify().unwrap_err().to_string();
    assert!(words.contains("signature_version s3v4"), "{words}");
    let nobody = Request::new("GET", "/results/a", &[("host", HOST)]);
    assert_eq!(nobody.verify().unwrap_err(), AuthError::Anonymous);
}

#[test]
fn an_unknown_payload_literal_is_refused_by_its_name() {
    for literal in [
        "",
        "unsigned-payload",
        "STREAMING-UNSIGNED-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILERS",
        "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
        "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER",
        "STREAMING-AWS4-HMAC-SHA256-EVENTS",
        &EMPTY_SHA256[1..],
        &format!("{EMPTY_SHA256}0"),
        &EMPTY_SHA256.replace('e', "g"),
    ] {
        let mut request = Request::new("PUT", "/results/a", &[("host", HOST)]);
        sign_headers(
            &mut request,
            SignableBody::Precomputed(literal.into()),
            None,
        );
        let error = request.verify().unwrap_err();
        assert_eq!(error, AuthError::PayloadHashUnknown(literal.into()));
        assert_eq!(error.status(), 400);
    }
}

#[test]
fn a_missing_payload_hash_is_forgiven_only_where_there_can_be_no_body() {
    let request = |method: &str, extra: &[(&str, &str)]| {
        let mut request = Request::new(
            method,
            "/results/a",
            &[("host", HOST), ("x-amz-date", "20130524T000000Z")],
        );
        request.append("authorization", &format!(
            "AWS4-HMAC-SHA256 Credential={ACCESS_KEY_ID}/20130524/eu-central-1/s3/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature={}", "0".repeat(64)));
        extra
            .iter()
            .for_each(|(name, value)| request.append(name, value));
        request.verify().unwrap_err().code()
    };
    for method in ["GET", "HEAD", "DELETE"] {
        assert_eq!(request(method, &[]), "SignatureDoesNotMatch");
        assert_eq!(
            request(method, &[("content-length", "0")]),
            "SignatureDoesNotMatch"
        );
        assert_eq!(
            request(method, &[("content-length", "1")]),
            "InvalidRequest"
        );
        assert_eq!(
            request(method, &[("transfer-encoding", "chunked")]),
            "InvalidRequest"
        );
    }
    assert_eq!(request("PUT", &[]), "InvalidRequest");
    assert_eq!(request("POST", &[]), "InvalidRequest");
}

#[test]
fn the_payload_hash_of_a_presigned_url_is_honoured_and_may_not_contradict_itself() {
    let mut request = presigned();
    replace_in_query(
        &mut request,
        "uploadId",
        "X-Amz-Content-Sha256=nonsense&uploadId",
    );
    assert_eq!(
        request.verify().unwrap_err(),
        AuthError::PayloadHashUnknown("nonsense".into())
    );
    replace_in_query(&mut request, "nonsense", EMPTY_SHA256);
    assert_eq!(refusal(&request), ("SignatureDoesNotMatch", 403));
    request.append("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
    assert_eq!(
        refusal(&request),
        ("AuthorizationQueryParametersError", 400)
    );
}
