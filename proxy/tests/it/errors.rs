//! Errors have the form that S3 clients read, and tell nobody what would have been right.

use crate::support::message::element;
use crate::support::request::Request;
use crate::support::signer::{SIGNED_CHUNKS, signature};
use crate::support::world::{ACME_KEY, GLOBEX_KEY, World};

const KEY: &str = "/results/canary";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_error_has_the_five_elements_that_clients_read() {
    let world = World::start().await;
    let signer = world.signer(ACME_KEY);
    let refused = crate::support::documents::error("403 Forbidden", "AccessDenied");
    world
        .stub
        .script(crate::support::documents::always(refused));
    let mut forged = signer.sign(Request::new("GET", KEY));
    forged.set("x-amz-date", "20270601T100001Z");
    let mut short = signer.sign(Request::new("PUT", KEY).body("hello"));
    short.body[0] = b'H';
    for request in [
        Request::new("GET", KEY),
        forged,
        short,
        signer.sign(Request::new("GET", KEY)),
        signer.sign(Request::new("GET", "/other/canary")),
        signer.sign(Request::new("PUT", "/data/canary").body("hello")),
        signer.sign(Request::new("GET", "/results/canary?acl")),
        signer.sign(Request::new("PATCH", KEY)),
        signer.sign(
            Request::new("PUT", KEY)
                .body("x")
                .header("x-amz-acl", "public-read"),
        ),
        signer.sign(Request::new("POST", "/results?delete").body("not xml")),
        world.signer(GLOBEX_KEY).sign(Request::new("DELETE", KEY)),
    ] {
        let answer = world.ask(&request).await;
        assert!(answer.status >= 400, "{answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/xml"));
        let text = answer.text();
        assert!(
            text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>"),
            "{text}"
        );
        for name in ["Code", "Message", "HostId"] {
            assert!(
                element(&text, name).is_some_and(|it| !it.is_empty()),
                "{name} in {text}"
            );
        }
        assert_eq!(
            element(&text, "RequestId"),
            answer.header("x-amz-request-id")
        );
        let resource = element(&text, "Resource").unwrap_or_default();
        assert_eq!(resource.trim_end_matches('/'), request.path, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_signature_is_answered_with_what_was_signed_and_not_with_the_right_one() {
    let world = World::start().await;
    let right = world.signer(ACME_KEY).sign(Request::new("GET", KEY));
    let mut guess = world.signer(ACME_KEY);
    guess.secret = "canary-guess".to_string();
    let wrong = guess.sign(Request::new("GET", KEY));
    let answer = world.ask(&wrong).await;
    assert_eq!(answer.verdict(), "403 SignatureDoesNotMatch");
    let text = answer.text();
    assert_eq!(element(&text, "AWSAccessKeyId"), Some(ACME_KEY));
    let sent = signature(&wrong);
    assert_eq!(element(&text, "SignatureProvided"), Some(sent.as_str()));
    assert!(
        element(&text, "StringToSign")
            .unwrap()
            .starts_with("AWS4-HMAC-SHA256\n2027")
    );
    assert!(
        element(&text, "CanonicalRequest")
            .unwrap()
            .starts_with("GET\n/results/canary\n")
    );
    assert!(element(&text, "StringToSignBytes").is_some());
    assert!(!text.contains(&signature(&right)), "{text}");
    assert!(answer.body.len() <= 16 * 1_024);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_way_of_signing_is_refused_by_name() {
    let world = World::start().await;
    let version_2 = "AWS BYOSACMEFULL00000001:frJIUN8DYpKDtOLCwo//yllqDzg=";
    let version_4a = "AWS4-ECDSA-P256-SHA256 Credential=BYOSACMEFULL00000001/20270601/s3/aws4_request, \
                      SignedHeaders=host, Signature=3045";
    for (authorization, word) in [
        (version_2, "Version 2"),
        (version_4a, "4A"),
        ("Bearer abc", "Bearer"),
        ("Basic dXNlcjpwYXNz", "Basic"),
    ] {
        for payload in ["UNSIGNED-PAYLOAD", SIGNED_CHUNKS] {
            let request = Request::new("PUT", KEY)
                .body("hello")
                .header("x-amz-content-sha256", payload)
                .header("authorization", authorization);
            let answer = world.ask(&request).await;
            assert!((400..=501).contains(&answer.status), "{answer:?}");
            let message = answer.text();
            let message = element(&message, "Message").unwrap();
            assert!(message.contains(word), "{authorization}: {message}");
        }
    }
    let mut query = Request::new("GET", KEY);
    query.query = "AWSAccessKeyId=BYOSACMEFULL00000001&Expires=1811847600&Signature=x".to_string();
    assert!(world.ask(&query).await.text().contains("Version 2"));
    world.stub.assert_untouched("after all ways");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_wrong_is_told_so() {
    let world = World::start().await;
    for (seconds, verdict) in [
        (899, "200"),
        (-899, "200"),
        (901, "403 RequestTimeTooSkewed"),
        (-901, "403 RequestTimeTooSkewed"),
    ] {
        let mut signer = world.signer(ACME_KEY);
        signer.now = signer.now.plus_seconds(seconds);
        let answer = world.ask(&signer.sign(Request::new("GET", KEY))).await;
        let is_error = answer.status >= 400;
        let told = if is_error {
            answer.verdict()
        } else {
            answer.status.to_string()
        };
        assert_eq!(told, verdict, "{seconds} seconds off");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_token_that_we_never_issued_is_refused() {
    let world = World::start().await;
    let get = Request::new("GET", KEY).header("x-amz-security-token", "canary-token");
    for request in [
        world.signer(ACME_KEY).sign(get.clone()),
        world.signer(ACME_KEY).presign(get),
    ] {
        assert_eq!(world.ask(&request).await.verdict(), "400 InvalidToken");
    }
    world.stub.assert_untouched("after all tokens");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_expected_owner_is_compared_and_never_passed_on() {
    let world = World::start().await;
    let expecting =
        |owner: &str| Request::new("GET", KEY).header("x-amz-expected-bucket-owner", owner);
    assert_eq!(world.acme(expecting("123456789012")).await.status, 200);
    world.stub.forget();
    assert_eq!(
        world.acme(expecting("210987654321")).await.verdict(),
        "403 AccessDenied"
    );
    assert_eq!(
        world.acme(expecting("me")).await.verdict(),
        "400 InvalidArgument"
    );
    assert_eq!(
        world.globex(expecting("123456789012")).await.verdict(),
        "403 AccessDenied"
    );
    assert_eq!(world.stub.count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customers_encryption_key_travels_by_tls_alone() {
    use crate::support::certificates::{Authority, Validity};
    use crate::support::world::Setup;
    let with_key = |request: Request| {
        request
            .header("x-amz-server-side-encryption-customer-algorithm", "AES256")
            .header("x-amz-server-side-encryption-customer-key", "Y2FuYXJ5")
            .header("x-amz-server-side-encryption-customer-key-md5", "Y2FuYXJ5")
    };
    let authority = Authority::new();
    let encrypted = Setup {
        tls: Some(authority.server("127.0.0.1", Validity::Now)),
        ca: Some(authority.bundle()),
        ..Setup::default()
    };
    for setup in [Setup::default(), encrypted] {
        let world = World::with(setup).await;
        for request in [
            Request::new("GET", KEY),
            Request::new("PUT", KEY).body("hello"),
        ] {
            // The client's own connection is in clear both times.
            let answer = world.globex(with_key(request)).await;
            assert_eq!(answer.verdict(), "400 InvalidRequest");
        }
        world.stub.assert_untouched("a key in clear");
    }
}
