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
mod foreign;
mod imports;
mod module;
mod print;
mod tree;
mod write;

pub use check::{Refused, check};
pub use drive::{Planned, PlannedChange, Terraform, TerraformFailure};
pub use foreign::in_the_way;
pub use imports::imports;
pub use print::{Unprintable, print};
pub use write::{Files, WriteError};

use crate::model::{Desired, DesiredBucket, Purpose};

/// Why no configuration can be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TerraformError {
    /// The provider of AWS makes calls that other stores refuse.
    #[error(
        "only AWS can be set up through Terraform\nhint: leave --via terraform out: \"provisioner apply\" sets S3-compatible stores up directly"
    )]
    NotAws,
    /// The provider of AWS keeps CORS rules in no order, and here the order matters.
    #[error(
        "{bucket}.cors: rules {} and {} can answer the same request, and Terraform would not keep their order\nhint: let no two rules share both an origin and a method, or leave --via terraform out", .rules.0 + 1, .rules.1 + 1
    )]
    CorsOrder {
        /// Of which bucket.
        bucket: Purpose,
        /// The places of both rules, from 0.
        rules: (usize, usize),
    },
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
/// For a store that is not AWS, for CORS rules whose order matters, and for text that must not
/// stand in a configuration.
pub fn render(desired: &Desired) -> Result<Files, TerraformError> {
    for bucket in &desired.buckets {
        refuse_order(bucket)?;
    }
    let body = module::root(desired)?;
    check(&body)?;
    let mut files = Files::default();
    files.add("main.tf", format!("{HEADER}\n{}", print(&body)?));
    for (path, text) in embedded::FILES {
        files.add(*path, *text);
    }
    Ok(files)
}

fn refuse_order(bucket: &DesiredBucket) -> Result<(), TerraformError> {
    let rules = bucket.cors.as_deref().unwrap_or_default();
    for (second, rule) in rules.iter().enumerate() {
        if let Some(first) = rules[..second].iter().position(|r| r.overlaps(rule)) {
            return Err(TerraformError::CorsOrder {
                bucket: bucket.purpose,
                rules: (first, second),
            });
        }
    }
    Ok(())
}

const HEADER: &str = "\
# Written by provisioner: change the specification and render it again. The folders terraform and
# policies beside this file belong to it.
#   terraform init && terraform plan && terraform apply
";
