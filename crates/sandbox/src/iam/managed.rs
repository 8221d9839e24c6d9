//! Managed policies and their versions.

use super::account::{Account, ManagedPolicy, PolicyVersion};
use super::api::Turn;
use super::held::{encoded, identity_policy};
use super::page::Page;
use super::{names, tags};
use crate::document::Document;
use crate::facts::iso;
use crate::query::{QueryError, QueryResult, Xml};
use crate::random;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Characters of a managed policy, without white space. Source: IAM quotas.
const MAX_POLICY_CHARS: usize = 6_144;
/// Versions of a managed policy. Source: IAM quotas.
const MAX_VERSIONS: usize = 5;
/// Managed policies of an account, default quota.
const MAX_POLICIES: usize = 1_500;

pub(super) fn create_policy(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let name = turn.form.need("PolicyName")?;
    let path = turn.form.take("Path").unwrap_or_else(|| "/".to_string());
    let text = turn.form.need("PolicyDocument")?;
    let description = turn.form.take("Description");
    let tags = tags::of_new(turn.form.pairs("Tags"))?;
    turn.finish()?;
    names::check("policyName", &name, 128)?;
    names::check_path(&path)?;
    let arn = turn.account()?.arn(format_args!("policy{path}{name}"));
    turn.authorize("iam:CreatePolicy", &arn)?;
    let document = checked(&text)?;
    let now = turn.facts.now;
    let policy = turn.change(|account| {
        if account.policies.contains_key(&name.to_lowercase()) {
            return Err(QueryError::entity_already_exists(format_args!(
                "A policy called {name} already exists. Duplicate names are not allowed."
            )));
        }
        if account.policies.len() >= MAX_POLICIES {
            return Err(QueryError::limit_exceeded(format_args!(
                "Cannot exceed quota for PoliciesPerAccount: {MAX_POLICIES}"
            )));
        }
        let first = PolicyVersion {
            document,
            created: now,
        };
        let policy = Arc::new(ManagedPolicy {
            arn,
            name: name.clone(),
            path,
            id: random::unique_id("ANPA"),
            created: now,
            updated: now,
            description,
            versions: BTreeMap::from([(1, first)]),
            default: 1,
            last: 1,
            tags,
        });
        account
            .policies
            .insert(name.to_lowercase(), Arc::clone(&policy));
        Ok(policy)
    })?;
    let account = turn.account()?;
    let mut xml = Xml::new();
    xml.element("Policy", |xml| show(xml, &account, &policy));
    Ok(Some(xml))
}

fn checked(text: &str) -> QueryResult<Document> {
    let document = identity_policy(text)?;
    if document.counted_size() > MAX_POLICY_CHARS {
        return Err(QueryError::limit_exceeded(format_args!(
            "Cannot exceed quota for PolicySize: {MAX_POLICY_CHARS}"
        )));
    }
    Ok(document)
}

pub(super) fn get_policy(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (policy, ()) = named(turn, "iam:GetPolicy", |_| Ok(()))?;
    let account = turn.account()?;
    let mut xml = Xml::new();
    xml.element("Policy", |xml| show(xml, &account, &policy));
    Ok(Some(xml))
}

pub(super) fn list_policies(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let scope = turn.form.take("Scope").unwrap_or_else(|| "All".to_string());
    let prefix = turn
        .form
        .take("PathPrefix")
        .unwrap_or_else(|| "/".to_string());
    let only_attached = turn.form.take("OnlyAttached").as_deref() == Some("true");
    let page = Page::take(turn)?;
    turn.finish()?;
    turn.authorize("iam:ListPolicies", "*")?;
    let account = turn.account()?;
    let matching = account.policies.iter().filter(|(_, policy)| {
        scope != "AWS"
            && policy.path.starts_with(&prefix)
            && (!only_attached || account.attachments(&policy.arn) > 0)
    });
    let mut xml = Xml::new();
    page.show(&mut xml, "Policies", matching, |xml, policy| {
        show(xml, &account, policy)
    });
    Ok(Some(xml))
}

pub(super) fn delete_policy(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (policy, ()) = named(turn, "iam:DeletePolicy", |_| Ok(()))?;
    turn.change(|account| {
        if account.attachments(&policy.arn) > 0 || account.boundaries(&policy.arn) > 0 {
            return Err(QueryError::delete_conflict(
                "Cannot delete a policy attached to entities.",
            ));
        }
        if policy.versions.len() > 1 {
            return Err(QueryError::delete_conflict(
                "This policy has more than one version. Before you delete a policy, you must \
                 delete the policy's versions. The default version is deleted with the policy.",
            ));
        }
        account.policies.remove(&policy.name.to_lowercase());
        Ok(())
    })?;
    Ok(None)
}

pub(super) fn create_version(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (policy, (text, as_default)) = named(turn, "iam:CreatePolicyVersion", |turn| {
        let text = turn.form.need("PolicyDocument")?;
        Ok((
            text,
            turn.form.take("SetAsDefault").as_deref() == Some("true"),
        ))
    })?;
    let document = checked(&text)?;
    let now = turn.facts.now;
    let (number, version) = change(turn, &policy, |policy| {
        if policy.versions.len() >= MAX_VERSIONS {
            return Err(QueryError::limit_exceeded(format_args!(
                "A managed policy can have up to {MAX_VERSIONS} versions. Before you create a new \
                 version, you must delete an existing version."
            )));
        }
        policy.last += 1;
        policy.updated = now;
        if as_default {
            policy.default = policy.last;
        }
        let version = PolicyVersion {
            document,
            created: now,
        };
        policy.versions.insert(policy.last, version.clone());
        Ok((policy.last, version))
    })?;
    let mut xml = Xml::new();
    xml.element("PolicyVersion", |xml| {
        show_version(xml, number, &version, as_default);
    });
    Ok(Some(xml))
}

pub(super) fn get_version(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (policy, number) = named(turn, "iam:GetPolicyVersion", version_id)?;
    let version = policy
        .versions
        .get(&number)
        .ok_or_else(|| no_such_version(&policy, number))?;
    let mut xml = Xml::new();
    xml.element("PolicyVersion", |xml| {
        xml.text("Document", encoded(&version.document));
        show_version(xml, number, version, policy.default == number);
    });
    Ok(Some(xml))
}

pub(super) fn list_versions(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (policy, _page) = named(turn, "iam:ListPolicyVersions", Page::take)?;
    let mut xml = Xml::new();
    xml.text("IsTruncated", "false");
    // At most five, newest first: one page.
    xml.members(
        "Versions",
        policy.versions.iter().rev(),
        |xml, (number, version)| {
            show_version(xml, *number, version, policy.default == *number);
        },
    );
    Ok(Some(xml))
}

pub(super) fn delete_version(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (policy, number) = named(turn, "iam:DeletePolicyVersion", version_id)?;
    if policy.default == number {
        return Err(QueryError::delete_conflict(
            "Cannot delete the default version of a policy.",
        ));
    }
    change(turn, &policy, |policy| {
        match policy.versions.remove(&number) {
            Some(_) => Ok(()),
            None => Err(no_such_version(policy, number)),
        }
    })?;
    Ok(None)
}

pub(super) fn set_default_version(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (policy, number) = named(turn, "iam:SetDefaultPolicyVersion", version_id)?;
    let now = turn.facts.now;
    change(turn, &policy, |policy| {
        if !policy.versions.contains_key(&number) {
            return Err(no_such_version(policy, number));
        }
        policy.default = number;
        policy.updated = now;
        Ok(())
    })?;
    Ok(None)
}

pub(super) fn list_entities(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (policy, _page) = named(turn, "iam:ListEntitiesForPolicy", Page::take)?;
    let account = turn.account()?;
    let mut xml = Xml::new();
    xml.text("IsTruncated", "false");
    xml.element("PolicyGroups", |_| {});
    let roles = account
        .roles
        .values()
        .filter(|role| role.permissions.attached.contains(&policy.arn));
    xml.members("PolicyRoles", roles, |xml, role| {
        xml.text("RoleName", role.arn.name());
        xml.text("RoleId", &role.id);
    });
    let users = account
        .users
        .values()
        .filter(|user| user.permissions.attached.contains(&policy.arn));
    xml.members("PolicyUsers", users, |xml, user| {
        xml.text("UserName", &user.name);
        xml.text("UserId", &user.id);
    });
    Ok(Some(xml))
}

pub(super) fn tag(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (policy, added) = named(turn, "iam:TagPolicy", |turn| Ok(turn.form.pairs("Tags")))?;
    change(turn, &policy, |policy| tags::merge(&mut policy.tags, added))?;
    Ok(None)
}

pub(super) fn untag(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (policy, keys) = named(turn, "iam:UntagPolicy", |turn| {
        Ok(turn.form.list("TagKeys"))
    })?;
    change(turn, &policy, |policy| {
        policy.tags.retain(|key, _| !keys.contains(key));
        Ok(())
    })?;
    Ok(None)
}

pub(super) fn list_tags(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (policy, page) = named(turn, "iam:ListPolicyTags", Page::take)?;
    let mut xml = Xml::new();
    let tags = policy.tags.iter().map(|tag| (tag.0, tag));
    page.show(&mut xml, "Tags", tags, tags::show);
    Ok(Some(xml))
}

/// `v3`.
fn version_id(turn: &mut Turn<'_>) -> QueryResult<u32> {
    let id = turn.form.need("VersionId")?;
    id.strip_prefix('v')
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| {
            QueryError::constraint(
                &id,
                "versionId",
                "Member must satisfy regular expression pattern: v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?",
            )
        })
}

/// Takes `PolicyArn` and what else `take` wants, authorises, and finds the policy.
fn named<T>(
    turn: &mut Turn<'_>,
    action: &str,
    take: impl FnOnce(&mut Turn<'_>) -> QueryResult<T>,
) -> QueryResult<(Arc<ManagedPolicy>, T)> {
    let arn = turn.form.need("PolicyArn")?;
    let more = take(turn)?;
    turn.finish()?;
    names::check_length("policyArn", &arn, 20, 2_048)?;
    turn.authorize(action, &arn)?;
    let account = turn.account()?;
    let policy = account.policies.values().find(|policy| policy.arn == arn);
    match policy {
        Some(policy) => Ok((Arc::clone(policy), more)),
        None => Err(QueryError::no_such_entity(format_args!(
            "Policy {arn} was not found."
        ))),
    }
}

fn change<T>(
    turn: &Turn<'_>,
    policy: &ManagedPolicy,
    change: impl FnOnce(&mut ManagedPolicy) -> QueryResult<T>,
) -> QueryResult<T> {
    turn.change(
        |account| match account.policies.get_mut(&policy.name.to_lowercase()) {
            Some(policy) => change(Arc::make_mut(policy)),
            None => Err(QueryError::no_such_entity(format_args!(
                "Policy {} was not found.",
                policy.arn
            ))),
        },
    )
}

fn no_such_version(policy: &ManagedPolicy, number: u32) -> QueryError {
    QueryError::no_such_entity(format_args!(
        "Policy {} version v{number} does not exist or is not attachable.",
        policy.arn
    ))
}

fn show(xml: &mut Xml, account: &Account, policy: &ManagedPolicy) {
    xml.text("PolicyName", &policy.name);
    xml.text("PolicyId", &policy.id);
    xml.text("Arn", &policy.arn);
    xml.text("Path", &policy.path);
    xml.text("DefaultVersionId", format!("v{}", policy.default));
    xml.text(
        "AttachmentCount",
        account.attachments(&policy.arn).to_string(),
    );
    xml.text(
        "PermissionsBoundaryUsageCount",
        account.boundaries(&policy.arn).to_string(),
    );
    xml.text("IsAttachable", "true");
    xml.optional("Description", policy.description.as_ref());
    xml.text("CreateDate", iso(policy.created));
    xml.text("UpdateDate", iso(policy.updated));
    tags::show_all(xml, &policy.tags);
}

fn show_version(xml: &mut Xml, number: u32, version: &PolicyVersion, is_default: bool) {
    xml.text("VersionId", format!("v{number}"));
    xml.text("IsDefaultVersion", is_default.to_string());
    xml.text("CreateDate", iso(version.created));
}
