//! A stored policy: its text as it was given, parsed once.

use policies::{Policy, PolicyKind};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::{Arc, OnceLock};

/// A policy document that its service has accepted.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    text: String,
    parsed: OnceLock<Option<Arc<Policy>>>,
}

impl Document {
    /// Parses `text` as a policy of `kind`; the error is what IAM would call malformed.
    pub(crate) fn parse(kind: PolicyKind, text: &str) -> Result<Self, policies::Malformed> {
        let policy = Policy::parse(kind, text)?;
        Ok(Self {
            text: text.to_string(),
            parsed: OnceLock::from(Some(Arc::new(policy))),
        })
    }

    /// The text as it was given.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The policy. A stored text that no longer parses grants nothing and is `None`.
    pub(crate) fn policy(&self, kind: PolicyKind) -> Option<Arc<Policy>> {
        self.parsed
            .get_or_init(|| Policy::parse(kind, &self.text).ok().map(Arc::new))
            .clone()
    }

    /// Its size as quotas count it: without white space.
    pub(crate) fn counted_size(&self) -> usize {
        self.text.chars().filter(|c| !c.is_whitespace()).count()
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self {
            text: String::deserialize(deserializer)?,
            parsed: OnceLock::new(),
        })
    }
}
