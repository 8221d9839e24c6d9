//! The `aws-sigv4` crate signs and we verify; we sign and it agrees byte for byte.

use crate::judge::{presign, sign_headers};
use crate::request::{ACCESS_KEY_ID, NOW, Request, SECRET};
use aws_sigv4::http_request::SignableBody;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use sigv4::{
    Outgoing, OutgoingPayload, Payload, PresignRequest, Signer, SigningCredentials, encode_path,
    encode_query_value,
};
use std::time::Duration;
use types::{Endpoint, Region, SecretString};

const METHODS: [&str; 5] = ["GET", "HEAD", "PUT", "POST", "DELETE"];

#[derive(Debug, Clone)]
struct Sample {
    request: Request,
    body: Vec<u8>,
    token: Option<String>,
}

/// Requests as an SDK writes them: encoded once, with repeated and valueless parameters.
fn sample() -> impl Strategy<Value = Sample> {
    let text = "[ -~äß漢😀]{0,12}";
    let query = vec((text, option::of(text)), 0..5);
    let headers = vec(
        (
            prop::sample::select(vec![
                "x-amz-meta-a",
                "x-amz-meta-b",
                "x-amz-acl",
                "content-type",
                "content-md5",
            ]),
            "[!-~]{1,6}( {1,3}[!-~]{1,6}){0,2}",
        ),
        0..5,
    );
    let host = prop::sample::select(vec!["gw.example.com", "gw.example.com:9000", "[::1]:8080"]);
    let token = option::of("[A-Za-z0-9+/=]{8,40}");
    let parts = (0..METHODS.len(), vec(text, 1..4), query, headers, host);
    (parts, vec(any::<u8>(), 0..40), token).prop_map(|(parts, body, token)| {
        let (method, segments, query, headers, host) = parts;
        let path = format!("/{}", encode_path(&segments.join("/")));
        let mut request = Request::new(METHODS[method], &path, &[("host", host)]);
        let pairs: Vec<String> = query.iter().map(spell).collect();
        request.query = (!pairs.is_empty()).then(|| pairs.join("&"));
        headers
            .iter()
            .for_each(|(name, value)| request.append(name, value));
        Sample {
            request,
            body,
            token,
        }
    })
}

fn spell((name, value): &(String, Option<String>)) -> String {
    // An empty name is no parameter for the judge.
    let name = encode_query_value(&format!("p{name}"));
    match value {
        Some(value) => format!("{name}={}", encode_query_value(value)),
        None => name,
    }
}

fn signed_body(sample: &Sample, mode: usize) -> SignableBody<'_> {
    match mode {
        0 => SignableBody::Bytes(&sample.body),
        1 => SignableBody::UnsignedPayload,
        2 => SignableBody::StreamingUnsignedPayloadTrailer,
        3 => SignableBody::StreamingSignedPayloadTrailer,
        _ => SignableBody::Precomputed("STREAMING-AWS4-HMAC-SHA256-PAYLOAD".into()),
    }
}

fn credentials<'a>(
    secret: &'a SecretString,
    token: Option<&'a SecretString>,
) -> SigningCredentials<'a> {
    SigningCredentials {
        access_key_id: ACCESS_KEY_ID,
        secret,
        session_token: token,
        version: 7,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_the_judge_signs_in_headers_verifies(mut sample in sample(), mode in 0..5_usize) {
        let mut request = sample.request.clone();
        sign_headers(&mut request, signed_body(&sample, mode), sample.token.as_deref());
        sample.request = request;
        let verified = sample.request.verify().unwrap();
        prop_assert_eq!(verified.rewritten_host(), None);
        prop_assert!(!verified.is_presigned());
        let as_signed = match verified.payload() {
            Payload::Sha256(_) => mode == 0,
            Payload::Unsigned => mode == 1,
            Payload::UnsignedChunks => mode == 2,
            Payload::SignedChunks(chain) => mode == if chain.has_trailer() { 3 } else { 4 },
        };
        prop_assert!(as_signed);
        let view = sample.request.view();
        let claim = sigv4::Claim::parse(&view).unwrap();
        prop_assert_eq!(claim.session_token(), sample.token.as_deref());
    }

    #[test]
    fn what_the_judge_presigns_verifies(sample in sample(), expires in 1..=604_800_u64) {
        let mut request = sample.request;
        presign(&mut request, expires, sample.token.as_deref());
        let verified = request.verify().unwrap();
        let end = NOW.plus_seconds(i64::try_from(expires).unwrap());
        prop_assert_eq!(verified.expires_at(), Some(end));
        prop_assert!(request.verify_at(end).is_ok());
        prop_assert!(request.verify_at(end.plus_seconds(1)).is_err());
        let view = request.view();
        let claim = sigv4::Claim::parse(&view).unwrap();
        prop_assert_eq!(claim.session_token(), sample.token.as_deref());
    }

    #[test]
    fn the_judge_agrees_with_what_we_sign(sample in sample(), mode in 0..3_usize) {
        let mut theirs = sample.request.clone();
        sign_headers(&mut theirs, signed_body(&sample, mode), sample.token.as_deref());

        let mut ours = sample.request.clone();
        // Both of these are ignored and replaced.
        ours.append("x-amz-date", "20000101T000000Z");
        ours.append("x-amz-security-token", "stale");
        // None of these is ours to sign.
        for name in ["user-agent", "accept-encoding", "x-forwarded-for", "amz-sdk-request", "expect"] {
            ours.append(name, "x");
        }
        let payload = match mode {
            0 => OutgoingPayload::Sha256(sha256(&sample.body)),
            1 => OutgoingPayload::Unsigned,
            _ => OutgoingPayload::UnsignedChunks,
        };
        let outgoing = Outgoing {
            method: &ours.method,
            path: &ours.path,
            query: ours.query.as_deref(),
            headers: &ours.headers,
            payload,
        };
        let secret = SecretString::from(SECRET);
        let token = sample.token.map(SecretString::from);
        let region = Region::parse("eu-central-1").unwrap();
        let signer = Signer::new(10);
        for _ in 0..2 {
            let headers = signer
                .sign(&outgoing, &credentials(&secret, token.as_ref()), &region, NOW)
                .unwrap();
            let mut signed = ours.headers.clone();
            headers.apply(&mut signed);
            for name in
                ["authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"]
            {
                prop_assert_eq!(signed.get(name), theirs.headers.get(name), "{}", name);
            }
        }
        prop_assert_eq!(signer.cached_keys(), 1);
    }

    #[test]
    fn what_we_presign_verifies(key in "[ -~äß漢]{1,20}", expires in 1..=604_800_u64, put: bool) {
        let path = format!("/data/{}", encode_path(&key));
        let headers: &[(&str, &str)] = if put { &[("content-type", "text/plain")] } else { &[] };
        let query = format!("versionId={}", encode_query_value(&key));
        let endpoint = Endpoint::parse("https://gw.example.com").unwrap();
        let wanted = PresignRequest {
            method: if put { "PUT" } else { "GET" },
            endpoint: &endpoint,
            path: &path,
            query: (!put).then_some(query.as_str()),
            headers,
            expires_in: Duration::from_secs(expires),
        };
        let secret = SecretString::from(SECRET);
        let token = SecretString::from("a/token+with=signs");
        let region = Region::parse("auto").unwrap();
        let url =
            sigv4::presign(&wanted, &credentials(&secret, Some(&token)), &region, NOW).unwrap();
        prop_assert_eq!(format!("{url:?}"), "SafeUrl(https://gw.example.com/..)");
        let target = url.expose().strip_prefix("https://gw.example.com").unwrap();
        let mut request = Request::new(wanted.method, target, headers);
        request.append("host", "gw.example.com");
        prop_assert!(request.verify().is_ok());
        prop_assert_eq!(&request.path, &path);
        let rest = sigv4::strip_auth_query(request.query.as_deref().unwrap()).into_owned();
        prop_assert_eq!(rest, wanted.query.unwrap_or(""));
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).into()
}

#[test]
fn a_presigned_url_lives_at_most_seven_days() {
    let endpoint = Endpoint::parse("https://gw.example.com").unwrap();
    let secret = SecretString::from(SECRET);
    let region = Region::parse("eu-central-1").unwrap();
    for (seconds, allowed) in [(0, false), (1, true), (604_800, true), (604_801, false)] {
        let wanted = PresignRequest {
            method: "GET",
            endpoint: &endpoint,
            path: "/data/a",
            query: None,
            headers: &[],
            expires_in: Duration::from_secs(seconds),
        };
        let url = sigv4::presign(&wanted, &credentials(&secret, None), &region, NOW);
        assert_eq!(url.is_ok(), allowed, "{seconds}");
    }
}

#[test]
fn a_changed_secret_signs_at_once_when_its_version_changes() {
    let request = Request::new("GET", "/a", &[("host", "up.example.com")]);
    let outgoing = Outgoing {
        method: "GET",
        path: "/a",
        query: None,
        headers: &request.headers,
        payload: OutgoingPayload::Empty,
    };
    let region = Region::parse("eu-central-1").unwrap();
    let signer = Signer::new(10);
    let sign = |secret: &str, version: u64| {
        let secret = SecretString::from(secret);
        let credentials = SigningCredentials {
            version,
            ..credentials(&secret, None)
        };
        signer
            .sign(&outgoing, &credentials, &region, NOW)
            .unwrap()
            .authorization
    };
    let before = sign("old", 1);
    assert_ne!(sign("new", 2), before);
    assert_eq!(sign("old", 1), before);
    assert_eq!(signer.cached_keys(), 2);
}

#[test]
fn a_request_without_a_host_is_not_signed() {
    let request = Request::new("GET", "/a", &[]);
    let outgoing = Outgoing {
        method: "GET",
        path: "/a",
        query: None,
        headers: &request.headers,
        payload: OutgoingPayload::Empty,
    };
    let secret = SecretString::from(SECRET);
    let region = Region::parse("eu-central-1").unwrap();
    let signed = Signer::new(10).sign(&outgoing, &credentials(&secret, None), &region, NOW);
    assert_eq!(signed.unwrap_err(), sigv4::SignError::HostMissing);
}
