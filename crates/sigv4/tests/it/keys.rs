//! Unknown, foreign and rotated keys, and what a client with a wrong one is shown.

use crate::judge::sign_headers;
use crate::request::{ACCESS_KEY_ID, NOW, Request, SECRET, key, verifier};
use crate::samples::{HOST, replace_in_authorization, signed};
use aws_sigv4::http_request::SignableBody;
use sigv4::{AuthError, Claim, KeyMaterial, Outgoing, OutgoingPayload, Signer, SigningCredentials};
use types::{AccessKeyId, Region, SecretString};

#[test]
fn an_unknown_access_key_is_refused_and_enters_no_cache() {
    let verifier = verifier();
    for _ in 0..3 {
        let error = signed().verify_with(&verifier, None, NOW).unwrap_err();
        assert_eq!(error, AuthError::InvalidAccessKeyId(ACCESS_KEY_ID.into()));
        assert_eq!(error.status(), 403);
    }
    assert_eq!(verifier.cached_keys(), 0);
    assert!(signed().verify_with(&verifier, Some(&key()), NOW).is_ok());
    assert_eq!(verifier.cached_keys(), 1);
    // Its derived key is in the cache; out of force it is unknown all the same.
    assert!(signed().verify_with(&verifier, None, NOW).is_err());
}

#[test]
fn a_wrong_signature_enters_no_cache() {
    let verifier = verifier();
    let mut request = signed();
    replace_in_authorization(&mut request, "eu-central-1", "us-east-1");
    assert!(request.verify_with(&verifier, Some(&key()), NOW).is_err());
    assert_eq!(verifier.cached_keys(), 0);
}

#[test]
fn a_key_never_proves_the_claim_of_another_key() {
    let other = KeyMaterial {
        access_key_id: AccessKeyId::parse("AKIAIOSFODNN7EXAMPL2").unwrap(),
        ..key()
    };
    let error = signed()
        .verify_with(&verifier(), Some(&other), NOW)
        .unwrap_err();
    assert_eq!(error.code(), "InvalidAccessKeyId");
}

#[test]
fn a_rotated_secret_is_wrong_at_once() {
    let verifier = verifier();
    assert!(signed().verify_with(&verifier, Some(&key()), NOW).is_ok());
    let rotated = other_secret();
    assert!(
        signed()
            .verify_with(&verifier, Some(&rotated), NOW)
            .is_err()
    );
    assert!(signed().verify_with(&verifier, Some(&key()), NOW).is_ok());
}

#[test]
fn a_mismatch_shows_the_client_its_own_request() {
    let mut request = signed();
    request.set("x-amz-meta-a", "2");
    let AuthError::SignatureDoesNotMatch(shown) = request.verify().unwrap_err() else {
        panic!("the signature must not match");
    };
    assert!(shown.canonical_request.starts_with(
        "PUT\n/results/a%20b\npartNumber=1&uploadId=u\ncontent-length:5\nhost:gw.example.com\n"
    ));
    assert!(shown.string_to_sign.starts_with(
        "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/eu-central-1/s3/aws4_request\n"
    ));
    assert_eq!(shown.signature_provided, request.signature());
    request.path = format!("/{}", "a".repeat(100_000));
    let details = request.verify().unwrap_err();
    let bytes: usize = details.details().iter().map(|(_, value)| value.len()).sum();
    assert!(bytes < 8_192, "{bytes}");
}

#[test]
fn a_mismatch_names_a_signed_header_that_proxies_rewrite() {
    let headers = [("host", HOST), ("accept-encoding", "identity")];
    let mut request = Request::new("GET", "/results/a", &headers);
    sign_headers(&mut request, SignableBody::Bytes(b""), None);
    assert!(request.verify().is_ok());
    request.set("accept-encoding", "gzip, br");
    let words = request.verify().unwrap_err().to_string();
    assert!(words.contains("accept-encoding"), "{words}");
}

#[test]
fn no_debug_text_holds_what_a_reader_could_replay() {
    let mut request = Request::new("GET", "/results/a", &[("host", HOST)]);
    sign_headers(&mut request, SignableBody::Bytes(b""), Some("canary-token"));
    let view = request.view();
    let claim = Claim::parse(&view).unwrap();
    let verified = request.verify().unwrap();
    let wrong = request
        .verify_with(&verifier(), Some(&other_secret()), NOW)
        .unwrap_err();
    let words = format!("{view:?} {claim:?} {verified:?} {wrong:?} {:?}", key());
    for secret in ["canary-token", SECRET, &request.signature()] {
        assert!(!words.contains(secret), "{words}");
    }
}

#[test]
fn keys_work_on_both_sides_of_midnight() {
    let (verifier, signer) = (verifier(), Signer::new(8));
    let (key, region) = (key(), Region::parse("eu-central-1").unwrap());
    for seconds in [-1, 0, 1, 86_399, 86_400] {
        let now = NOW.plus_seconds(seconds);
        let mut request = Request::new("GET", "/results/a", &[("host", HOST)]);
        let outgoing = Outgoing {
            method: "GET",
            path: &request.path,
            query: None,
            headers: &request.headers,
            payload: OutgoingPayload::Empty,
        };
        let credentials = SigningCredentials {
            access_key_id: ACCESS_KEY_ID,
            secret: &key.secret,
            session_token: None,
            version: 1,
        };
        let headers = signer.sign(&outgoing, &credentials, &region, now).unwrap();
        headers.apply(&mut request.headers);
        for skew in [-2, 0, 2] {
            let there = now.plus_seconds(skew);
            assert!(
                request.verify_with(&verifier, Some(&key), there).is_ok(),
                "{seconds} {skew}"
            );
        }
    }
    assert_eq!((verifier.cached_keys(), signer.cached_keys()), (3, 3));
}

fn other_secret() -> KeyMaterial {
    KeyMaterial {
        secret: SecretString::from("another secret"),
        secret_version: 2,
        ..key()
    }
}
