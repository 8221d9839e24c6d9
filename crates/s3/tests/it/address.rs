//! Which bucket and key a request names.

use proptest::prelude::*;
use s3::{Address, Domain, ErrorCode, Style, address, encode_path};

fn domains() -> Vec<Domain> {
    ["s3.example.com", "example.com", "localhost"]
        .map(|name| Domain::parse(name).unwrap())
        .to_vec()
}

fn parse(host: &str, path: &str) -> Result<Address, s3::S3Error> {
    address(host, path, &domains())
}

fn parts(host: &str, path: &str) -> (Style, Option<String>, Option<String>) {
    let found = parse(host, path).unwrap_or_else(|error| panic!("{host} {path}: {error}"));
    let text = |part: Option<&str>| part.map(str::to_owned);
    (
        found.style,
        text(found.bucket.as_ref().map(|bucket| bucket.as_str())),
        text(found.key.as_ref().map(|key| key.as_str())),
    )
}

fn path_style(bucket: &str, key: Option<&str>) -> (Style, Option<String>, Option<String>) {
    (Style::Path, Some(bucket.to_owned()), key.map(str::to_owned))
}

fn hosted(bucket: &str, key: Option<&str>) -> (Style, Option<String>, Option<String>) {
    (
        Style::VirtualHosted,
        Some(bucket.to_owned()),
        key.map(str::to_owned),
    )
}

#[test]
fn hosts_that_are_not_a_bucket_of_a_domain_mean_path_style() {
    for host in [
        "s3.example.com",
        "S3.Example.COM",
        "s3.example.com:9000",
        "s3.example.com.",
        "localhost:8080",
        "localhost",
        "127.0.0.1:9000",
        "[::1]:9000",
        "[2001:db8::1]",
        "data.elsewhere.org",
        "notexample.com",
    ] {
        assert_eq!(
            parts(host, "/data/a/b"),
            path_style("data", Some("a/b")),
            "{host}"
        );
    }
}

#[test]
fn a_bucket_before_a_domain_means_virtual_hosted_style() {
    assert_eq!(
        parts("data.s3.example.com", "/a/b"),
        hosted("data", Some("a/b"))
    );
    assert_eq!(
        parts("Data.S3.example.com:443", "/a"),
        hosted("data", Some("a"))
    );
    assert_eq!(
        parts("my.data.s3.example.com", "/"),
        hosted("my.data", None)
    );
    assert_eq!(
        parts("data.localhost:8080", "//a"),
        hosted("data", Some("/a"))
    );
}

#[test]
fn of_two_domains_that_match_the_longer_one_counts() {
    assert_eq!(
        parts("data.s3.example.com", "/k"),
        hosted("data", Some("k"))
    );
    assert_eq!(parts("data.example.com", "/k"), hosted("data", Some("k")));
    assert_eq!(
        parts("s3.example.com", "/data/k"),
        path_style("data", Some("k"))
    );
}

#[test]
fn a_bucket_with_and_without_a_slash_behind_it_is_the_same() {
    assert_eq!(parts("localhost", "/data"), path_style("data", None));
    assert_eq!(parts("localhost", "/data/"), path_style("data", None));
    assert_eq!(parts("localhost", "/"), (Style::Path, None, None));
}

#[test]
fn slashes_in_a_key_stay_where_they_are() {
    assert_eq!(
        parts("localhost", "/data//a"),
        path_style("data", Some("/a"))
    );
    assert_eq!(
        parts("localhost", "/data/a//b/"),
        path_style("data", Some("a//b/"))
    );
    assert_eq!(
        parts("localhost", "/data///"),
        path_style("data", Some("//"))
    );
}

#[test]
fn a_key_is_decoded_once() {
    for (raw, key) in [
        ("a%20b", "a b"),
        ("a+b", "a+b"),
        ("a%2Bb", "a+b"),
        ("a%252Fb", "a%2Fb"),
        ("a%2fb", "a/b"),
        ("%E2%82%AC", "€"),
        ("€", "€"),
        ("~*'()=@:&,;!$", "~*'()=@:&,;!$"),
        ("a%5Cb", "a\\b"),
        ("...", "..."),
        (".hidden", ".hidden"),
    ] {
        assert_eq!(
            parts("localhost", &format!("/data/{raw}")),
            path_style("data", Some(key))
        );
    }
}

#[test]
fn an_encoded_slash_never_separates_bucket_and_key() {
    for path in [
        "/data%2Fkey",
        "/data%2fkey",
        "/%2Fdata/key",
        "/data%2F..%2Fother/key",
    ] {
        let error = parse("localhost", path).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidBucketName, "{path}");
    }
}

#[test]
fn what_cannot_be_a_key_is_refused_by_name() {
    for (raw, code) in [
        ("%", ErrorCode::InvalidURI),
        ("%4", ErrorCode::InvalidURI),
        ("%zz", ErrorCode::InvalidURI),
        ("%ff", ErrorCode::InvalidURI),
        ("%c0%ae%c0%ae/x", ErrorCode::InvalidURI),
        ("a%00b", ErrorCode::InvalidArgument),
        ("a%0d%0ab", ErrorCode::InvalidArgument),
        ("a%7f", ErrorCode::InvalidArgument),
        (".", ErrorCode::InvalidArgument),
        ("..", ErrorCode::InvalidArgument),
        ("../other", ErrorCode::InvalidArgument),
        ("a/../b", ErrorCode::InvalidArgument),
        ("a/%2e%2e/b", ErrorCode::InvalidArgument),
        ("a%2f..%2fb", ErrorCode::InvalidArgument),
        ("a/.", ErrorCode::InvalidArgument),
    ] {
        let error = parse("localhost", &format!("/data/{raw}")).unwrap_err();
        assert_eq!(error.code(), code, "{raw}");
    }
}

#[test]
fn a_key_may_have_1024_bytes_and_not_one_more() {
    assert!(parse("localhost", &format!("/data/{}", "k".repeat(1_024))).is_ok());
    let error = parse("localhost", &format!("/data/{}", "k".repeat(1_025))).unwrap_err();
    assert_eq!(error.code(), ErrorCode::KeyTooLongError);
    // Bytes of UTF-8, not characters.
    let error = parse("localhost", &format!("/data/{}", "%C3%BC".repeat(513))).unwrap_err();
    assert_eq!(error.code(), ErrorCode::KeyTooLongError);
}

#[test]
fn hosts_and_paths_that_are_none_are_refused() {
    for host in [
        "",
        ":80",
        "a b",
        "a/b",
        "user@host",
        "[::1",
        "[nope]:1",
        "host:port",
        "a\u{e9}",
    ] {
        let error = parse(host, "/data/key").unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidRequest, "{host:?}");
    }
    for path in [
        "",
        "data/key",
        "*",
        "/data/key?x",
        "/data/key#x",
        "http://h/data",
    ] {
        let error = parse("localhost", path).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidURI, "{path:?}");
    }
    for path in [
        "//key",
        "/Data/key",
        "/a/key",
        "/192.168.0.1/key",
        "/data%00/key",
    ] {
        let error = parse("localhost", path).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidBucketName, "{path:?}");
    }
}

#[test]
fn a_domain_is_a_dns_name() {
    for name in ["", "10.0.0.1", "a:80", "-a.com", "a..b", "a_b", ".a", "::1"] {
        assert!(Domain::parse(name).is_err(), "{name:?}");
    }
}

#[test]
fn the_resource_speaks_the_clients_names() {
    for (host, path, resource) in [
        ("localhost", "/", "/"),
        ("localhost", "/data", "/data"),
        ("data.localhost", "/a%20b", "/data/a b"),
    ] {
        assert_eq!(parse(host, path).unwrap().resource(), resource);
    }
}

proptest! {
    #[test]
    fn both_styles_name_the_same_object(key in "[\\PC]{1,40}") {
        let raw = encode_path(&key);
        let in_path = parse("localhost", &format!("/data/{raw}"));
        let in_host = parse("data.localhost", &format!("/{raw}"));
        match (in_path, in_host) {
            (Ok(a), Ok(b)) => {
                prop_assert_eq!(&a.bucket, &b.bucket);
                prop_assert_eq!(&a.key, &b.key);
                let decoded = a.key.unwrap();
                prop_assert_eq!(decoded.as_str(), key.as_str());
            }
            (Err(a), Err(b)) => prop_assert_eq!(a.code(), b.code()),
            (a, b) => prop_assert!(false, "{:?} and {:?}", a, b),
        }
    }

    #[test]
    fn no_path_reaches_a_key_with_a_dot_segment_or_a_control_character(path in "[a./%2eE25cfF\\\\\u{ff0e}\u{ff0f}]{0,24}") {
        if let Ok(found) = parse("localhost", &format!("/data/{path}")) {
            let key = found.key.map(String::from).unwrap_or_default();
            prop_assert!(key.split('/').all(|segment| segment != "." && segment != ".."));
            prop_assert!(!key.chars().any(|c| c.is_ascii_control()));
        }
    }
}
