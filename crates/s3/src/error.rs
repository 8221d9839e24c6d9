//! An error as the client sees it, and its XML document.

use crate::error_code::ErrorCode;
use crate::xml::{self, Writer};
use bytes::Bytes;
use http::StatusCode;
use std::borrow::Cow;
use std::fmt;
use types::RequestId;

/// The largest error document, in bytes. A hostile request must not be answered by a larger one.
pub(crate) const MAX_ERROR_BYTES: usize = 16 * 1_024;
const MAX_MESSAGE_CHARS: usize = 512;
const MAX_RESOURCE_CHARS: usize = 1_200; // a bucket name, a key of 1,024 bytes and two slashes

/// An S3 error: a code, words for the client, and what else its document says.
///
/// Nothing in it may name a real bucket, prefix, endpoint, role or account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Error {
    code: ErrorCode,
    message: Cow<'static, str>,
    resource: Option<String>,
    extra: Vec<(&'static str, String)>,
}

impl S3Error {
    /// `code` with its usual words.
    pub fn new(code: ErrorCode) -> Self {
        Self {
            code,
            message: Cow::Borrowed(code.message()),
            resource: None,
            extra: Vec::new(),
        }
    }

    /// `code` with other words.
    pub fn with_message(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            message: message.into(),
            ..Self::new(code)
        }
    }

    /// The same, about `resource` (`/bucket/key`, in the client's names).
    #[must_use]
    pub fn on(mut self, resource: impl Into<String>) -> Self {
        self.resource = Some(resource.into());
        self
    }

    /// The same with one more element in its document, such as `StringToSign`.
    #[must_use]
    pub fn with(mut self, element: &'static str, value: impl Into<String>) -> Self {
        self.extra.push((element, value.into()));
        self
    }

    /// The code.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.code.status()
    }

    /// The words.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What the error is about, in the client's names.
    pub fn resource(&self) -> Option<&str> {
        self.resource.as_deref()
    }

    /// The further elements of the document.
    pub fn extra(&self) -> &[(&'static str, String)] {
        &self.extra
    }

    /// The document, `application/xml`, at most 16 KiB. The answer to a HEAD has no body: the
    /// caller leaves this out there.
    ///
    /// Further elements that do not fit are left out whole.
    pub fn to_xml(&self, request_id: RequestId, host_id: &str) -> Bytes {
        let mut out = Writer::document();
        self.write_into(&mut out, request_id, host_id);
        out.into_bytes()
    }

    /// The `<Error>` element alone, for the end of a body that has already begun.
    pub(crate) fn write_into(&self, out: &mut Writer, request_id: RequestId, host_id: &str) {
        let mut tail = Writer::fragment();
        if let Some(resource) = &self.resource {
            tail.leaf("Resource", &cut(resource, MAX_RESOURCE_CHARS));
        }
        tail.leaf("RequestId", &request_id.to_string());
        tail.leaf("HostId", &cut(host_id, 128));
        tail.close("Error");

        out.open("Error");
        out.leaf("Code", self.code.as_str());
        out.leaf("Message", &cut(&self.message, MAX_MESSAGE_CHARS));
        for (element, value) in &self.extra {
            let cost = 2 * element.len() + "<></>".len() + xml::escaped_len(value);
            if out.len() + tail.len() + cost <= MAX_ERROR_BYTES {
                out.leaf(element, value);
            }
        }
        out.append(tail);
    }
}

impl fmt::Display for S3Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.code.as_str(), self.message)
    }
}

impl std::error::Error for S3Error {}

impl From<ErrorCode> for S3Error {
    fn from(code: ErrorCode) -> Self {
        Self::new(code)
    }
}

fn cut(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_the_five_elements_that_clients_read() {
        let error = S3Error::new(ErrorCode::NoSuchKey).on("/data/a&b");
        let text = error.to_xml(RequestId::from_bits(0xAB), "gw-1");
        assert_eq!(
            std::str::from_utf8(&text).unwrap(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code>\
             <Message>The key does not exist.</Message><Resource>/data/a&amp;b</Resource>\
             <RequestId>00000000000000AB</RequestId><HostId>gw-1</HostId></Error>"
        );
    }

    #[test]
    fn hostile_text_neither_breaks_nor_swells_the_document() {
        let hostile = "</Message><x>&\u{0}\u{1}\r\"'".repeat(5_000);
        let error = S3Error::with_message(ErrorCode::SignatureDoesNotMatch, hostile.clone())
            .on(hostile.clone())
            .with("StringToSign", hostile.clone())
            .with("AWSAccessKeyId", "AKID");
        let text = error.to_xml(RequestId::from_bits(1), &hostile);
        assert!(text.len() <= MAX_ERROR_BYTES, "{}", text.len());
        let text = std::str::from_utf8(&text).unwrap();
        assert!(!text.contains("<x>"));
        assert!(!text.contains("StringToSign"));
        assert!(text.contains("<AWSAccessKeyId>AKID</AWSAccessKeyId>"));
        assert!(text.ends_with("</Error>"));
    }
}
