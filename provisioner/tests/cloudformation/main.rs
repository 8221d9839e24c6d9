//! The CloudFormation template: what an evaluator of our own makes of it, and what cfn-lint says.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says why and ends"
)]

mod evaluate;
mod template;

#[path = "../terraform/generated.rs"]
mod generated;
#[allow(dead_code, reason = "shared with the tests of Terraform")]
#[path = "../terraform/specs.rs"]
mod specs;
#[allow(dead_code, reason = "shared with the tests of Terraform")]
#[path = "../terraform/stores.rs"]
mod stores;
