//! Roles and their inline policies.

use super::account::{Account, Permissions, Role};
use super::api::Turn;
use super::directory::Accounts;
use super::{names, trust};
use crate::document::Document;
use crate::facts::iso;
use crate::query::{QueryError, QueryResult, Xml};
use crate::random;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use policies::PolicyKind;
use std::collections::BTreeMap;
use std::sync::Arc;
use types::{RoleArn, Timestamp};

/// Characters of all inline policies of a role together, without white space. Source: IAM quotas.
const MAX_INLINE_ROLE_CHARS: usize = 10_240;
/// Characters of a trust policy, default quota.
const MAX_TRUST_CHARS: usize = 2_048;
/// Tags of a role or user.
const MAX_TAGS: usize = 50;
/// Roles of an account, default quota.
const MAX_ROLES: usize = 1_000;
/// Seconds.
const SESSION_SECONDS: std::ops::RangeInclusive<i64> = 3_600..=43_200;
/// How IAM shows a document: percent-encoded but for unreserved characters.
const DOCUMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What a role is made of.
pub(crate) struct NewRole<'a> {
    pub(crate) path: &'a str,
    pub(crate) name: &'a str,
    pub(crate) trust: &'a str,
    pub(crate) description: Option<String>,
    pub(crate) max_session: i64,
    pub(crate) tags: BTreeMap<String, String>,
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
        permissions: Permissions::default(),
        tags: new.tags,
    });
    account
        .roles
        .insert(new.name.to_lowercase(), Arc::clone(&role));
    Ok(role)
}

/// Puts an inline policy, within the quota of `longest` characters for all of them.
pub(crate) fn put_inline(
    permissions: &mut Permissions,
    owner: &str,
    name: &str,
    text: &str,
    longest: usize,
) -> QueryResult<()> {
    names::check("policyName", name, 128)?;
    let document =
        Document::parse(PolicyKind::Identity, text).map_err(QueryError::malformed_policy)?;
    let others: usize = permissions
        .inline
        .iter()
        .filter(|(other, _)| other.as_str() != name)
        .map(|(_, document)| document.counted_size())
        .sum();
    if others + document.counted_size() > longest {
        return Err(QueryError::limit_exceeded(format_args!(
            "Maximum policy size of {longest} bytes exceeded for {owner}"
        )));
    }
    permissions.inline.insert(name.to_string(), document);
    Ok(())
}

/// Adds tags, or says which rule they break.
pub(crate) fn merge_tags(
    tags: &mut BTreeMap<String, String>,
    added: Vec<(String, String)>,
) -> QueryResult<()> {
    for (key, value) in added {
        names::check_length("tags.member.key", &key, 1, 128)?;
        names::check_length("tags.member.value", &value, 0, 256)?;
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(QueryError::validation(
                "Tag keys that begin with aws: are reserved for system use",
            ));
        }
        tags.insert(key, value);
    }
    if tags.len() > MAX_TAGS {
        return Err(QueryError::limit_exceeded(format_args!(
            "Cannot exceed quota for TagsPerResource: {MAX_TAGS}"
        )));
    }
    Ok(())
}

pub(super) fn create_role(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let name = turn.form.need("RoleName")?;
    let path = turn.form.take("Path").unwrap_or_else(|| "/".to_string());
    let text = turn.form.need("AssumeRolePolicyDocument")?;
    let description = turn.form.take("Description");
    let max_session = turn.form.number("MaxSessionDuration")?;
    let mut tags = BTreeMap::new();
    merge_tags(&mut tags, turn.form.pairs("Tags"))?;
    turn.finish()?;
    names::check("roleName", &name, 64)?;
    names::check_path(&path)?;
    let arn = turn.account()?.arn(format_args!("role{path}{name}"));
    turn.authorize("iam:CreateRole", &arn)?;
    let accounts = turn.directory.newest();
    let now = turn.facts.now;
    let new = NewRole {
        path: &path,
        name: &name,
        trust: &text,
        description,
        max_session: max_session.unwrap_or(*SESSION_SECONDS.start()),
        tags,
    };
    let role = turn.change(|account| make_role(account, &accounts, new, now))?;
    let mut xml = Xml::new();
    xml.element("Role", |xml| show_role(xml, &role, &accounts));
    Ok(Some(xml))
}

pub(super) fn get_role(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let role = named_role(turn, "iam:GetRole", |_| Ok(()))?.0;
    let accounts = turn.directory.newest();
    let mut xml = Xml::new();
    xml.element("Role", |xml| show_role(xml, &role, &accounts));
    Ok(Some(xml))
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
        show_role(xml, role, &accounts)
    });
    Ok(Some(xml))
}

pub(super) fn delete_role(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (role, ()) = named_role(turn, "iam:DeleteRole", |_| Ok(()))?;
    turn.change(|account| {
        if !role.permissions.inline.is_empty() {
            return Err(QueryError::delete_conflict(
                "Cannot delete entity, must delete policies first.",
            ));
        }
        account.roles.remove(&role.arn.name().to_lowercase());
        Ok(())
    })?;
    Ok(None)
}

pub(super) fn update_assume_role_policy(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (role, text) = named_role(turn, "iam:UpdateAssumeRolePolicy", |turn| {
        turn.form.need("PolicyDocument")
    })?;
    let (document, pins) = trust::parse(&text, &turn.directory.newest())?;
    check_trust_size(&document)?;
    change_role(turn, &role, |role| {
        role.trust = document;
        role.trust_pins = pins;
        Ok(())
    })
}

pub(super) fn put_role_policy(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (role, (name, text)) = named_role(turn, "iam:PutRolePolicy", |turn| {
        Ok((
            turn.form.need("PolicyName")?,
            turn.form.need("PolicyDocument")?,
        ))
    })?;
    let owner = format!("role {}", role.arn.name());
    change_role(turn, &role, |role| {
        put_inline(
            &mut role.permissions,
            &owner,
            &name,
            &text,
            MAX_INLINE_ROLE_CHARS,
        )
    })
}

pub(super) fn get_role_policy(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (role, name) = named_role(turn, "iam:GetRolePolicy", |turn| {
        turn.form.need("PolicyName")
    })?;
    let document = inline(&role.permissions, &name)?;
    let mut xml = Xml::new();
    xml.text("RoleName", role.arn.name());
    xml.text("PolicyName", &name);
    xml.text("PolicyDocument", encoded(document));
    Ok(Some(xml))
}

pub(super) fn list_role_policies(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (role, page) = named_role(turn, "iam:ListRolePolicies", Page::take)?;
    let mut xml = Xml::new();
    let names = role.permissions.inline.keys().map(|name| (name, name));
    page.show_texts(&mut xml, "PolicyNames", names);
    Ok(Some(xml))
}

pub(super) fn delete_role_policy(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (role, name) = named_role(turn, "iam:DeleteRolePolicy", |turn| {
        turn.form.need("PolicyName")
    })?;
    inline(&role.permissions, &name)?;
    change_role(turn, &role, |role| {
        role.permissions.inline.remove(&name);
        Ok(())
    })
}

pub(super) fn tag_role(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (role, tags) = named_role(turn, "iam:TagRole", |turn| Ok(turn.form.pairs("Tags")))?;
    change_role(turn, &role, |role| merge_tags(&mut role.tags, tags))
}

pub(super) fn untag_role(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (role, keys) = named_role(turn, "iam:UntagRole", |turn| Ok(turn.form.list("TagKeys")))?;
    change_role(turn, &role, |role| {
        role.tags.retain(|key, _| !keys.contains(key));
        Ok(())
    })
}

pub(super) fn list_role_tags(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (role, page) = named_role(turn, "iam:ListRoleTags", Page::take)?;
    let mut xml = Xml::new();
    page.show(
        &mut xml,
        "Tags",
        role.tags.iter().map(|tag| (tag.0, tag)),
        show_tag,
    );
    Ok(Some(xml))
}

/// Takes `RoleName` and what else `take` wants, authorises, and finds the role.
fn named_role<T>(
    turn: &mut Turn<'_>,
    action: &str,
    take: impl FnOnce(&mut Turn<'_>) -> QueryResult<T>,
) -> QueryResult<(Arc<Role>, T)> {
    let name = turn.form.need("RoleName")?;
    let more = take(turn)?;
    turn.finish()?;
    names::check("roleName", &name, 64)?;
    let account = turn.account()?;
    let role = account.role(&name);
    let arn = match role {
        Some(role) => role.arn.to_string(),
        None => account.arn(format_args!("role/{name}")),
    };
    turn.authorize(action, &arn)?;
    match role {
        Some(role) => Ok((Arc::clone(role), more)),
        None => Err(QueryError::no_such_entity(format_args!(
            "The role with name {name} cannot be found."
        ))),
    }
}

fn change_role(
    turn: &Turn<'_>,
    role: &Role,
    change: impl FnOnce(&mut Role) -> QueryResult<()>,
) -> QueryResult<Option<Xml>> {
    turn.change(|account| match account.role_mut(role.arn.name()) {
        Some(role) => change(role),
        None => Err(QueryError::no_such_entity(format_args!(
            "The role with name {} cannot be found.",
            role.arn.name()
        ))),
    })?;
    Ok(None)
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

/// The inline policy called `name`.
pub(super) fn inline<'a>(permissions: &'a Permissions, name: &str) -> QueryResult<&'a Document> {
    permissions.inline.get(name).ok_or_else(|| {
        QueryError::no_such_entity(format_args!("The policy with name {name} cannot be found."))
    })
}

/// A document as IAM sends it.
pub(super) fn encoded(document: &Document) -> String {
    utf8_percent_encode(document.text(), DOCUMENT).to_string()
}

fn show_role(xml: &mut Xml, role: &Role, accounts: &Accounts) {
    xml.text("Path", role.arn.path());
    xml.text("RoleName", role.arn.name());
    xml.text("RoleId", &role.id);
    xml.text("Arn", role.arn.to_string());
    xml.text("CreateDate", iso(role.created));
    let document = trust::effective(&role.trust, &role.trust_pins, accounts);
    xml.text("AssumeRolePolicyDocument", encoded(&document));
    xml.optional("Description", role.description.as_ref());
    xml.text("MaxSessionDuration", role.max_session.to_string());
    if !role.tags.is_empty() {
        xml.members("Tags", &role.tags, show_tag);
    }
}

pub(super) fn show_tag(xml: &mut Xml, (key, value): (&String, &String)) {
    xml.text("Key", key);
    xml.text("Value", value);
}

/// A page of a listing: `Marker` is the name of the last item of the page before.
pub(super) struct Page {
    marker: Option<String>,
    items: usize,
}

impl Page {
    pub(super) fn take(turn: &mut Turn<'_>) -> QueryResult<Self> {
        let items = turn.form.number("MaxItems")?.unwrap_or(100);
        let items = usize::try_from(items)
            .ok()
            .filter(|items| (1..=1_000).contains(items))
            .ok_or_else(|| QueryError::validation("MaxItems must be between 1 and 1000"))?;
        Ok(Self {
            marker: turn.form.take("Marker"),
            items,
        })
    }

    pub(super) fn show<'a, T: Copy>(
        &self,
        xml: &mut Xml,
        name: &str,
        items: impl Iterator<Item = (&'a String, T)>,
        show: impl FnMut(&mut Xml, T),
    ) {
        let (shown, next) = self.cut(items);
        xml.text("IsTruncated", next.is_some().to_string());
        xml.optional("Marker", next);
        xml.members(name, shown, show);
    }

    pub(super) fn show_texts<'a>(
        &self,
        xml: &mut Xml,
        name: &str,
        items: impl Iterator<Item = (&'a String, &'a String)>,
    ) {
        let (shown, next) = self.cut(items);
        xml.text("IsTruncated", next.is_some().to_string());
        xml.optional("Marker", next);
        xml.element(name, |xml| {
            for text in shown {
                xml.text("member", text);
            }
        });
    }

    fn cut<'a, T: Copy>(
        &self,
        items: impl Iterator<Item = (&'a String, T)>,
    ) -> (Vec<T>, Option<&'a String>) {
        let mut rest = items.filter(|(name, _)| self.marker.as_ref().is_none_or(|m| *name > m));
        let shown: Vec<(&String, T)> = rest.by_ref().take(self.items).collect();
        let next = rest
            .next()
            .and_then(|_| shown.last())
            .map(|(name, _)| *name);
        (shown.into_iter().map(|(_, item)| item).collect(), next)
    }
}
