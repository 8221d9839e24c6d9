//! From JSON to [`Policy`], refusing what IAM refuses.

use super::arn::check_resource;
use super::fields::{Fields, scalars};
use super::malformed::{Malformed, Reason};
use super::principals::principal_elements;
use super::strict_json::is_document_char;
use super::{
    ActionClause, Effect, Policy, PolicyKind, PrincipalClause, ResourceClause, Statement, Version,
};
use crate::evaluate::condition::{Condition, Operator, Written};
use crate::evaluate::pattern::{ArnPattern, Pattern, Variables};
use serde_json::Value;
use std::collections::BTreeSet;

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
                    ArnPattern::resource(text, self.variables)
                        .map_err(|_| "a policy variable has no closing brace")
                })
                .map_err(|rule| Malformed::at(&path, Reason::Resource(text.to_string(), rule)))
        };
        Ok(Some(ResourceClause {
            negated,
            texts: resources.iter().map(ToString::to_string).collect(),
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
                conditions.push(self.condition(&path, (name, operator), key, values)?);
            }
        }
        Ok(conditions)
    }

    fn condition(
        &self,
        path: &str,
        (name, operator): (&str, Operator),
        key: &str,
        values: &Value,
    ) -> Result<Condition, Malformed> {
        if !is_condition_key(key) {
            return Err(Malformed::at(path, Reason::ConditionKey(key.to_string())));
        }
        let path = format!("{path}.{key}");
        let texts = scalars(&path, values)?;
        let mut operands = Vec::with_capacity(texts.len());
        for text in &texts {
            match operator.operand(text, self.variables) {
                Ok(operand) => operands.push(operand),
                Err(rule) => {
                    let reason = Reason::ConditionValue(text.clone(), rule);
                    return Err(Malformed::at(&path, reason));
                }
            }
        }
        Ok(Condition {
            operator,
            key: key.to_ascii_lowercase(),
            operands,
            written: Written {
                operator: name.to_string(),
                key: key.to_string(),
                values: texts,
            },
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
