//! The verifier, the signer and the chunk decoder against signers that we did not write.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail like tests"
)]

mod aws_documentation;
mod aws_sigv4;
mod botocore;
mod chunks;
mod hosts;
mod judge;
mod keys;
mod lifetimes;
mod mutations;
mod odd_clients;
mod refusals;
mod request;
mod samples;
mod trailers;
