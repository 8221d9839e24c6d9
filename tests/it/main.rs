//! Everything that needs more than one crate, or a server or client that we did not write.
//!
//! One binary, so that the servers are started once; one file for each behaviour.

// The helpers beside the tests are tests too, which the lints cannot know.
#![allow(clippy::panic, clippy::unwrap_used)]

mod aws_cli;
mod bodies;
mod boto3;
mod ceph_store;
mod dev_mode;
mod drain;
mod isolation;
mod ministack_aws;
mod operations;
mod over_tls;
mod presigned;
mod provisioner_on_ceph;
mod provisioner_on_ministack;
mod provisioner_on_ministack_drift;
mod provisioner_on_moto;
mod rclone;
mod refusals;
mod revocation;
mod rust_sdk;
mod upstreams;
mod workspace;
