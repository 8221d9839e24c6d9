//! A gateway in this process, an upstream that does as it is told, and a client that sends exact
//! bytes.
//!
//! Every answer that the client reads is searched for words that only the upstream side knows, and
//! every log line for what nobody may log: each test checks both without saying so.

pub(crate) mod certificates;
pub(crate) mod checksum;
pub(crate) mod client;
pub(crate) mod documents;
pub(crate) mod logs;
pub(crate) mod message;
pub(crate) mod operations;
pub(crate) mod request;
pub(crate) mod signer;
pub(crate) mod sts;
pub(crate) mod stub;
pub(crate) mod upload;
pub(crate) mod world;

use std::time::Duration;

/// How long anything may take before a test gives up waiting for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Stands in every secret and in every client's name for an object: no log line may hold it.
pub(crate) const CANARY: &str = "canary";

/// Stands in every real bucket, prefix and role: no answer may hold it.
pub(crate) const HIDDEN: &str = "hidden";

/// Asks again until `holds`, or until patience ends.
pub(crate) async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !holds() {
        assert!(
            tokio::time::Instant::now() < deadline,
            "never came true: {what}"
        );
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
