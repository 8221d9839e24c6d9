//! What roles and users have in common: they hold policies and tags.

use super::account::{Account, Permissions};
use super::api::Turn;
use super::caller::Caller;
use super::names;
use super::tags::Tags;
use crate::query::{QueryError, QueryResult};

/// A kind of holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Role,
    User,
}

/// A holder as it is.
pub(super) struct Holder {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) permissions: Permissions,
    pub(super) tags: Tags,
}

impl Kind {
    /// `Role` or `User`, as parameters and elements are called.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Role => "Role",
            Self::User => "User",
        }
    }

    /// Characters of all inline policies together, without white space. Source: IAM quotas.
    pub(super) const fn inline_quota(self) -> usize {
        match self {
            Self::Role => 10_240,
            Self::User => 2_048,
        }
    }

    fn find(self, account: &Account, name: &str) -> Option<Holder> {
        match self {
            Self::Role => account.role(name).map(|role| Holder {
                kind: self,
                name: role.arn.name().to_string(),
                arn: role.arn.to_string(),
                permissions: role.permissions.clone(),
                tags: role.tags.clone(),
            }),
            Self::User => account.user(name).map(|user| Holder {
                kind: self,
                name: user.name.clone(),
                arn: account.arn(format_args!("user{}{}", user.path, user.name)),
                permissions: user.permissions.clone(),
                tags: user.tags.clone(),
            }),
        }
    }

    fn missing(self, name: &str) -> QueryError {
        QueryError::no_such_entity(format_args!(
            "The {} with name {name} cannot be found.",
            self.name().to_lowercase()
        ))
    }
}

/// Takes the name of a holder (of a user, by default the caller's own) and what else `take`
/// wants, authorises `action`, and finds the holder.
pub(super) fn named<T>(
    turn: &mut Turn<'_>,
    kind: Kind,
    action: &str,
    take: impl FnOnce(&mut Turn<'_>) -> QueryResult<T>,
) -> QueryResult<(Holder, T)> {
    let parameter = format!("{}Name", kind.name());
    let name = match (kind, turn.caller) {
        (Kind::User, Caller::User(_, user)) => turn
            .form
            .take(&parameter)
            .unwrap_or_else(|| user.name.clone()),
        _ => turn.form.need(&parameter)?,
    };
    let more = take(turn)?;
    turn.finish()?;
    names::check(&crate::query::lower_camel(&parameter), &name, 64)?;
    let account = turn.account()?;
    let holder = kind.find(&account, &name);
    let arn = match &holder {
        Some(holder) => holder.arn.clone(),
        None => account.arn(format_args!("{}/{name}", kind.name().to_lowercase())),
    };
    turn.authorize(action, &arn)?;
    holder
        .map(|holder| (holder, more))
        .ok_or_else(|| kind.missing(&name))
}

impl Holder {
    /// Changes the holder's policies and tags.
    pub(super) fn change(
        &self,
        turn: &Turn<'_>,
        change: impl FnOnce(&mut Permissions, &mut Tags) -> QueryResult<()>,
    ) -> QueryResult<()> {
        turn.change(|account| match self.kind {
            Kind::Role => match account.role_mut(&self.name) {
                Some(role) => change(&mut role.permissions, &mut role.tags),
                None => Err(self.kind.missing(&self.name)),
            },
            Kind::User => match account.user_mut(&self.name) {
                Some(user) => change(&mut user.permissions, &mut user.tags),
                None => Err(self.kind.missing(&self.name)),
            },
        })
    }

    /// As in `role byos`.
    pub(super) fn words(&self) -> String {
        format!("{} {}", self.kind.name().to_lowercase(), self.name)
    }
}
