//! From JSON to [`Policy`], refusing what IAM refuses.

use super::arn::check_resource;
use super::fields::{Fields, scalars, texts};
use super::strict_json::is_document_char;
use super::{
    ActionClause, Effect, Policy, PolicyKind, PrincipalClause, PrincipalElement, ResourceClause,
    Statement, Version,
};
use crate::evaluate::condition::{Condition, Operator};
use crate::evaluate::pattern::{ArnPattern, Pattern, Variables};
use serde_json::Value;
use std::collections::BTreeSet;

/// A document that IAM would not take: where, and which rule it breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the policy is malformed{}: {reason}", if path.is_empty() { String::new() } else { format!(" at {path}") })]
pub struct Malformed {
    /// The place, `Statement[0].Action`; empty for the document itself.
    pub path: String,
    /// The rule.
    pub reason: Reason,
}

/// A rule of the policy grammar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Longer than any policy may be.
    #[error("it is longer than any policy may be")]
    TooLong,
    /// Not JSON, or the same key twice in one object.
    #[error("it is not well-formed JSON: {0}")]
    NotJson(String),
    /// A character outside U+0009, U+000A, U+000D and U+0020 to U+00FF.
    #[error("character {0:?} may not stand in a policy")]
    Character(char),
    /// An object was expected.
    #[error("it must be an object")]
    NotAnObject,
    /// A text, or a list of texts, was expected.
    #[error("it must be a text or a list of texts")]
    NotText,
    /// A list that must name something names nothing.
    #[error("the list is empty")]
    EmptyList,
    /// An element that the grammar does not have.
    #[error("element {0:?} does not exist here")]
    UnknownElement(String),
    /// A required element is missing.
    #[error("element {0:?} is missing")]
    Missing(&'static str),
    /// Two elements that exclude each other.
    #[error("{0:?} and {1:?} may not stand together")]
    Both(&'static str, &'static str),
    /// An element that this kind of policy may not have.
    #[error("a {1} has no element {0:?}")]
    Forbidden(&'static str, PolicyKind),
    /// Neither of the two versions.
    #[error("the version must be \"2012-10-17\" or \"2008-10-17\"")]
    Version,
    /// Neither Allow nor Deny.
    #[error("the effect must be \"Allow\" or \"Deny\"")]
    Effect,
    /// A `Sid` outside its alphabet.
    #[error("a Sid may hold only letters and digits")]
    Sid,
    /// Two statements with one `Sid`.
    #[error("Sid {0:?} stands twice")]
    DuplicateSid(String),
    /// Not `service:Name`.
    #[error("action {0:?} must be \"*\" or look like service:Name")]
    Action(String),
    /// Not an `sts:` action, in a trust policy.
    #[error("a trust policy may name only sts actions, not {0:?}")]
    TrustAction(String),
    /// Not a resource.
    #[error("resource {0:?} is not valid: {1}")]
    Resource(String, &'static str),
    /// Not a principal.
    #[error("principal {0:?} is not valid")]
    Principal(String),
    /// Not an operator.
    #[error("condition operator {0:?} does not exist")]
    Operator(String),
    /// Not a condition key.
    #[error("condition key {0:?} must look like prefix:name")]
    ConditionKey(String),
    /// Not a value for its operator.
    #[error("condition value {0:?} is not valid: {1}")]
    ConditionValue(String, &'static str),
}

impl Malformed {
    pub(super) fn at(path: &str, reason: Reason) -> Self {
        Self {
            path: path.to_string(),
            reason,
        }
    }
}

/// Parses a document of `kind`.
pub(super) fn policy(kind: PolicyKind, value: &Value) -> Result<Policy, Malformed> {
    let fields = Fields::of("", value, &["Version", "Id", "Statement"])?;
    let version = match fields.text("Version")? {
        None | Some("2008-10-17") => Version::V2008,
        Some("2012-10-17") => Version::V2012,
        Some(_) => return Err(Malformed::at("Version", Reason::Version)),
    };
    if fields.text("Id")?.is_some() && !kind.has_principal() {
        return Err(Malformed::at("", Reason::Forbidden("Id", kind)));
    }
    let list = match fields.map.get("Statement") {
        None => return Err(Malformed::at("", Reason::Missing("Statement"))),
        Some(Value::Array(list)) if list.is_empty() => {
            return Err(Malformed::at("Statement", Reason::EmptyList));
        }
        Some(Value::Array(list)) => list.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    let grammar = Grammar {
        kind,
        variables: match version {
            Version::V2008 => Variables::Literal,
            Version::V2012 => Variables::Replaced,
        },
    };
    let mut sids = BTreeSet::new();
    let mut statements = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        let path = format!("Statement[{index}]");
        let statement = grammar.statement(&path, value)?;
        if let Some(sid) = &statement.sid
            && !sid.is_empty()
            && !sids.insert(sid.clone())
        {
            return Err(Malformed::at(&path, Reason::DuplicateSid(sid.clone())));
        }
        statements.push(statement);
    }
    Ok(Policy {
        kind,
        version,
        statements,
    })
}

struct Grammar {
    kind: PolicyKind,
    variables: Variables,
}

impl Grammar {
    fn statement(&self, path: &str, value: &Value) -> Result<Statement, Malformed> {
        let fields = Fields::of(
            path,
            value,
            &[
                "Sid",
                "Effect",
                "Principal",
                "NotPrincipal",
                "Action",
                "NotAction",
                "Resource",
                "NotResource",
                "Condition",
            ],
        )?;
        let effect = match fields.text("Effect")? {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            Some(_) => return Err(Malformed::at(&fields.path_of("Effect"), Reason::Effect)),
            None => return Err(Malformed::at(path, Reason::Missing("Effect"))),
        };
        Ok(Statement {
            sid: self.sid(&fields)?,
            effect,
            principals: self.principals(&fields)?,
            actions: self.actions(&fields)?,
            resources: self.resources(&fields)?,
            conditions: self.conditions(&fields)?,
        })
    }

    fn sid(&self, fields: &Fields<'_>) -> Result<Option<String>, Malformed> {
        let Some(sid) = fields.text("Sid")? else {
            return Ok(None);
        };
        // IAM is strict; S3, SNS and SQS have always taken blanks, dashes and underscores.
        let legal = match self.kind {
            PolicyKind::Resource => sid.chars().all(is_document_char),
            _ => sid.bytes().all(|b| b.is_ascii_alphanumeric()),
        };
        if legal {
            Ok(Some(sid.to_string()))
        } else {
            Err(Malformed::at(&fields.path_of("Sid"), Reason::Sid))
        }
    }

    fn principals(&self, fields: &Fields<'_>) -> Result<Option<PrincipalClause>, Malformed> {
        let given = ["Principal", "NotPrincipal"]
            .into_iter()
            .find(|key| fields.map.contains_key(*key));
        if !self.kind.has_principal() {
            return match given {
                Some(key) => Err(Malformed::at(
                    &fields.path,
                    Reason::Forbidden(key, self.kind),
                )),
                None => Ok(None),
            };
        }
        let (negated, value) = match (fields.map.get("Principal"), fields.map.get("NotPrincipal")) {
            (Some(_), Some(_)) => {
                let both = Reason::Both("Principal", "NotPrincipal");
                return Err(Malformed::at(&fields.path, both));
            }
            (Some(value), None) => (false, value),
            (None, Some(value)) => (true, value),
            (None, None) => {
                return Err(Malformed::at(&fields.path, Reason::Missing("Principal")));
            }
        };
        let path = fields.path_of(given.unwrap_or("Principal"));
        Ok(Some(PrincipalClause {
            negated,
            elements: principal_elements(&path, value)?,
        }))
    }

    fn actions(&self, fields: &Fields<'_>) -> Result<ActionClause, Malformed> {
        let (negated, actions) = fields.one_of("Action", "NotAction")?;
        let path = fields.path_of(if negated { "NotAction" } else { "Action" });
        let mut patterns = Vec::with_capacity(actions.len());
        for action in actions {
            let refuse = |reason| Err(Malformed::at(&path, reason));
            if !is_action(action) {
                return refuse(Reason::Action(action.to_string()));
            }
            let is_sts = action.len() > 4 && action[..4].eq_ignore_ascii_case("sts:");
            if self.kind == PolicyKind::Trust && !is_sts {
                return refuse(Reason::TrustAction(action.to_string()));
            }
            match Pattern::compile(action, Variables::Literal) {
                Ok(pattern) => patterns.push(pattern),
                Err(_) => return refuse(Reason::Action(action.to_string())),
            }
        }
        Ok(ActionClause { negated, patterns })
    }

    fn resources(&self, fields: &Fields<'_>) -> Result<Option<ResourceClause>, Malformed> {
        if !self.kind.has_resource() {
            let given = ["Resource", "NotResource"]
                .into_iter()
                .find(|key| fields.map.contains_key(*key));
            return match given {
                Some(key) => Err(Malformed::at(
                    &fields.path,
                    Reason::Forbidden(key, self.kind),
                )),
                None => Ok(None),
            };
        }
        let (negated, resources) = fields.one_of("Resource", "NotResource")?;
        let path = fields.path_of(if negated { "NotResource" } else { "Resource" });
        let compile = |text: &str| {
            check_resource(text)
                .and_then(|()| {
                    ArnPattern::compile(text, self.variables)
                        .map_err(|_| "a policy variable has no closing brace")
                })
                .map_err(|rule| Malformed::at(&path, Reason::Resource(text.to_string(), rule)))
        };
        Ok(Some(ResourceClause {
            negated,
            patterns: resources
                .into_iter()
                .map(compile)
                .collect::<Result<_, _>>()?,
        }))
    }

    fn conditions(&self, fields: &Fields<'_>) -> Result<Vec<Condition>, Malformed> {
        let Some(value) = fields.map.get("Condition") else {
            return Ok(Vec::new());
        };
        let path = fields.path_of("Condition");
        let Value::Object(operators) = value else {
            return Err(Malformed::at(&path, Reason::NotAnObject));
        };
        let mut conditions = Vec::new();
        for (name, keys) in operators {
            let Some(operator) = Operator::parse(name) else {
                return Err(Malformed::at(&path, Reason::Operator(name.clone())));
            };
            let path = format!("{path}.{name}");
            let Value::Object(keys) = keys else {
                return Err(Malformed::at(&path, Reason::NotAnObject));
            };
            for (key, values) in keys {
                conditions.push(self.condition(&path, operator, key, values)?);
            }
        }
        Ok(conditions)
    }

    fn condition(
        &self,
        path: &str,
        operator: Operator,
        key: &str,
        values: &Value,
    ) -> Result<Condition, Malformed> {
        if !is_condition_key(key) {
            return Err(Malformed::at(path, Reason::ConditionKey(key.to_string())));
        }
        let path = format!("{path}.{key}");
        let mut operands = Vec::new();
        for text in scalars(&path, values)? {
            match operator.operand(&text, self.variables) {
                Ok(operand) => operands.push(operand),
                Err(rule) => {
                    return Err(Malformed::at(&path, Reason::ConditionValue(text, rule)));
                }
            }
        }
        Ok(Condition {
            operator,
            key: key.to_ascii_lowercase(),
            operands,
        })
    }
}

fn is_action(text: &str) -> bool {
    if text == "*" {
        return true;
    }
    let Some((service, name)) = text.split_once(':') else {
        return false;
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    !service.is_empty()
        && service.bytes().all(plain)
        && !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'*' || b == b'?')
}

/// `prefix:name`; the name may hold a tag key, and tag keys hold almost anything.
fn is_condition_key(text: &str) -> bool {
    match text.split_once(':') {
        Some((prefix, name)) => {
            !name.is_empty()
                && !prefix.is_empty()
                && prefix
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        }
        None => false,
    }
}

fn principal_elements(path: &str, value: &Value) -> Result<Vec<PrincipalElement>, Malformed> {
    let object = match value {
        Value::String(star) if star == "*" => return Ok(vec![PrincipalElement::Anyone]),
        Value::String(other) => {
            return Err(Malformed::at(path, Reason::Principal(other.clone())));
        }
        Value::Object(object) if object.is_empty() => {
            return Err(Malformed::at(path, Reason::EmptyList));
        }
        Value::Object(object) => object,
        _ => return Err(Malformed::at(path, Reason::NotAnObject)),
    };
    let mut elements = Vec::new();
    for (kind, values) in object {
        let path = format!("{path}.{kind}");
        for text in texts(&path, values)? {
            let element = match kind.as_str() {
                "AWS" => aws_principal(text),
                "Service" => is_service(text).then(|| PrincipalElement::Service(text.to_string())),
                "Federated" => Some(PrincipalElement::Federated(text.to_string())),
                "CanonicalUser" => Some(PrincipalElement::CanonicalUser(text.to_string())),
                _ => {
                    return Err(Malformed::at(&path, Reason::UnknownElement(kind.clone())));
                }
            };
            match element {
                Some(element) => elements.push(element),
                None => return Err(Malformed::at(&path, Reason::Principal(text.to_string()))),
            }
        }
    }
    Ok(elements)
}

fn is_service(text: &str) -> bool {
    text.contains('.')
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
}

fn aws_principal(text: &str) -> Option<PrincipalElement> {
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    if text == "*" {
        return Some(PrincipalElement::Anyone);
    }
    if is_account(text) {
        return Some(PrincipalElement::Account(text.to_string()));
    }
    if is_unique_id(text) {
        return Some(PrincipalElement::UniqueId(text.to_string()));
    }
    // A principal's ARN takes neither wildcards nor variables.
    if text.contains(['*', '?', '$']) {
        return None;
    }
    let fields: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, service, "", account, resource] = fields[..] else {
        return None;
    };
    if partition.is_empty() || !is_account(account) {
        return None;
    }
    let names = |prefix: &str| {
        resource
            .strip_prefix(prefix)
            .is_some_and(|name| !name.is_empty())
    };
    match service {
        "iam" if resource == "root" => Some(PrincipalElement::Account(account.to_string())),
        "iam" if names("user/") || names("role/") => Some(PrincipalElement::Arn(text.to_string())),
        "sts" if names("assumed-role/") || names("federated-user/") => {
            Some(PrincipalElement::Arn(text.to_string()))
        }
        _ => None,
    }
}

/// `AROA...`, `AIDA...`: what stands in place of a principal that is gone.
pub(crate) fn is_unique_id(text: &str) -> bool {
    let alphabet = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    (16..=128).contains(&text.len())
        && ["AROA", "AIDA", "AIPA", "ANPA"]
            .iter()
            .any(|prefix| text.starts_with(prefix))
        && text.bytes().all(alphabet)
}
