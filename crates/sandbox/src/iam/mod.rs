//! Who there is and what they may do: accounts, users, roles, sessions.

mod account;
mod api;
mod caller;
mod directory;
mod held;
mod holder;
mod managed;
mod names;
mod page;
pub(crate) mod principals;
mod profiles;
mod roles;
mod session;
mod sts;
mod tags;
mod trust;
mod users;
mod vendors;

pub(crate) use account::{AccessKeyRecord, Account};
pub(crate) use api::{Api, Turn};
pub(crate) use caller::{Asked, Caller};
pub(crate) use directory::{Accounts, Directory, Unauthenticated};
pub(crate) use held::put_inline;
pub(crate) use roles::{NewRole, make_role};
pub(crate) use users::make_user;
