//! How the layers combine.

use super::statement::{Naming, Subject, applies};
use super::{Decision, Layer, PolicySet, Principal, Request, StatementRef};
use crate::document::{Effect, Policy, PolicyKind};

/// Decides `request` under `policies`.
pub fn evaluate(request: &Request, policies: &PolicySet<'_>) -> Decision {
    let mut filled = request.clone();
    filled.fill_in_context();
    let subject = Subject {
        principal: &request.principal,
        action: &request.action,
        resource: &request.resource,
        context: &filled.context,
        bounded: policies.boundary.is_some(),
    };
    let votes = Votes::count(policies, &subject);
    match votes.denied {
        Some(by) => Decision::ExplicitDeny { by },
        None => votes.combine(request, policies),
    }
}

/// What each layer says.
struct Votes {
    denied: Option<StatementRef>,
    service_control: Vec<Option<StatementRef>>,
    identity: Option<StatementRef>,
    boundary: Option<StatementRef>,
    session: Option<StatementRef>,
    resource: Option<(Naming, StatementRef)>,
}

impl Votes {
    fn count(policies: &PolicySet<'_>, subject: &Subject<'_>) -> Self {
        let mut denied = None;
        let mut ask = |layer, list: &[&Policy]| {
            let (denies, grant) = ask_layer(layer, list, subject);
            if denied.is_none() {
                denied = denies;
            }
            grant
        };
        let service_control = policies
            .service_control
            .iter()
            .map(|level| ask(Layer::ServiceControl, level).map(|(_, by)| by))
            .collect();
        let resource = policies
            .resource
            .and_then(|policy| ask(resource_layer(policy), &[policy]));
        let mut caller = |layer, list: &[&Policy]| ask(layer, list).map(|(_, by)| by);
        let identity = caller(Layer::Identity, &policies.identity);
        let boundary = policies
            .boundary
            .and_then(|policy| caller(Layer::Boundary, &[policy]));
        let session = policies
            .session
            .as_deref()
            .and_then(|list| caller(Layer::Session, list));
        Self {
            denied,
            service_control,
            identity,
            boundary,
            session,
            resource,
        }
    }

    fn combine(self, request: &Request, policies: &PolicySet<'_>) -> Decision {
        let mut by = Vec::new();
        if has_account(&request.principal) {
            for level in self.service_control {
                match level {
                    Some(grant) => by.push(grant),
                    None => return implicit(Layer::ServiceControl),
                }
            }
        }
        let resource_layer = policies.resource.map_or(Layer::Resource, resource_layer);
        let (naming, grant) = match self.resource {
            Some((naming, grant)) => (Some(naming), Some(grant)),
            None => (None, None),
        };
        let granted = grant.is_some();
        by.extend(grant);
        // Only its own policy can let in a principal that has no account, or a foreign one, or
        // anyone at all to a role or a key.
        let needs_resource = !has_account(&request.principal)
            || is_cross_account(request)
            || must_always_grant(request, resource_layer);
        if needs_resource && !granted {
            return implicit(resource_layer);
        }
        let caller = CallerSide {
            identity: self.identity,
            boundary: policies.boundary.map(|_| self.boundary),
            session: policies.session.as_ref().map(|_| self.session),
        };
        if !has_account(&request.principal) {
            return Decision::Allowed { by };
        }
        if !is_cross_account(request) {
            match naming {
                Some(Naming::Itself) => return Decision::Allowed { by },
                Some(Naming::Anyone) => return caller.without_boundary().limits(by),
                Some(Naming::Role) => return caller.limits(by),
                Some(Naming::Account) | None => {}
            }
            if matches!(request.principal, Principal::Root { .. }) {
                return Decision::Allowed { by };
            }
        }
        caller.decides(by)
    }
}

/// The policies of the caller's own account.
struct CallerSide {
    identity: Option<StatementRef>,
    boundary: Option<Option<StatementRef>>,
    session: Option<Option<StatementRef>>,
}

impl CallerSide {
    /// The caller's policies must grant, within their limits.
    fn decides(self, mut by: Vec<StatementRef>) -> Decision {
        match self.identity.clone() {
            Some(grant) => by.push(grant),
            None => return implicit(Layer::Identity),
        }
        self.limits(by)
    }

    fn without_boundary(self) -> Self {
        Self {
            boundary: None,
            ..self
        }
    }

    /// The grant came from elsewhere; the limits still hold.
    fn limits(self, mut by: Vec<StatementRef>) -> Decision {
        for (limit, layer) in [
            (self.boundary, Layer::Boundary),
            (self.session, Layer::Session),
        ] {
            match limit {
                None => {}
                Some(Some(grant)) => by.push(grant),
                Some(None) => return implicit(layer),
            }
        }
        Decision::Allowed { by }
    }
}

fn implicit(layer: Layer) -> Decision {
    Decision::ImplicitDeny { layer }
}

fn has_account(principal: &Principal) -> bool {
    principal.account().is_some()
}

fn is_cross_account(request: &Request) -> bool {
    match (request.principal.account(), &request.resource_account) {
        (Some(caller), Some(owner)) => caller != owner,
        _ => false,
    }
}

/// Whether the resource's own policy must grant, even within one account.
fn must_always_grant(request: &Request, layer: Layer) -> bool {
    layer == Layer::Trust || service_of(&request.action).eq_ignore_ascii_case("kms")
}

fn service_of(action: &str) -> &str {
    action.split_once(':').map_or("", |(service, _)| service)
}

pub(super) fn resource_layer(policy: &Policy) -> Layer {
    match policy.kind {
        PolicyKind::Trust => Layer::Trust,
        _ => Layer::Resource,
    }
}

/// The first deny of a layer, and its best grant.
fn ask_layer(
    layer: Layer,
    policies: &[&Policy],
    subject: &Subject<'_>,
) -> (Option<StatementRef>, Option<(Naming, StatementRef)>) {
    let mut denies = None;
    let mut grant: Option<(Naming, StatementRef)> = None;
    for (policy_index, policy) in policies.iter().enumerate() {
        for (index, statement) in policy.statements.iter().enumerate() {
            let better = |naming| grant.as_ref().is_none_or(|(best, _)| naming > *best);
            let wanted = match statement.effect {
                Effect::Deny => denies.is_none(),
                Effect::Allow => better(Naming::Itself),
            };
            if !wanted {
                continue;
            }
            let Some(naming) = applies(statement, subject) else {
                continue;
            };
            let by = || StatementRef {
                layer,
                policy: policy_index,
                statement: index,
                sid: statement.sid.clone(),
            };
            match statement.effect {
                Effect::Deny => denies = Some(by()),
                Effect::Allow if better(naming) => grant = Some((naming, by())),
                Effect::Allow => {}
            }
        }
    }
    (denies, grant)
}
