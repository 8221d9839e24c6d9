//! One binary for all tests of this crate: linking the SDK once is enough.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot set up has failed"
)]

mod adopted;
mod aws;
mod causes;
mod certificate_role;
mod certificate_signature;
mod certificate_trust;
mod connection;
mod connection_causes;
mod connection_network;
mod cycle;
mod data;
mod deployer;
mod deployer_journeys;
mod durable;
mod existing;
mod exits;
mod hands;
mod keys;
mod killed;
mod limits;
mod many;
mod model;
mod nothing;
mod owned;
mod people;
mod plan;
mod prove;
mod refusals;
mod refused;
mod reported;
mod runner;
mod secrets;
mod settings;
mod stores;
mod undone;
mod waiting;
mod words;
mod world;
