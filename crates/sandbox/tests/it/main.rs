//! The sandbox from outside: real clients, and requests that no client would send.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of a test fails as the test does"
)]

mod chunks;
mod clients;
mod faults;
mod killed;
mod object;
mod raw;
mod refusals;
mod restart;
mod state;
mod support;
mod time;
