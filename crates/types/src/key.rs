//! Object keys and prefixes.

use std::fmt;

/// The longest key that S3 stores, in bytes of UTF-8. Source: S3 user guide, "Object key names".
pub const MAX_KEY_BYTES: usize = 1_024;

/// Why a key is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing there.
    #[error("the key is empty")]
    Empty,
    /// Longer than S3 stores, once the tenant's prefix stands before it.
    #[error("the key is longer than {} bytes", MAX_KEY_BYTES)]
    TooLong,
    /// A `.` or `..` segment: HTTP tools on the way normalise it into another key.
    #[error("the key has a '.' or '..' segment, which HTTP software rewrites on the way")]
    DotSegment,
    /// A byte below 0x20, or 0x7f.
    #[error("the key has a control character")]
    Control,
}

/// A decoded object key that cannot climb out of its prefix.
///
/// `.` and `..` segments and control characters are refused (a documented deviation from S3);
/// everything else S3 allows is allowed, `//` and a trailing `/` included.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectKey(String);

impl ObjectKey {
    /// Checks a decoded key.
    pub fn parse(text: impl Into<String>) -> Result<Self, KeyError> {
        let text = text.into();
        check_key(&text)?;
        Ok(Self(text))
    }

    /// The key, decoded.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A prefix that is empty or ends in `/`, made of legal key segments.
#[derive(
    Debug,
    Clone,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct KeyPrefix(String);

impl KeyPrefix {
    /// The prefix that holds everything.
    pub fn root() -> Self {
        Self::default()
    }

    /// Checks a decoded prefix: empty, or a legal key that ends in `/` and does not begin with one.
    pub fn parse(text: impl Into<String>) -> Result<Self, crate::ParseError> {
        let text = text.into();
        let refuse = |reason| Err(crate::ParseError::new("prefix", &text, reason));
        if text.is_empty() {
            return Ok(Self(text));
        }
        if !text.ends_with('/') {
            return refuse("it must end with '/'");
        }
        if text.starts_with('/') || text.contains("//") {
            return refuse("it may not begin with '/' or contain '//'");
        }
        if text.len() > 512 {
            return refuse("it may have at most 512 bytes");
        }
        if check_key(&text).is_err() {
            return refuse("it has a '.' or '..' segment or a control character");
        }
        Ok(Self(text))
    }

    /// The prefix, decoded.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the root.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The upstream key of `key` under this prefix; an error when the two are too long together.
    pub fn join(&self, key: &ObjectKey) -> Result<ObjectKey, KeyError> {
        if self.0.len() + key.0.len() > MAX_KEY_BYTES {
            return Err(KeyError::TooLong);
        }
        Ok(ObjectKey(format!("{}{}", self.0, key.0)))
    }
}

fn check_key(text: &str) -> Result<(), KeyError> {
    if text.is_empty() {
        return Err(KeyError::Empty);
    }
    if text.len() > MAX_KEY_BYTES {
        return Err(KeyError::TooLong);
    }
    if text.bytes().any(|b| b < 0x20 || b == 0x7f) {
        return Err(KeyError::Control);
    }
    if text
        .split('/')
        .any(|segment| segment == "." || segment == "..")
    {
        return Err(KeyError::DotSegment);
    }
    Ok(())
}

impl std::str::FromStr for ObjectKey {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::parse(text)
    }
}

impl std::str::FromStr for KeyPrefix {
    type Err = crate::ParseError;
    fn from_str(text: &str) -> Result<Self, crate::ParseError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for ObjectKey {
    type Error = KeyError;
    fn try_from(text: String) -> Result<Self, KeyError> {
        Self::parse(text)
    }
}

impl From<ObjectKey> for String {
    fn from(key: ObjectKey) -> String {
        key.0
    }
}

impl TryFrom<String> for KeyPrefix {
    type Error = crate::ParseError;
    fn try_from(text: String) -> Result<Self, crate::ParseError> {
        Self::parse(text)
    }
}

impl From<KeyPrefix> for String {
    fn from(prefix: KeyPrefix) -> String {
        prefix.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Display for KeyPrefix {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn odd_but_legal_keys_are_accepted() {
        for key in ["a", "//a", "a//b", "a/", "...", "a/.b", "ü +%2e%2e/😀", "/"] {
            assert!(ObjectKey::parse(key).is_ok(), "{key}");
        }
    }

    #[test]
    fn keys_that_software_on_the_way_rewrites_are_refused() {
        for key in [".", "..", "a/..", "../a", "a/./b"] {
            assert_eq!(ObjectKey::parse(key), Err(KeyError::DotSegment), "{key}");
        }
        assert_eq!(ObjectKey::parse("a\u{0}"), Err(KeyError::Control));
        assert_eq!(ObjectKey::parse("k".repeat(1_025)), Err(KeyError::TooLong));
    }

    #[test]
    fn a_joined_key_counts_its_prefix() {
        let prefix = KeyPrefix::parse("orgs/acme/").unwrap();
        let fits = ObjectKey::parse("k".repeat(1_024 - 10)).unwrap();
        assert_eq!(prefix.join(&fits).unwrap().as_str().len(), 1_024);
        let over = ObjectKey::parse("k".repeat(1_024 - 9)).unwrap();
        assert_eq!(prefix.join(&over), Err(KeyError::TooLong));
    }

    proptest! {
        #[test]
        fn two_keys_never_share_an_upstream_key(a in "[a-z/%.+ ]{1,12}", b in "[a-z/%.+ ]{1,12}") {
            let prefix = KeyPrefix::parse("orgs/acme/").unwrap();
            if let (Ok(a), Ok(b)) = (ObjectKey::parse(a), ObjectKey::parse(b)) {
                prop_assert_eq!(a == b, prefix.join(&a).unwrap() == prefix.join(&b).unwrap());
                prop_assert!(prefix.join(&a).unwrap().as_str().starts_with("orgs/acme/"));
            }
        }
    }
}
