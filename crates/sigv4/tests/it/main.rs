//! The verifier, the signer and the chunk decoder against signers that we did not write.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail like tests"
)]

mod aws_documentation;
mod request;
