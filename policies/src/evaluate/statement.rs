//! Whether one statement speaks about one request.

use super::context::Context;
use super::principal::Principal;
use crate::document::{Effect, PrincipalClause, PrincipalElement, Statement};

/// How a resource policy names the caller. The later, the more it grants by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Naming {
    /// By account: the account's own policies decide.
    Account,
    /// As the role of a session: limited by boundary and session policies.
    Role,
    /// As anyone, which reaches a session behind its role's boundary: limited by session policies.
    Anyone,
    /// As this very user, session or service: limited by nothing but denies.
    Itself,
}

/// What of a request statements look at, prepared once.
pub(super) struct Subject<'a> {
    pub(super) principal: &'a Principal,
    pub(super) action: &'a str,
    pub(super) resource: &'a str,
    pub(super) context: &'a Context,
    /// Whether the caller has a permissions boundary.
    pub(super) bounded: bool,
}

/// The answer of [`applies`]: the statement speaks about the request, naming the caller like this.
pub(super) fn applies(statement: &Statement, subject: &Subject<'_>) -> Option<Naming> {
    let naming = naming(statement, subject)?;
    let holds = action_matches(statement, subject.action)
        && resource_matches(statement, subject)
        && statement
            .conditions
            .iter()
            .all(|condition| condition.holds(subject.context));
    holds.then_some(naming)
}

/// How the statement names the caller, if it does.
pub(super) fn naming(statement: &Statement, subject: &Subject<'_>) -> Option<Naming> {
    match &statement.principals {
        None => Some(Naming::Itself),
        Some(clause) => named(clause, statement.effect, subject),
    }
}

pub(super) fn action_matches(statement: &Statement, action: &str) -> bool {
    let clause = &statement.actions;
    let listed = clause
        .patterns
        .iter()
        .any(|pattern| pattern.matches_ignoring_case(action));
    listed != clause.negated
}

pub(super) fn resource_matches(statement: &Statement, subject: &Subject<'_>) -> bool {
    let Some(clause) = &statement.resources else {
        // A trust policy speaks about its own role.
        return true;
    };
    let mut answers = clause
        .patterns
        .iter()
        .map(|pattern| pattern.covers(subject.resource, subject.context));
    if clause.negated {
        answers.all(|answer| answer == Some(false))
    } else {
        answers.any(|answer| answer == Some(true))
    }
}

fn named(clause: &PrincipalClause, effect: Effect, subject: &Subject<'_>) -> Option<Naming> {
    let best = clause
        .elements
        .iter()
        .filter_map(|element| names(element, subject))
        .max();
    if !clause.negated {
        return best;
    }
    // IAM user guide, "Permissions boundaries": a Deny with NotPrincipal always reaches a
    // principal that has a boundary, whatever it lists.
    let always = effect == Effect::Deny && subject.bounded;
    (best.is_none() || always).then_some(Naming::Anyone)
}

fn names(element: &PrincipalElement, subject: &Subject<'_>) -> Option<Naming> {
    let principal = subject.principal;
    match element {
        PrincipalElement::Anyone => Some(Naming::Anyone),
        PrincipalElement::Account(id) => {
            (principal.account()?.as_str() == id).then_some(match principal {
                Principal::Root { .. } => Naming::Itself,
                _ => Naming::Account,
            })
        }
        PrincipalElement::Arn(arn) => {
            if principal.arn().as_deref() == Some(arn) {
                Some(Naming::Itself)
            } else if principal.principal_arn().as_deref() == Some(arn) {
                Some(Naming::Role)
            } else {
                None
            }
        }
        PrincipalElement::UniqueId(id) => {
            // `aws:userid` is `AIDA...` for a user and `AROA...:session` for a session.
            let user_id = subject.context.get("aws:userid")?.first()?;
            match user_id.split_once(':') {
                Some((role_id, _)) => (role_id == id).then_some(Naming::Role),
                None => (user_id == id).then_some(Naming::Itself),
            }
        }
        PrincipalElement::Service(name) => {
            matches!(principal, Principal::Service(own) if own == name).then_some(Naming::Itself)
        }
        PrincipalElement::Federated(_) | PrincipalElement::CanonicalUser(_) => None,
    }
}
