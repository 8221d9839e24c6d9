//! Where a customer's endpoint may not lead.

use crate::fixtures::{ScriptedDns, clock};
use std::net::IpAddr;
use types::Endpoint;
use upstream::{AddressClass, AddressPolicy, GuardError, ResolveError, Resolver, ResolverLimits};

/// Addresses that lead inside, in every way there is to write them as an address.
const HOSTILE: &[(&str, AddressClass)] = {
    use AddressClass::{
        Benchmarking, Broadcast, CarrierShared, Documentation, LinkLocal, Loopback, Metadata,
        Multicast, Private, Reserved, Tunnel, UniqueLocal, Unspecified,
    };
    &[
        ("127.0.0.1", Loopback),
        ("127.0.0.2", Loopback),
        ("127.1.2.3", Loopback),
        ("127.255.255.255", Loopback),
        ("10.0.0.0", Private),
        ("10.0.0.1", Private),
        ("10.255.255.255", Private),
        ("172.16.0.0", Private),
        ("172.16.0.1", Private),
        ("172.31.255.255", Private),
        ("192.168.0.0", Private),
        ("192.168.0.1", Private),
        ("192.168.255.255", Private),
        ("169.254.0.0", LinkLocal),
        ("169.254.1.1", LinkLocal),
        ("169.254.255.255", LinkLocal),
        ("169.254.169.254", Metadata),
        ("169.254.169.253", Metadata),
        ("169.254.170.2", Metadata),
        ("169.254.170.23", Metadata),
        ("100.100.100.200", Metadata),
        ("168.63.129.16", Metadata),
        ("192.0.0.192", Metadata),
        ("100.64.0.0", CarrierShared),
        ("100.64.0.1", CarrierShared),
        ("100.127.255.255", CarrierShared),
        ("0.0.0.0", Unspecified),
        ("0.0.0.1", Unspecified),
        ("0.255.255.255", Unspecified),
        ("224.0.0.1", Multicast),
        ("239.255.255.255", Multicast),
        ("240.0.0.1", Reserved),
        ("255.255.255.254", Reserved),
        ("255.255.255.255", Broadcast),
        ("192.0.0.1", Reserved),
        ("192.88.99.1", Reserved),
        ("192.0.2.1", Documentation),
        ("198.51.100.1", Documentation),
        ("203.0.113.255", Documentation),
        ("198.18.0.0", Benchmarking),
        ("198.19.255.255", Benchmarking),
        ("::", Unspecified),
        ("::1", Loopback),
        ("0:0:0:0:0:0:0:1", Loopback),
        ("fe80::1", LinkLocal),
        ("febf:ffff::1", LinkLocal),
        ("fec0::1", UniqueLocal),
        ("feff::1", UniqueLocal),
        ("fc00::", UniqueLocal),
        ("fc00::1", UniqueLocal),
        ("fd12:3456:789a::1", UniqueLocal),
        ("fdff:ffff:ffff::1", UniqueLocal),
        ("fd00:ec2::254", Metadata),
        ("fd00:ec2::253", Metadata),
        ("fd00:ec2::23", Metadata),
        ("fd20:ce::254", Metadata),
        ("ff00::1", Multicast),
        ("ff02::1", Multicast),
        ("ff0e::1", Multicast),
        ("2001:db8::1", Documentation),
        ("2001:db8:ffff::1", Documentation),
        ("3fff::1", Documentation),
        ("2001:2::1", Benchmarking),
        ("2001::1", Tunnel),
        ("2001:0:7f00:1::", Tunnel),
        ("2002:7f00:1::", Tunnel),
        ("2002:a9fe:a9fe::", Tunnel),
        ("2002:808:808::1", Tunnel),
        ("2001:10::1", Reserved),
        ("2001:20::1", Reserved),
        ("2001:3::1", Reserved),
        ("100::1", Reserved),
        ("64:ff9b:1::7f00:1", Reserved),
        ("4000::1", Reserved),
        ("5f00::1", Reserved),
        ("fe00::1", Reserved),
        ("::ffff:127.0.0.1", Loopback),
        ("::ffff:7f00:1", Loopback),
        ("::ffff:10.0.0.1", Private),
        ("::ffff:192.168.1.1", Private),
        ("::ffff:172.16.0.1", Private),
        ("::ffff:169.254.169.254", Metadata),
        ("::ffff:a9fe:a9fe", Metadata),
        ("::ffff:100.64.0.1", CarrierShared),
        ("::ffff:0.0.0.0", Unspecified),
        ("::ffff:255.255.255.255", Broadcast),
        ("::127.0.0.1", Loopback),
        ("::10.0.0.1", Private),
        ("::169.254.169.254", Metadata),
        ("::2", Unspecified),
        ("::ffff:0:127.0.0.1", Loopback),
        ("::ffff:0:169.254.169.254", Metadata),
        ("64:ff9b::127.0.0.1", Loopback),
        ("64:ff9b::10.0.0.1", Private),
        ("64:ff9b::169.254.169.254", Metadata),
        ("64:ff9b::a9fe:a9fe", Metadata),
        ("64:ff9b::100.100.100.200", Metadata),
    ]
};

const HARMLESS: &[&str] = &[
    "1.1.1.1",
    "8.8.8.8",
    "52.219.170.1",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.1",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2a05:d07a:a000::1",
    "2600:1fa0:4000::1",
    "2001:4860:4860::8888",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
];

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn resolver(dns: &std::sync::Arc<ScriptedDns>, policy: AddressPolicy) -> Resolver {
    Resolver::new(dns.clone(), clock(), policy, ResolverLimits::default())
}

#[test]
fn every_address_that_leads_inside_is_refused_as_what_it_is() {
    assert!(HOSTILE.len() >= 80);
    let policy = AddressPolicy::default();
    for (text, class) in HOSTILE {
        let address = ip(text);
        assert_eq!(AddressClass::of(address), *class, "{text}");
        assert_eq!(
            policy.check_address(address),
            Err(GuardError::Address {
                address,
                class: *class
            }),
        );
    }
}

#[test]
fn the_public_internet_is_allowed_right_up_to_the_edges() {
    for text in HARMLESS {
        assert_eq!(
            AddressPolicy::default().check_address(ip(text)),
            Ok(()),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_wherever_it_leads() {
    let endpoint = Endpoint::parse("https://store.example.com").unwrap();
    for (text, class) in HOSTILE {
        let dns = ScriptedDns::of(&[text]);
        assert_eq!(
            resolver(&dns, AddressPolicy::default())
                .resolve(&endpoint)
                .await,
            Err(ResolveError::Refused {
                host: "store.example.com".to_string(),
                reason: GuardError::Address {
                    address: ip(text),
                    class: *class
                },
            })
        );
    }
}

#[tokio::test]
async fn an_endpoint_that_is_an_inner_address_is_refused_without_a_lookup() {
    let dns = ScriptedDns::of(&["8.8.8.8"]);
    let resolver = resolver(&dns, AddressPolicy::default());
    for (text, _) in HOSTILE {
        let address = ip(text);
        let written = if address.is_ipv6() {
            format!("https://[{text}]")
        } else {
            format!("https://{text}")
        };
        let endpoint = Endpoint::parse(&written).unwrap();
        assert!(
            resolver.policy().check_endpoint(&endpoint).is_err(),
            "{written}"
        );
        assert!(resolver.resolve(&endpoint).await.is_err(), "{written}");
    }
    assert_eq!(dns.count(), 0);
}

#[tokio::test]
async fn a_name_that_turns_inward_after_the_check_never_connects() {
    // Rebinding: public when asked first, loopback ever after.
    let dns = ScriptedDns::new(|_, number| {
        Ok(vec![ip(if number == 1 { "8.8.8.8" } else { "127.0.0.1" })])
    });
    let clock = clock();
    let limits = ResolverLimits::default();
    let resolver = Resolver::new(dns.clone(), clock.clone(), AddressPolicy::default(), limits);
    let endpoint = Endpoint::parse("https://rebind.example.com").unwrap();
    assert!(resolver.resolve(&endpoint).await.is_ok());
    clock.advance(limits.fresh_seconds);
    let mut reached = 0;
    for _ in 0..100 {
        clock.advance(7);
        reached += usize::from(resolver.resolve(&endpoint).await.is_ok());
    }
    assert_eq!(reached, 0);
    assert!(dns.count() > 1);
}

#[tokio::test]
async fn of_a_mixed_answer_only_the_allowed_addresses_are_used() {
    let dns = ScriptedDns::of(&["127.0.0.1", "8.8.8.8", "169.254.169.254", "8.8.4.4"]);
    let resolver = resolver(&dns, AddressPolicy::default());
    let endpoint = Endpoint::parse("https://mixed.example.com").unwrap();
    let mut seen = Vec::new();
    for _ in 0..100 {
        seen.push(resolver.resolve(&endpoint).await.unwrap().get().ip());
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, [ip("8.8.4.4"), ip("8.8.8.8")]);
}

#[test]
fn the_operators_list_opens_its_networks_and_nothing_beside_them() {
    let policy = AddressPolicy {
        allowed_networks: vec!["10.1.0.0/16".parse().unwrap(), "fd12::/16".parse().unwrap()],
        ..AddressPolicy::default()
    };
    for allowed in ["10.1.0.1", "10.1.255.255", "::ffff:10.1.2.3", "fd12::9"] {
        assert_eq!(policy.check_address(ip(allowed)), Ok(()), "{allowed}");
    }
    for refused in [
        "10.0.255.255",
        "10.2.0.0",
        "127.0.0.1",
        "fd13::1",
        "::ffff:10.2.0.1",
    ] {
        assert!(policy.check_address(ip(refused)).is_err(), "{refused}");
    }
}

#[test]
fn no_list_opens_metadata_or_addresses_that_are_no_host() {
    let policy = AddressPolicy {
        allowed_networks: vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()],
        ..AddressPolicy::default()
    };
    let still_refused = HOSTILE.iter().filter(|(_, class)| {
        matches!(
            class,
            AddressClass::Metadata
                | AddressClass::Multicast
                | AddressClass::Unspecified
                | AddressClass::Broadcast
                | AddressClass::Tunnel
        )
    });
    for (text, _) in still_refused {
        assert!(policy.check_address(ip(text)).is_err(), "{text}");
    }
    assert_eq!(policy.check_address(ip("127.0.0.1")), Ok(()));
}

#[test]
fn clear_text_and_odd_ports_need_the_operators_word() {
    let strict = AddressPolicy::default();
    let check =
        |policy: &AddressPolicy, url: &str| policy.check_endpoint(&Endpoint::parse(url).unwrap());
    assert_eq!(check(&strict, "https://a.example.com"), Ok(()));
    assert_eq!(
        check(&strict, "http://a.example.com"),
        Err(GuardError::ClearText)
    );
    for port in [1, 22, 25, 80, 6379, 9000, 65535] {
        assert_eq!(
            check(&strict, &format!("https://a.example.com:{port}")),
            Err(GuardError::Port(port))
        );
    }
    let lab = AddressPolicy {
        allow_http: true,
        allowed_ports: vec![443, 9000],
        ..AddressPolicy::default()
    };
    assert_eq!(check(&lab, "http://a.example.com:9000"), Ok(()));
    assert_eq!(
        check(&lab, "http://a.example.com"),
        Err(GuardError::Port(80))
    );
}

/// What somebody types, or is told to type, as the endpoint of a store.
const HOSTILE_URLS: &[&str] = &[
    "",
    "https://",
    "https:///bucket",
    "store.example.com",
    "//store.example.com",
    "ftp://store.example.com",
    "file:///etc/passwd",
    "gopher://store.example.com",
    "unix:/run/docker.sock",
    "HTTPS://store.example.com",
    " https://store.example.com",
    "https://store.example.com ",
    "https://store.example.com\r\nHost: evil",
    "https://store.example.com\0.evil.com",
    "http://store.example.com",
    "https://user@store.example.com",
    "https://user:password@store.example.com",
    "https://store.example.com@127.0.0.1",
    "https://store.example.com/path",
    "https://store.example.com/../",
    "https://store.example.com?x=1",
    "https://store.example.com#x",
    "https://store.example.com\\@127.0.0.1",
    "https://store.example.com:0",
    "https://store.example.com:22",
    "https://store.example.com:65536",
    "https://store.example.com:-1",
    "https://store.example.com:+443",
    "https://store.example.com:443:443",
    "https://store.example.com:4 43",
    "https://store..example.com",
    "https://.store.example.com",
    "https://store.example.com.",
    "https://-store.example.com",
    "https://sto%72e.example.com",
    "https://störe.example.com",
    "https://store。example。com",
    "https://2130706433",
    "https://017700000001",
    "https://0x7f000001",
    "https://0x7f.0.0.1",
    "https://0177.0.0.1",
    "https://127.1",
    "https://127.0.1",
    "https://127.0.0.1",
    "https://169.254.169.254",
    "https://[::1]",
    "https://[::ffff:169.254.169.254]",
    "https://[fe80::1%25eth0]",
    "https://[::1",
    "https://::1",
];

#[test]
fn no_hostile_url_becomes_an_endpoint() {
    assert!(HOSTILE_URLS.len() >= 40);
    let policy = AddressPolicy::default();
    for url in HOSTILE_URLS {
        let accepted = Endpoint::parse(url).is_ok_and(|it| policy.check_endpoint(&it).is_ok());
        assert!(!accepted, "{url:?}");
    }
}
