//! The protocol crate from outside: one file per behaviour.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of a test fails as the test does"
)]

mod address;
mod checksums;
mod consequences;
mod copy_source;
mod deletions;
mod documents;
mod dom;
mod headers;
mod listing;
mod model;
mod operations;
mod outer_headers;
mod semantics;
mod upstream_errors;
