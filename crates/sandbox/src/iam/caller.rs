//! Who calls, and whether their policies let them.

use super::account::{Account, Permissions, Role, User};
use super::directory::Accounts;
use super::session::Session;
use crate::document::Document;
use crate::facts::{Facts, iso};
use policies::{
    Context, Decision, Layer, Policy, PolicyKind, PolicySet, Principal, Request, evaluate,
};
use std::sync::{Arc, LazyLock};
use types::AccountId;

/// A policy that grants nothing.
static NOTHING: LazyLock<Arc<Policy>> = LazyLock::new(|| {
    let text = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Action": "*", "Resource": "*"}]}"#;
    Arc::new(Policy::parse(PolicyKind::Identity, text).expect("the policy is well-formed"))
});

/// An authenticated caller.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    /// The root user of an account.
    Root(AccountId),
    /// An IAM user.
    User(AccountId, Arc<User>),
    /// A session of a role.
    Session(Arc<Session>, Arc<Role>),
}

/// What a caller wants to do.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) action: &'a str,
    pub(crate) resource: &'a str,
    /// Who owns the resource; `None` for the caller's own account.
    pub(crate) owner: Option<&'a AccountId>,
    /// Bucket policy or trust policy.
    pub(crate) policy: Option<&'a Policy>,
    /// Condition keys of this action; the global ones are added.
    pub(crate) context: Context,
}

impl<'a> Asked<'a> {
    /// An action in the caller's own account.
    pub(crate) fn new(action: &'a str, resource: &'a str, facts: &Facts) -> Self {
        Self {
            action,
            resource,
            owner: None,
            policy: None,
            context: facts.context(),
        }
    }
}

impl Caller {
    /// The account that the caller belongs to.
    pub(crate) fn account(&self) -> &AccountId {
        match self {
            Self::Root(account) | Self::User(account, _) => account,
            Self::Session(session, _) => session.role.account(),
        }
    }

    /// As policies see the caller.
    pub(crate) fn principal(&self) -> Principal {
        match self {
            Self::Root(account) => Principal::Root {
                partition: Account::PARTITION,
                account: account.clone(),
            },
            Self::User(account, user) => Principal::User {
                partition: Account::PARTITION,
                account: account.clone(),
                name: format!("{}{}", &user.path[1..], user.name),
            },
            Self::Session(session, _) => {
                Principal::session(session.role.clone(), session.name.clone())
            }
        }
    }

    /// As GetCallerIdentity shows the caller.
    pub(crate) fn arn(&self) -> String {
        self.principal().arn().expect("every caller has an account")
    }

    /// `AIDA...`, `AROA...:session`, or the account's number.
    pub(crate) fn user_id(&self) -> String {
        match self {
            Self::Root(account) => account.to_string(),
            Self::User(_, user) => user.id.clone(),
            Self::Session(session, _) => session.user_id(),
        }
    }

    /// Decides under all policies that bear on it; the error is worded as AWS words it.
    pub(crate) fn authorize(&self, asked: Asked<'_>, accounts: &Accounts) -> Result<(), String> {
        let decision = self.decide(&asked, accounts);
        if decision.is_allowed() {
            return Ok(());
        }
        Err(format!(
            "User: {} is not authorized to perform: {} on resource: {}{}",
            self.arn(),
            asked.action,
            asked.resource,
            because(&decision, asked.action),
        ))
    }

    /// Whether it is allowed, without words.
    pub(crate) fn may(&self, asked: &Asked<'_>, accounts: &Accounts) -> bool {
        self.decide(asked, accounts).is_allowed()
    }

    fn decide(&self, asked: &Asked<'_>, accounts: &Accounts) -> Decision {
        let mut context = asked.context.clone();
        context.set("aws:userid", self.user_id());
        if let Self::Session(session, _) = self {
            context.set("aws:TokenIssueTime", iso(session.issued));
        }
        let mut request = Request::new(self.principal(), asked.action, asked.resource);
        request.context = context;
        let request = request.owned_by(asked.owner.unwrap_or(self.account()).clone());
        let identity = self.identity_policies(accounts);
        let session = self.session_policies();
        let boundary = self.boundary(accounts);
        let policies = PolicySet {
            identity: identity.iter().map(AsRef::as_ref).collect(),
            resource: asked.policy,
            session: session
                .as_ref()
                .map(|list| list.iter().map(AsRef::as_ref).collect()),
            boundary: boundary.as_deref(),
            ..PolicySet::default()
        };
        evaluate(&request, &policies)
    }

    fn identity_policies(&self, accounts: &Accounts) -> Vec<Arc<Policy>> {
        let Some(permissions) = self.permissions() else {
            return Vec::new();
        };
        let attached = permissions
            .attached
            .iter()
            .filter_map(|arn| accounts.policy(arn));
        permissions
            .inline
            .values()
            .chain(attached)
            .filter_map(|document| document.policy(PolicyKind::Identity))
            .collect()
    }

    /// A boundary that is gone lets nothing through.
    fn boundary(&self, accounts: &Accounts) -> Option<Arc<Policy>> {
        let arn = self.permissions()?.boundary.as_ref()?;
        let policy = accounts
            .policy(arn)
            .and_then(|document| document.policy(PolicyKind::Identity));
        Some(policy.unwrap_or_else(|| Arc::clone(&NOTHING)))
    }

    fn permissions(&self) -> Option<&Permissions> {
        match self {
            Self::Root(_) => None,
            Self::User(_, user) => Some(&user.permissions),
            Self::Session(_, role) => Some(&role.permissions),
        }
    }

    fn session_policies(&self) -> Option<Vec<Arc<Policy>>> {
        match self {
            Self::Session(session, _) if !session.policies.is_empty() => Some(
                session
                    .policies
                    .iter()
                    .filter_map(|document: &Document| document.policy(PolicyKind::Session))
                    .collect(),
            ),
            _ => None,
        }
    }
}

/// The cause, in the words that AWS uses and that tools parse.
fn because(decision: &Decision, action: &str) -> String {
    let name = |layer| match layer {
        Layer::ServiceControl => "service control policy",
        Layer::Resource => "resource-based policy",
        Layer::Trust => "role trust policy",
        Layer::Identity => "identity-based policy",
        Layer::Boundary => "permissions boundary",
        Layer::Session => "session policy",
    };
    match decision {
        Decision::Allowed { .. }
        | Decision::ImplicitDeny {
            layer: Layer::Trust,
        } => String::new(),
        Decision::ImplicitDeny { layer } => {
            format!(" because no {} allows the {action} action", name(*layer))
        }
        Decision::ExplicitDeny { by } => {
            let article = if by.layer == Layer::Identity {
                "an"
            } else {
                "a"
            };
            format!(" with an explicit deny in {article} {}", name(by.layer))
        }
    }
}
