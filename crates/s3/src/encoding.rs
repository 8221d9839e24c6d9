//! Percent-encoding: decoded exactly once on the way in, encoded by one rule on the way out.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// RFC 3986 "unreserved", which is what SigV4 leaves alone.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

const PATH: &AsciiSet = &QUERY.remove(b'/');

/// Why a percent-encoded text cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    #[error("a '%' is not followed by two hexadecimal digits")]
    Escape,
    #[error("the decoded text is not UTF-8")]
    Utf8,
}

/// What `+` stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plus {
    /// Itself: paths and copy sources.
    Literal,
    /// A space: query values.
    Space,
}

/// Decodes once. `%zz` is an error, not a literal: guessing would make two spellings of one key.
pub(crate) fn decode(text: &str, plus: Plus) -> Result<String, DecodeError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let high = rest.next().and_then(hex_value);
                let low = rest.next().and_then(hex_value);
                match (high, low) {
                    (Some(high), Some(low)) => high << 4 | low,
                    _ => return Err(DecodeError::Escape),
                }
            }
            b'+' if plus == Plus::Space => b' ',
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| DecodeError::Utf8)
}

pub(crate) fn hex_value(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

/// Encodes a key for a path: `/` and RFC 3986 unreserved characters stay, all else is `%XX`.
pub fn encode_path(key: &str) -> String {
    utf8_percent_encode(key, PATH).to_string()
}

/// Encodes a query name or value: only RFC 3986 unreserved characters stay.
pub fn encode_query_value(value: &str) -> String {
    utf8_percent_encode(value, QUERY).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_is_decoded_once_and_only_once() {
        assert_eq!(decode("a%252Fb", Plus::Literal).unwrap(), "a%2Fb");
        assert_eq!(decode("%c3%BC+", Plus::Literal).unwrap(), "ü+");
        assert_eq!(decode("a+b%2B", Plus::Space).unwrap(), "a b+");
    }

    #[test]
    fn a_broken_escape_is_refused() {
        for text in ["%", "a%2", "%zz", "%+1", "%%41"] {
            assert_eq!(
                decode(text, Plus::Literal),
                Err(DecodeError::Escape),
                "{text}"
            );
        }
        for text in ["%ff", "%c0%af", "%ed%a0%80"] {
            assert_eq!(
                decode(text, Plus::Literal),
                Err(DecodeError::Utf8),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn encoding_and_decoding_are_inverse(text in "\\PC{0,40}") {
            prop_assert_eq!(decode(&encode_path(&text), Plus::Literal).unwrap(), text.clone());
            prop_assert_eq!(decode(&encode_query_value(&text), Plus::Space).unwrap(), text);
        }
    }
}
