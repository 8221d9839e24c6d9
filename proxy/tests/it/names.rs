//! Where a tenant's endpoint leads is decided anew for every connection.

use crate::support::request::Request;
use crate::support::world::{ACME_KEY, Setup, World};
use async_trait::async_trait;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use upstream::Lookup;

/// A DNS that says what it is told.
struct Dns(Mutex<Result<Vec<IpAddr>, String>>);

impl Dns {
    fn new(addresses: &[&str]) -> Arc<Self> {
        let dns = Self(Mutex::new(Ok(Vec::new())));
        dns.say(addresses);
        Arc::new(dns)
    }

    fn say(&self, addresses: &[&str]) {
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        *self.0.lock().unwrap() = Ok(addresses);
    }

    fn fail(&self) {
        *self.0.lock().unwrap() = Err("server failure".to_string());
    }
}

#[async_trait]
impl Lookup for Dns {
    async fn lookup(&self, _host: &str) -> io::Result<Vec<IpAddr>> {
        self.0.lock().unwrap().clone().map_err(io::Error::other)
    }
}

async fn world(dns: &Arc<Dns>) -> World {
    World::with(Setup {
        host: "storage.hidden.test",
        lookup: Arc::clone(dns) as _,
        ..Setup::default()
    })
    .await
}

fn requests() -> [Request; 3] {
    [
        Request::new("GET", "/results/canary"),
        Request::new("PUT", "/results/canary").body("hello"),
        Request::new("POST", "/results?delete")
            .body("<Delete><Object><Key>canary</Key></Object></Delete>"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_leads_nowhere_allowed_is_unavailable() {
    for addresses in [
        &[][..],
        &["169.254.169.254"],
        &["10.0.0.1"],
        &["::1"],
        &["::ffff:169.254.169.254"],
        &["fd00:ec2::254"],
        &["0.0.0.0"],
        &["100.100.100.200", "192.168.0.1"],
    ] {
        let world = world(&Dns::new(addresses)).await;
        for request in requests() {
            let answer = world.acme(request).await;
            let verdict = answer.verdict();
            assert_eq!(verdict, "503 TenantStorageUnavailable", "{addresses:?}");
            assert!(!answer.text().contains("169.254"), "{answer:?}");
        }
        world.stub.assert_untouched("no allowed address");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_moves_to_a_forbidden_address_is_not_followed() {
    let dns = Dns::new(&["127.0.0.1"]);
    let world = world(&dns).await;
    let get = || Request::new("GET", "/results/canary");
    assert_eq!(world.acme(get()).await.status, 200);
    dns.say(&["169.254.169.254"]);
    world.clock.advance(31);
    world.stub.forget();
    assert_eq!(
        world.acme(get()).await.verdict(),
        "503 TenantStorageUnavailable"
    );
    assert_eq!(world.stub.count(), 0, "not even over the kept connection");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_dns_costs_nothing_while_the_last_answer_counts() {
    let dns = Dns::new(&["127.0.0.1"]);
    let world = world(&dns).await;
    let get = || Request::new("GET", "/results/canary");
    assert_eq!(world.acme(get()).await.status, 200);
    dns.fail();
    world.clock.advance(300);
    assert_eq!(world.acme(get()).await.status, 200);
    world.clock.advance(700);
    assert_eq!(
        world.acme(get()).await.verdict(),
        "503 TenantStorageUnavailable"
    );
    dns.say(&["127.0.0.1"]);
    world.clock.advance(10);
    assert_eq!(world.acme(get()).await.status, 200, "and it comes back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_signed_host_says_which_bucket_is_meant() {
    let world = World::with(Setup {
        public_hosts: vec![
            "files.example.test".to_string(),
            "data.s3.gateway.test".to_string(),
        ],
        ..Setup::default()
    })
    .await;
    let signed_for = |host: &str, target: &str| {
        let mut request = Request::new("GET", target);
        request.set("host", host);
        world.signer(ACME_KEY).sign(request)
    };
    let mut behind_a_proxy = signed_for("files.example.test", "/results/canary");
    behind_a_proxy.set("host", "10.1.2.3:9000");
    assert_eq!(world.ask(&behind_a_proxy).await.status, 200);
    world.stub.forget();
    let mut moved = signed_for("data.s3.gateway.test", "/canary");
    moved.set("host", "results.s3.gateway.test");
    assert_eq!(world.ask(&moved).await.status, 400);
    let mut unknown = signed_for("other.example.test", "/results/canary");
    unknown.set("host", "10.1.2.3:9000");
    assert_eq!(
        world.ask(&unknown).await.verdict(),
        "403 SignatureDoesNotMatch"
    );
    let mut forwarded = signed_for("other.example.test", "/results/canary");
    forwarded.set("host", "10.1.2.3:9000");
    let forwarded = forwarded.header("x-forwarded-host", "other.example.test");
    assert_eq!(
        world.ask(&forwarded).await.verdict(),
        "403 SignatureDoesNotMatch"
    );
    assert_eq!(world.stub.count(), 0);
}
