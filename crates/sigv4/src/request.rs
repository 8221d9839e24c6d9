//! What the verifier sees of a request.

use http::HeaderMap;
use std::fmt;

/// The head of a request, as it came over the wire.
///
/// Over HTTP/2 the caller puts `:authority` into `headers` as `host` first.
#[derive(Clone, Copy)]
pub struct RequestView<'a> {
    /// The method, upper case.
    pub method: &'a str,
    /// The path: raw, not decoded, beginning with `/`.
    pub path: &'a str,
    /// What stands behind the `?`: raw, not decoded.
    pub query: Option<&'a str>,
    /// The headers, repeated ones in the order of their arrival.
    pub headers: &'a HeaderMap,
}

impl<'a> RequestView<'a> {
    /// The one value of `name`: `Ok(None)` when absent, an error when it is repeated or not text.
    pub(crate) fn single(&self, name: &str) -> Result<Option<&'a str>, NotSingle> {
        let mut values = self.headers.get_all(name).iter();
        let Some(first) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() {
            return Err(NotSingle);
        }
        first.to_str().map(Some).map_err(|_| NotSingle)
    }

    /// Whether the framing says that no body follows.
    pub(crate) fn is_bodyless(&self) -> bool {
        let empty = |value: &http::HeaderValue| value.as_bytes() == b"0";
        !self.headers.contains_key(http::header::TRANSFER_ENCODING)
            && self
                .headers
                .get_all(http::header::CONTENT_LENGTH)
                .iter()
                .all(empty)
    }
}

impl fmt::Debug for RequestView<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Query and headers hold what a reader of logs could replay.
        out.debug_struct("RequestView")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// A header that may stand there once stands there twice, or is not text.
#[derive(Debug)]
pub(crate) struct NotSingle;
