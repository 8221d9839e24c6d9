//! The canonical S3 encoding of paths and query parameters.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// RFC 3986 unreserved characters stay; everything else becomes `%XX` in upper case.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The same for a path, whose slashes stay too.
const PATH: &AsciiSet = &COMPONENT.remove(b'/');

/// A decoded key as it stands in a request line and in a canonical request.
pub(crate) fn path(key: &str) -> String {
    utf8_percent_encode(key, PATH).to_string()
}

/// A decoded query name or value.
pub(crate) fn component(text: &str) -> impl std::fmt::Display + '_ {
    utf8_percent_encode(text, COMPONENT)
}
