//! Roles as such: trust, session length, description.

use super::account::{Account, Permissions, Role};
use super::api::Turn;
use super::directory::Accounts;
use super::held::{check_boundary, encoded, show_boundary};
use super::page::Page;
use super::tags::{self, Tags};
use super::{names, trust};
use crate::document::Document;
use crate::facts::iso;
use crate::query::{QueryError, QueryResult, Xml};
use crate::random;
use std::sync::Arc;
use types::{RoleArn, Timestamp};

/// Characters of a trust policy, default quota.
const MAX_TRUST_CHARS: usize = 2_048;
/// Roles of an account, default quota.
const MAX_ROLES: usize = 1_000;
/// Seconds.
const SESSION_SECONDS: std::ops::RangeInclusive<i64> = 3_600..=43_200;

/// What a role is made of.
pub(crate) struct NewRole<'a> {
    pub(crate) path: &'a str,
    pub(crate) name: &'a str,
    pub(crate) trust: &'a str,
    pub(crate) description: Option<String>,
    pub(crate) max_session: i64,
    pub(crate) boundary: Option<String>,
    pub(crate) tags: Tags,
}

/// Makes a role in `account`.
pub(crate) fn make_role(
    account: &mut Account,
    accounts: &Accounts,
    new: NewRole<'_>,
    now: Timestamp,
) -> QueryResult<Arc<Role>> {
    names::check("roleName", new.name, 64)?;
    names::check_path(new.path)?;
    check_session_seconds(new.max_session)?;
    let (document, pins) = trust::parse(new.trust, accounts)?;
    check_trust_size(&document)?;
    if account.role(new.name).is_some() {
        return Err(QueryError::entity_already_exists(format_args!(
            "Role with name {} already exists.",
            new.name
        )));
    }
    if account.roles.len() >= MAX_ROLES {
        return Err(QueryError::limit_exceeded(format_args!(
            "Cannot exceed quota for RolesPerAccount: {MAX_ROLES}"
        )));
    }
    let arn = RoleArn::new(Account::PARTITION, account.id.clone(), new.path, new.name)
        .map_err(QueryError::validation)?;
    let role = Arc::new(Role {
        arn,
        id: random::unique_id("AROA"),
        created: now,
        trust: document,
        trust_pins: pins,
        description: new.description,
        max_session: new.max_session,
        permissions: Permissions {
            boundary: new.boundary,
            ..Permissions::default()
        },
        tags: new.tags,
    });
    account
        .roles
        .insert(new.name.to_lowercase(), Arc::clone(&role));
    Ok(role)
}

pub(super) fn create_role(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let name = turn.form.need("RoleName")?;
    let path = turn.form.take("Path").unwrap_or_else(|| "/".to_string());
    let text = turn.form.need("AssumeRolePolicyDocument")?;
    let description = turn.form.take("Description");
    let max_session = turn.form.number("MaxSessionDuration")?;
    let boundary = turn.form.take("PermissionsBoundary");
    let tags = tags::of_new(turn.form.pairs("Tags"))?;
    turn.finish()?;
    names::check("roleName", &name, 64)?;
    names::check_path(&path)?;
    let arn = turn.account()?.arn(format_args!("role{path}{name}"));
    if let Some(boundary) = &boundary {
        turn.condition = Some(("iam:PermissionsBoundary", boundary.clone()));
    }
    turn.authorize("iam:CreateRole", &arn)?;
    if let Some(boundary) = &boundary {
        check_boundary(turn, boundary)?;
    }
    let accounts = turn.directory.newest();
    let now = turn.facts.now;
    let new = NewRole {
        path: &path,
        name: &name,
        trust: &text,
        description,
        max_session: max_session.unwrap_or(*SESSION_SECONDS.start()),
        boundary,
        tags,
    };
    let role = turn.change(|account| make_role(account, &accounts, new, now))?;
    one(turn, &role)
}

pub(super) fn get_role(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (role, ()) = named(turn, "iam:GetRole", |_| Ok(()))?;
    one(turn, &role)
}

pub(super) fn list_roles(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let prefix = turn
        .form
        .take("PathPrefix")
        .unwrap_or_else(|| "/".to_string());
    let page = Page::take(turn)?;
    turn.finish()?;
    let account = turn.account()?;
    turn.authorize("iam:ListRoles", &account.arn(format_args!("role{prefix}")))?;
    let accounts = turn.directory.newest();
    let matching = account
        .roles
        .iter()
        .filter(|(_, role)| role.arn.path().starts_with(&prefix));
    let mut xml = Xml::new();
    page.show(&mut xml, "Roles", matching, |xml, role| {
        show(xml, role, &accounts)
    });
    Ok(Some(xml))
}

pub(super) fn update_role(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (role, (description, max_session)) = named(turn, "iam:UpdateRole", |turn| {
        Ok((
            turn.form.take("Description"),
            turn.form.number("MaxSessionDuration")?,
        ))
    })?;
    let max_session = max_session.unwrap_or(*SESSION_SECONDS.start());
    check_session_seconds(max_session)?;
    change(turn, &role, |role| {
        if description.is_some() {
            role.description = description;
        }
        role.max_session = max_session;
        Ok(())
    })?;
    Ok(Some(Xml::new()))
}

pub(super) fn delete_role(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (role, ()) = named(turn, "iam:DeleteRole", |_| Ok(()))?;
    turn.change(|account| {
        let in_profile = account
            .profiles
            .values()
            .any(|profile| profile.role.as_deref() == Some(role.arn.name()));
        let left = if in_profile {
            Some("remove roles from instance profile")
        } else if !role.permissions.attached.is_empty() {
            Some("detach all policies")
        } else if !role.permissions.inline.is_empty() {
            Some("delete policies")
        } else {
            None
        };
        if let Some(left) = left {
            return Err(QueryError::delete_conflict(format_args!(
                "Cannot delete entity, must {left} first."
            )));
        }
        account.roles.remove(&role.arn.name().to_lowercase());
        Ok(())
    })?;
    Ok(None)
}

pub(super) fn update_assume_role_policy(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (role, text) = named(turn, "iam:UpdateAssumeRolePolicy", |turn| {
        turn.form.need("PolicyDocument")
    })?;
    let (document, pins) = trust::parse(&text, &turn.directory.newest())?;
    check_trust_size(&document)?;
    change(turn, &role, |role| {
        role.trust = document;
        role.trust_pins = pins;
        Ok(())
    })?;
    Ok(None)
}

/// Takes `RoleName` and what else `take` wants, authorises, and finds the role.
pub(super) fn named<T>(
    turn: &mut Turn<'_>,
    action: &str,
    take: impl FnOnce(&mut Turn<'_>) -> QueryResult<T>,
) -> QueryResult<(Arc<Role>, T)> {
    let (holder, more) = super::holder::named(turn, super::holder::Kind::Role, action, take)?;
    let role = turn.account()?.role(&holder.name).cloned();
    role.map(|role| (role, more))
        .ok_or_else(|| no_such_role(&holder.name))
}

fn change(
    turn: &Turn<'_>,
    role: &Role,
    change: impl FnOnce(&mut Role) -> QueryResult<()>,
) -> QueryResult<()> {
    turn.change(|account| match account.role_mut(role.arn.name()) {
        Some(role) => change(role),
        None => Err(no_such_role(role.arn.name())),
    })
}

fn no_such_role(name: &str) -> QueryError {
    QueryError::no_such_entity(format_args!("The role with name {name} cannot be found."))
}

fn check_trust_size(document: &Document) -> QueryResult<()> {
    if document.counted_size() > MAX_TRUST_CHARS {
        return Err(QueryError::limit_exceeded(format_args!(
            "Cannot exceed quota for ACLSizePerRole: {MAX_TRUST_CHARS}"
        )));
    }
    Ok(())
}

fn check_session_seconds(seconds: i64) -> QueryResult<()> {
    let (rule, limit) = if seconds < *SESSION_SECONDS.start() {
        ("greater", SESSION_SECONDS.start())
    } else if seconds > *SESSION_SECONDS.end() {
        ("less", SESSION_SECONDS.end())
    } else {
        return Ok(());
    };
    Err(QueryError::constraint(
        &seconds.to_string(),
        "maxSessionDuration",
        format_args!("Member must have value {rule} than or equal to {limit}"),
    ))
}

fn one(turn: &Turn<'_>, role: &Role) -> QueryResult<Option<Xml>> {
    let accounts = turn.directory.newest();
    let mut xml = Xml::new();
    xml.element("Role", |xml| {
        show(xml, role, &accounts);
        show_boundary(xml, &role.permissions);
        tags::show_all(xml, &role.tags);
    });
    Ok(Some(xml))
}

/// What listings show of a role; tags and boundary come with GetRole only.
pub(super) fn show(xml: &mut Xml, role: &Role, accounts: &Accounts) {
    xml.text("Path", role.arn.path());
    xml.text("RoleName", role.arn.name());
    xml.text("RoleId", &role.id);
    xml.text("Arn", role.arn.to_string());
    xml.text("CreateDate", iso(role.created));
    let document = trust::effective(&role.trust, &role.trust_pins, accounts);
    xml.text("AssumeRolePolicyDocument", encoded(&document));
    xml.optional("Description", role.description.as_ref());
    xml.text("MaxSessionDuration", role.max_session.to_string());
}
