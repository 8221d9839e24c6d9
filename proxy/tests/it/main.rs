//! The gateway in this process, between a client of raw bytes and a scripted upstream.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on has failed

mod binary;
mod bodies;
mod certificates;
mod continue_100;
mod cut_reads;
mod cut_writes;
mod documents_in;
mod drain;
mod early_refusal;
mod errors;
mod forged;
mod framing;
mod headers;
mod isolation;
mod limits;
mod listings;
mod mutations;
mod names;
mod refusals_upstream;
mod refused;
mod regions;
mod sessions;
mod stale;
mod support;
mod uploads;
