//! What changes in meaning between two policy documents, and which statements are ours.
//!
//! Comparing and judging is the business of the crate `policies`; here its severities become
//! risks of a plan.

use crate::plan::change::Risk;
use policies::{PolicyKind, Severity, diff, lint, normalize, same_meaning};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use types::AccountId;

/// Whether both documents mean the same. What cannot be read as a policy is never the same.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    same_meaning(a, b).unwrap_or(false)
}

/// What a change of a document means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Meaning {
    pub(crate) risk: Risk,
    pub(crate) notes: Vec<String>,
}

/// What changes when `after` replaces `before` (`None`: there is no document).
///
/// A document that is new stands on something that is new: it takes nothing away and gives
/// nobody more than the specification asks for, so only an open door counts as a risk.
pub(crate) fn meaning(before: Option<&Value>, after: Option<&Value>) -> Meaning {
    let nothing = json!({ "Version": "2012-10-17", "Statement": [] });
    let (old, new) = match (
        normalize(before.unwrap_or(&nothing)),
        normalize(after.unwrap_or(&nothing)),
    ) {
        (Ok(old), Ok(new)) => (old, new),
        (Err(error), _) | (_, Err(error)) => {
            return Meaning {
                risk: Risk::High,
                notes: vec![format!("what stands there cannot be compared: {error}")],
            };
        }
    };
    let changes = diff(&old, &new);
    let severest = changes.iter().map(|change| risk_of(change.severity)).max();
    let risk = match severest.unwrap_or_default() {
        Risk::Severe => Risk::Severe,
        _ if before.is_none() => Risk::Low,
        other => other,
    };
    let mut notes: Vec<String> = changes.iter().map(ToString::to_string).collect();
    for id in old.unique_ids() {
        notes.push(format!(
            "{id} is the id of a principal that was deleted: if it was made again under its old name, it has no access until this is written again"
        ));
    }
    Meaning { risk, notes }
}

fn risk_of(severity: Severity) -> Risk {
    match severity {
        Severity::Low => Risk::Low,
        Severity::Medium => Risk::Medium,
        Severity::High => Risk::High,
        Severity::Critical => Risk::Severe,
    }
}

fn list(value: Option<&Value>) -> Vec<&Value> {
    match value {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(item) => vec![item],
        None => Vec::new(),
    }
}

/// What lets anyone in, in a bucket policy that other people wrote.
pub(crate) fn open_doors(document: &Value, owner: Option<&AccountId>) -> Vec<String> {
    lint(PolicyKind::Resource, document, owner)
        .unwrap_or_default()
        .into_iter()
        .filter(|finding| finding.severity == Severity::Critical)
        .map(|finding| finding.to_string())
        .collect()
}

/// Our statements, and those of others that stay.
pub(crate) fn merged(ours: &Value, observed: Option<&Value>, keeps_all: bool) -> Value {
    let mut statements: Vec<Value> = list(ours.get("Statement")).into_iter().cloned().collect();
    statements.extend(foreign_statements(ours, observed, keeps_all).cloned());
    let mut document = ours.clone();
    if let Value::Object(fields) = &mut document {
        fields.insert("Statement".to_string(), Value::Array(statements));
    }
    document
}

/// Principals of a document that were deleted: IAM and S3 show their unique ids.
pub(crate) fn dead_principals(document: &Value) -> Vec<String> {
    let ids = normalize(document).map(|policy| {
        let ids = policy.unique_ids();
        ids.into_iter().map(|id| id.to_string()).collect()
    });
    ids.unwrap_or_default()
}

/// The names of statements that are not ours and stay, for findings.
pub(crate) fn foreign_names(
    ours: &Value,
    observed: Option<&Value>,
    keeps_all: bool,
) -> Vec<String> {
    foreign_statements(ours, observed, keeps_all)
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

/// Statements of others that stay: on an adopted bucket all of them, on one that we made only
/// what forbids.
fn foreign_statements<'a>(
    ours: &'a Value,
    observed: Option<&'a Value>,
    keeps_all: bool,
) -> impl Iterator<Item = &'a Value> {
    let sid = |s: &'a Value| s.get("Sid").and_then(Value::as_str);
    let sids: BTreeSet<&str> = list(ours.get("Statement"))
        .into_iter()
        .filter_map(sid)
        .collect();
    list(observed.and_then(|o| o.get("Statement")))
        .into_iter()
        .filter(move |s| !sid(s).is_some_and(|sid| sids.contains(sid)))
        .filter(move |s| keeps_all || s.get("Effect").and_then(Value::as_str) == Some("Deny"))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(same(&a, &b));
        let star = |p: Value| json!({"Statement": [{"Effect": "Deny", "Principal": p, "Action": "s3:*", "Resource": "*"}]});
        assert!(same(&star(json!("*")), &star(json!({"AWS": "*"}))));
        assert!(!same(&json!("no policy"), &json!("no policy")));
    }

    fn trust(principal: &str, condition: Value) -> Value {
        json!({"Version": "2012-10-17", "Statement": [{"Sid": "T", "Effect": "Allow",
            "Principal": {"AWS": principal}, "Action": "sts:AssumeRole", "Condition": condition}]})
    }

    #[test]
    fn a_role_that_becomes_its_account_is_noted_as_widened() {
        let id = json!({"StringEquals": {"sts:ExternalId": "x"}});
        let meaning = meaning(
            Some(&trust("arn:aws:iam::111111111111:role/g", id.clone())),
            Some(&trust("arn:aws:iam::111111111111:root", id)),
        );
        assert!(meaning.risk >= Risk::High, "{meaning:?}");
        assert!(
            meaning.notes.iter().any(|n| n.contains("widened")),
            "{meaning:?}"
        );
    }

    #[test]
    fn an_external_id_that_is_no_longer_asked_for_is_at_least_high() {
        let id = json!({"StringEquals": {"sts:ExternalId": "x"}});
        let root = "arn:aws:iam::111111111111:root";
        let meaning = meaning(Some(&trust(root, id)), Some(&trust(root, json!({}))));
        assert!(meaning.risk >= Risk::High, "{meaning:?}");
    }

    #[test]
    fn a_deleted_principal_is_named() {
        let meaning = meaning(Some(&trust("AROAEXAMPLE123456789", json!({}))), None);
        let notes = meaning.notes.join("\n");
        assert!(
            notes.contains("AROAEXAMPLE123456789 is the id of a principal that was deleted"),
            "{notes}"
        );
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
