//! What the role may do: a policy inside it, or a managed one beside it.

use super::role::tags;
use super::{Draft, change, marked, marked_new};
use crate::model::{Attachment, DesiredRole};
use crate::plan::change::{Action, Cause, FindingKind, Resource};
use crate::plan::observed::{Observed, ObservedPolicy, Read};
use crate::plan::policy;
use crate::plan::step::{IamResource, Step};
use serde_json::Value;

/// Source: IAM quotas, "versions of a managed policy that can be stored".
const MAX_POLICY_VERSIONS: usize = 5;

/// The name that our policy has inline, and the ARN that it has managed, whichever is used.
pub(super) fn our_names(role: &DesiredRole) -> (String, String) {
    match &role.attachment {
        Attachment::Inline { name } => (
            name.clone(),
            crate::model::managed_policy_arn(&role.arn, name)
                .map(|arn| arn.to_string())
                .unwrap_or_default(),
        ),
        Attachment::Managed { arn, name } => (name.clone(), arn.to_string()),
    }
}

pub(super) fn diff(
    draft: &mut Draft<'_>,
    role: &DesiredRole,
    resource: &Resource,
    observed: &Observed,
) {
    let Some(document) = draft.documents.permission.clone() else {
        return;
    };
    let (inline_name, managed_arn) = our_names(role);
    let role_there = observed.role.as_ref();
    let inline = match role_there.map(|r| &r.inline) {
        None => None,
        Some(Read::Known(all)) => all.get(&inline_name),
        Some(_) => return,
    };
    let attached = role_there
        .and_then(|r| r.attached.known())
        .is_some_and(|all| all.contains(&managed_arn));
    match &role.attachment {
        Attachment::Inline { .. } => {
            put_inline(draft, role, resource, &inline_name, inline, &document);
            if attached {
                detach_ours(draft, role, resource, &managed_arn);
            }
            if let Some(policy) = &observed.policy {
                delete_policy(draft, policy);
            }
        }
        Attachment::Managed { name, .. } => {
            if !managed(
                draft,
                role,
                name,
                &managed_arn,
                observed.policy.as_ref(),
                &document,
            ) {
                return;
            }
            if !attached {
                let step = Step::AttachPolicy {
                    role: role.arn.name().to_string(),
                    arn: managed_arn.clone(),
                };
                let mut attach = change(resource, "attachment", Action::Create, step);
                attach.after = Some(Value::String(managed_arn.clone()));
                attach.inverse = vec![Step::DetachPolicy {
                    role: role.arn.name().to_string(),
                    arn: managed_arn,
                }];
                draft.changes.push(attach);
            }
            if let Some(old) = inline {
                delete_inline(draft, role, resource, &inline_name, old);
            }
        }
    }
}

fn put_inline(
    draft: &mut Draft<'_>,
    role: &DesiredRole,
    resource: &Resource,
    name: &str,
    there: Option<&Value>,
    document: &Value,
) {
    if there.is_some_and(|there| policy::same(there, document)) {
        return;
    }
    let put = |document: &Value| Step::PutInlinePolicy {
        role: role.arn.name().to_string(),
        name: name.to_string(),
        document: document.clone(),
    };
    let action = if there.is_some() {
        Action::Update
    } else {
        Action::Create
    };
    let mut update = change(resource, "permissions", action, put(document));
    let meaning = policy::meaning(there, Some(document));
    update.risk = meaning.risk;
    update.notes = meaning.notes;
    update.before = there.cloned();
    update.after = Some(document.clone());
    update.inverse = vec![match there {
        Some(old) => put(old),
        None => Step::DeleteInlinePolicy {
            role: role.arn.name().to_string(),
            name: name.to_string(),
        },
    }];
    draft.changes.push(update);
}

fn delete_inline(
    draft: &mut Draft<'_>,
    role: &DesiredRole,
    resource: &Resource,
    name: &str,
    old: &Value,
) {
    let step = Step::DeleteInlinePolicy {
        role: role.arn.name().to_string(),
        name: name.to_string(),
    };
    let mut removal = change(resource, "inline copy", Action::Delete, step);
    removal.cause = Cause::SpecificationChanged;
    removal.notes = vec!["the managed policy stands in its place".to_string()];
    removal.before = Some(old.clone());
    removal.inverse = vec![Step::PutInlinePolicy {
        role: role.arn.name().to_string(),
        name: name.to_string(),
        document: old.clone(),
    }];
    draft.changes.push(removal);
}

fn detach_ours(draft: &mut Draft<'_>, role: &DesiredRole, resource: &Resource, arn: &str) {
    let step = Step::DetachPolicy {
        role: role.arn.name().to_string(),
        arn: arn.to_string(),
    };
    let mut removal = change(resource, "attachment", Action::Delete, step);
    removal.cause = Cause::SpecificationChanged;
    removal.notes = vec!["the inline policy stands in its place".to_string()];
    removal.before = Some(Value::String(arn.to_string()));
    removal.inverse = vec![Step::AttachPolicy {
        role: role.arn.name().to_string(),
        arn: arn.to_string(),
    }];
    draft.changes.push(removal);
}

/// Deletes a managed policy of ours that is no longer wanted, old versions first.
fn delete_policy(draft: &mut Draft<'_>, policy: &ObservedPolicy) {
    let resource = Resource::Policy {
        arn: policy.arn.clone(),
    };
    let ours = policy
        .tags
        .known()
        .and_then(|tags| tags.get(crate::model::OWNER_TAG))
        .is_some_and(|owner| *owner == draft.desired.owner);
    if !ours {
        let message = "it stands beside the role and carries no tag of ours; it stays".to_string();
        draft.find(&resource, "itself", FindingKind::Unmanaged, message);
        return;
    }
    for step in policy_deletion(policy) {
        let mut removal = change(&resource, "itself", Action::Delete, step);
        removal.cause = Cause::SpecificationChanged;
        draft.changes.push(removal);
    }
}

/// Old versions first, then the policy.
pub(crate) fn policy_deletion(policy: &ObservedPolicy) -> Vec<Step> {
    let mut steps: Vec<Step> = policy
        .versions
        .iter()
        .filter(|version| **version != policy.default_version)
        .map(|version| Step::DeletePolicyVersion {
            arn: policy.arn.clone(),
            version: Some(version.clone()),
        })
        .collect();
    steps.push(Step::DeletePolicy {
        arn: policy.arn.clone(),
    });
    steps
}

/// The managed policy itself; false when it may not be touched.
fn managed(
    draft: &mut Draft<'_>,
    role: &DesiredRole,
    name: &str,
    arn: &str,
    there: Option<&ObservedPolicy>,
    document: &Value,
) -> bool {
    let resource = Resource::Policy {
        arn: arn.to_string(),
    };
    let Some(there) = there else {
        let mut creation = change(
            &resource,
            "itself",
            Action::Create,
            Step::CreatePolicy {
                name: name.to_string(),
                path: role.arn.path().to_string(),
                arn: arn.to_string(),
                document: document.clone(),
                tags: marked_new(&role.tags),
            },
        );
        creation.notes = policy::meaning(None, Some(document)).notes;
        creation.after = Some(document.clone());
        creation.inverse = vec![Step::DeletePolicy {
            arn: arn.to_string(),
        }];
        draft.changes.push(creation);
        return true;
    };
    let Some(standing) = draft.standing(&resource, arn, &there.tags) else {
        return false;
    };
    let tagged = IamResource::Policy(arn.to_string());
    tags(
        draft,
        &resource,
        tagged,
        &there.tags,
        &marked(&role.tags, &standing),
    );
    if !policy::same(&there.document, document) {
        new_version(draft, &resource, there, document);
    }
    true
}

/// A new default version; when there is no room the oldest that does not count goes first, so
/// that a failure in between leaves the default as it is.
fn new_version(
    draft: &mut Draft<'_>,
    resource: &Resource,
    there: &ObservedPolicy,
    document: &Value,
) {
    if there.versions.len() >= MAX_POLICY_VERSIONS
        && let Some(oldest) = there.versions.iter().find(|v| **v != there.default_version)
    {
        let step = Step::DeletePolicyVersion {
            arn: there.arn.clone(),
            version: Some(oldest.clone()),
        };
        let mut removal = change(resource, format!("version.{oldest}"), Action::Delete, step);
        removal.notes = vec![
            "a policy has five versions at most; this is the oldest that does not count"
                .to_string(),
        ];
        draft.changes.push(removal);
    }
    let step = Step::CreatePolicyVersion {
        arn: there.arn.clone(),
        document: document.clone(),
    };
    let mut update = change(resource, "document", Action::Update, step);
    let meaning = policy::meaning(Some(&there.document), Some(document));
    update.risk = meaning.risk;
    update.notes = meaning.notes;
    update.before = Some(there.document.clone());
    update.after = Some(document.clone());
    update.inverse = vec![
        Step::SetDefaultPolicyVersion {
            arn: there.arn.clone(),
            version: there.default_version.clone(),
        },
        Step::DeletePolicyVersion {
            arn: there.arn.clone(),
            version: None,
        },
    ];
    draft.changes.push(update);
}
