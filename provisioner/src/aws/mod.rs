//! The thin shell: reads what is there, makes one step, waits where AWS needs time.

mod connect;
mod convert;
mod credentials;
mod execute;
mod observe;
mod pace;
pub(crate) mod wire;

pub use connect::{Caller, Cloud, ConnectOptions, Endpoints};
pub(crate) use connect::{first_failure, one_tag};
pub use credentials::{
    Credentials, CredentialsError, Environment, find as find_credentials, find_vendor,
};
pub use execute::Outcome;
pub(crate) use pace::is_passing;
pub use pace::{Listen, Pace, Patience};
