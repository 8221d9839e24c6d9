//! Everything that needs more than one crate, or a server or client that we did not write.
//!
//! One binary, so that the servers are started once; one file for each behaviour.

// The helpers beside the tests are tests too, which the lints cannot know.
#![allow(clippy::panic, clippy::unwrap_used)]

mod ceph_store;
mod ministack_aws;
mod workspace;
