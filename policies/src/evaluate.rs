//! The IAM evaluator: may this principal do this, here, now?
//!
//! It follows the evaluation logic of the IAM user guide: an explicit deny anywhere wins; within
//! one account the caller's policies or the resource's suffice (a trust policy and a key policy
//! must always say yes); between accounts both sides must say yes; boundaries, session policies
//! and organisation policies only take away.
//!
//! What AWS itself knows about the caller (`aws:PrincipalArn`, `aws:PrincipalAccount`, ...) is
//! filled in, over whatever a request says about itself; every other key comes from the caller of [`evaluate`]. A key that the action does
//! not carry at AWS (`s3:prefix` on GetBucketLocation) counts as absent even when it is given.
//!
//! Not judged here: federated and canonical-user principals, which never match.

pub(crate) mod condition;
mod context;
mod explain;
mod logic;
pub(crate) mod pattern;
mod principal;
mod statement;
mod value;

pub use context::Context;
pub use explain::{Missing, NearMiss, near_misses};
pub use logic::evaluate;
pub use principal::Principal;

use crate::document::Policy;
use std::fmt;
use types::AccountId;

/// A request as IAM sees it.
#[derive(Debug, Clone)]
pub struct Request {
    /// Who asks.
    pub principal: Principal,
    /// The IAM action (not the API operation): `s3:ListBucket`.
    pub action: String,
    /// The ARN of what is acted on. For actions without a resource, `*`.
    pub resource: String,
    /// Who owns the resource; `None` counts as the caller's own account.
    pub resource_account: Option<AccountId>,
    /// Condition keys of the request.
    pub context: Context,
}

impl Request {
    /// A request in the caller's own account, with an empty context.
    pub fn new(
        principal: Principal,
        action: impl Into<String>,
        resource: impl Into<String>,
    ) -> Self {
        Self {
            principal,
            action: action.into(),
            resource: resource.into(),
            resource_account: None,
            context: Context::new(),
        }
    }

    /// The resource belongs to `account`; also sets `aws:ResourceAccount`.
    pub fn owned_by(mut self, account: AccountId) -> Self {
        self.context.set("aws:ResourceAccount", account.as_str());
        self.resource_account = Some(account);
        self
    }

    /// Writes what AWS itself knows about the caller into the context, and takes away the keys that
    /// the action does not carry. [`evaluate`] does this by itself.
    pub fn fill_in_context(&mut self) {
        self.principal.describe(&mut self.context);
        let action = &self.action;
        self.context
            .retain(|key| crate::catalogue::may_carry(action, key));
    }

    /// Adds a condition key.
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.context.set(key, value);
        self
    }
}

/// Every policy that bears on a request.
#[derive(Debug, Clone, Default)]
pub struct PolicySet<'a> {
    /// On the caller: inline and attached.
    pub identity: Vec<&'a Policy>,
    /// On the resource: a bucket policy, a key policy, or the trust policy of the role to assume.
    pub resource: Option<&'a Policy>,
    /// Passed when the session was made; `None` when nothing was passed.
    pub session: Option<Vec<&'a Policy>>,
    /// The caller's permissions boundary.
    pub boundary: Option<&'a Policy>,
    /// Service control policies: one list per level of the organisation, root first.
    pub service_control: Vec<Vec<&'a Policy>>,
}

/// Where a decision was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// The organisation's service control policies.
    ServiceControl,
    /// The resource's policy.
    Resource,
    /// The trust policy of the role.
    Trust,
    /// The caller's own policies.
    Identity,
    /// The caller's permissions boundary.
    Boundary,
    /// The session's policies.
    Session,
}

/// Which statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementRef {
    /// In which layer.
    pub layer: Layer,
    /// In which policy of that layer, counted from 0.
    pub policy: usize,
    /// Which statement of that policy, counted from 0.
    pub statement: usize,
    /// Its `Sid`.
    pub sid: Option<String>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Yes.
    Allowed {
        /// The first granting statement of each layer that had to grant; empty for an account's
        /// root user acting in its own account.
        by: Vec<StatementRef>,
    },
    /// No, because nothing grants it.
    ImplicitDeny {
        /// The first layer that had to grant and did not.
        layer: Layer,
    },
    /// No, because a statement forbids it.
    ExplicitDeny {
        /// The statement.
        by: StatementRef,
    },
}

impl Decision {
    /// Whether the request may proceed.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed { .. })
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::ServiceControl => "service control policy",
            Self::Resource => "resource policy",
            Self::Trust => "trust policy",
            Self::Identity => "identity policy",
            Self::Boundary => "permissions boundary",
            Self::Session => "session policy",
        })
    }
}

impl fmt::Display for StatementRef {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sid {
            Some(sid) => write!(out, "statement {sid:?} of the {}", self.layer),
            None => write!(
                out,
                "statement {} of the {}",
                self.statement + 1,
                self.layer
            ),
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allowed { by } if by.is_empty() => out.write_str("allowed to the root user"),
            Self::Allowed { by } => {
                out.write_str("allowed by ")?;
                for (at, statement) in by.iter().enumerate() {
                    let comma = if at == 0 { "" } else { ", " };
                    write!(out, "{comma}{statement}")?;
                }
                Ok(())
            }
            Self::ImplicitDeny { layer } => write!(out, "denied: no {layer} allows it"),
            Self::ExplicitDeny { by } => write!(out, "denied by {by}"),
        }
    }
}
