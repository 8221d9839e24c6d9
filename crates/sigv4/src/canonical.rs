//! The canonical request, written piece by piece into a hash or into a text.
//!
//! Verifying and signing share these pieces, so the two cannot drift apart.

use crate::date::SigningDate;
use crate::encode::canonical_component;
use crate::query::{AuthParameter, pairs};
use crate::signature::{HexDigest, Signature, SigningKey};
use http::HeaderMap;
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// The algorithm that this crate speaks.
pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Where a canonical request goes.
pub(crate) trait Sink {
    fn put(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Gathers small pieces before it hashes them: a header is many pieces of a few bytes.
pub(crate) struct HashSink {
    hash: Sha256,
    buffer: [u8; 512],
    used: usize,
}

impl HashSink {
    pub(crate) fn new() -> Self {
        Self {
            hash: Sha256::new(),
            buffer: [0; 512],
            used: 0,
        }
    }

    pub(crate) fn finish(mut self) -> [u8; 32] {
        self.hash.update(&self.buffer[..self.used]);
        self.hash.finalize().into()
    }
}

impl Sink for HashSink {
    fn put(&mut self, bytes: &[u8]) {
        if bytes.len() > self.buffer.len() - self.used {
            self.hash.update(&self.buffer[..self.used]);
            self.used = 0;
        }
        match self.buffer[self.used..].get_mut(..bytes.len()) {
            Some(space) => {
                space.copy_from_slice(bytes);
                self.used += bytes.len();
            }
            None => self.hash.update(bytes),
        }
    }
}

/// How a query is spelled in the canonical request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// Decoded once and encoded once, as S3 does.
    Canonical,
    /// As it came over the wire.
    AsSent,
}

/// The parameters of a query, sorted, without the signature itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CanonicalQuery<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> CanonicalQuery<'a> {
    pub(crate) fn new(raw: Option<&'a str>, spelling: Spelling) -> Self {
        let spell = |part: &'a str| match spelling {
            Spelling::Canonical => canonical_component(part),
            Spelling::AsSent => Cow::Borrowed(part),
        };
        let mut sorted: Vec<_> = pairs(raw)
            .filter(|(name, _)| AuthParameter::of(name) != Some(AuthParameter::Signature))
            .map(|(name, value)| (spell(name), spell(value)))
            .collect();
        sorted.sort_unstable();
        Self(sorted)
    }

    fn write(&self, sink: &mut impl Sink) {
        for (index, (name, value)) in self.0.iter().enumerate() {
            if index > 0 {
                sink.put(b"&");
            }
            sink.put(name.as_bytes());
            sink.put(b"=");
            sink.put(value.as_bytes());
        }
    }
}

/// Writes what stands before the headers.
pub(crate) fn write_start(
    sink: &mut impl Sink,
    method: &str,
    path: &str,
    query: &CanonicalQuery<'_>,
) {
    sink.put(method.as_bytes());
    sink.put(b"\n");
    sink.put(if path.is_empty() {
        b"/"
    } else {
        path.as_bytes()
    });
    sink.put(b"\n");
    query.write(sink);
    sink.put(b"\n");
}

/// A header and one of its values.
pub(crate) type Field<'a> = (&'a str, &'a [u8]);

/// All fields sorted by name; those of one name stay in the order of their arrival.
pub(crate) fn sorted_fields(headers: &HeaderMap) -> Vec<Field<'_>> {
    let mut fields: Vec<Field<'_>> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    fields.sort_by_key(|(name, _)| *name);
    fields
}

/// Writes the lines of sorted fields: one for each name, with its values joined.
pub(crate) fn write_fields<'f>(sink: &mut impl Sink, fields: impl Iterator<Item = Field<'f>>) {
    let mut previous = None;
    for (name, value) in fields {
        if previous == Some(name) {
            sink.put(b",");
        } else {
            if previous.is_some() {
                sink.put(b"\n");
            }
            sink.put(name.as_bytes());
            sink.put(b":");
        }
        write_value(sink, value);
        previous = Some(name);
    }
    sink.put(b"\n");
}

/// Trims spaces and collapses runs of them. Other white space stays: S3 looks at spaces only.
fn write_value(sink: &mut impl Sink, value: &[u8]) {
    let mut words = value
        .split(|byte| *byte == b' ')
        .filter(|word| !word.is_empty());
    if let Some(first) = words.next() {
        sink.put(first);
    }
    for word in words {
        sink.put(b" ");
        sink.put(word);
    }
}

/// Writes what stands behind the headers: the signed names, joined with `;`, and the payload.
pub(crate) fn write_end(sink: &mut impl Sink, names: &str, payload_hash: &str) {
    sink.put(b"\n");
    sink.put(names.as_bytes());
    sink.put(b"\n");
    sink.put(payload_hash.as_bytes());
}

/// Signs a hashed canonical request.
pub(crate) fn sign_request(
    key: &SigningKey,
    date: &SigningDate,
    scope: &str,
    canonical: &[u8; 32],
) -> Signature {
    key.sign(&[
        ALGORITHM.as_bytes(),
        b"\n",
        date.as_str().as_bytes(),
        b"\n",
        scope.as_bytes(),
        b"\n",
        HexDigest::of(canonical).as_bytes(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn query(raw: &str, spelling: Spelling) -> String {
        let mut text = Vec::new();
        CanonicalQuery::new(Some(raw), spelling).write(&mut text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn a_query_is_sorted_by_encoded_name_and_then_by_value() {
        for (raw, canonical) in [
            ("uploads", "uploads="),
            ("uploads=", "uploads="),
            ("b=2&a=1&b=1", "a=1&b=1&b=2"),
            ("a=b+c&a=b%2Bc", "a=b%20c&a=b%2Bc"),
            ("prefix=a/b&delimiter=%2f", "delimiter=%2F&prefix=a%2Fb"),
            ("a=b=c", "a=b%3Dc"),
            ("&&a=1&", "a=1"),
            ("a-b=1&a=2", "a=2&a-b=1"),
            ("X-Amz-Signature=ff&a=1", "a=1"),
        ] {
            assert_eq!(query(raw, Spelling::Canonical), canonical, "{raw}");
        }
        assert_eq!(query("b=a/b&a", Spelling::AsSent), "a=&b=a/b");
    }

    #[test]
    fn values_are_trimmed_collapsed_and_joined_in_order() {
        let mut headers = HeaderMap::new();
        for value in ["  b   c ", "a", "\"x  y\""] {
            headers.append("x-amz-meta-a", HeaderValue::from_static(value));
        }
        headers.append("host", HeaderValue::from_static("h"));
        let mut text = Vec::new();
        write_fields(&mut text, sorted_fields(&headers).into_iter());
        assert_eq!(text, b"host:h\nx-amz-meta-a:b c,a,\"x y\"\n");
    }

    proptest! {
        #[test]
        fn gathering_pieces_does_not_change_the_hash(pieces in proptest::collection::vec("[a-z]{0,700}", 0..12)) {
            let mut sink = HashSink::new();
            let mut text = Vec::new();
            for piece in &pieces {
                sink.put(piece.as_bytes());
                text.put(piece.as_bytes());
            }
            prop_assert_eq!(sink.finish(), crate::signature::sha256(&text));
        }
    }
}
