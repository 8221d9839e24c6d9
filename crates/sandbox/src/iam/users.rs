//! Users, their keys and their inline policies.

use super::account::{AccessKeyRecord, Account, Permissions, User};
use super::api::Turn;
use super::caller::Caller;
use super::names;
use super::roles::{Page, encoded, inline, merge_tags, put_inline, show_tag};
use crate::facts::iso;
use crate::query::{QueryError, QueryResult, Xml};
use crate::random;
use std::collections::BTreeMap;
use std::sync::Arc;
use types::Timestamp;

/// Characters of all inline policies of a user together, without white space.
pub(crate) const MAX_INLINE_USER_CHARS: usize = 2_048;
/// Access keys of a user.
const MAX_KEYS: usize = 2;

/// Makes a user in `account`.
pub(crate) fn make_user(
    account: &mut Account,
    path: &str,
    name: &str,
    tags: BTreeMap<String, String>,
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
        permissions: Permissions::default(),
        tags,
    });
    account.users.insert(name.to_lowercase(), Arc::clone(&user));
    Ok(user)
}

pub(super) fn create_user(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let name = turn.form.need("UserName")?;
    let path = turn.form.take("Path").unwrap_or_else(|| "/".to_string());
    let mut tags = BTreeMap::new();
    merge_tags(&mut tags, turn.form.pairs("Tags"))?;
    turn.finish()?;
    names::check("userName", &name, 64)?;
    names::check_path(&path)?;
    let arn = turn.account()?.arn(format_args!("user{path}{name}"));
    turn.authorize("iam:CreateUser", &arn)?;
    let now = turn.facts.now;
    let user = turn.change(|account| make_user(account, &path, &name, tags, now))?;
    let account = turn.account()?;
    let mut xml = Xml::new();
    xml.element("User", |xml| show_user(xml, &account, &user));
    Ok(Some(xml))
}

pub(super) fn get_user(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (user, ()) = named_user(turn, "iam:GetUser", |_| Ok(()))?;
    let account = turn.account()?;
    let mut xml = Xml::new();
    xml.element("User", |xml| show_user(xml, &account, &user));
    Ok(Some(xml))
}

pub(super) fn delete_user(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (user, ()) = named_user(turn, "iam:DeleteUser", |_| Ok(()))?;
    let left = if !user.keys.is_empty() {
        Some("access keys")
    } else if !user.permissions.inline.is_empty() {
        Some("policies")
    } else {
        None
    };
    if let Some(left) = left {
        return Err(QueryError::delete_conflict(format_args!(
            "Cannot delete entity, must delete {left} first."
        )));
    }
    turn.change(|account| {
        account.users.remove(&user.name.to_lowercase());
        Ok(())
    })?;
    Ok(None)
}

pub(super) fn put_user_policy(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (user, (name, text)) = named_user(turn, "iam:PutUserPolicy", |turn| {
        Ok((
            turn.form.need("PolicyName")?,
            turn.form.need("PolicyDocument")?,
        ))
    })?;
    let owner = format!("user {}", user.name);
    change_user(turn, &user, |user| {
        put_inline(
            &mut user.permissions,
            &owner,
            &name,
            &text,
            MAX_INLINE_USER_CHARS,
        )
    })?;
    Ok(None)
}

pub(super) fn get_user_policy(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (user, name) = named_user(turn, "iam:GetUserPolicy", |turn| {
        turn.form.need("PolicyName")
    })?;
    let document = inline(&user.permissions, &name)?;
    let mut xml = Xml::new();
    xml.text("UserName", &user.name);
    xml.text("PolicyName", &name);
    xml.text("PolicyDocument", encoded(document));
    Ok(Some(xml))
}

pub(super) fn delete_user_policy(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (user, name) = named_user(turn, "iam:DeleteUserPolicy", |turn| {
        turn.form.need("PolicyName")
    })?;
    inline(&user.permissions, &name)?;
    change_user(turn, &user, |user| {
        user.permissions.inline.remove(&name);
        Ok(())
    })?;
    Ok(None)
}

pub(super) fn create_access_key(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (user, ()) = named_user(turn, "iam:CreateAccessKey", |_| Ok(()))?;
    let now = turn.facts.now;
    let key = change_user(turn, &user, |user| {
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
    let (user, page) = named_user(turn, "iam:ListAccessKeys", Page::take)?;
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
    let (user, (id, active)) = named_user(turn, "iam:UpdateAccessKey", |turn| {
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
    change_user(turn, &user, |user| {
        let key = user.keys.iter_mut().find(|key| key.id == id);
        key.ok_or_else(|| no_such_key(&id))?.active = active;
        Ok(())
    })?;
    Ok(None)
}

pub(super) fn delete_access_key(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (user, id) = named_user(turn, "iam:DeleteAccessKey", |turn| {
        turn.form.need("AccessKeyId")
    })?;
    change_user(turn, &user, |user| {
        let at = user.keys.iter().position(|key| key.id == id);
        user.keys.remove(at.ok_or_else(|| no_such_key(&id))?);
        Ok(())
    })?;
    Ok(None)
}

/// Takes `UserName` (by default the caller's own) and what else `take` wants, authorises, and
/// finds the user.
fn named_user<T>(
    turn: &mut Turn<'_>,
    action: &str,
    take: impl FnOnce(&mut Turn<'_>) -> QueryResult<T>,
) -> QueryResult<(Arc<User>, T)> {
    let name = match (turn.form.take("UserName"), turn.caller) {
        (Some(name), _) => name,
        (None, Caller::User(_, user)) => user.name.clone(),
        (None, _) => return Err(QueryError::missing_parameter("userName")),
    };
    let more = take(turn)?;
    turn.finish()?;
    names::check("userName", &name, 64)?;
    let account = turn.account()?;
    let user = account.user(&name);
    let arn = match user {
        Some(user) => account.arn(format_args!("user{}{}", user.path, user.name)),
        None => account.arn(format_args!("user/{name}")),
    };
    turn.authorize(action, &arn)?;
    match user {
        Some(user) => Ok((Arc::clone(user), more)),
        None => Err(no_such_user(&name)),
    }
}

fn change_user<T>(
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

fn show_user(xml: &mut Xml, account: &Account, user: &User) {
    xml.text("Path", &user.path);
    xml.text("UserName", &user.name);
    xml.text("UserId", &user.id);
    xml.text(
        "Arn",
        account.arn(format_args!("user{}{}", user.path, user.name)),
    );
    xml.text("CreateDate", iso(user.created));
    if !user.tags.is_empty() {
        xml.members("Tags", &user.tags, show_tag);
    }
}
