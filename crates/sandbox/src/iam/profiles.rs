//! Instance profiles: how a role gets onto a machine.

use super::account::{Account, InstanceProfile};
use super::api::Turn;
use super::directory::Accounts;
use super::held::check_pass_role;
use super::page::Page;
use super::{names, roles, tags};
use crate::facts::iso;
use crate::query::{QueryError, QueryResult, Xml};
use crate::random;
use std::sync::Arc;

pub(super) fn create(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let name = turn.form.need("InstanceProfileName")?;
    let path = turn.form.take("Path").unwrap_or_else(|| "/".to_string());
    let tags = tags::of_new(turn.form.pairs("Tags"))?;
    turn.finish()?;
    names::check("instanceProfileName", &name, 128)?;
    names::check_path(&path)?;
    let arn = turn
        .account()?
        .arn(format_args!("instance-profile{path}{name}"));
    turn.authorize("iam:CreateInstanceProfile", &arn)?;
    let now = turn.facts.now;
    let profile = turn.change(|account| {
        if account.profiles.contains_key(&name.to_lowercase()) {
            return Err(QueryError::entity_already_exists(format_args!(
                "Instance Profile {name} already exists."
            )));
        }
        let profile = Arc::new(InstanceProfile {
            name: name.clone(),
            path,
            arn,
            id: random::unique_id("AIPA"),
            created: now,
            role: None,
            tags,
        });
        account
            .profiles
            .insert(name.to_lowercase(), Arc::clone(&profile));
        Ok(profile)
    })?;
    one(turn, &profile)
}

pub(super) fn get(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (profile, ()) = named(turn, "iam:GetInstanceProfile", |_| Ok(()))?;
    one(turn, &profile)
}

pub(super) fn list(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let prefix = turn
        .form
        .take("PathPrefix")
        .unwrap_or_else(|| "/".to_string());
    let page = Page::take(turn)?;
    turn.finish()?;
    let account = turn.account()?;
    let all = account.arn(format_args!("instance-profile{prefix}"));
    turn.authorize("iam:ListInstanceProfiles", &all)?;
    let accounts = turn.directory.newest();
    let matching = account
        .profiles
        .iter()
        .filter(|(_, profile)| profile.path.starts_with(&prefix));
    let mut xml = Xml::new();
    page.show(&mut xml, "InstanceProfiles", matching, |xml, profile| {
        show(xml, &account, profile, &accounts);
    });
    Ok(Some(xml))
}

pub(super) fn list_for_role(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (role, page) = roles::named(turn, "iam:ListInstanceProfilesForRole", Page::take)?;
    let account = turn.account()?;
    let accounts = turn.directory.newest();
    let matching = account
        .profiles
        .iter()
        .filter(|(_, profile)| profile.role.as_deref() == Some(role.arn.name()));
    let mut xml = Xml::new();
    page.show(&mut xml, "InstanceProfiles", matching, |xml, profile| {
        show(xml, &account, profile, &accounts);
    });
    Ok(Some(xml))
}

pub(super) fn delete(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (profile, ()) = named(turn, "iam:DeleteInstanceProfile", |_| Ok(()))?;
    if profile.role.is_some() {
        return Err(QueryError::delete_conflict(
            "Cannot delete entity, must remove roles from instance profile first.",
        ));
    }
    turn.change(|account| {
        account.profiles.remove(&profile.name.to_lowercase());
        Ok(())
    })?;
    Ok(None)
}

pub(super) fn add_role(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (profile, role) = named(turn, "iam:AddRoleToInstanceProfile", |turn| {
        turn.form.need("RoleName")
    })?;
    let account = turn.account()?;
    let role = account.role(&role).ok_or_else(|| {
        QueryError::no_such_entity(format_args!("The role with name {role} cannot be found."))
    })?;
    check_pass_role(turn, &role.arn.to_string(), "ec2.amazonaws.com")?;
    let name = role.arn.name().to_string();
    change(turn, &profile, |profile| {
        if profile.role.is_some() {
            return Err(QueryError::limit_exceeded(
                "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1",
            ));
        }
        profile.role = Some(name);
        Ok(())
    })
}

pub(super) fn remove_role(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (profile, role) = named(turn, "iam:RemoveRoleFromInstanceProfile", |turn| {
        turn.form.need("RoleName")
    })?;
    change(turn, &profile, |profile| match &profile.role {
        Some(there) if there.eq_ignore_ascii_case(&role) => {
            profile.role = None;
            Ok(())
        }
        _ => Err(QueryError::no_such_entity(format_args!(
            "The role with name {role} is not in the instance profile {}.",
            profile.name
        ))),
    })
}

pub(super) fn tag(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (profile, added) = named(turn, "iam:TagInstanceProfile", |turn| {
        Ok(turn.form.pairs("Tags"))
    })?;
    change(turn, &profile, |profile| {
        tags::merge(&mut profile.tags, added)
    })
}

pub(super) fn untag(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (profile, keys) = named(turn, "iam:UntagInstanceProfile", |turn| {
        Ok(turn.form.list("TagKeys"))
    })?;
    change(turn, &profile, |profile| {
        profile.tags.retain(|key, _| !keys.contains(key));
        Ok(())
    })
}

pub(super) fn list_tags(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let (profile, page) = named(turn, "iam:ListInstanceProfileTags", Page::take)?;
    let mut xml = Xml::new();
    let tags = profile.tags.iter().map(|tag| (tag.0, tag));
    page.show(&mut xml, "Tags", tags, tags::show);
    Ok(Some(xml))
}

fn named<T>(
    turn: &mut Turn<'_>,
    action: &str,
    take: impl FnOnce(&mut Turn<'_>) -> QueryResult<T>,
) -> QueryResult<(Arc<InstanceProfile>, T)> {
    let name = turn.form.need("InstanceProfileName")?;
    let more = take(turn)?;
    turn.finish()?;
    names::check("instanceProfileName", &name, 128)?;
    let account = turn.account()?;
    let profile = account.profiles.get(&name.to_lowercase());
    let arn = match profile {
        Some(profile) => profile.arn.clone(),
        None => account.arn(format_args!("instance-profile/{name}")),
    };
    turn.authorize(action, &arn)?;
    match profile {
        Some(profile) => Ok((Arc::clone(profile), more)),
        None => Err(no_such_profile(&name)),
    }
}

fn change(
    turn: &Turn<'_>,
    profile: &InstanceProfile,
    change: impl FnOnce(&mut InstanceProfile) -> QueryResult<()>,
) -> QueryResult<Option<Xml>> {
    turn.change(
        |account| match account.profiles.get_mut(&profile.name.to_lowercase()) {
            Some(profile) => change(Arc::make_mut(profile)),
            None => Err(no_such_profile(&profile.name)),
        },
    )?;
    Ok(None)
}

fn no_such_profile(name: &str) -> QueryError {
    QueryError::no_such_entity(format_args!("Instance Profile {name} cannot be found."))
}

fn one(turn: &Turn<'_>, profile: &InstanceProfile) -> QueryResult<Option<Xml>> {
    let account = turn.account()?;
    let accounts = turn.directory.newest();
    let mut xml = Xml::new();
    xml.element("InstanceProfile", |xml| {
        show(xml, &account, profile, &accounts)
    });
    Ok(Some(xml))
}

fn show(xml: &mut Xml, account: &Account, profile: &InstanceProfile, accounts: &Accounts) {
    xml.text("Path", &profile.path);
    xml.text("InstanceProfileName", &profile.name);
    xml.text("InstanceProfileId", &profile.id);
    xml.text("Arn", &profile.arn);
    xml.text("CreateDate", iso(profile.created));
    let role = profile.role.as_ref().and_then(|name| account.role(name));
    xml.members("Roles", role, |xml, role| roles::show(xml, role, accounts));
    tags::show_all(xml, &profile.tags);
}
