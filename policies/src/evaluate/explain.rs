//! Why nothing granted a request: the statements that came close, and what kept each of them.

use super::logic::resource_layer;
use super::statement::{Subject, action_matches, naming, resource_matches};
use super::{Layer, PolicySet, Request, StatementRef};
use crate::document::{Effect, Policy, Statement};
use std::fmt;

/// A statement that grants the action, but not this request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// The statement.
    pub statement: StatementRef,
    /// What kept it from granting; never empty.
    pub missing: Vec<Missing>,
}

/// What kept a statement from granting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// It names other principals.
    Principal,
    /// It names other resources.
    Resource {
        /// Those that it names; those that it leaves out, for `NotResource`.
        named: Vec<String>,
    },
    /// A condition fails.
    Condition {
        /// The operator, `StringLike`.
        operator: String,
        /// The key, `s3:prefix`.
        key: String,
        /// What the condition asks for.
        wanted: Vec<String>,
        /// What the request carries; `None` when it has no such key, or its action never has.
        found: Option<Vec<String>>,
    },
}

/// The statements that grant the action and miss this request, the closest first.
///
/// For an answer to [`super::Decision::ImplicitDeny`]: with this, a person can be told what to
/// change.
pub fn near_misses(request: &Request, policies: &PolicySet<'_>) -> Vec<NearMiss> {
    let mut filled = request.clone();
    filled.fill_in_context();
    let subject = Subject {
        principal: &request.principal,
        action: &request.action,
        resource: &request.resource,
        context: &filled.context,
        bounded: policies.boundary.is_some(),
    };
    let mut misses = Vec::new();
    for (layer, index, policy) in layers(policies) {
        for (at, statement) in policy.statements.iter().enumerate() {
            if statement.effect == Effect::Deny || !action_matches(statement, subject.action) {
                continue;
            }
            let missing = missing(statement, &subject);
            if !missing.is_empty() {
                misses.push(NearMiss {
                    statement: StatementRef {
                        layer,
                        policy: index,
                        statement: at,
                        sid: statement.sid.clone(),
                    },
                    missing,
                });
            }
        }
    }
    misses.sort_by_key(|miss| miss.missing.len());
    misses
}

fn layers<'a>(policies: &'a PolicySet<'_>) -> Vec<(Layer, usize, &'a Policy)> {
    let mut list: Vec<(Layer, usize, &Policy)> = Vec::new();
    let mut add = |layer, policies: &[&'a Policy]| {
        let numbered = policies.iter().enumerate();
        list.extend(numbered.map(|(at, policy)| (layer, at, *policy)));
    };
    for level in &policies.service_control {
        add(Layer::ServiceControl, level);
    }
    if let Some(policy) = policies.resource {
        add(resource_layer(policy), &[policy]);
    }
    add(Layer::Identity, &policies.identity);
    if let Some(policy) = policies.boundary {
        add(Layer::Boundary, &[policy]);
    }
    add(
        Layer::Session,
        policies.session.as_deref().unwrap_or_default(),
    );
    list
}

fn missing(statement: &Statement, subject: &Subject<'_>) -> Vec<Missing> {
    let mut missing = Vec::new();
    if naming(statement, subject).is_none() {
        missing.push(Missing::Principal);
    }
    if !resource_matches(statement, subject) {
        let clause = statement.resources.as_ref();
        missing.push(Missing::Resource {
            named: clause
                .map(|clause| clause.texts.clone())
                .unwrap_or_default(),
        });
    }
    for condition in &statement.conditions {
        if !condition.holds(subject.context) {
            missing.push(Missing::Condition {
                operator: condition.written.operator.clone(),
                key: condition.written.key.clone(),
                wanted: condition.written.values.clone(),
                found: subject.context.get(&condition.key).map(<[String]>::to_vec),
            });
        }
    }
    missing
}

impl fmt::Display for NearMiss {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} does not grant it: ", self.statement)?;
        for (at, missing) in self.missing.iter().enumerate() {
            let comma = if at == 0 { "" } else { "; " };
            write!(out, "{comma}{missing}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Principal => out.write_str("it names other principals"),
            Self::Resource { named } => write!(out, "it is about {}", named.join(", ")),
            Self::Condition {
                operator,
                key,
                wanted,
                found,
            } => {
                write!(
                    out,
                    "{key} must be {operator} {}, and is ",
                    wanted.join(" or ")
                )?;
                match found {
                    Some(values) => out.write_str(&values.join(", ")),
                    None => out.write_str("absent"),
                }
            }
        }
    }
}
