//! Connections that cannot lack a name, a timeout or an owner.

use crate::fixtures::{ScriptedDns, aws, by_keys, clock, compatible, mapping, route_to};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use std::sync::Arc;
use std::time::Duration;
use types::AddressingStyle;
use upstream::{
    AddressPolicy, CaBundle, PeerSpec, PeerTimeouts, Resolver, ResolverLimits, Route, TenantAccess,
    Transport,
};

fn lab_policy() -> AddressPolicy {
    AddressPolicy {
        allowed_networks: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
        allow_http: true,
        allowed_ports: vec![80, 443, 9000],
    }
}

async fn peer_of(route: &Route) -> PeerSpec {
    let dns = ScriptedDns::of(&["8.8.8.8"]);
    let resolver = Resolver::new(dns, clock(), lab_policy(), ResolverLimits::default());
    let address = resolver.resolve(route.authority()).await.unwrap();
    PeerSpec::new(route, address, PeerTimeouts::default())
}

fn ca() -> Arc<CaBundle> {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CaBundle::from_pem(params.self_signed(&key).unwrap().pem().as_bytes()).unwrap()
}

#[tokio::test]
async fn every_tls_peer_has_a_name_to_verify() {
    let path = AddressingStyle::Path;
    for (backend, bucket, name) in [
        (
            aws("eu-central-1"),
            "customer",
            "customer.s3.eu-central-1.amazonaws.com",
        ),
        (
            aws("eu-central-1"),
            "dotted.name",
            "s3.eu-central-1.amazonaws.com",
        ),
        (
            aws("cn-north-1"),
            "customer",
            "customer.s3.cn-north-1.amazonaws.com.cn",
        ),
        (
            compatible("https://s3.example.com", path),
            "customer",
            "s3.example.com",
        ),
        (
            compatible("https://127.0.0.1:9000", path),
            "customer",
            "127.0.0.1",
        ),
        (compatible("https://[::1]:9000", path), "customer", "::1"),
    ] {
        let peer = peer_of(&route_to(backend, bucket)).await;
        assert_eq!(peer.server_name().unwrap().as_str(), name);
        assert!(peer.is_tls());
    }
}

#[tokio::test]
async fn a_clear_text_peer_says_so() {
    let backend = compatible("http://s3.example.com:9000", AddressingStyle::Path);
    let peer = peer_of(&route_to(backend, "customer")).await;
    assert!(matches!(peer.transport(), Transport::Clear));
    assert_eq!(peer.host_header(), "s3.example.com:9000");
    assert_eq!(peer.address().to_string(), "8.8.8.8:9000");
}

#[tokio::test]
async fn every_wait_has_an_end() {
    let peer = peer_of(&route_to(aws("eu-central-1"), "customer")).await;
    let timeouts = peer.timeouts();
    assert!(timeouts.connect <= Duration::from_secs(3));
    assert!(timeouts.total_connect <= Duration::from_secs(10));
    for wait in [timeouts.read, timeouts.write, timeouts.idle] {
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(60));
    }
}

#[tokio::test]
async fn connections_are_shared_by_one_revision_of_one_tenant_only() {
    let group = async |tenant: &str, version| {
        let access = TenantAccess::of(&by_keys(tenant, version)).unwrap();
        let place = mapping(aws("eu-central-1"), "customer", "");
        peer_of(&Route::new(&access, &place)).await.group_key()
    };
    let acme = group("acme", 1).await;
    assert_eq!(acme, group("acme", 1).await);
    assert_ne!(acme, group("acme", 2).await);
    assert_ne!(acme, group("umbrella", 1).await);
}

#[tokio::test]
async fn two_tenants_with_one_endpoint_keep_their_own_authorities_and_connections() {
    let (one_ca, two_ca) = (ca(), ca());
    let route = |tenant: &str, ca: &Arc<CaBundle>| {
        let access = TenantAccess::of(&by_keys(tenant, 1)).unwrap();
        let backend = compatible("https://s3.example.com", AddressingStyle::Path);
        Route::new(&access, &mapping(backend, "customer", "")).with_ca(Arc::clone(ca))
    };
    let one = peer_of(&route("acme", &one_ca)).await;
    let two = peer_of(&route("umbrella", &two_ca)).await;
    assert_eq!(one.address(), two.address());
    assert_eq!(one.ca().unwrap().certificates(), one_ca.certificates());
    assert_eq!(two.ca().unwrap().certificates(), two_ca.certificates());
    assert_ne!(one.group_key(), two.group_key());
}
