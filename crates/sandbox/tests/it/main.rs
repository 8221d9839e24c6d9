//! The sandbox from outside: real clients, and requests that no client would send.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of a test fails as the test does"
)]

mod clients;
mod faults;
mod raw;
mod refusals;
mod restart;
mod support;
mod time;
