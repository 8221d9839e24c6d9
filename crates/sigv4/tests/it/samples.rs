//! A signed upload and a presigned one, to be spoiled.

use crate::judge::{presign, sign_headers};
use crate::request::{Request, SECRET};
use aws_sigv4::http_request::SignableBody;

pub(crate) const HOST: &str = "gw.example.com";

/// A signed upload.
pub(crate) fn signed() -> Request {
    let headers = [
        ("host", HOST),
        ("x-amz-meta-a", "1"),
        ("content-length", "5"),
    ];
    let mut request = Request::new("PUT", "/results/a%20b?partNumber=1&uploadId=u", &headers);
    sign_headers(&mut request, SignableBody::Bytes(b"hello"), None);
    request
}

/// A presigned upload.
pub(crate) fn presigned() -> Request {
    let mut request = Request::new("PUT", "/results/a%20b?uploadId=u", &[("host", HOST)]);
    presign(&mut request, 900, None);
    request
}

pub(crate) fn refusal(request: &Request) -> (&'static str, u16) {
    let error = request.verify().unwrap_err();
    let words = format!("{error} {error:?} {:?}", error.details());
    assert!(!words.contains(SECRET), "{words}");
    (error.code(), error.status())
}

pub(crate) fn replace_in_authorization(request: &mut Request, from: &str, to: &str) {
    let text = request.headers["authorization"]
        .to_str()
        .unwrap()
        .to_string();
    assert!(text.contains(from), "{text}");
    request.set("authorization", &text.replace(from, to));
}

pub(crate) fn replace_in_query(request: &mut Request, from: &str, to: &str) {
    let query = request.query.take().unwrap();
    assert!(query.contains(from), "{query}");
    request.query = Some(query.replace(from, to));
}
