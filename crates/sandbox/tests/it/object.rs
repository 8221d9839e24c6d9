//! An object that must stay as it is, and one that must not come to be.

use crate::raw::{Answer, Request};
use sandbox::{KeyPair, Sandbox};

/// Writes an object.
pub(crate) async fn put(sandbox: &Sandbox, keys: &KeyPair, key: &str, body: &[u8]) {
    let target = format!("/data/{key}");
    let answer = Request::s3("PUT", &target)
        .sign(sandbox, keys)
        .send(body)
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// Reads an object.
pub(crate) async fn get(sandbox: &Sandbox, keys: &KeyPair, key: &str) -> Answer {
    let target = format!("/data/{key}");
    Request::s3("GET", &target)
        .sign(sandbox, keys)
        .send(b"")
        .await
}

/// The object is still what it was, and an object that never was still is not.
pub(crate) async fn assert_untouched(sandbox: &Sandbox, keys: &KeyPair) {
    assert_eq!(get(sandbox, keys, "old").await.body, "old");
    assert_eq!(get(sandbox, keys, "new").await.status, 404);
}

/// Sending is refused with `code`, over an object and where there is none.
pub(crate) async fn assert_both_refused(
    sandbox: &Sandbox,
    keys: &KeyPair,
    code: &str,
    send: impl AsyncFn(&str) -> Answer,
) {
    put(sandbox, keys, "old", b"old").await;
    for key in ["old", "new"] {
        let answer = send(key).await;
        assert_eq!(answer.code(), code, "{key}: {answer:?}");
    }
    assert_untouched(sandbox, keys).await;
}
