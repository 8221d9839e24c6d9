//! Which hosts a signature may have been made for.

use crate::judge::sign_headers;
use crate::request::{NOW, Request, key};
use aws_sigv4::http_request::SignableBody;
use sigv4::Verifier;

#[test]
fn a_host_may_gain_or_lose_its_default_port_on_the_way() {
    for (signed_host, received, accepted) in [
        ("gw.example.com", "gw.example.com:443", true),
        ("gw.example.com:80", "gw.example.com", true),
        ("gw.example.com:443", "gw.example.com", true),
        ("[::1]", "[::1]:80", true),
        ("gw.example.com:9000", "gw.example.com", false),
        ("gw.example.com", "gw.example.com:9000", false),
        ("gw.example.com", "other.example.com", false),
    ] {
        let mut request = Request::new("GET", "/results/a", &[("host", signed_host)]);
        sign_headers(&mut request, SignableBody::Bytes(b""), None);
        request.set("host", received);
        let verified = request.verify();
        assert_eq!(verified.is_ok(), accepted, "{signed_host} {received}");
        assert!(verified.is_ok_and(|v| v.rewritten_host().is_none()) == accepted);
    }
}

#[test]
fn a_public_host_is_accepted_and_reported() {
    let verifier = Verifier::new(vec!["a.example.org".into(), "s3.example.org".into()], 4);
    let mut request = Request::new("GET", "/results/a", &[("host", "s3.example.org")]);
    sign_headers(&mut request, SignableBody::Bytes(b""), None);
    request.set("host", "data.internal:8080");
    let verified = request.verify_with(&verifier, Some(&key()), NOW).unwrap();
    assert_eq!(verified.rewritten_host(), Some("s3.example.org"));
    assert!(request.verify().is_err());
}
