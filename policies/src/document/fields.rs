//! Reading JSON values of a policy: scalars and lists mean the same.

use super::malformed::{Malformed, Reason};
use serde_json::{Map, Value};

/// An object, and where it stands.
pub(super) struct Fields<'a> {
    pub(super) path: String,
    pub(super) map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// `value` as an object whose keys are all in `allowed`.
    pub(super) fn of(path: &str, value: &'a Value, allowed: &[&str]) -> Result<Self, Malformed> {
        let Value::Object(map) = value else {
            return Err(Malformed::at(path, Reason::NotAnObject));
        };
        match map.keys().find(|key| !allowed.contains(&key.as_str())) {
            Some(unknown) => Err(Malformed::at(path, Reason::UnknownElement(unknown.clone()))),
            None => Ok(Self {
                path: path.to_string(),
                map,
            }),
        }
    }

    /// The path of a member.
    pub(super) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_string()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// An optional text.
    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, Malformed> {
        match self.map.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Malformed::at(&self.path_of(key), Reason::NotText)),
        }
    }

    /// Exactly one of `plain` and `negated`: whether it is the negated one, and its texts.
    pub(super) fn one_of(
        &self,
        plain: &'static str,
        negated: &'static str,
    ) -> Result<(bool, Vec<&'a str>), Malformed> {
        match (self.map.get(plain), self.map.get(negated)) {
            (Some(_), Some(_)) => Err(Malformed::at(&self.path, Reason::Both(plain, negated))),
            (None, None) => Err(Malformed::at(&self.path, Reason::Missing(plain))),
            (Some(value), None) => Ok((false, texts(&self.path_of(plain), value)?)),
            (None, Some(value)) => Ok((true, texts(&self.path_of(negated), value)?)),
        }
    }
}

/// A text or a list of texts, at least one.
pub(super) fn texts<'a>(path: &str, value: &'a Value) -> Result<Vec<&'a str>, Malformed> {
    let texts = match value {
        Value::String(text) => vec![text.as_str()],
        Value::Array(items) => items
            .iter()
            .map(|item| {
                item.as_str()
                    .ok_or_else(|| Malformed::at(path, Reason::NotText))
            })
            .collect::<Result<_, _>>()?,
        _ => return Err(Malformed::at(path, Reason::NotText)),
    };
    if texts.is_empty() {
        return Err(Malformed::at(path, Reason::EmptyList));
    }
    Ok(texts)
}

/// The values of a condition: texts, numbers and booleans, alone or in a list.
pub(super) fn scalars(path: &str, value: &Value) -> Result<Vec<String>, Malformed> {
    let one = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        _ => Err(Malformed::at(path, Reason::NotText)),
    };
    match value {
        Value::Array(items) if items.is_empty() => Err(Malformed::at(path, Reason::EmptyList)),
        Value::Array(items) => items.iter().map(one).collect(),
        other => Ok(vec![one(other)?]),
    }
}
