//! What the crate promises, seen from outside; one binary, so that it links once.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says so by panicking"
)]

mod catalogue;
mod coverage;
mod differential;
mod evaluate;
mod generate;
mod lint;
mod normalize;
mod parse;
mod probes;
mod render;
mod support;
mod terraform;
