//! Hosts and paths, byte for byte.

use crate::fixtures::{aws, by_keys, compatible, mapping, route_to};
use proptest::prelude::*;
use types::{AddressingStyle, Backend, Endpoint, ObjectKey, Region};
use upstream::{LearnedRegions, Route, TenantAccess};

const PATH: AddressingStyle = AddressingStyle::Path;
const HOST: AddressingStyle = AddressingStyle::VirtualHosted;

fn path_of(route: &Route, key: &str) -> String {
    let key = ObjectKey::parse(key).unwrap();
    route.object_path(&route.join(&key).unwrap())
}

#[test]
fn each_backend_is_addressed_in_its_own_way() {
    let sandbox = Backend::AwsS3 {
        region: Region::parse("eu-central-1").unwrap(),
        endpoint: Some(Endpoint::parse("http://127.0.0.1:9000").unwrap()),
    };
    for (backend, bucket, host, bucket_path, object_path) in [
        (
            aws("eu-central-1"),
            "acme",
            "acme.s3.eu-central-1.amazonaws.com",
            "/",
            "/k",
        ),
        (
            aws("us-east-1"),
            "a.b",
            "s3.us-east-1.amazonaws.com",
            "/a.b",
            "/a.b/k",
        ),
        (
            aws("cn-north-1"),
            "acme",
            "acme.s3.cn-north-1.amazonaws.com.cn",
            "/",
            "/k",
        ),
        (
            aws("us-gov-west-1"),
            "acme",
            "acme.s3.us-gov-west-1.amazonaws.com",
            "/",
            "/k",
        ),
        (sandbox, "acme", "127.0.0.1:9000", "/acme", "/acme/k"),
        (
            compatible("https://s.example.com", PATH),
            "acme",
            "s.example.com",
            "/acme",
            "/acme/k",
        ),
        (
            compatible("https://s.example.com", HOST),
            "acme",
            "acme.s.example.com",
            "/",
            "/k",
        ),
        (
            compatible("https://10.0.0.1:9000", HOST),
            "acme",
            "10.0.0.1:9000",
            "/acme",
            "/acme/k",
        ),
        (
            compatible("https://[::1]:9000", PATH),
            "acme",
            "[::1]:9000",
            "/acme",
            "/acme/k",
        ),
    ] {
        let route = route_to(backend, bucket);
        assert_eq!(route.host_header(), host);
        assert_eq!(route.bucket_path(), bucket_path);
        assert_eq!(path_of(&route, "k"), object_path);
    }
}

#[test]
fn a_path_is_encoded_once_from_the_decoded_key() {
    let route = route_to(aws("eu-central-1"), "acme");
    for (key, path) in [
        ("a b+c", "/a%20b%2Bc"),
        ("//a//", "///a//"),
        ("%2e%2e/x", "/%252e%252e/x"),
        ("ü", "/%C3%BC"),
        ("~-._", "/~-._"),
        ("a?b#c&d=e;f", "/a%3Fb%23c%26d%3De%3Bf"),
        ("x\\y\"z", "/x%5Cy%22z"),
        ("．．/／", "/%EF%BC%8E%EF%BC%8E/%EF%BC%8F"),
    ] {
        assert_eq!(path_of(&route, key), path, "{key}");
    }
}

proptest! {
    #[test]
    fn no_key_leaves_the_prefix(key in "\\PC{1,60}") {
        let access = TenantAccess::of(&by_keys("acme", 1)).unwrap();
        let place = mapping(compatible("https://s.example.com", PATH), "bucket", "orgs/acme/");
        let route = Route::new(&access, &place);
        if let Ok(key) = ObjectKey::parse(key) {
            let path = route.object_path(&route.join(&key).unwrap());
            prop_assert!(path.starts_with("/bucket/orgs/acme/"));
            prop_assert!(!path.contains("/../") && !path.contains("/./"));
            prop_assert!(!path.ends_with("/..") && !path.ends_with("/."));
            prop_assert!(path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~%".contains(&b)));
        }
    }
}

fn region(name: &str) -> Region {
    Region::parse(name).unwrap()
}

#[test]
fn a_bucket_in_another_region_is_reached_there_from_then_on() {
    let learned = LearnedRegions::default();
    let route = route_to(aws("us-east-1"), "acme");
    assert!(learned.apply(&route).is_none());
    let moved = learned.learn(&route, region("eu-west-1")).unwrap();
    for moved in [&moved, &learned.apply(&route).unwrap()] {
        assert_eq!(moved.host_header(), "acme.s3.eu-west-1.amazonaws.com");
        assert_eq!(moved.region().as_str(), "eu-west-1");
    }
    assert!(learned.apply(&moved).is_none());
}

#[test]
fn an_answer_never_leads_to_another_partition_or_round_in_circles() {
    let learned = LearnedRegions::default();
    let route = route_to(aws("us-east-1"), "acme");
    for said in ["cn-north-1", "us-gov-west-1", "us-east-1"] {
        assert!(learned.learn(&route, region(said)).is_none(), "{said}");
    }
    let other = route_to(compatible("https://s.example.com", PATH), "acme");
    assert!(learned.learn(&other, region("eu-west-1")).is_none());
    assert!(learned.apply(&route).is_none() && learned.apply(&other).is_none());
}

#[test]
fn a_configured_endpoint_stays_when_the_region_changes() {
    let backend = Backend::AwsS3 {
        region: region("us-east-1"),
        endpoint: Some(Endpoint::parse("https://vpce.example.com").unwrap()),
    };
    let route = route_to(backend, "acme");
    let moved = LearnedRegions::default()
        .learn(&route, region("eu-west-1"))
        .unwrap();
    assert_eq!(moved.host_header(), "vpce.example.com");
    assert_eq!(moved.region().as_str(), "eu-west-1");
}

#[test]
fn a_learned_region_is_the_tenants_own_and_bounded() {
    let learned = LearnedRegions::with_limit(4);
    let route_of = |tenant: &str| {
        let access = TenantAccess::of(&by_keys(tenant, 1)).unwrap();
        Route::new(&access, &mapping(aws("us-east-1"), "shared-name", ""))
    };
    let (acme, other) = (route_of("acme"), route_of("other"));
    let region = region("eu-west-1");
    learned.learn(&acme, region.clone());
    assert_eq!(learned.apply(&acme).unwrap().region(), &region);
    assert!(learned.apply(&other).is_none());
    learned.forget(acme.tenant());
    assert!(learned.apply(&acme).is_none());
    for number in 0..100 {
        learned.learn(&route_of(&format!("t{number}")), region.clone());
    }
    let known = (0..100).filter(|n| learned.apply(&route_of(&format!("t{n}"))).is_some());
    assert!(known.count() <= 4);
}
