//! The calls of IAM and STS, by name.

use super::account::Account;
use super::caller::{Asked, Caller};
use super::directory::{Accounts, Directory};
use super::{roles, sts, users};
use crate::facts::Facts;
use crate::query::{Form, QueryError, QueryResult, Service, Xml};
use std::sync::Arc;

/// One call: who, under which circumstances, with which parameters.
pub(crate) struct Turn<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) caller: &'a Caller,
    pub(crate) facts: &'a Facts,
    pub(crate) form: Form,
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
        self.authorize_asked(Asked::new(action, resource, self.facts))
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
    write("DeleteRole", roles::delete_role),
    write("UpdateAssumeRolePolicy", roles::update_assume_role_policy),
    write("PutRolePolicy", roles::put_role_policy),
    read(Service::Iam, "GetRolePolicy", roles::get_role_policy),
    read(Service::Iam, "ListRolePolicies", roles::list_role_policies),
    write("DeleteRolePolicy", roles::delete_role_policy),
    write("TagRole", roles::tag_role),
    write("UntagRole", roles::untag_role),
    read(Service::Iam, "ListRoleTags", roles::list_role_tags),
    write("CreateUser", users::create_user),
    read(Service::Iam, "GetUser", users::get_user),
    write("DeleteUser", users::delete_user),
    write("PutUserPolicy", users::put_user_policy),
    read(Service::Iam, "GetUserPolicy", users::get_user_policy),
    write("DeleteUserPolicy", users::delete_user_policy),
    write("CreateAccessKey", users::create_access_key),
    read(Service::Iam, "ListAccessKeys", users::list_access_keys),
    write("UpdateAccessKey", users::update_access_key),
    write("DeleteAccessKey", users::delete_access_key),
];
