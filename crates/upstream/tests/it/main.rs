//! What the crate promises, against scripted services and a real TLS listener.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken fixture should stop the test"
)]

mod client;
mod credentials;
mod fixtures;
mod guard;
mod limits;
mod outage;
mod peer;
mod presign;
mod request;
mod resolve;
mod route;
mod servers;
mod sts;
