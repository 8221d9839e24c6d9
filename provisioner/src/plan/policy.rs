//! What changes in meaning between two policy documents, and how much that can hurt.
//!
//! A document is taken apart into grants (effect, principal, action, resource, condition); the
//! difference of two sets of grants is what a reviewer wants to read, not a difference of text.

use crate::plan::change::Risk;
use policies::PolicyKind;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Whether both documents mean the same.
pub(crate) fn same(_kind: PolicyKind, a: &Value, b: &Value) -> bool {
    grants(a) == grants(b)
}

/// One line of what a document says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Grant {
    allow: bool,
    principal: String,
    action: String,
    resource: String,
    condition: String,
}

/// What a change of a document means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Meaning {
    pub(crate) risk: Risk,
    pub(crate) notes: Vec<String>,
}

impl Meaning {
    fn note(&mut self, risk: Risk, note: String) {
        self.risk = self.risk.max(risk);
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

/// What changes when `after` replaces `before` (`None`: there was no document).
pub(crate) fn meaning(before: Option<&Value>, after: Option<&Value>) -> Meaning {
    let old = before.map(grants).unwrap_or_default();
    let new = after.map(grants).unwrap_or_default();
    let mut meaning = Meaning::default();
    widened_principals(&old, &new, &mut meaning);
    for grant in new.difference(&old) {
        gained(grant, before.is_none(), &mut meaning);
    }
    for grant in old.difference(&new) {
        lost(grant, &mut meaning);
    }
    for id in old.iter().filter_map(|g| deleted_principal(&g.principal)) {
        meaning.note(
            Risk::Medium,
            format!("{id} is the id of a principal that was deleted: if it was made again under its old name, it has no access until this is written again"),
        );
    }
    meaning
}

fn gained(grant: &Grant, is_new: bool, meaning: &mut Meaning) {
    let words = describe(grant);
    if !grant.allow {
        meaning.note(
            if is_new { Risk::Low } else { Risk::Medium },
            format!("forbids {words}"),
        );
        return;
    }
    if is_anyone(&grant.principal) && grant.condition.is_empty() {
        meaning.note(Risk::Severe, format!("PUBLIC: allows anyone {words}"));
        return;
    }
    let is_assume = grant.action.starts_with("sts:assumerole");
    if is_assume
        && grant.principal.starts_with("AWS:")
        && !grant.condition.contains("sts:externalid")
    {
        meaning.note(
            Risk::Severe,
            format!("no external id is required of {}", grant.principal),
        );
    }
    let risk = match () {
        () if is_new => Risk::Low,
        () if changes_data(&grant.action) || is_assume => Risk::High,
        () => Risk::Medium,
    };
    meaning.note(risk, format!("gains {words}"));
}

fn lost(grant: &Grant, meaning: &mut Meaning) {
    let words = describe(grant);
    if grant.allow {
        meaning.note(Risk::Medium, format!("loses {words}"));
    } else {
        meaning.note(Risk::High, format!("no longer forbids {words}"));
    }
}

/// A role or user that becomes its whole account, or anyone.
fn widened_principals(old: &BTreeSet<Grant>, new: &BTreeSet<Grant>, meaning: &mut Meaning) {
    let of = |grants: &BTreeSet<Grant>| -> BTreeSet<String> {
        grants
            .iter()
            .filter(|g| g.allow)
            .map(|g| g.principal.clone())
            .collect()
    };
    let (old, new) = (of(old), of(new));
    for wide in new.difference(&old) {
        for narrow in old.difference(&new) {
            let account_of = |arn: &str| arn.split(':').nth(5).map(str::to_string);
            let to_account = wide.ends_with(":root") && account_of(wide) == account_of(narrow);
            if (is_anyone(wide) || to_account) && !narrow.is_empty() {
                meaning.note(
                    Risk::High,
                    format!("principal widened from {narrow} to {wide}"),
                );
            }
        }
    }
}

fn describe(grant: &Grant) -> String {
    let mut words = grant.action.clone();
    if !grant.resource.is_empty() {
        words.push_str(" on ");
        words.push_str(&grant.resource);
    }
    if !grant.principal.is_empty() && !is_anyone(&grant.principal) {
        words.push_str(" for ");
        words.push_str(&grant.principal);
    }
    if !grant.condition.is_empty() {
        words.push_str(" when ");
        words.push_str(&grant.condition);
    }
    words
}

fn is_anyone(principal: &str) -> bool {
    principal == "*"
}

/// Principals that IAM shows as an id because they no longer exist.
fn deleted_principal(principal: &str) -> Option<&str> {
    let id = principal.strip_prefix("AWS:")?;
    let is_id = |prefix: &str| {
        id.starts_with(prefix) && id.len() >= 16 && id.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    (is_id("AROA") || is_id("AIDA")).then_some(id)
}

fn changes_data(action: &str) -> bool {
    let verb = action.split(':').nth(1).unwrap_or(action);
    [
        "put",
        "delete",
        "*",
        "bypass",
        "restore",
        "replicate",
        "update",
    ]
    .iter()
    .any(|start| verb.starts_with(start))
}

/// All grants of a document, in a form in which equal meaning is equal text.
fn grants(document: &Value) -> BTreeSet<Grant> {
    let mut all = BTreeSet::new();
    for statement in list(document.get("Statement")) {
        let Value::Object(statement) = statement else {
            continue;
        };
        let allow = statement.get("Effect").and_then(Value::as_str) == Some("Allow");
        let condition = condition(statement.get("Condition"));
        for principal in principals(statement) {
            for action in strings(statement, "Action", str::to_ascii_lowercase) {
                for resource in strings(statement, "Resource", str::to_string) {
                    all.insert(Grant {
                        allow,
                        principal: principal.clone(),
                        action: action.clone(),
                        resource,
                        condition: condition.clone(),
                    });
                }
            }
        }
    }
    all
}

fn list(value: Option<&Value>) -> Vec<&Value> {
    match value {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(item) => vec![item],
        None => Vec::new(),
    }
}

/// The values of `key` or `Not{key}`; one empty text when neither stands there.
fn strings(statement: &Map<String, Value>, key: &str, spell: fn(&str) -> String) -> Vec<String> {
    let texts = |value: &Value, before: &str| -> Vec<String> {
        list(Some(value))
            .into_iter()
            .filter_map(Value::as_str)
            .map(|text| format!("{before}{}", spell(text)))
            .collect()
    };
    match (statement.get(key), statement.get(&format!("Not{key}"))) {
        (Some(value), _) => texts(value, ""),
        (None, Some(value)) => {
            let mut all = texts(value, "");
            all.sort();
            vec![format!("everything but {}", all.join(", "))]
        }
        (None, None) => vec![String::new()],
    }
}

fn principals(statement: &Map<String, Value>) -> Vec<String> {
    let (value, negated) = match (statement.get("Principal"), statement.get("NotPrincipal")) {
        (Some(value), _) => (value, false),
        (None, Some(value)) => (value, true),
        (None, None) => return vec![String::new()],
    };
    let mut all = match value {
        Value::Object(kinds) => kinds
            .iter()
            .flat_map(|(kind, value)| {
                list(Some(value))
                    .into_iter()
                    .filter_map(Value::as_str)
                    .map(|text| principal(kind, text))
                    .collect::<Vec<_>>()
            })
            .collect(),
        other => vec![other.as_str().unwrap_or_default().to_string()],
    };
    if negated {
        all.sort();
        all = vec![format!("everybody but {}", all.join(", "))];
    }
    all
}

/// `{"AWS": "*"}` is anyone; an account number is its root.
fn principal(kind: &str, text: &str) -> String {
    match (kind, text) {
        ("AWS", "*") => "*".to_string(),
        ("AWS", number) if number.len() == 12 && number.bytes().all(|b| b.is_ascii_digit()) => {
            format!("AWS:arn:aws:iam::{number}:root")
        }
        _ => format!("{kind}:{text}"),
    }
}

/// Operators and keys in one order and one spelling, values sorted.
fn condition(value: Option<&Value>) -> String {
    let Some(Value::Object(operators)) = value else {
        return String::new();
    };
    let mut canonical: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (operator, keys) in operators {
        let Value::Object(keys) = keys else { continue };
        for (key, values) in keys {
            let values = list(Some(values)).into_iter().map(|value| match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            });
            canonical
                .entry(format!("{} {operator}", key.to_ascii_lowercase()))
                .or_default()
                .extend(values);
        }
    }
    canonical
        .into_iter()
        .map(|(key, values)| {
            let values: Vec<String> = values.into_iter().collect();
            format!("{key} {}", values.join("|"))
        })
        .collect::<Vec<_>>()
        .join(" and ")
}

/// Our statements, and those of others that stay: on an adopted bucket all of them, on one that
/// we made only what forbids.
pub(crate) fn merged(ours: &Value, observed: Option<&Value>, keep_allows: bool) -> Value {
    let sids: BTreeSet<&str> = list(ours.get("Statement"))
        .into_iter()
        .filter_map(|s| s.get("Sid").and_then(Value::as_str))
        .collect();
    let mut statements: Vec<Value> = list(ours.get("Statement")).into_iter().cloned().collect();
    for statement in foreign_statements(observed, &sids) {
        let denies = statement.get("Effect").and_then(Value::as_str) == Some("Deny");
        if denies || keep_allows {
            statements.push(statement.clone());
        }
    }
    let mut document = ours.clone();
    if let Value::Object(fields) = &mut document {
        fields.insert("Statement".to_string(), Value::Array(statements));
    }
    document
}

/// The names of statements that are not ours, for findings.
pub(crate) fn foreign_names(ours: &Value, observed: Option<&Value>) -> Vec<String> {
    let sids: BTreeSet<&str> = list(ours.get("Statement"))
        .into_iter()
        .filter_map(|s| s.get("Sid").and_then(Value::as_str))
        .collect();
    foreign_statements(observed, &sids)
        .into_iter()
        .map(|s| {
            let effect = s.get("Effect").and_then(Value::as_str).unwrap_or("?");
            let sid = s
                .get("Sid")
                .and_then(Value::as_str)
                .unwrap_or("without Sid");
            format!("{effect} {sid}")
        })
        .collect()
}

fn foreign_statements<'a>(observed: Option<&'a Value>, ours: &BTreeSet<&str>) -> Vec<&'a Value> {
    list(observed.and_then(|o| o.get("Statement")))
        .into_iter()
        .filter(|s| {
            !s.get("Sid")
                .and_then(Value::as_str)
                .is_some_and(|sid| ours.contains(sid))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn spelling_is_no_difference() {
        let a = json!({"Version": "2012-10-17", "Statement": [{
            "Sid": "A", "Effect": "Allow", "Principal": {"AWS": ["111111111111"]},
            "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::b/*",
            "Condition": {"StringEquals": {"aws:ResourceAccount": "1"}}}]});
        let b = json!({"Statement": {
            "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
            "Action": ["S3:putobject", "s3:GetObject"], "Resource": ["arn:aws:s3:::b/*"],
            "Condition": {"StringEquals": {"AWS:resourceaccount": ["1"]}}}});
        assert!(same(PolicyKind::Resource, &a, &b));
        let star = |p: Value| json!({"Statement": [{"Effect": "Deny", "Principal": p, "Action": "s3:*", "Resource": "*"}]});
        assert!(same(
            PolicyKind::Resource,
            &star(json!("*")),
            &star(json!({"AWS": "*"}))
        ));
    }

    #[test]
    fn a_role_that_becomes_its_account_is_noted_as_widened() {
        let trust = |p: &str| {
            json!({"Statement": [{"Effect": "Allow", "Principal": {"AWS": p},
            "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": "x"}}}]})
        };
        let meaning = meaning(
            Some(&trust("arn:aws:iam::111111111111:role/g")),
            Some(&trust("arn:aws:iam::111111111111:root")),
        );
        assert!(meaning.risk >= Risk::High);
        assert!(
            meaning.notes[0].starts_with("principal widened"),
            "{:?}",
            meaning.notes
        );
    }

    #[test]
    fn trust_without_an_external_id_is_severe() {
        let trust = json!({"Statement": [{"Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "sts:AssumeRole"}]});
        assert_eq!(meaning(None, Some(&trust)).risk, Risk::Severe);
    }

    #[test]
    fn a_deleted_principal_is_named() {
        let trust = json!({"Statement": [{"Effect": "Allow",
            "Principal": {"AWS": "AROAEXAMPLE123456789"}, "Action": "sts:AssumeRole"}]});
        let notes = meaning(Some(&trust), None).notes.join("\n");
        assert!(notes.contains("AROAEXAMPLE123456789 is the id of a principal that was deleted"));
    }

    #[test]
    fn on_a_bucket_of_ours_only_denies_of_others_survive() {
        let ours = json!({"Statement": [{"Sid": "Ours", "Effect": "Deny"}]});
        let there = json!({"Statement": [{"Sid": "Ours", "Effect": "Allow"}, {"Sid": "D", "Effect": "Deny"}, {"Sid": "P", "Effect": "Allow"}]});
        let sids = |v: &Value| {
            list(v.get("Statement"))
                .iter()
                .map(|s| s["Sid"].as_str().unwrap().to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(sids(&merged(&ours, Some(&there), false)), ["Ours", "D"]);
        assert_eq!(sids(&merged(&ours, Some(&there), true)), ["Ours", "D", "P"]);
    }
}
