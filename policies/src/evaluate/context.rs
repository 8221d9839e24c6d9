//! What is known about a request: condition keys and their values.

use std::collections::BTreeMap;

/// Condition keys and their values; the case of a key does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    values: BTreeMap<String, Vec<String>>,
}

impl Context {
    /// Knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `key` with one value, replacing what was there.
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.set(key, value);
        self
    }

    /// Adds `key` with several values (`aws:TagKeys`), replacing what was there.
    pub fn with_all<V: Into<String>>(
        mut self,
        key: &str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.set_all(key, values);
        self
    }

    /// Sets `key` to one value.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        self.values
            .insert(key.to_ascii_lowercase(), vec![value.into()]);
    }

    /// Sets `key` to several values.
    pub fn set_all<V: Into<String>>(&mut self, key: &str, values: impl IntoIterator<Item = V>) {
        let values = values.into_iter().map(Into::into).collect();
        self.values.insert(key.to_ascii_lowercase(), values);
    }

    /// The values of `key`, or `None` when the request does not carry it.
    pub fn get(&self, key: &str) -> Option<&[String]> {
        self.values
            .get(&key.to_ascii_lowercase())
            .map(Vec::as_slice)
    }

    /// All keys, in lower case, with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.values
            .iter()
            .map(|(key, values)| (key.as_str(), values.as_slice()))
    }

    /// Drops the keys that `keep` refuses; keys arrive in lower case.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.values.retain(|key, _| keep(key));
    }
}

/// Where patterns and conditions find the values of keys.
pub(crate) trait Lookup {
    /// The values of `key`, given in lower case.
    fn values(&self, key: &str) -> Option<&[String]>;
}

impl Lookup for Context {
    fn values(&self, key: &str) -> Option<&[String]> {
        self.values.get(key).map(Vec::as_slice)
    }
}
