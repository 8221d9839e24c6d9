//! Continuation tokens of listings, in the client's form and in the upstream's.

/// How continuation tokens travel. A store may put anything into one: Ceph gives the last key
/// itself, prefix included, and MinIO gives it in base64. So a gateway seals them for the tenant.
/// Whoever holds a foreign token cannot leave the prefix with it in any case, since that is sent
/// with every page.
pub trait ContinuationTokens: std::fmt::Debug + Send + Sync {
    /// The client's form of the upstream's token.
    fn seal(&self, upstream: &str) -> String;
    /// The upstream's form of the client's token; nothing when we did not make it.
    fn open(&self, client: &str) -> Option<String>;
}

/// Tokens that pass as they are: for stores whose tokens tell nothing, and for tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpaqueTokens;

impl ContinuationTokens for OpaqueTokens {
    fn seal(&self, upstream: &str) -> String {
        upstream.to_owned()
    }
    fn open(&self, client: &str) -> Option<String> {
        Some(client.to_owned())
    }
}
