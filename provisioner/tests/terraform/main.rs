//! What the provisioner writes for Terraform, and the modules in `terraform/`, through the real
//! `terraform`, with a provider of our own that has the real schema.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says why and ends"
)]

mod apply;
mod command;
mod driver;
mod generated;
mod harness;
mod held;
mod linted;
mod linters;
mod modules;
mod readmes;
mod rendering;
mod specs;
mod stores;
mod texts;
