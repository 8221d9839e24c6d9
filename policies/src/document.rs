//! A parsed policy document.
//!
//! Parsing is as strict as IAM is at its `Put*`, `Create*` and `AssumeRole` calls: what IAM would
//! answer with `MalformedPolicyDocument` is refused here, with the place and the rule. What is
//! parsed can be evaluated without further checks.

mod arn;
mod fields;
mod inspect;
mod malformed;
mod parse;
mod principals;
mod strict_json;

pub use malformed::{Malformed, Reason};
pub(crate) use principals::is_unique_id;
pub(crate) use strict_json::is_document_char;

use crate::evaluate::condition::Condition;
use crate::evaluate::pattern::{ArnPattern, Pattern};
use std::fmt;

/// What a document is attached to; each kind has its own grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PolicyKind {
    /// On a role or user, inline or managed: no principal, a resource.
    Identity,
    /// On a resource such as a bucket, a key or a queue: a principal and a resource.
    Resource,
    /// On a role, saying who may assume it: a principal, no resource, `sts:` actions only.
    Trust,
    /// Passed to AssumeRole: as `Identity`, it can only take away.
    Session,
    /// A permissions boundary: as `Identity`, it can only take away.
    Boundary,
}

impl PolicyKind {
    /// Whether statements name a principal.
    pub const fn has_principal(self) -> bool {
        matches!(self, Self::Resource | Self::Trust)
    }

    /// Whether statements name a resource.
    pub const fn has_resource(self) -> bool {
        !matches!(self, Self::Trust)
    }
}

/// The language version of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// `2008-10-17`, also what IAM assumes when nothing is said: no policy variables.
    V2008,
    /// `2012-10-17`.
    V2012,
}

/// `Allow` or `Deny`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It grants.
    Allow,
    /// It forbids, whatever else grants.
    Deny,
}

/// A document that obeys the grammar of its kind.
#[derive(Debug, Clone)]
pub struct Policy {
    pub(crate) kind: PolicyKind,
    pub(crate) version: Version,
    pub(crate) statements: Vec<Statement>,
}

/// One statement of a policy.
#[derive(Debug, Clone)]
pub struct Statement {
    pub(crate) sid: Option<String>,
    pub(crate) effect: Effect,
    pub(crate) principals: Option<PrincipalClause>,
    pub(crate) actions: ActionClause,
    pub(crate) resources: Option<ResourceClause>,
    pub(crate) conditions: Vec<Condition>,
}

/// `Principal` or `NotPrincipal`.
#[derive(Debug, Clone)]
pub(crate) struct PrincipalClause {
    pub(crate) negated: bool,
    pub(crate) elements: Vec<PrincipalElement>,
}

/// One value inside a `Principal`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PrincipalElement {
    /// `"*"` or `{"AWS": "*"}`.
    Anyone,
    /// An account: its number, or its root's ARN.
    Account(String),
    /// A user's, role's or session's ARN.
    Arn(String),
    /// What IAM shows in place of a principal that was deleted, `AROA...`.
    UniqueId(String),
    /// `{"Service": ...}`.
    Service(String),
    /// `{"Federated": ...}`.
    Federated(String),
    /// `{"CanonicalUser": ...}`.
    CanonicalUser(String),
}

/// `Action` or `NotAction`.
#[derive(Debug, Clone)]
pub(crate) struct ActionClause {
    pub(crate) negated: bool,
    pub(crate) patterns: Vec<Pattern>,
}

/// `Resource` or `NotResource`.
#[derive(Debug, Clone)]
pub(crate) struct ResourceClause {
    pub(crate) negated: bool,
    pub(crate) patterns: Vec<ArnPattern>,
    /// As they were written.
    pub(crate) texts: Vec<String>,
}

impl Policy {
    /// Parses `text`; the first thing that IAM would refuse is the error.
    pub fn parse(kind: PolicyKind, text: &str) -> Result<Self, Malformed> {
        parse::policy(kind, &strict_json::parse(text)?)
    }

    /// Parses a document that is already JSON. Unlike [`Policy::parse`] it cannot see duplicate
    /// keys: use it for documents that were built here.
    pub fn from_value(kind: PolicyKind, value: &serde_json::Value) -> Result<Self, Malformed> {
        parse::policy(kind, value)
    }

    /// What the document is attached to.
    pub fn kind(&self) -> PolicyKind {
        self.kind
    }

    /// The language version.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The statements, in order.
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }
}

impl Statement {
    /// Its `Sid`.
    pub fn sid(&self) -> Option<&str> {
        self.sid.as_deref()
    }

    /// Whether it grants or forbids.
    pub fn effect(&self) -> Effect {
        self.effect
    }
}

impl fmt::Display for PolicyKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Identity => "identity policy",
            Self::Resource => "resource policy",
            Self::Trust => "trust policy",
            Self::Session => "session policy",
            Self::Boundary => "permissions boundary",
        })
    }
}
