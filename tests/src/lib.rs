//! The harness: servers that we did not write, the gateway under test, and clients that we did
//! not write either.
//!
//! Every server listens on a free loopback port, is ready when its constructor returns, and ends
//! with its guard or with the test process, whichever comes first. A tool that is missing fails
//! the test with the command that installs it; nothing is ever skipped.

// A harness has no caller to return an error to: what it cannot set up fails the test there.
#![allow(clippy::panic, clippy::unwrap_used)]

pub mod ceph;
pub mod certificate;
pub mod client;
pub mod customer;
pub mod embedded;
pub mod files;
pub mod gateway;
pub mod listing;
pub mod ministack;
pub mod moto;
pub mod nginx;
pub mod place;
pub mod provisioner;
pub mod request;
pub mod server;
pub mod signer;
pub mod tap;
pub mod wait;
pub mod world;
