//! Who changed it: the specification or a hand, told by what was applied last.

use crate::plan::{Cause, Change, Finding, FindingKind, Plan, Step};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

impl Plan {
    /// Tells changes by hand from changes of the specification, by what was applied last.
    pub fn tell_causes(&mut self, applied: &BTreeMap<String, String>) {
        for change in &mut self.changes {
            let Some(last) = applied.get(&change.key()) else {
                continue;
            };
            let is_same = *last == change.asked_for();
            change.cause = match change.cause {
                Cause::Missing | Cause::ChangedByHand if is_same => Cause::ChangedByHand,
                Cause::Missing | Cause::ChangedByHand => Cause::SpecificationChanged,
                other => other,
            };
        }
    }

    /// What [`Plan::tell_causes`] wants to know the next time: what was asked for, by part.
    pub fn applied(&self) -> impl Iterator<Item = (String, String)> + '_ {
        self.changes.iter().flat_map(|change| {
            let parts = made_with(&change.step).into_iter();
            let parts = parts.map(|(part, asked)| {
                let key = format!("{}/{part}", change.resource);
                (key, digest(Some(&asked)))
            });
            parts.chain([(change.key(), change.asked_for())])
        })
    }
}

impl Plan {
    /// Leaves out what the store refused to take when just this was asked for, and says so.
    pub fn set_aside(&mut self, refused: &BTreeMap<String, String>) {
        let (aside, rest) = std::mem::take(&mut self.changes)
            .into_iter()
            .partition(|change| refused.get(&change.key()) == Some(&change.asked_for()));
        self.changes = rest;
        let aside: Vec<Change> = aside;
        self.findings
            .extend(aside.into_iter().map(|change| Finding {
                resource: change.resource,
                part: change.part,
                kind: FindingKind::Unsupported,
                message: "this store refused it when it was applied".to_string(),
            }));
    }
}

impl Change {
    /// Stands for what the specification asks for here.
    pub fn asked_for(&self) -> String {
        digest(self.asked.as_ref().or(self.after.as_ref()))
    }
}

/// Parts that are set by the call that makes the thing, and by calls of their own later.
fn made_with(step: &Step) -> Vec<(&'static str, Value)> {
    match step {
        Step::CreateRole {
            trust,
            description,
            max_session_seconds,
            boundary,
            tags,
            ..
        } => vec![
            ("trust", trust.clone()),
            ("attributes", attributes(description, *max_session_seconds)),
            ("boundary", json!(boundary)),
            ("tags", json!(tags)),
        ],
        Step::CreatePolicy { document, tags, .. } => {
            vec![("document", document.clone()), ("tags", json!(tags))]
        }
        Step::CreateInstanceProfile { tags, .. } => vec![("tags", json!(tags))],
        _ => Vec::new(),
    }
}

/// What one call sets of a role.
pub(super) fn attributes(description: &str, seconds: u32) -> Value {
    json!({ "description": description, "max_session_seconds": seconds })
}

/// Stands for a value.
fn digest(value: Option<&Value>) -> String {
    let text = value.map(Value::to_string).unwrap_or_default();
    hex::encode(&Sha256::digest(text.as_bytes())[..8])
}
