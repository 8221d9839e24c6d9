//! One form for all documents that mean the same.
//!
//! AWS stores what it is sent in its own way: lists of one become scalars, account numbers become
//! root ARNs, orders change. Comparing text would report drift where there is none. Two documents
//! whose [`Normal`] forms are equal allow and deny the same requests; the reverse is not promised
//! (two statements that together mean a third one stay two).
//!
//! Live documents are written by other people, so this reads anything that has the shape of a
//! policy, also what the strict parser refuses.

use crate::evaluate::condition::{Operator, SetOperator, Test};
use crate::evaluate::pattern::{Pattern, Variables};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// A document in the one form. `Sid`s and `Id`s are not part of the meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Normal {
    /// Whether `${...}` stands in it and is a variable; without one the version means nothing.
    pub(crate) has_variables: bool,
    pub(crate) statements: BTreeSet<NormalStatement>,
    labels: BTreeMap<NormalStatement, String>,
}

/// A statement in the one form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NormalStatement {
    pub(crate) allows: bool,
    pub(crate) principals: Option<Clause>,
    pub(crate) actions: Clause,
    pub(crate) resources: Option<Clause>,
    /// Operator and key, with the values.
    pub(crate) conditions: BTreeMap<(String, Item), BTreeSet<String>>,
}

/// `Action` or `NotAction`, and the like.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Clause {
    pub(crate) negated: bool,
    pub(crate) items: BTreeSet<Item>,
}

/// A value, compared by its normal form and shown as it was written.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) normal: String,
    pub(crate) shown: String,
}

impl From<String> for Item {
    fn from(text: String) -> Self {
        Self {
            normal: text.clone(),
            shown: text,
        }
    }
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.normal == other.normal
    }
}

impl Eq for Item {}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Item {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.normal.cmp(&other.normal)
    }
}

/// The version in which `${...}` is a variable.
pub(crate) const VERSION_WITH_VARIABLES: &str = "2012-10-17";

impl NormalStatement {
    /// Whether `${...}` stands where a variable can stand.
    pub(crate) fn has_variable(&self) -> bool {
        let resources = self.resources.iter().flat_map(|clause| &clause.items);
        resources
            .map(|item| &item.normal)
            .chain(self.conditions.values().flatten())
            .any(|text| text.contains("${"))
    }

    /// Whether its actions take in `action`.
    pub(crate) fn names_action(&self, action: &str) -> bool {
        let listed = self.actions.items.iter().any(|item| {
            Pattern::compile(&item.normal, Variables::Literal)
                .is_ok_and(|pattern| pattern.matches_ignoring_case(action))
        });
        listed != self.actions.negated
    }

    /// Whether it has a condition on `key` (in lower case) that fails when the key is absent.
    pub(crate) fn demands(&self, key: &str) -> bool {
        self.conditions.keys().any(|(operator, own)| {
            own.normal == key
                && Operator::parse(operator).is_some_and(|operator| operator.fails_when_absent())
        })
    }

    /// Whether it holds only when `key` (in lower case) is there: `Null` is `false`.
    pub(crate) fn demands_presence(&self, key: &str) -> bool {
        self.conditions.iter().any(|((operator, own), values)| {
            operator == "Null" && own.normal == key && values.contains("false")
        })
    }
}

/// Why something is not a policy at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not a policy document: {0}")]
pub struct NotAPolicy(&'static str);

/// The one form of `value`.
pub fn normalize(value: &Value) -> Result<Normal, NotAPolicy> {
    let object = value.as_object().ok_or(NotAPolicy("it is no object"))?;
    let list = match object.get("Statement") {
        Some(Value::Array(list)) => list.as_slice(),
        Some(one @ Value::Object(_)) => std::slice::from_ref(one),
        _ => return Err(NotAPolicy("it has no statements")),
    };
    let mut statements = BTreeSet::new();
    let mut labels = BTreeMap::new();
    for (index, value) in list.iter().enumerate() {
        let object = value
            .as_object()
            .ok_or(NotAPolicy("a statement is no object"))?;
        let statement = statement(object)?;
        let sid = object
            .get("Sid")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let label = if sid.is_empty() {
            format!("statement {}", index + 1)
        } else {
            sid.to_string()
        };
        labels.entry(statement.clone()).or_insert(label);
        statements.insert(statement);
    }
    let variables = object.get("Version").and_then(Value::as_str) == Some(VERSION_WITH_VARIABLES);
    Ok(Normal {
        has_variables: variables && statements.iter().any(NormalStatement::has_variable),
        statements,
        labels,
    })
}

/// Whether the two documents have the same normal form.
pub fn same_meaning(one: &Value, other: &Value) -> Result<bool, NotAPolicy> {
    Ok(normalize(one)?.same_as(&normalize(other)?))
}

impl Normal {
    /// Whether both mean the same.
    pub fn same_as(&self, other: &Normal) -> bool {
        self.has_variables == other.has_variables && self.statements == other.statements
    }

    /// Principals that AWS shows by their unique id (`AROA...`): they were deleted, and perhaps
    /// made again, since the document was written.
    pub fn unique_ids(&self) -> BTreeSet<String> {
        self.statements
            .iter()
            .filter_map(|statement| statement.principals.as_ref())
            .flat_map(|clause| &clause.items)
            .filter_map(|item| item.normal.strip_prefix(UNIQUE).map(String::from))
            .collect()
    }

    /// The same document with unique ids replaced by what `arn_of` knows about them: when AWS
    /// shows an id for a principal that still exists, the difference is only apparent.
    pub fn resolve(&self, arn_of: impl Fn(&str) -> Option<String>) -> Normal {
        let mut labels = BTreeMap::new();
        let resolve = |statement: &NormalStatement| {
            let mut resolved = statement.clone();
            if let Some(clause) = &mut resolved.principals {
                let known = |item: &Item| item.normal.strip_prefix(UNIQUE).and_then(&arn_of);
                clause.items = clause
                    .items
                    .iter()
                    .map(|item| match known(item) {
                        Some(arn) => aws_principal(&arn).into(),
                        None => item.clone(),
                    })
                    .collect();
            }
            resolved
        };
        let statements: BTreeSet<NormalStatement> = self
            .statements
            .iter()
            .map(|statement| {
                let resolved = resolve(statement);
                labels.insert(resolved.clone(), self.label(statement).to_string());
                resolved
            })
            .collect();
        Normal {
            has_variables: self.has_variables,
            statements,
            labels,
        }
    }

    /// What people call a statement: its `Sid`, or its place.
    pub(crate) fn label(&self, statement: &NormalStatement) -> &str {
        self.labels.get(statement).map_or("", String::as_str)
    }
}

/// Anyone.
pub(crate) const ANYONE: &str = "anyone";
/// An account, by its number.
pub(crate) const ACCOUNT: &str = "account ";
/// A principal that AWS shows by its unique id.
pub(crate) const UNIQUE: &str = "unique id ";

fn statement(object: &Map<String, Value>) -> Result<NormalStatement, NotAPolicy> {
    let allows = match object.get("Effect").and_then(Value::as_str) {
        Some("Allow") => true,
        Some("Deny") => false,
        _ => return Err(NotAPolicy("a statement neither allows nor denies")),
    };
    let actions = clause(object, "Action", "NotAction", |action| Item {
        normal: action.to_ascii_lowercase(),
        shown: action,
    })?;
    Ok(NormalStatement {
        allows,
        principals: principals(object)?,
        actions: actions.ok_or(NotAPolicy("a statement has no action"))?,
        resources: clause(object, "Resource", "NotResource", Item::from)?,
        conditions: conditions(object.get("Condition"))?,
    })
}

fn clause(
    object: &Map<String, Value>,
    plain: &str,
    negated: &str,
    item: impl Fn(String) -> Item,
) -> Result<Option<Clause>, NotAPolicy> {
    for (element, negated) in [(plain, false), (negated, true)] {
        if let Some(value) = object.get(element) {
            let items = texts(value)?.into_iter().map(&item).collect();
            return Ok(Some(Clause { negated, items }));
        }
    }
    Ok(None)
}

fn principals(object: &Map<String, Value>) -> Result<Option<Clause>, NotAPolicy> {
    for (element, negated) in [("Principal", false), ("NotPrincipal", true)] {
        if let Some(value) = object.get(element) {
            let items = principal_items(value)?;
            return Ok(Some(Clause { negated, items }));
        }
    }
    Ok(None)
}

fn principal_items(value: &Value) -> Result<BTreeSet<Item>, NotAPolicy> {
    let object = match value {
        Value::String(star) if star == "*" => return Ok([ANYONE.to_string().into()].into()),
        Value::Object(object) => object,
        _ => return Err(NotAPolicy("a principal is neither \"*\" nor an object")),
    };
    let mut items = BTreeSet::new();
    for (kind, value) in object {
        for text in texts(value)? {
            let item = match kind.as_str() {
                "AWS" => aws_principal(&text),
                "Service" => format!("service {text}"),
                other => format!("{} {text}", other.to_ascii_lowercase()),
            };
            items.insert(item.into());
        }
    }
    Ok(items)
}

fn aws_principal(text: &str) -> String {
    if text == "*" {
        return ANYONE.to_string();
    }
    let fields: Vec<&str> = text.splitn(6, ':').collect();
    match fields[..] {
        [number] if number.len() == 12 && number.bytes().all(|b| b.is_ascii_digit()) => {
            format!("{ACCOUNT}{number}")
        }
        ["arn", _, "iam", "", number, "root"] => format!("{ACCOUNT}{number}"),
        [id] if crate::document::is_unique_id(id) => format!("{UNIQUE}{id}"),
        _ => text.to_string(),
    }
}

fn conditions(
    value: Option<&Value>,
) -> Result<BTreeMap<(String, Item), BTreeSet<String>>, NotAPolicy> {
    let mut conditions = BTreeMap::new();
    let Some(value) = value else {
        return Ok(conditions);
    };
    let operators = value
        .as_object()
        .ok_or(NotAPolicy("a condition is no object"))?;
    for (operator, keys) in operators {
        let keys = keys
            .as_object()
            .ok_or(NotAPolicy("a condition is no object"))?;
        let canonical = canonical_operator(operator);
        let ignores_case = canonical.starts_with("Bool") || canonical == "Null";
        for (key, values) in keys {
            let values = texts(values)?.into_iter().map(|text| {
                if ignores_case {
                    text.to_ascii_lowercase()
                } else {
                    text
                }
            });
            conditions
                .entry((canonical.clone(), canonical_key(key)))
                .or_insert_with(BTreeSet::new)
                .extend(values);
        }
    }
    Ok(conditions)
}

/// `ArnEquals` and `ArnLike` are the same operator under two names.
fn canonical_operator(name: &str) -> String {
    let Some(operator) = Operator::parse(name) else {
        return name.to_string();
    };
    if operator.test != Test::Arn {
        return name.to_string();
    }
    let set = match operator.set {
        SetOperator::None => "",
        SetOperator::All => "ForAllValues:",
        SetOperator::Any => "ForAnyValue:",
    };
    let base = if operator.negated {
        "ArnNotLike"
    } else {
        "ArnLike"
    };
    let suffix = if operator.if_exists { "IfExists" } else { "" };
    format!("{set}{base}{suffix}")
}

/// The case of a key does not matter, except in the name of a tag, which follows a slash.
fn canonical_key(key: &str) -> Item {
    let normal = match key.split_once('/') {
        Some((stem, tag)) => format!("{}/{tag}", stem.to_ascii_lowercase()),
        None => key.to_ascii_lowercase(),
    };
    Item {
        normal,
        shown: key.to_string(),
    }
}

fn texts(value: &Value) -> Result<Vec<String>, NotAPolicy> {
    let one = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(NotAPolicy("a value is neither a text nor a list of texts")),
    };
    match value {
        Value::Array(items) => items.iter().map(one).collect(),
        other => Ok(vec![one(other)?]),
    }
}
