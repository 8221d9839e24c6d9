//! The role, its policy, and its instance profile.

use super::{Draft, change, marked, marked_new, permissions};
use crate::model::DesiredRole;
use crate::plan::cause::attributes as attributes_of;
use crate::plan::change::{Action, Cause, FindingKind, Resource, Risk};
use crate::plan::observed::{Observed, ObservedProfile, ObservedRole, Read};
use crate::plan::policy;
use crate::plan::step::{IamResource, Step};
use crate::plan::wanted::Origin;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn diff(draft: &mut Draft<'_>, role: &DesiredRole, observed: &Observed) {
    let resource = Resource::Role {
        name: role.arn.name().to_string(),
    };
    let Some(trust) = draft.documents.trust.clone() else {
        return;
    };
    match &observed.role {
        None => create(draft, role, &resource, &trust),
        Some(there) => {
            if !update(draft, role, &resource, there, &trust) {
                return;
            }
        }
    }
    permissions::diff(draft, role, &resource, observed);
    if let Some(profile) = &role.instance_profile {
        instance_profile(draft, role, profile, observed.instance_profile.as_ref());
    }
}

fn create(draft: &mut Draft<'_>, role: &DesiredRole, resource: &Resource, trust: &Value) {
    let mut creation = change(
        resource,
        "itself",
        Action::Create,
        Step::CreateRole {
            role: role.arn.name().to_string(),
            path: role.arn.path().to_string(),
            trust: trust.clone(),
            description: role.description.clone(),
            max_session_seconds: role.max_session_seconds,
            boundary: role.boundary.as_ref().map(ToString::to_string),
            tags: marked_new(&role.tags),
        },
    );
    let meaning = policy::meaning(None, Some(trust));
    creation.risk = meaning.risk;
    creation.notes = meaning.notes;
    creation.after = Some(json!({ "arn": role.arn, "trust": trust }));
    creation.inverse = vec![Step::DeleteRole {
        role: role.arn.name().to_string(),
    }];
    draft.changes.push(creation);
}

/// What differs on a role that is there; false when it may not be touched.
fn update(
    draft: &mut Draft<'_>,
    role: &DesiredRole,
    resource: &Resource,
    there: &ObservedRole,
    trust: &Value,
) -> bool {
    let name = role.arn.name();
    // The account id in a store's ARN may be empty (Ceph); only the path is compared.
    let path_of = |arn: &str| {
        arn.split_once(":role")
            .map(|(_, rest)| rest.to_string())
            .unwrap_or_default()
    };
    if path_of(&there.arn) != path_of(&role.arn.to_string()) {
        draft.block(
            resource,
            format!(
                "a role of that name exists under another path: {}",
                there.arn
            ),
            "set role.path to that path, or choose another role.name".to_string(),
        );
        return false;
    }
    let Some(standing) = draft.standing(resource, name, &there.tags) else {
        return false;
    };
    let cause = (standing.untagged && standing.origin == Origin::Adopted).then_some(Cause::Adopted);
    let from = draft.changes.len();
    tags(
        draft,
        resource,
        IamResource::Role(name.to_string()),
        &there.tags,
        &marked(&role.tags, &standing),
    );
    trust_policy(draft, resource, name, there, trust);
    attributes(draft, role, resource, there);
    boundary(draft, role, resource, there);
    foreign_policies(draft, role, resource, there, standing.origin);
    for change in &mut draft.changes[from..] {
        change.cause = cause.unwrap_or(change.cause);
    }
    true
}

fn trust_policy(
    draft: &mut Draft<'_>,
    resource: &Resource,
    name: &str,
    there: &ObservedRole,
    trust: &Value,
) {
    if policy::same(&there.trust, trust) {
        return;
    }
    let mut update = change(
        resource,
        "trust",
        Action::Update,
        Step::UpdateTrust {
            role: name.to_string(),
            trust: trust.clone(),
        },
    );
    let meaning = policy::meaning(Some(&there.trust), Some(trust));
    update.risk = meaning.risk.max(Risk::Medium);
    update.notes = meaning.notes;
    update.before = Some(there.trust.clone());
    update.after = Some(trust.clone());
    update.inverse = vec![Step::UpdateTrust {
        role: name.to_string(),
        trust: there.trust.clone(),
    }];
    draft.changes.push(update);
}

fn attributes(
    draft: &mut Draft<'_>,
    role: &DesiredRole,
    resource: &Resource,
    there: &ObservedRole,
) {
    let before = attributes_of(&there.description, there.max_session_seconds);
    let after = attributes_of(&role.description, role.max_session_seconds);
    if before == after {
        return;
    }
    let step = |description: &str, seconds: u32| Step::UpdateRole {
        role: role.arn.name().to_string(),
        description: description.to_string(),
        max_session_seconds: seconds,
    };
    let mut update = change(
        resource,
        "attributes",
        Action::Update,
        step(&role.description, role.max_session_seconds),
    );
    update.inverse = vec![step(&there.description, there.max_session_seconds)];
    update.before = Some(before);
    update.after = Some(after);
    draft.changes.push(update);
}

/// A boundary that the specification does not mention stays: taking it away would widen the role.
fn boundary(draft: &mut Draft<'_>, role: &DesiredRole, resource: &Resource, there: &ObservedRole) {
    let wanted = role.boundary.as_ref().map(ToString::to_string);
    match (&wanted, &there.boundary) {
        (None, Some(there)) => {
            let message = format!("it has the boundary {there}, which stays");
            draft.find(resource, "boundary", FindingKind::Unmanaged, message);
        }
        (Some(wanted), there_boundary) if Some(wanted) != there_boundary.as_ref() => {
            let put = |boundary: &str| Step::PutBoundary {
                role: role.arn.name().to_string(),
                boundary: boundary.to_string(),
            };
            let action = if there_boundary.is_some() {
                Action::Update
            } else {
                Action::Create
            };
            let mut update = change(resource, "boundary", action, put(wanted));
            update.risk = Risk::Medium;
            update.notes = vec!["what the role may do at most changes".to_string()];
            update.before = there_boundary.clone().map(Value::String);
            update.after = Some(Value::String(wanted.clone()));
            update.inverse = vec![match there_boundary {
                Some(old) => put(old),
                None => Step::DeleteBoundary {
                    role: role.arn.name().to_string(),
                },
            }];
            draft.changes.push(update);
        }
        _ => {}
    }
}

/// Policies that others gave the role: on a role that we made they go, on an adopted one they
/// are named.
fn foreign_policies(
    draft: &mut Draft<'_>,
    role: &DesiredRole,
    resource: &Resource,
    there: &ObservedRole,
    origin: Origin,
) {
    let name = role.arn.name().to_string();
    let (our_inline, our_managed) = permissions::our_names(role);
    if let Read::Unreadable(reason) = &there.inline {
        let message = format!("inline policies cannot be listed: {reason}");
        draft.find(resource, "policies", FindingKind::Unreadable, message);
    }
    if let Read::Unreadable(reason) = &there.attached {
        let message = format!("attached policies cannot be listed: {reason}");
        draft.find(resource, "policies", FindingKind::Unreadable, message);
    }
    for (inline, document) in there.inline.known().into_iter().flatten() {
        if *inline == our_inline {
            continue;
        }
        if origin == Origin::Adopted {
            let message = format!("it has the inline policy {inline}, which is not ours");
            draft.find(resource, "policies", FindingKind::Unmanaged, message);
            continue;
        }
        let step = Step::DeleteInlinePolicy {
            role: name.clone(),
            name: inline.clone(),
        };
        let mut removal = change(resource, format!("inline.{inline}"), Action::Delete, step);
        removal.risk = Risk::High;
        removal.notes = policy::meaning(Some(document), None).notes;
        removal.before = Some(document.clone());
        removal.inverse = vec![Step::PutInlinePolicy {
            role: name.clone(),
            name: inline.clone(),
            document: document.clone(),
        }];
        draft.changes.push(removal);
    }
    for arn in there.attached.known().into_iter().flatten() {
        if *arn == our_managed {
            continue;
        }
        if origin == Origin::Adopted {
            let message = format!("it has the policy {arn}, which is not ours");
            draft.find(resource, "policies", FindingKind::Unmanaged, message);
            continue;
        }
        let step = Step::DetachPolicy {
            role: name.clone(),
            arn: arn.clone(),
        };
        let mut removal = change(resource, format!("attached.{arn}"), Action::Delete, step);
        removal.risk = Risk::High;
        removal.notes = vec![format!("the role loses everything that {arn} gives it")];
        removal.before = Some(Value::String(arn.clone()));
        removal.inverse = vec![Step::AttachPolicy {
            role: name.clone(),
            arn: arn.clone(),
        }];
        draft.changes.push(removal);
    }
}

pub(super) fn tags(
    draft: &mut Draft<'_>,
    resource: &Resource,
    tagged: IamResource,
    there: &Read<BTreeMap<String, String>>,
    wanted: &BTreeMap<String, String>,
) {
    let Some(there) = there.known() else { return };
    let changed: BTreeMap<String, String> = wanted
        .iter()
        .filter(|(key, value)| there.get(*key) != Some(*value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if changed.is_empty() {
        return;
    }
    let before: BTreeMap<String, String> = changed
        .keys()
        .filter_map(|key| Some((key.clone(), there.get(key)?.clone())))
        .collect();
    let added: BTreeSet<String> = changed
        .keys()
        .filter(|key| !there.contains_key(*key))
        .cloned()
        .collect();
    let step = Step::Tag {
        resource: tagged.clone(),
        tags: changed.clone(),
    };
    let mut update = change(resource, "tags", Action::Update, step);
    update.asked = Some(json!(wanted));
    if !before.is_empty() {
        update.inverse.push(Step::Tag {
            resource: tagged.clone(),
            tags: before.clone(),
        });
    }
    if !added.is_empty() {
        update.inverse.push(Step::Untag {
            resource: tagged,
            keys: added,
        });
    }
    update.before = Some(json!(before));
    update.after = Some(json!(changed));
    draft.changes.push(update);
}

fn instance_profile(
    draft: &mut Draft<'_>,
    role: &DesiredRole,
    name: &str,
    there: Option<&ObservedProfile>,
) {
    let resource = Resource::InstanceProfile {
        name: name.to_string(),
    };
    let add_role = |draft: &mut Draft<'_>| {
        let step = Step::AddRoleToProfile {
            name: name.to_string(),
            role: role.arn.name().to_string(),
        };
        let mut addition = change(&resource, "role", Action::Create, step);
        addition.after = Some(Value::String(role.arn.name().to_string()));
        addition.inverse = vec![Step::RemoveRoleFromProfile {
            name: name.to_string(),
            role: role.arn.name().to_string(),
        }];
        draft.changes.push(addition);
    };
    let Some(there) = there else {
        let step = Step::CreateInstanceProfile {
            name: name.to_string(),
            path: role.arn.path().to_string(),
            tags: marked_new(&role.tags),
        };
        let mut creation = change(&resource, "itself", Action::Create, step);
        creation.inverse = vec![Step::DeleteInstanceProfile {
            name: name.to_string(),
        }];
        draft.changes.push(creation);
        add_role(draft);
        return;
    };
    let Some(standing) = draft.standing(&resource, name, &there.tags) else {
        return;
    };
    let tagged = IamResource::InstanceProfile(name.to_string());
    tags(
        draft,
        &resource,
        tagged,
        &there.tags,
        &marked(&role.tags, &standing),
    );
    match &there.role {
        None => add_role(draft),
        Some(other) if other != role.arn.name() => draft.block(
            &resource,
            format!("it carries the role {other}, and a profile carries one role only"),
            "take that role out of it, or choose another role.name".to_string(),
        ),
        Some(_) => {}
    }
}
