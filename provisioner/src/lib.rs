//! Sets a tenant's storage up, proves it, finds drift, takes it down.
//!
//! A pure core decides ([`model`]: what shall be; [`plan`]: how to get there), a thin shell calls AWS. Everything that can
//! be known without a call is checked without one.

pub mod aws;
pub mod cli;
pub mod cloudformation;
pub mod commands;
pub mod deployer;
pub mod failure;
pub mod journal;
pub mod model;
pub mod output;
pub mod plan;
pub mod prove;
pub mod runner;
pub mod script;
pub mod terraform;
