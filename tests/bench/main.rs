//! What the gateway costs: processor time per request of the gateway's process, beside nginx as a
//! plain reverse proxy and beside no proxy at all, in the same run.
//!
//! The upstream is trivial, requests are signed beforehand, the gateway has one core and
//! everything else the others; targets alternate, each repetition gives one ratio, and the table
//! shows medians. Absolute figures hold for the machine that the table names, ratios travel.

// A benchmark has no caller to return an error to, and its output is its product.
#![allow(
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used
)]

mod case;
mod load;
mod processor;
mod run;
mod table;
mod upstream;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["upstream", port] => upstream::serve(port.parse().unwrap()),
        ["--quick"] => run::all(&run::Plan::QUICK),
        ["--smoke"] => run::all(&run::Plan::SMOKE),
        ["--tenants", count] => run::all(&run::Plan {
            tenants: count.parse().unwrap(),
            ..run::Plan::FULL
        }),
        [] => run::all(&run::Plan::FULL),
        _ => panic!("usage: tests/bench/run [--quick | --smoke | --tenants COUNT]"),
    }
}
