//! Statements that the set-up does not have.
//!
//! Questions about samples miss what is granted elsewhere: one foreign bucket, one other tenant,
//! one more principal, a service that the catalogue does not know. So every grant that stands
//! there is compared with the rendered ones, part by part, and for each that none of them covers a
//! request is looked for that it allows and they do not. When none is found, nobody can tell.

use crate::prove::documents::LiveDocument;
use policies::catalogue::{ResourceType, entry};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// `Action`, `Resource` or `Principal`, and their negations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clause {
    pub(super) negated: bool,
    pub(super) items: Vec<String>,
}

/// One condition: operator, key in lower case, values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Demand {
    pub(super) operator: String,
    pub(super) key: String,
    pub(super) values: Vec<String>,
}

/// A statement that allows something.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    /// In words: `statement Loose of the inline policy "x"`.
    pub(super) label: String,
    /// `AWS arn...`, `Service ...`; `None` in an identity policy.
    pub(super) principals: Option<Clause>,
    pub(super) actions: Clause,
    /// `None` in a trust policy.
    pub(super) resources: Option<Clause>,
    pub(super) demands: Vec<Demand>,
}

/// The grants of a document, which has been parsed before.
pub(super) fn grants(value: &Value, place: &str) -> Vec<Grant> {
    let statements = match &value["Statement"] {
        Value::Array(list) => list.iter().collect(),
        one => vec![one],
    };
    statements
        .into_iter()
        .enumerate()
        .filter_map(|(at, statement)| Some((at, statement.as_object()?)))
        .filter(|(_, statement)| statement.get("Effect") == Some(&Value::from("Allow")))
        .map(|(at, statement)| grant(statement, at, place))
        .collect()
}

fn grant(statement: &Map<String, Value>, at: usize, place: &str) -> Grant {
    let name = match statement.get("Sid").and_then(Value::as_str) {
        Some(sid) if !sid.is_empty() => sid.to_string(),
        _ => (at + 1).to_string(),
    };
    let clause = |plain: &str, negated: &str, read: fn(&Value) -> Vec<String>| {
        let (value, negated) = match (statement.get(plain), statement.get(negated)) {
            (Some(value), _) => (value, false),
            (None, value) => (value?, true),
        };
        let items = read(value);
        Some(Clause { negated, items })
    };
    Grant {
        label: format!("statement {name} of {place}"),
        principals: clause("Principal", "NotPrincipal", principals),
        actions: clause("Action", "NotAction", texts).unwrap_or(Clause {
            negated: true,
            items: Vec::new(),
        }),
        resources: clause("Resource", "NotResource", texts),
        demands: demands(statement.get("Condition")),
    }
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}

/// One spelling for an account, and the kind before everything.
fn principals(value: &Value) -> Vec<String> {
    let Value::Object(kinds) = value else {
        return vec!["AWS *".to_string()];
    };
    let mut all = Vec::new();
    for (kind, value) in kinds {
        for text in texts(value) {
            let root: Vec<&str> = text.split(':').collect();
            all.push(match root[..] {
                ["arn", _, "iam", "", account, "root"] => format!("{kind} {account}"),
                _ => format!("{kind} {text}"),
            });
        }
    }
    all
}

fn demands(value: Option<&Value>) -> Vec<Demand> {
    let operators = value.and_then(Value::as_object).into_iter().flatten();
    operators
        .flat_map(|(operator, keys)| {
            let keys = keys.as_object().into_iter().flatten();
            keys.map(move |(key, values)| Demand {
                operator: operator.clone(),
                key: key.to_ascii_lowercase(),
                values: texts(values),
            })
        })
        .collect()
}

/// What a grant adds to the rendered ones: its own part of it.
#[derive(Debug, Clone)]
pub(super) struct Extra {
    /// The statement, cut down to what nothing covers.
    pub(super) grant: Grant,
}

impl Extra {
    /// Whether it lets in who cannot be one of ours, by ways that the evaluator does not judge:
    /// federated identities.
    pub(super) fn lets_in_others(&self) -> bool {
        let clause = self.grant.principals.as_ref();
        clause.is_some_and(|clause| {
            let mut items = clause.items.iter();
            !clause.negated
                && items.any(|item| !item.starts_with("AWS ") && !item.starts_with("Service "))
        })
    }

    /// What it is about, in words.
    pub(super) fn words(&self) -> String {
        let list = |clause: &Clause| {
            let all_but = if clause.negated { "all but " } else { "" };
            format!("{all_but}{}", clause.items.join(", "))
        };
        let grant = &self.grant;
        let mut words = list(&grant.actions);
        if let Some(resources) = &grant.resources {
            words = format!("{words} on {}", list(resources));
        }
        if let Some(principals) = &grant.principals {
            words = format!("{words} for {}", list(principals));
        }
        words
    }
}

/// Everything in `live` that no grant of `rendered` covers.
pub(super) fn extras(live: &LiveDocument, rendered: &[Grant]) -> Vec<Extra> {
    grants(&live.value, &live.place)
        .into_iter()
        .flat_map(|grant| uncovered(&grant, rendered))
        .collect()
}

/// The parts of a grant that nothing covers, one for each principal and action.
fn uncovered(grant: &Grant, rendered: &[Grant]) -> Vec<Extra> {
    let clauses = [
        Some(&grant.actions),
        grant.resources.as_ref(),
        grant.principals.as_ref(),
    ];
    if clauses.into_iter().flatten().any(|clause| clause.negated) {
        return vec![Extra {
            grant: grant.clone(),
        }];
    }
    let items = |clause: &Option<Clause>| match clause {
        Some(clause) => clause.items.iter().map(|i| Some(i.clone())).collect(),
        None => vec![None],
    };
    let one = |item: Vec<String>| Clause {
        negated: false,
        items: item,
    };
    let mut all = Vec::new();
    for principal in items(&grant.principals) {
        for action in &grant.actions.items {
            let left: BTreeSet<Option<String>> = items(&grant.resources)
                .into_iter()
                .filter(|resource| has_effect(action, resource.as_deref()))
                .filter(|resource| {
                    !rendered.iter().any(|wide| {
                        covers(
                            wide,
                            principal.as_deref(),
                            action,
                            resource.as_deref(),
                            grant,
                        )
                    })
                })
                .collect();
            if left.is_empty() {
                continue;
            }
            let resources: Vec<String> = left.into_iter().flatten().collect();
            all.push(Extra {
                grant: Grant {
                    label: grant.label.clone(),
                    principals: principal.clone().map(|p| one(vec![p])),
                    actions: one(vec![action.clone()]),
                    resources: grant.resources.is_some().then(|| one(resources)),
                    demands: grant.demands.clone(),
                },
            });
        }
    }
    all
}

/// Whether the action can be done to such a resource at all: `s3:GetObject` on a bucket's own ARN
/// grants nothing.
fn has_effect(action: &str, resource: Option<&str>) -> bool {
    let (Some(entry), Some(resource)) = (entry(action), resource) else {
        return true;
    };
    let Some((_, name)) = resource.split_once(":s3:::") else {
        return true;
    };
    let fixed = name.split(['*', '?', '$']).next().unwrap_or_default();
    let is_only = |kind| entry.resources.iter().all(|r| *r == kind);
    let has_slash = name.contains('/');
    let is_fixed = fixed.len() == name.len();
    let object_on_bucket = is_only(ResourceType::Object) && is_fixed && !has_slash;
    let bucket_on_object = is_only(ResourceType::Bucket) && fixed.contains('/');
    !object_on_bucket && !bucket_on_object
}

/// Whether everything that this part of `grant` allows is allowed by `wide`, as far as can be
/// told from the text.
fn covers(
    wide: &Grant,
    principal: Option<&str>,
    action: &str,
    resource: Option<&str>,
    grant: &Grant,
) -> bool {
    let names = |clause: &Option<Clause>, item: Option<&str>, same: fn(&str, &str) -> bool| match (
        clause, item,
    ) {
        (Some(clause), Some(item)) => {
            !clause.negated && clause.items.iter().any(|wide| same(wide, item))
        }
        (None, None) => true,
        _ => false,
    };
    !wide.actions.negated
        && wide
            .actions
            .items
            .iter()
            .any(|a| a.eq_ignore_ascii_case(action))
        && names(&wide.principals, principal, |a, b| a == b)
        && names(&wide.resources, resource, within)
        && wide.demands.iter().all(|demand| {
            grant.demands.iter().any(|own| {
                let is_some = !own.values.is_empty();
                let same = own.operator == demand.operator && own.key == demand.key;
                same && is_some && own.values.iter().all(|v| demand.values.contains(v))
            })
        })
}

/// Whether the pattern `narrow` matches nothing that `wide` does not. The rendered patterns end in
/// a star and have no other wildcard: what begins alike lies within.
fn within(wide: &str, narrow: &str) -> bool {
    wide == narrow
        || wide
            .strip_suffix('*')
            .is_some_and(|front| !front.contains(['*', '?', '$']) && narrow.starts_with(front))
}

#[cfg(test)]
mod tests {
    use super::*;
    use policies::{Policy, PolicyKind};
    use serde_json::json;

    fn identity(statements: &Value) -> LiveDocument {
        let value = json!({"Version": "2012-10-17", "Statement": statements});
        LiveDocument {
            place: "the inline policy \"p\"".to_string(),
            policy: Policy::from_value(PolicyKind::Identity, &value).unwrap(),
            value,
        }
    }

    fn found(live: &Value) -> Vec<String> {
        let rendered = json!([{"Sid": "Own", "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::b/orgs/a/*",
            "Condition": {"StringEquals": {"aws:ResourceAccount": "222222222222"}}}]);
        let rendered = grants(&identity(&rendered).value, "r");
        let extras = extras(&identity(live), &rendered);
        extras.iter().map(Extra::words).collect()
    }

    fn with(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut statement = json!({"Effect": "Allow", "Action": ["s3:GetObject"],
            "Resource": ["arn:aws:s3:::b/orgs/a/*"],
            "Condition": {"StringEquals": {"aws:ResourceAccount": ["222222222222"]}}});
        change(&mut statement);
        found(&json!([statement]))
    }

    #[test]
    fn what_is_the_same_or_narrower_is_covered() {
        for covered in [
            with(|_| ()),
            with(|s| s["Action"] = json!("S3:getobject")),
            with(|s| s["Resource"] = json!("arn:aws:s3:::b/orgs/a/sub/*")),
            with(|s| s["Condition"]["IpAddress"] = json!({"aws:SourceIp": "192.0.2.0/24"})),
            with(|s| s["Effect"] = json!("Deny")),
            with(|s| {
                s["Resource"] = json!(["arn:aws:s3:::b", "arn:aws:s3:::b/orgs/a/*"]);
            }),
        ] {
            assert_eq!(covered, Vec::<String>::new());
        }
    }

    #[test]
    fn whatever_is_more_is_found_and_named() {
        let own = "arn:aws:s3:::b/orgs/a/*";
        for (extra, words) in [
            (
                with(|s| s["Action"] = json!("s3:*")),
                format!("s3:* on {own}"),
            ),
            (
                with(|s| s["Action"] = json!("s3:DeleteObject")),
                format!("s3:DeleteObject on {own}"),
            ),
            (
                with(|s| s["Action"] = json!("ec2:RunInstances")),
                format!("ec2:RunInstances on {own}"),
            ),
            (
                with(|s| s["Resource"] = json!([own, "arn:aws:s3:::b/orgs/*"])),
                "s3:GetObject on arn:aws:s3:::b/orgs/*".to_string(),
            ),
            (
                with(|s| s["Resource"] = json!("arn:aws:s3:::b/orgs/a*")),
                "s3:GetObject on arn:aws:s3:::b/orgs/a*".to_string(),
            ),
            (
                with(|s| s["Condition"] = json!({})),
                format!("s3:GetObject on {own}"),
            ),
            (
                with(|s| {
                    let two = json!(["222222222222", "333333333333"]);
                    s["Condition"]["StringEquals"]["aws:ResourceAccount"] = two;
                }),
                format!("s3:GetObject on {own}"),
            ),
        ] {
            assert_eq!(extra, [words]);
        }
        let negated =
            found(&json!([{"Effect": "Allow", "NotAction": "iam:*", "NotResource": own}]));
        assert_eq!(negated, [format!("all but iam:* on all but {own}")]);
    }
}
