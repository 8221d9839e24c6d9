//! Sessions with a tenant's storage: few calls to STS, one renewal, one repetition.

use crate::support::client::Client;
use crate::support::documents;
use crate::support::request::Request;
use crate::support::stub::{Received, Step};
use crate::support::world::{ACME_KEY, World};
use std::time::Duration;
use types::RoleArn;
use upstream::CredentialError;

const KEY: &str = "/results/canary";

/// The credentials that are in use have been for a while.
async fn with_worn_session(world: &World) {
    assert_eq!(world.acme(Request::new("GET", KEY)).await.status, 200);
    world.clock.advance(600);
    world.settled().await;
    world.stub.forget();
}

fn token(request: &Received) -> Option<&str> {
    request.header("x-amz-security-token")
}

/// Refuses the first session and no other.
fn first_session_is_refused(world: &World, refusal: Vec<u8>) {
    world.stub.script(move |request| {
        if token(request) == Some("canary-session-token-1") {
            let refusal = match request.method() {
                "HEAD" => b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
                _ => refusal.clone(),
            };
            vec![Step::ReadBody, Step::Send(refusal)]
        } else {
            documents::answer(request)
        }
    });
}

fn requests() -> Vec<Request> {
    vec![
        Request::new("GET", KEY),
        Request::new("HEAD", KEY),
        Request::new("DELETE", KEY),
        Request::new("PUT", KEY).body("a small object"),
        Request::new("PUT", KEY).body(vec![7; 50_000]),
        Request::new("PUT", KEY).body(""),
        Request::new("PUT", KEY).header("x-amz-copy-source", "/data/a"),
        Request::new("POST", "/results/canary?uploads"),
        Request::new("GET", "/results?list-type=2"),
        Request::new("POST", "/results?delete")
            .body("<Delete><Object><Key>canary</Key></Object></Delete>"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_session_costs_one_renewal_and_one_repetition() {
    let all = requests()
        .into_iter()
        .map(|request| ("ExpiredToken", request));
    let codes = [
        "InvalidAccessKeyId",
        "InvalidToken",
        "SignatureDoesNotMatch",
    ];
    let others = codes.map(|code| (code, Request::new("GET", KEY)));
    for (code, request) in all.chain(others) {
        let world = World::start().await;
        with_worn_session(&world).await;
        first_session_is_refused(&world, documents::error("403 Forbidden", code));
        let why = format!("{code}: {} {}", request.method, request.target());
        let answer = world.acme(request).await;
        assert!(answer.is_whole_success(), "{why}: {answer:?}");
        assert_eq!(world.sts.count(), 2, "{why}");
        assert_eq!(world.stub.count(), 2, "{why}");
        let received = world.stub.received();
        assert!(received[0].body == received[1].body, "{why}: another body");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_stays_refused_ends_in_an_error_that_is_not_the_clients() {
    for request in requests() {
        let world = World::start().await;
        with_worn_session(&world).await;
        let expired = documents::error("400 Bad Request", "ExpiredToken");
        world.stub.script(documents::always(expired));
        let why = format!("{} {}", request.method, request.target());
        let is_head = request.method == "HEAD";
        let answer = world.acme(request).await;
        // A bare 400 to a HEAD may be the client's own fault.
        let expected: &[u16] = if is_head { &[400, 503] } else { &[503] };
        assert!(expected.contains(&answer.status), "{why}: {answer:?}");
        assert_eq!((world.stub.count(), world.sts.count()), (2, 2), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_denial_is_not_a_reason_to_ask_again() {
    for request in requests() {
        let world = World::start().await;
        with_worn_session(&world).await;
        let denied = documents::error("403 Forbidden", "AccessDenied");
        world.stub.script(documents::always(denied));
        let why = format!("{} {}", request.method, request.target());
        let answer = world.acme(request.clone()).await;
        assert_eq!(answer.status, 502, "{why}: {answer:?}");
        assert!(
            request.method == "HEAD" || answer.code() == "TenantStorageRefused",
            "{why}"
        );
        assert_eq!((world.stub.count(), world.sts.count()), (1, 1), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_cannot_be_had_twice_is_not_sent_twice() {
    let world = World::start().await;
    with_worn_session(&world).await;
    first_session_is_refused(&world, documents::error("400 Bad Request", "ExpiredToken"));
    let large = Request::new("PUT", KEY).body(vec![7; 400_000]);
    let answer = world.acme(large.clone()).await;
    assert_eq!(answer.verdict(), "503 TenantStorageUnavailable");
    assert_eq!(world.stub.count(), 1);
    assert_eq!(world.acme(large).await.status, 200, "trying again helps");
    assert_eq!(world.sts.count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_last_are_not_renewed() {
    let world = World::start().await;
    let expired = documents::error("403 Forbidden", "InvalidAccessKeyId");
    world.stub.script(documents::always(expired));
    let answer = world.globex(Request::new("GET", KEY)).await;
    assert_eq!(answer.verdict(), "503 TenantStorageUnavailable");
    assert_eq!((world.stub.count(), world.sts.count()), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_cold_requests_ask_for_one_session() {
    let world = World::start().await;
    world.sts.take(Duration::from_millis(200));
    let get = world.signer(ACME_KEY).sign(Request::new("GET", KEY));
    let mut clients: Vec<Client> = Vec::new();
    for _ in 0..1_000 {
        clients.push(world.connect().await);
    }
    for client in &mut clients {
        client.send(&get.bytes()).await;
    }
    for client in &mut clients {
        let answer = client.answer("GET").await;
        assert!(answer.is_whole_success(), "{answer:?}");
    }
    assert_eq!(world.sts.count(), 1);
    assert_eq!(world.stub.count(), 1_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_session_is_asked_for_with_external_id_name_and_policy() {
    let world = World::start().await;
    assert_eq!(world.acme(Request::new("GET", KEY)).await.status, 200);
    let [call] = &world.sts.calls()[..] else {
        panic!("not one call");
    };
    assert_eq!(call.external_id().as_str(), "pulse-org-acme");
    assert!(call.session_name().as_str().contains("acme"));
    assert!(call.duration() <= Duration::from_secs(3_600));
    let policy = call.session_policy();
    assert!(policy.contains("hidden-acme-results") && policy.contains("hidden-prefix/acme/"));
    assert!(!policy.contains("globex"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_sts_is_an_error_of_whoever_can_mend_it() {
    let role = || RoleArn::parse("arn:aws:iam::123456789012:role/hidden-role").unwrap();
    let unavailable = CredentialError::StsUnavailable {
        role: role(),
        reason: "hidden".to_string(),
    };
    for (error, verdict) in [
        (
            CredentialError::RoleNotAssumable { role: role() },
            "502 TenantStorageRefused",
        ),
        (unavailable, "503 TenantStorageUnavailable"),
        (
            CredentialError::GatewayCredentialsMissing,
            "503 ServiceUnavailable",
        ),
    ] {
        let world = World::start().await;
        world.sts.refuse(move |_| Some(error.clone()));
        for request in [
            Request::new("GET", KEY),
            Request::new("PUT", KEY).body("hello"),
        ] {
            assert_eq!(world.acme(request).await.verdict(), verdict);
        }
        world.stub.assert_untouched("no session");
        assert_eq!(world.globex(Request::new("GET", KEY)).await.status, 200);
    }
}
