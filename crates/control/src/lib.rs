//! Use cases without HTTP: who is asking, what may they do, and the tenants, keys and
//! configurations that the answer comes from.
//!
//! [`Directory`] is the read side, on the path of every request: a bounded cache before the store
//! that change events empty, so that a revoked key is refused within a second. [`Tenants`] is the
//! write side: putting a configuration in place, issuing and revoking keys.

mod authorise;
mod directory;
mod tenants;

pub use authorise::{Refusal, authorise};
pub use directory::{Directory, LookupError, Principal, Storage};
pub use tenants::{DrawBytes, ManageError, Tenants};
