//! Percent-encoding as S3 signs it: unreserved bytes stay, every other is `%XX` in upper case.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use std::borrow::Cow;

/// RFC 3986 unreserved characters stay.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// In a path the slashes stay too.
const PATH: &AsciiSet = &COMPONENT.remove(b'/');

/// A decoded path or key as it stands in a request line and in a canonical request.
pub fn encode_path(decoded: &str) -> String {
    percent_encode(decoded.as_bytes(), PATH).to_string()
}

/// A decoded query name or value as it stands in a URL and in a canonical request.
pub fn encode_query_value(decoded: &str) -> String {
    percent_encode(decoded.as_bytes(), COMPONENT).to_string()
}

/// The canonical spelling of a raw path: decoded once, encoded once.
pub(crate) fn canonical_path(raw: &str) -> Cow<'_, str> {
    canonical(raw, PATH, |byte| byte == b'/' || is_unreserved(byte))
}

/// The canonical spelling of a raw query name or value: `+` means a space.
pub(crate) fn canonical_component(raw: &str) -> Cow<'_, str> {
    if raw.contains('+') {
        let spaced = raw.replace('+', "%20");
        return Cow::Owned(canonical(&spaced, COMPONENT, is_unreserved).into_owned());
    }
    canonical(raw, COMPONENT, is_unreserved)
}

/// A raw query value decoded to text; `None` when it is not UTF-8.
pub(crate) fn decode_component(raw: &str) -> Option<Cow<'_, str>> {
    if !raw.contains(['%', '+']) {
        return Some(Cow::Borrowed(raw));
    }
    let spaced = raw.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
    Some(Cow::Owned(decoded.into_owned()))
}

fn canonical<'a>(raw: &'a str, set: &'static AsciiSet, stays: impl Fn(u8) -> bool) -> Cow<'a, str> {
    if is_canonical(raw.as_bytes(), stays) {
        return Cow::Borrowed(raw);
    }
    let decoded: Vec<u8> = percent_decode_str(raw).collect();
    Cow::Owned(percent_encode(&decoded, set).to_string())
}

fn is_canonical(raw: &[u8], stays: impl Fn(u8) -> bool) -> bool {
    let mut rest = raw;
    while let [first, tail @ ..] = rest {
        rest = match (first, tail) {
            (b'%', [high, low, tail @ ..]) => match (upper_hex(*high), upper_hex(*low)) {
                (Some(high), Some(low)) if !stays(high << 4 | low) => tail,
                _ => return false,
            },
            (byte, tail) if *byte != b'%' && stays(*byte) => tail,
            _ => return false,
        };
    }
    true
}

fn upper_hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_path_is_encoded_as_s3_signs_it() {
        assert_eq!(
            encode_path("/a b/ü+~*'()=@:&,%2F\\"),
            "/a%20b/%C3%BC%2B~%2A%27%28%29%3D%40%3A%26%2C%252F%5C"
        );
        assert_eq!(encode_query_value("a/b c~"), "a%2Fb%20c~");
    }

    #[test]
    fn other_spellings_have_the_same_canonical_form() {
        for (raw, canonical) in [
            ("/a%2fb", "/a/b"),
            ("/%61%7e", "/a~"),
            ("/a*b", "/a%2Ab"),
            ("/a%zz%", "/a%25zz%25"),
            ("/a+b", "/a%2Bb"),
        ] {
            assert_eq!(canonical_path(raw), canonical);
        }
        assert_eq!(canonical_component("a+b%2fc"), "a%20b%2Fc");
        assert_eq!(canonical_component("a%2Bb"), "a%2Bb");
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_already_canonical(key in ".{0,40}") {
            let path = encode_path(&key);
            prop_assert!(matches!(canonical_path(&path), Cow::Borrowed(_)));
            let value = encode_query_value(&key);
            prop_assert!(matches!(canonical_component(&value), Cow::Borrowed(_)));
            let decoded = decode_component(&value);
            prop_assert_eq!(decoded.as_deref(), Some(key.as_str()));
        }
    }
}
