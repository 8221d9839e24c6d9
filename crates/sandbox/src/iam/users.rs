//! Users and their access keys.

use super::account::{AccessKeyRecord, Account, Permissions, User};
use super::api::Turn;
use super::held::{check_boundary, show_boundary};
use super::holder::{self, Kind};
use super::names;
use super::page::Page;
use super::tags::{self, Tags};
use crate::facts::iso;
use crate::query::{QueryError, QueryResult, Xml};
use crate::random;
use std::sync::Arc;
use types::Timestamp;

/// Access keys of a user. Source: IAM quotas.
const MAX_KEYS: usize = 2;

/// Makes a user in `account`.
pub(crate) fn make_user(
    account: &mut Account,
    path: &str,
    name: &str,
    boundary: Option<String>,
    tags: Tags,
    now: Timestamp,
) -> QueryResult<Arc<User>> {
    names::check("userName", name, 64)?;
    names::check_path(path)?;
    if account.user(name).is_some() {
        return Err(QueryError::entity_already_exists(format_args!(
            "User with name {name} already exists."
        )));
    }
    let user = Arc::new(User {
        name: name.to_string(),
        path: path.to_string(),
        id: random::unique_id("AIDA"),
        created: now,
        keys: Vec::new(),
        permissions: Permissions {
            boundary,
            ..Permissions::default()
        },
        tags,
    });
    account.users.insert(name.to_lowercase(), Arc::clone(&user));
    Ok(user)
}

pub(super) fn create_user(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let name = turn.form.need("UserName")?;
    let path = turn.form.take("Path").unwrap_or_else(|| "/".to_string());
    let boundary = turn.form.take("PermissionsBoundary");
    let tags = tags::of_new(turn.form.pairs("Tags"))?;
    turn.finish()?;
    names::check("userName", &name, 64)?;
    names::check_path(&path)?;
    let arn = turn.account()?.arn(format_args!("user{path}{name}"));
    turn.authorize("iam:CreateUser", &arn)?;
    if let Some(boundary) = &boundary {
        check_boundary(turn, boundary)?;
    }
    let now = turn.facts.now;
    let user = turn.change(|account| make_user(account, &path, &name, boundary, tags, now))?;
    one(turn, &user)
}

pub(super) fn get_user(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (user, ()) = named(turn, "iam:GetUser", |_| Ok(()))?;
    one(turn, &user)
}

pub(super) fn list_users(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let prefix = turn
        .form
        .take("PathPrefix")
        .unwrap_or_else(|| "/".to_string());
    let page = Page::take(turn)?;
    turn.finish()?;
    let account = turn.account()?;
    turn.authorize("iam:ListUsers", &account.arn(format_args!("user{prefix}")))?;
    let matching = account
        .users
        .iter()
        .filter(|(_, user)| user.path.starts_with(&prefix));
    let mut xml = Xml::new();
    page.show(&mut xml, "Users", matching, |xml, user| {
        show(xml, &account, user)
    });
    Ok(Some(xml))
}

pub(super) fn delete_user(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (user, ()) = named(turn, "iam:DeleteUser", |_| Ok(()))?;
    let left = if !user.keys.is_empty() {
        Some("delete access keys")
    } else if !user.permissions.attached.is_empty() {
        Some("detach all policies")
    } else if !user.permissions.inline.is_empty() {
        Some("delete policies")
    } else {
        None
    };
    if let Some(left) = left {
        return Err(QueryError::delete_conflict(format_args!(
            "Cannot delete entity, must {left} first."
        )));
    }
    turn.change(|account| {
        account.users.remove(&user.name.to_lowercase());
        Ok(())
    })?;
    Ok(None)
}

pub(super) fn create_access_key(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (user, ()) = named(turn, "iam:CreateAccessKey", |_| Ok(()))?;
    let now = turn.facts.now;
    let key = change(turn, &user, |user| {
        if user.keys.len() >= MAX_KEYS {
            return Err(QueryError::limit_exceeded(format_args!(
                "Cannot exceed quota for AccessKeysPerUser: {MAX_KEYS}"
            )));
        }
        let key = AccessKeyRecord::draw(now);
        user.keys.push(key.clone());
        Ok(key)
    })?;
    let mut xml = Xml::new();
    xml.element("AccessKey", |xml| {
        xml.text("UserName", &user.name);
        xml.text("AccessKeyId", &key.id);
        xml.text("Status", "Active");
        xml.text("SecretAccessKey", key.secret.expose());
        xml.text("CreateDate", iso(key.created));
    });
    Ok(Some(xml))
}

pub(super) fn list_access_keys(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (user, page) = named(turn, "iam:ListAccessKeys", Page::take)?;
    let mut keys: Vec<(&String, &AccessKeyRecord)> =
        user.keys.iter().map(|key| (&key.id, key)).collect();
    keys.sort_by_key(|(id, _)| *id);
    let mut xml = Xml::new();
    page.show(
        &mut xml,
        "AccessKeyMetadata",
        keys.into_iter(),
        |xml, key| {
            xml.text("UserName", &user.name);
            xml.text("AccessKeyId", &key.id);
            xml.text("Status", if key.active { "Active" } else { "Inactive" });
            xml.text("CreateDate", iso(key.created));
        },
    );
    Ok(Some(xml))
}

pub(super) fn update_access_key(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (user, (id, active)) = named(turn, "iam:UpdateAccessKey", |turn| {
        let id = turn.form.need("AccessKeyId")?;
        let status = turn.form.need("Status")?;
        match status.as_str() {
            "Active" => Ok((id, true)),
            "Inactive" => Ok((id, false)),
            other => Err(QueryError::constraint(
                other,
                "status",
                "Member must satisfy enum value set: [Active, Inactive]",
            )),
        }
    })?;
    change(turn, &user, |user| {
        let key = user.keys.iter_mut().find(|key| key.id == id);
        key.ok_or_else(|| no_such_key(&id))?.active = active;
        Ok(())
    })?;
    Ok(None)
}

pub(super) fn delete_access_key(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (user, id) = named(turn, "iam:DeleteAccessKey", |turn| {
        turn.form.need("AccessKeyId")
    })?;
    change(turn, &user, |user| {
        let at = user.keys.iter().position(|key| key.id == id);
        user.keys.remove(at.ok_or_else(|| no_such_key(&id))?);
        Ok(())
    })?;
    Ok(None)
}

fn named<T>(
    turn: &mut Turn<'_>,
    action: &str,
    take: impl FnOnce(&mut Turn<'_>) -> QueryResult<T>,
) -> QueryResult<(Arc<User>, T)> {
    let (holder, more) = holder::named(turn, Kind::User, action, take)?;
    let user = turn.account()?.user(&holder.name).cloned();
    user.map(|user| (user, more))
        .ok_or_else(|| no_such_user(&holder.name))
}

fn change<T>(
    turn: &Turn<'_>,
    user: &User,
    change: impl FnOnce(&mut User) -> QueryResult<T>,
) -> QueryResult<T> {
    turn.change(|account| match account.user_mut(&user.name) {
        Some(user) => change(user),
        None => Err(no_such_user(&user.name)),
    })
}

fn no_such_user(name: &str) -> QueryError {
    QueryError::no_such_entity(format_args!("The user with name {name} cannot be found."))
}

fn no_such_key(id: &str) -> QueryError {
    QueryError::no_such_entity(format_args!("The Access Key with id {id} cannot be found."))
}

fn one(turn: &Turn<'_>, user: &User) -> QueryResult<Option<Xml>> {
    let account = turn.account()?;
    let mut xml = Xml::new();
    xml.element("User", |xml| {
        show(xml, &account, user);
        show_boundary(xml, &user.permissions);
        tags::show_all(xml, &user.tags);
    });
    Ok(Some(xml))
}

fn show(xml: &mut Xml, account: &Account, user: &User) {
    xml.text("Path", &user.path);
    xml.text("UserName", &user.name);
    xml.text("UserId", &user.id);
    xml.text(
        "Arn",
        account.arn(format_args!("user{}{}", user.path, user.name)),
    );
    xml.text("CreateDate", iso(user.created));
}
