//! The Terraform way: a root module written from the model, and a driver for the user's own
//! `terraform`.
//!
//! What is written is complete: the root module, the modules that it calls and the policies that
//! those read. The same input gives the same bytes, in the form that `terraform fmt` gives.
//!
//! Text of customers cannot become code: everything is built as a tree, every text of the tree is
//! held against an alphabet that has no template markers ([`check`]), and the printer escapes what
//! is left (`print`), whether the check had let it through or not.

mod bucket;
mod check;
mod drive;
mod embedded;
mod imports;
mod module;
mod print;
mod tree;
mod write;

pub use check::{Refused, check};
pub use drive::{Planned, PlannedChange, Terraform, TerraformFailure};
pub use imports::imports;
pub use print::{Unprintable, print};
pub use write::{Files, WriteError};

use crate::model::Desired;

/// Why no configuration can be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TerraformError {
    /// The provider of AWS makes calls that other stores refuse.
    #[error(
        "only AWS can be set up through Terraform\nhint: leave --via terraform out: \"provisioner apply\" sets S3-compatible stores up directly"
    )]
    NotAws,
    /// A text that must not stand in a configuration.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The tree has something that the printer does not know.
    #[error(transparent)]
    Unprintable(#[from] Unprintable),
}

/// The root module of `desired`, with all that it needs, by path.
///
/// # Errors
/// For a store that is not AWS, and for text that must not stand in a configuration.
pub fn render(desired: &Desired) -> Result<Files, TerraformError> {
    let body = module::root(desired)?;
    check(&body)?;
    let mut files = Files::default();
    files.add("main.tf", format!("{HEADER}\n{}", print(&body)?));
    for (path, text) in embedded::FILES {
        files.add(*path, *text);
    }
    Ok(files)
}

const HEADER: &str = "\
# Written by provisioner: change the specification and render it again. The folders terraform and
# policies beside this file belong to it.
";
