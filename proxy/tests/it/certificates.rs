//! Whoever cannot prove to be the tenant's storage is not sent a byte.

use crate::support::certificates::{Authority, Validity, self_signed};
use crate::support::request::Request;
use crate::support::world::{Setup, World};
use rustls::ServerConfig;
use std::sync::Arc;

const HOST: &str = "storage.hidden.test";

async fn world(
    host: &'static str,
    server: Arc<ServerConfig>,
    trusted: Option<&Authority>,
) -> World {
    World::with(Setup {
        tls: Some(server),
        ca: trusted.map(Authority::bundle),
        host,
        ..Setup::default()
    })
    .await
}

fn requests() -> Vec<Request> {
    vec![
        Request::new("GET", "/results/canary"),
        Request::new("PUT", "/results/canary").body("hello"),
        Request::new("PUT", "/results/canary").body(vec![1; 100_000]),
        // By the gateway's other client.
        Request::new("POST", "/results?delete")
            .body("<Delete><Object><Key>canary</Key></Object></Delete>"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_does_not_hold_is_refused() {
    let (authority, other) = (Authority::new(), Authority::new());
    for (why, host, server, trusted) in [
        ("self-signed", HOST, self_signed(HOST), Some(&authority)),
        (
            "another authority",
            HOST,
            other.server(HOST, Validity::Now),
            Some(&authority),
        ),
        (
            "another name",
            HOST,
            authority.server("evil.test", Validity::Now),
            Some(&authority),
        ),
        (
            "a name above",
            HOST,
            authority.server("hidden.test", Validity::Now),
            Some(&authority),
        ),
        (
            "expired",
            HOST,
            authority.server(HOST, Validity::Past),
            Some(&authority),
        ),
        (
            "not yet valid",
            HOST,
            authority.server(HOST, Validity::Future),
            Some(&authority),
        ),
        (
            "a name for an address",
            "127.0.0.1",
            authority.server(HOST, Validity::Now),
            Some(&authority),
        ),
        (
            "another address",
            "127.0.0.1",
            authority.server("127.0.0.2", Validity::Now),
            Some(&authority),
        ),
        (
            "nobody trusts it",
            HOST,
            authority.server(HOST, Validity::Now),
            None,
        ),
        (
            "nobody trusts the address",
            "127.0.0.1",
            authority.server("127.0.0.1", Validity::Now),
            None,
        ),
    ] {
        let world = world(host, server, trusted).await;
        for request in requests() {
            let answer = world.globex(request.clone()).await;
            let verdict = answer.verdict();
            assert_eq!(
                verdict, "503 TenantStorageUnavailable",
                "{why}: {}",
                request.method
            );
        }
        assert_eq!(world.stub.bytes(), 0, "{why}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_the_tenants_authority_is_accepted() {
    let authority = Authority::new();
    for host in [HOST, "127.0.0.1"] {
        let server = authority.server(host, Validity::Now);
        let world = world(host, server, Some(&authority)).await;
        for request in requests().into_iter().take(3) {
            let answer = world.globex(request).await;
            assert!(answer.is_whole_success(), "{host}: {answer:?}");
        }
        assert_eq!(world.stub.count(), 3, "{host}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_kind_of_store_trusts_does_not_open_another() {
    let authority = Authority::new();
    let server = authority.server(HOST, Validity::Now);
    let world = world(HOST, server, Some(&authority)).await;
    let get = || Request::new("GET", "/results/canary");
    assert_eq!(world.globex(get()).await.status, 200);
    let before = world.stub.bytes();
    // Amazon is trusted by the system's authorities: a kept connection must not help.
    assert_eq!(
        world.acme(get()).await.verdict(),
        "503 TenantStorageUnavailable"
    );
    assert_eq!(world.stub.bytes(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_name_that_is_verified_is_the_one_that_is_asked_for() {
    let authority = Authority::new();
    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let server = authority.server_that_notes(HOST, &asked);
    let world = world(HOST, server, Some(&authority)).await;
    for request in requests() {
        let _ = world.globex(request).await;
    }
    let asked = asked.lock().unwrap().clone();
    assert!(!asked.is_empty());
    assert!(
        asked.iter().all(|name| name.as_deref() == Some(HOST)),
        "{asked:?}"
    );
}
