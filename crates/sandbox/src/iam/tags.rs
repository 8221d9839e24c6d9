//! Tags of roles, users, policies and instance profiles.

use super::names;
use crate::query::{QueryError, QueryResult, Xml};
use std::collections::BTreeMap;

/// Tags by key.
pub(crate) type Tags = BTreeMap<String, String>;

/// Tags of one entity. Source: IAM quotas.
const MAX_TAGS: usize = 50;

/// Adds tags, or says which rule they break.
pub(super) fn merge(tags: &mut Tags, added: Vec<(String, String)>) -> QueryResult<()> {
    for (key, value) in added {
        names::check_length("tags.member.key", &key, 1, 128)?;
        names::check_length("tags.member.value", &value, 0, 256)?;
        let legal = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c);
        if !key.chars().chain(value.chars()).all(legal) {
            return Err(QueryError::validation(
                "Tag keys and values may contain letters, digits, spaces and _.:/=+-@ only",
            ));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(QueryError::validation(
                "Tag keys that begin with aws: are reserved for system use",
            ));
        }
        tags.insert(key, value);
    }
    if tags.len() > MAX_TAGS {
        return Err(QueryError::limit_exceeded(format_args!(
            "Cannot exceed quota for TagsPerResource: {MAX_TAGS}"
        )));
    }
    Ok(())
}

/// The tags of a new entity.
pub(super) fn of_new(added: Vec<(String, String)>) -> QueryResult<Tags> {
    let mut tags = Tags::new();
    merge(&mut tags, added)?;
    Ok(tags)
}

/// One tag.
pub(super) fn show(xml: &mut Xml, (key, value): (&String, &String)) {
    xml.text("Key", key);
    xml.text("Value", value);
}

/// All tags, when there are any.
pub(super) fn show_all(xml: &mut Xml, tags: &Tags) {
    if !tags.is_empty() {
        xml.members("Tags", tags, show);
    }
}
