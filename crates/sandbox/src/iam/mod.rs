//! Who there is and what they may do: accounts, users, roles, sessions.

mod account;
mod api;
mod caller;
mod directory;
mod names;
pub(crate) mod principals;
mod roles;
mod session;
mod sts;
mod trust;
mod users;

pub(crate) use account::AccessKeyRecord;
pub(crate) use api::{Api, Turn};
pub(crate) use caller::{Asked, Caller};
pub(crate) use directory::{Accounts, Directory, Unauthenticated};
pub(crate) use roles::{NewRole, make_role, put_inline};
pub(crate) use users::make_user;
