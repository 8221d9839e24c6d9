//! One run: start everything, alternate, measure.

use crate::case::{self, Case};
use crate::load;
use crate::processor::{self, Watch};
use crate::table::{Measured, Table};
use std::time::Duration;
use tests::client::Login;
use tests::gateway::{Access, Bucket, Gateway, Key, Settings, Tenant};
use tests::nginx::{Buffers, Nginx};
use tests::place;
use tests::server::Server;

/// More than this of the machine going to others spoils a measurement.
const MOST_FOREIGN: f64 = 0.05;
/// How often a spoilt measurement is tried again before it is kept and marked.
const TRIES: usize = 4;
/// The gateway and nginx run on this processor, load and upstream on the others; `tests/bench/run`
/// puts this process there.
const PROXY_CPU: usize = 0;

/// How much to measure.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Whether only the cases for a smoke run.
    pub(crate) smoke: bool,
    /// Measurements of each case with each target.
    pub(crate) repetitions: usize,
    /// Length of each.
    pub(crate) time: Duration,
    /// Length of what goes before it and is not counted.
    pub(crate) warm_up: Duration,
    /// Tenants that the gateway knows; one of them is used.
    pub(crate) tenants: usize,
}

impl Plan {
    /// What the README shows.
    pub(crate) const FULL: Self = Self {
        smoke: false,
        repetitions: 5,
        time: Duration::from_secs(2),
        warm_up: Duration::from_millis(200),
        tenants: 1,
    };
    /// A look while working: coarser, in a third of the time.
    pub(crate) const QUICK: Self = Self {
        repetitions: 3,
        time: Duration::from_secs(1),
        ..Self::FULL
    };
    /// Whether it works at all; its figures mean nothing.
    pub(crate) const SMOKE: Self = Self {
        smoke: true,
        repetitions: 1,
        time: Duration::from_millis(200),
        warm_up: Duration::ZERO,
        tenants: 1,
    };
}

/// Something that requests are sent to.
struct Target {
    name: &'static str,
    pid: u32,
    port: u16,
    verifies: bool,
}

/// Measures everything and prints the table.
pub(crate) fn all(plan: &Plan) {
    let upstream_port = place::free_port();
    let myself = std::env::current_exe().unwrap();
    let mut upstream = Server::start("upstream", &myself, |_| {
        (
            vec!["upstream".into(), upstream_port.to_string()],
            Vec::new(),
        )
    });
    upstream.wait_until(|_| std::net::TcpStream::connect(("127.0.0.1", upstream_port)).is_ok());
    let plain = Nginx::before(upstream_port, Buffers::Default, Some(PROXY_CPU));
    let large = Nginx::before(upstream_port, Buffers::Large, Some(PROXY_CPU));
    let gateway = Gateway::serve(&settings(upstream_port, plan.tenants));
    let target = |name, pid, port, verifies| Target {
        name,
        pid,
        port,
        verifies,
    };
    let targets = [
        target("direct", upstream.pid(), upstream_port, false),
        target("nginx", plain.pid(), plain.port(), false),
        target("nginx-64k", large.pid(), large.port(), false),
        target("gateway", gateway.pid(), gateway.port(), true),
    ];
    let mut ours: Vec<_> = targets.iter().map(|target| target.pid).collect();
    ours.push(std::process::id());

    let mut table = Table::default();
    for repetition in 0..plan.repetitions {
        for case in case::ALL.iter().filter(|case| case.smoke || !plan.smoke) {
            for target in &targets {
                let measured = measure(plan, case, target, &ours);
                eprintln!(
                    "{repetition} {:38} {:9} {:10.1} us/request {:8.0}/s  foreign {:.1} %",
                    case.name,
                    target.name,
                    measured.cpu_per_request * 1e6,
                    measured.rate,
                    measured.foreign * 100.0
                );
                table.add(case.name, target.name, measured);
            }
        }
    }
    println!("{}", table.markdown(plan, MOST_FOREIGN));
}

fn measure(plan: &Plan, case: &Case, target: &Target, ours: &[u32]) -> Measured {
    let host = format!("127.0.0.1:{}", target.port);
    let login = key_login(&host);
    let mut best: Option<Measured> = None;
    for _ in 0..if plan.smoke { 1 } else { TRIES } {
        // Signed anew each time: a signature is good for fifteen minutes.
        let prepared = case.prepare(&login, target.verifies);
        if !plan.warm_up.is_zero() {
            load::run(&host, &prepared, case.connections, plan.warm_up);
        }
        let watch = Watch::begin(ours);
        let before = processor::of_process(target.pid);
        let outcome = load::run(&host, &prepared, case.connections, plan.time);
        let spent = processor::of_process(target.pid) - before;
        let measured = Measured {
            cpu_per_request: spent / outcome.requests as f64,
            rate: outcome.requests as f64 / outcome.elapsed.as_secs_f64(),
            median: outcome.latencies[outcome.latencies.len() / 2],
            foreign: watch.foreign_share(),
        };
        if best
            .as_ref()
            .is_none_or(|best| measured.foreign < best.foreign)
        {
            best = Some(measured);
        }
        if best
            .as_ref()
            .is_some_and(|best| best.foreign <= MOST_FOREIGN)
        {
            break;
        }
    }
    best.expect("at least one try was made")
}

fn key() -> Key {
    Key {
        id: "BYOSBENCHKEY00000001".into(),
        secret: "bench-secret-0000000000000000000000000001".into(),
        read_only: false,
    }
}

fn key_login(host: &str) -> Login {
    Login {
        endpoint: format!("http://{host}"),
        region: "us-east-1".into(),
        access_key_id: key().id,
        secret_access_key: key().secret,
        authority: None,
    }
}

fn settings(upstream: u16, tenants: usize) -> Settings {
    let endpoint = format!("http://127.0.0.1:{upstream}");
    let store = key_login("").with_keys("UPSTREAMKEY000000001", "upstream-secret-00000000001");
    let tenant = |number: usize| {
        let mut key = key();
        if number > 0 {
            key.id = format!("BYOSBENCHKEY1{number:07}");
        }
        Tenant {
            id: format!("bench-{number}"),
            access: Access::Keys(store.clone()),
            buckets: vec![Bucket {
                name: "data".into(),
                bucket: format!("real-bucket-{number}"),
                prefix: format!("orgs/bench-{number}/"),
                writable: true,
                endpoint: endpoint.clone(),
                is_aws: false,
            }],
            keys: vec![key],
        }
    };
    Settings {
        tenants: (0..tenants).map(tenant).collect(),
        cpu: Some(PROXY_CPU),
        ..Settings::default()
    }
}
