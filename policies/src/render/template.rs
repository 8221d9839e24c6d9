//! Placeholders inside already-parsed JSON: a value can never change the structure around it.

use super::RenderError;
use serde_json::Value;
use std::collections::BTreeMap;

/// What stands in place of placeholders.
#[derive(Debug, Clone, Default)]
pub(super) struct Values {
    texts: BTreeMap<&'static str, String>,
    lists: BTreeMap<&'static str, Vec<String>>,
}

impl Values {
    pub(super) fn set(&mut self, name: &'static str, text: impl Into<String>) {
        self.texts.insert(name, text.into());
    }

    pub(super) fn set_list(&mut self, name: &'static str, texts: Vec<String>) {
        self.lists.insert(name, texts);
    }

    /// These values, with those of `other` over them.
    pub(super) fn with(&self, other: &Values) -> Values {
        let mut both = self.clone();
        both.texts.extend(other.texts.clone());
        both.lists.extend(other.lists.clone());
        both
    }
}

/// Replaces the placeholders in every text of `value`; keys of objects have none.
pub(super) fn fill(value: &Value, values: &Values) -> Result<Value, RenderError> {
    Ok(match value {
        Value::String(text) => {
            match whole_placeholder(text).and_then(|name| values.lists.get(name)) {
                // A list stands alone in its place, as `"Resource": "${objects}"` does.
                Some(list) => scalar_or_list(list),
                None => Value::String(fill_text(text, values)?),
            }
        }
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| fill(item, values))
                .collect::<Result<_, _>>()?,
        ),
        Value::Object(object) => Value::Object(
            object
                .iter()
                .map(|(key, value)| Ok((key.clone(), fill(value, values)?)))
                .collect::<Result<_, RenderError>>()?,
        ),
        other => other.clone(),
    })
}

fn scalar_or_list(list: &[String]) -> Value {
    match list {
        [one] => Value::String(one.clone()),
        many => many.iter().cloned().map(Value::String).collect(),
    }
}

fn whole_placeholder(text: &str) -> Option<&str> {
    let name = text.strip_prefix("${")?.strip_suffix('}')?;
    is_name(name).then_some(name)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

fn fill_text(text: &str, values: &Values) -> Result<String, RenderError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        if let Some(after) = from.strip_prefix("$${") {
            // One of IAM's own variables, written so that Terraform leaves it alone.
            out.push_str("${");
            rest = after;
        } else if let Some(after) = from.strip_prefix("${") {
            let (name, after) = after
                .split_once('}')
                .ok_or_else(|| RenderError::Placeholder(from.to_string()))?;
            let value = values
                .texts
                .get(name)
                .ok_or_else(|| RenderError::Placeholder(name.to_string()))?;
            out.push_str(value);
            rest = after;
        } else {
            out.push('$');
            rest = &from[1..];
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// The placeholders of `value`.
#[cfg(test)]
pub(super) fn placeholders(value: &Value) -> std::collections::BTreeSet<String> {
    match value {
        Value::String(text) => text
            .replace("$${", "")
            .split("${")
            .skip(1)
            .map(|rest| rest.split('}').next().unwrap_or(rest).to_string())
            .collect(),
        Value::Array(items) => items.iter().flat_map(placeholders).collect(),
        Value::Object(object) => object.values().flat_map(placeholders).collect(),
        _ => std::collections::BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn values() -> Values {
        let mut values = Values::default();
        values.set("name", "a\"},\"Effect\":\"Allow");
        values.set_list("many", vec!["x".into(), "${name}".into()]);
        values
    }

    #[test]
    fn a_value_stays_inside_its_text() {
        let filled = fill(&json!({"Resource": "<${name}>"}), &values()).unwrap();
        assert_eq!(filled, json!({"Resource": "<a\"},\"Effect\":\"Allow>"}));
    }

    #[test]
    fn a_value_is_not_searched_for_placeholders_again() {
        let filled = fill(&json!("${many}"), &values()).unwrap();
        assert_eq!(filled, json!(["x", "${name}"]));
    }

    #[test]
    fn iam_variables_survive() {
        let filled = fill(&json!("$${aws:username}/$${*}/$"), &values()).unwrap();
        assert_eq!(filled, json!("${aws:username}/${*}/$"));
    }

    #[test]
    fn a_placeholder_without_a_value_is_an_error() {
        for text in ["${nothing}", "${unclosed", "${many}/x", "${aws:username}"] {
            assert!(
                matches!(
                    fill(&json!([text]), &values()),
                    Err(RenderError::Placeholder(_))
                ),
                "{text}"
            );
        }
    }
}
