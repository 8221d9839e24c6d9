//! The small client, against upstreams that lie, stall, flood and break off.

use crate::fixtures::{ScriptedDns, by_keys, clock, compatible, mapping};
use crate::servers::{Authority, Reply, Server, Validity, response, self_signed};
use bytes::Bytes;
use http::header::{HOST, HeaderValue};
use http::{Method, Response};
use rustls::ServerConfig;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use types::AddressingStyle;
use upstream::{
    AddressPolicy, CaBundle, ClientError, ClientLimits, PeerTimeouts, Phase, Resolver,
    ResolverLimits, Route, SignedRequest, TenantAccess, UpstreamClient,
};

/// Long enough never to matter where a test is not about it, short where it is.
const SOON: Duration = Duration::from_millis(100);

async fn call(
    server: SocketAddr,
    url: &str,
    ca: Option<Arc<CaBundle>>,
    limits: ClientLimits,
) -> Result<Response<Bytes>, ClientError> {
    let policy = AddressPolicy {
        allowed_networks: vec!["127.0.0.0/8".parse().unwrap()],
        allow_http: true,
        allowed_ports: vec![server.port()],
    };
    let dns = ScriptedDns::of(&["127.0.0.1"]);
    let resolver = Resolver::new(dns, clock(), policy, ResolverLimits::default());
    let access = TenantAccess::of(&by_keys("acme", 1)).unwrap();
    let url = format!("{url}:{}", server.port());
    let place = mapping(compatible(&url, AddressingStyle::Path), "bucket", "");
    let mut route = Route::new(&access, &place);
    if let Some(ca) = ca {
        route = route.with_ca(ca);
    }
    let request = SignedRequest {
        method: Method::POST,
        path_and_query: "/bucket?delete".to_string(),
        headers: [(HOST, HeaderValue::from_str(route.host_header()).unwrap())]
            .into_iter()
            .collect(),
    };
    let client = UpstreamClient::new(resolver, limits).unwrap();
    client
        .send(&route, request, Bytes::from("canary-body"))
        .await
}

fn ok() -> Reply {
    Reply::Close(response("200 OK", "x-amz-request-id: 1\r\n", "<ok/>"))
}

fn trusting(authority: &Authority) -> Option<Arc<CaBundle>> {
    Some(CaBundle::from_pem(authority.pem().as_bytes()).unwrap())
}

#[tokio::test]
async fn an_upstream_with_the_right_certificate_gets_the_request_and_answers() {
    let authority = Authority::new();
    for (name, url) in [
        ("store.test", "https://store.test"),
        ("127.0.0.1", "https://127.0.0.1"),
    ] {
        let server = Server::start(Some(authority.server(name, Validity::Now)), ok()).await;
        let limits = ClientLimits::default();
        let answer = call(server.address, url, trusting(&authority), limits)
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["x-amz-request-id"], "1");
        assert_eq!(answer.body(), "<ok/>");
        let received = server.received();
        assert!(received[0].starts_with("POST /bucket?delete HTTP/1.1\r\n"));
        assert!(received[0].ends_with("canary-body"));
    }
}

#[tokio::test]
async fn no_upstream_with_a_wrong_certificate_gets_one_byte_of_a_request() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let good = |name: &str| ours.server(name, Validity::Now);
    let cases: Vec<(&str, Arc<ServerConfig>, &str, bool)> = vec![
        (
            "self-signed",
            self_signed("store.test"),
            "https://store.test",
            true,
        ),
        (
            "expired",
            ours.server("store.test", Validity::Past),
            "https://store.test",
            true,
        ),
        (
            "of the future",
            ours.server("store.test", Validity::Future),
            "https://store.test",
            true,
        ),
        (
            "another host",
            good("other.test"),
            "https://store.test",
            true,
        ),
        (
            "another authority",
            theirs.server("store.test", Validity::Now),
            "https://store.test",
            true,
        ),
        (
            "a name for an address",
            good("store.test"),
            "https://127.0.0.1",
            true,
        ),
        (
            "another address",
            good("127.0.0.2"),
            "https://127.0.0.1",
            true,
        ),
        (
            "an address for a name",
            good("127.0.0.1"),
            "https://store.test",
            true,
        ),
        (
            "unknown to the system",
            good("store.test"),
            "https://store.test",
            false,
        ),
    ];
    for (what, config, url, with_ca) in cases {
        let server = Server::start(Some(config), ok()).await;
        let ca = with_ca.then(|| trusting(&ours)).flatten();
        let refused = call(server.address, url, ca, ClientLimits::default()).await;
        assert!(
            matches!(refused, Err(ClientError::Tls(_))),
            "{what}: {refused:?}"
        );
        assert!(refused.unwrap_err().before_request());
        assert!(server.received().is_empty(), "{what}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let location = "location: http://169.254.169.254/\r\n";
    let reply = Reply::Close(response("307 Temporary Redirect", location, ""));
    let server = Server::start(None, reply).await;
    let answer = call(
        server.address,
        "http://store.test",
        None,
        ClientLimits::default(),
    )
    .await
    .unwrap();
    assert_eq!(answer.status(), 307);
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_cut_off() {
    let limits = ClientLimits {
        max_response_bytes: 1_000,
        ..ClientLimits::default()
    };
    for (length, fits) in [(1_000, true), (1_001, false), (1_000_000, false)] {
        let body = "x".repeat(length);
        let server = Server::start(None, Reply::Close(response("200 OK", "", &body))).await;
        match call(server.address, "http://store.test", None, limits).await {
            Ok(answer) => assert!(fits && answer.body().len() == length),
            Err(error) => assert!(!fits && matches!(error, ClientError::TooLarge(1_000))),
        }
    }
}

#[tokio::test]
async fn a_short_body_is_an_error_wherever_it_is_cut() {
    let whole = response("200 OK", "", &"x".repeat(1_600));
    let head = whole.len() - 1_600;
    for part in 0..16 {
        let cut = whole[..head + part * 100].to_vec();
        let server = Server::start(None, Reply::Close(cut)).await;
        let refused = call(
            server.address,
            "http://store.test",
            None,
            ClientLimits::default(),
        )
        .await;
        assert!(matches!(refused, Err(ClientError::Http(_))), "{part}");
        assert!(!refused.unwrap_err().before_request());
    }
}

#[tokio::test]
async fn every_phase_of_a_stalling_upstream_times_out_by_name() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec();
    let quick_head = ClientLimits {
        head: SOON,
        ..ClientLimits::default()
    };
    let quick_body = ClientLimits {
        body: SOON,
        ..ClientLimits::default()
    };
    let quick_connect = ClientLimits {
        timeouts: PeerTimeouts {
            total_connect: SOON,
            ..PeerTimeouts::default()
        },
        ..ClientLimits::default()
    };
    for (url, reply, limits, phase) in [
        (
            "https://store.test",
            Reply::Silence,
            quick_connect,
            Phase::Handshake,
        ),
        (
            "http://store.test",
            Reply::Hold(Vec::new()),
            quick_head,
            Phase::Head,
        ),
        (
            "http://store.test",
            Reply::Hold(half),
            quick_body,
            Phase::Body,
        ),
    ] {
        let server = Server::start(None, reply).await;
        match call(server.address, url, None, limits).await {
            Err(ClientError::TimedOut(at)) => assert_eq!(at, phase),
            other => panic!("{phase:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn an_upstream_that_refuses_the_connection_has_not_seen_the_request() {
    // A bound port that nobody listens on: connecting is refused for as long as it is held.
    let holder = tokio::net::TcpSocket::new_v4().unwrap();
    holder.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let gone = holder.local_addr().unwrap();
    let refused = call(gone, "http://store.test", None, ClientLimits::default()).await;
    assert!(matches!(refused, Err(ClientError::Connect(_))));
    assert!(refused.unwrap_err().before_request());
}

#[tokio::test]
async fn an_answer_that_is_not_http_is_an_error() {
    for garbage in [
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 abc\r\n\r\n",
        "\0\0\0\0",
        "",
    ] {
        let reply = Reply::Close(garbage.as_bytes().to_vec());
        let server = Server::start(None, reply).await;
        let refused = call(
            server.address,
            "http://store.test",
            None,
            ClientLimits::default(),
        )
        .await;
        assert!(matches!(refused, Err(ClientError::Http(_))), "{garbage:?}");
    }
}

#[test]
fn a_bundle_without_a_readable_certificate_is_refused() {
    for pem in [
        "",
        "nonsense",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
    ] {
        assert!(CaBundle::from_pem(pem.as_bytes()).is_err(), "{pem:?}");
    }
}

#[test]
fn the_process_has_one_tls_provider_however_often_it_is_installed() {
    upstream::install_crypto_provider();
    upstream::install_crypto_provider();
    assert!(rustls::crypto::CryptoProvider::get_default().is_some());
}
