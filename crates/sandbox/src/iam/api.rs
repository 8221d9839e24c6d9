//! The calls of IAM and STS, by name.

use super::account::Account;
use super::caller::{Asked, Caller};
use super::directory::{Accounts, Directory};
use super::holder::Kind;
use super::{held, managed, profiles, roles, sts, users};
use crate::facts::Facts;
use crate::query::{Form, QueryError, QueryResult, Service, Xml};
use std::sync::Arc;

/// One call: who, under which circumstances, with which parameters.
pub(crate) struct Turn<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) caller: &'a Caller,
    pub(crate) facts: &'a Facts,
    pub(crate) form: Form,
    /// A condition key that only this action has.
    pub(crate) condition: Option<(&'static str, String)>,
}

impl Turn<'_> {
    /// The caller's account as it is now.
    pub(crate) fn account(&self) -> QueryResult<Arc<Account>> {
        self.directory
            .newest()
            .account(self.caller.account())
            .cloned()
            .ok_or_else(|| QueryError::internal("the caller's account is gone"))
    }

    /// Changes the caller's account.
    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce(&mut Account) -> QueryResult<T>,
    ) -> QueryResult<T> {
        self.directory.change(self.caller.account(), change)
    }

    /// Refuses unless the caller may do `action` on `resource` of its own account.
    pub(crate) fn authorize(&self, action: &str, resource: &str) -> QueryResult<()> {
        let mut asked = Asked::new(action, resource, self.facts);
        if let Some((key, value)) = &self.condition {
            asked.context.set(key, value);
        }
        self.authorize_asked(asked)
    }

    /// Refuses unless the caller may do what is asked.
    pub(crate) fn authorize_asked(&self, asked: Asked<'_>) -> QueryResult<()> {
        self.caller
            .authorize(asked, &self.visible())
            .map_err(QueryError::access_denied)
    }

    /// What has propagated.
    pub(crate) fn visible(&self) -> Arc<Accounts> {
        self.directory.visible()
    }

    /// Refuses parameters that nobody took.
    pub(crate) fn finish(&mut self) -> QueryResult<()> {
        std::mem::take(&mut self.form).finish()
    }
}

type Handler = fn(&mut Turn<'_>) -> QueryResult<Option<Xml>>;

/// A call that the sandbox has.
#[derive(Clone, Copy)]
pub(crate) struct Api {
    pub(crate) service: Service,
    pub(crate) action: &'static str,
    pub(crate) is_write: bool,
    run: Handler,
}

impl Api {
    /// The call of `service` named `action`: one that the sandbox has, or the refusal of one that
    /// it has not.
    pub(crate) fn find(service: Service, action: &str) -> QueryResult<Self> {
        if let Some(api) = APIS
            .iter()
            .find(|api| api.service == service && api.action == action)
        {
            return Ok(*api);
        }
        let plausible = !action.is_empty()
            && action.len() <= 64
            && action.bytes().all(|byte| byte.is_ascii_alphanumeric());
        Err(if plausible {
            QueryError::not_implemented(format_args!("{}:{action}", service.signing_name()))
        } else {
            QueryError::invalid_action(action)
        })
    }

    /// Does it.
    pub(crate) fn run(&self, turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
        (self.run)(turn)
    }
}

const fn read(service: Service, action: &'static str, run: Handler) -> Api {
    Api {
        service,
        action,
        is_write: false,
        run,
    }
}

const fn write(action: &'static str, run: Handler) -> Api {
    Api {
        service: Service::Iam,
        action,
        is_write: true,
        run,
    }
}

const APIS: &[Api] = &[
    read(Service::Sts, "AssumeRole", sts::assume_role),
    read(Service::Sts, "GetCallerIdentity", sts::get_caller_identity),
    write("CreateRole", roles::create_role),
    read(Service::Iam, "GetRole", roles::get_role),
    read(Service::Iam, "ListRoles", roles::list_roles),
    write("UpdateRole", roles::update_role),
    write("DeleteRole", roles::delete_role),
    write("UpdateAssumeRolePolicy", roles::update_assume_role_policy),
    write("PutRolePolicy", |turn| held::put_policy(turn, Kind::Role)),
    read(Service::Iam, "GetRolePolicy", |turn| {
        held::get_policy(turn, Kind::Role)
    }),
    read(Service::Iam, "ListRolePolicies", |turn| {
        held::list_policies(turn, Kind::Role)
    }),
    write("DeleteRolePolicy", |turn| {
        held::delete_policy(turn, Kind::Role)
    }),
    write("AttachRolePolicy", |turn| held::attach(turn, Kind::Role)),
    write("DetachRolePolicy", |turn| held::detach(turn, Kind::Role)),
    read(Service::Iam, "ListAttachedRolePolicies", |turn| {
        held::list_attached(turn, Kind::Role)
    }),
    write("PutRolePermissionsBoundary", |turn| {
        held::put_boundary(turn, Kind::Role)
    }),
    write("DeleteRolePermissionsBoundary", |turn| {
        held::delete_boundary(turn, Kind::Role)
    }),
    write("TagRole", |turn| held::tag(turn, Kind::Role)),
    write("UntagRole", |turn| held::untag(turn, Kind::Role)),
    read(Service::Iam, "ListRoleTags", |turn| {
        held::list_tags(turn, Kind::Role)
    }),
    write("CreateUser", users::create_user),
    read(Service::Iam, "GetUser", users::get_user),
    read(Service::Iam, "ListUsers", users::list_users),
    write("DeleteUser", users::delete_user),
    write("PutUserPolicy", |turn| held::put_policy(turn, Kind::User)),
    read(Service::Iam, "GetUserPolicy", |turn| {
        held::get_policy(turn, Kind::User)
    }),
    read(Service::Iam, "ListUserPolicies", |turn| {
        held::list_policies(turn, Kind::User)
    }),
    write("DeleteUserPolicy", |turn| {
        held::delete_policy(turn, Kind::User)
    }),
    write("AttachUserPolicy", |turn| held::attach(turn, Kind::User)),
    write("DetachUserPolicy", |turn| held::detach(turn, Kind::User)),
    read(Service::Iam, "ListAttachedUserPolicies", |turn| {
        held::list_attached(turn, Kind::User)
    }),
    write("PutUserPermissionsBoundary", |turn| {
        held::put_boundary(turn, Kind::User)
    }),
    write("DeleteUserPermissionsBoundary", |turn| {
        held::delete_boundary(turn, Kind::User)
    }),
    write("TagUser", |turn| held::tag(turn, Kind::User)),
    write("UntagUser", |turn| held::untag(turn, Kind::User)),
    read(Service::Iam, "ListUserTags", |turn| {
        held::list_tags(turn, Kind::User)
    }),
    write("CreateAccessKey", users::create_access_key),
    read(Service::Iam, "ListAccessKeys", users::list_access_keys),
    write("UpdateAccessKey", users::update_access_key),
    write("DeleteAccessKey", users::delete_access_key),
    write("CreatePolicy", managed::create_policy),
    read(Service::Iam, "GetPolicy", managed::get_policy),
    read(Service::Iam, "ListPolicies", managed::list_policies),
    write("DeletePolicy", managed::delete_policy),
    write("CreatePolicyVersion", managed::create_version),
    read(Service::Iam, "GetPolicyVersion", managed::get_version),
    read(Service::Iam, "ListPolicyVersions", managed::list_versions),
    write("DeletePolicyVersion", managed::delete_version),
    write("SetDefaultPolicyVersion", managed::set_default_version),
    read(
        Service::Iam,
        "ListEntitiesForPolicy",
        managed::list_entities,
    ),
    write("TagPolicy", managed::tag),
    write("UntagPolicy", managed::untag),
    read(Service::Iam, "ListPolicyTags", managed::list_tags),
    write("CreateInstanceProfile", profiles::create),
    read(Service::Iam, "GetInstanceProfile", profiles::get),
    read(Service::Iam, "ListInstanceProfiles", profiles::list),
    read(
        Service::Iam,
        "ListInstanceProfilesForRole",
        profiles::list_for_role,
    ),
    write("DeleteInstanceProfile", profiles::delete),
    write("AddRoleToInstanceProfile", profiles::add_role),
    write("RemoveRoleFromInstanceProfile", profiles::remove_role),
    write("TagInstanceProfile", profiles::tag),
    write("UntagInstanceProfile", profiles::untag),
    read(Service::Iam, "ListInstanceProfileTags", profiles::list_tags),
];
