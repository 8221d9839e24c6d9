//! Two tenants on one gateway share neither connections nor a byte of each other.

use crate::support::documents::{self, response};
use crate::support::request::Request;
use crate::support::stub::Step;
use crate::support::world::{ACME_KEY, GLOBEX_KEY, World, acme};
use types::{AccessKeyId, BucketAlias, KeyPrefix, SecretString};

const KEY: &str = "/results/canary";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_serves_one_tenant_and_one_revision_of_its_settings() {
    let world = World::start().await;
    let mut connections = Vec::new();
    for turn in 0..9 {
        if turn == 6 {
            let mut config = acme(&world.endpoint);
            let results = BucketAlias::parse("results").unwrap();
            let place = &mut config.buckets.get_mut(&results).unwrap().location;
            place.prefix = KeyPrefix::parse("hidden-prefix/moved/").unwrap();
            world.tenants.put_config(config).await.unwrap();
        }
        let answer = match turn % 3 {
            2 => world.globex(Request::new("GET", KEY)).await,
            _ => world.acme(Request::new("GET", KEY)).await,
        };
        assert_eq!(answer.status, 200, "{answer:?}");
        world.settled().await;
        connections.push(world.stub.received().pop().unwrap().connection);
    }
    // acme, acme, globex, twice; then acme with other settings.
    assert_eq!(connections, [0, 0, 1, 0, 0, 1, 2, 2, 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_uploads_have_connections_of_their_tenant_too() {
    let world = World::start().await;
    for _ in 0..2 {
        let put = || Request::new("PUT", KEY).body(vec![1; 100_000]);
        assert_eq!(world.acme(put()).await.status, 200);
        assert_eq!(world.globex(put()).await.status, 200);
        world.settled().await;
    }
    let by_tenant = |tenant: &str| -> Vec<usize> {
        let received = world.stub.received();
        let mine = received.iter().filter(|it| it.target().contains(tenant));
        mine.map(|it| it.connection).collect()
    };
    for connection in by_tenant("acme") {
        assert!(!by_tenant("globex").contains(&connection));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_tenant_ever_reads_what_another_stores() {
    let world = World::start().await;
    world.stub.script(|request| {
        let tenant = if request.target().contains("/acme/") {
            "acme"
        } else {
            "globex"
        };
        let body = format!("this belongs to {tenant}: {}", request.target().len());
        vec![
            Step::ReadBody,
            Step::Send(response("200 OK", "ETag: \"e\"\r\n", body)),
        ]
    });
    let mut workers = Vec::new();
    for worker in 0..8 {
        let (address, signers) = (
            world.address,
            [ACME_KEY, GLOBEX_KEY].map(|id| world.signer(id)),
        );
        workers.push(tokio::spawn(async move {
            let mut client = crate::support::client::Client::connect(address).await;
            for turn in 0..200 {
                let mine = (worker + turn) % 2;
                let key = format!("/results/canary-{}", turn % 7);
                let request = match turn % 5 {
                    4 => Request::new("PUT", &key).body("mine alone"),
                    _ => Request::new("GET", &key),
                };
                let answer = client.ask(&signers[mine].sign(request)).await;
                assert_eq!(answer.status, 200, "{answer:?}");
                let (own, other) = [("acme", "globex"), ("globex", "acme")][mine];
                let text = answer.text();
                assert!(
                    text.contains(own) && !text.contains(other),
                    "{own} read {text}"
                );
            }
        }));
    }
    for worker in workers {
        worker.await.unwrap();
    }
    let received = world.stub.received();
    for request in &received {
        let mine = request.target().contains("/hidden-acme-");
        let credential = request.header("authorization").unwrap();
        assert_eq!(credential.contains("ASIAHIDDEN"), mine, "{}", request.line);
        assert_eq!(
            credential.contains("AKIDHIDDENGLOBEX"),
            !mine,
            "{}",
            request.line
        );
        let others = received
            .iter()
            .filter(|it| it.connection == request.connection);
        let same = others
            .map(|it| it.target().contains("/hidden-acme-"))
            .all(|it| it == mine);
        assert!(same, "connection {} served both", request.connection);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_tenants_key_opens_nothing_of_another() {
    let world = World::start().await;
    let mut impostor = world.signer(ACME_KEY);
    impostor.secret = world.signer(GLOBEX_KEY).secret;
    let answer = world.ask(&impostor.sign(Request::new("GET", KEY))).await;
    assert_eq!(answer.verdict(), "403 SignatureDoesNotMatch");
    let signed = world.signer(ACME_KEY).sign(Request::new("GET", KEY));
    let mut renamed = signed.clone();
    let header = signed
        .get("authorization")
        .unwrap()
        .replace(ACME_KEY, GLOBEX_KEY);
    renamed.set("authorization", &header);
    let answer = world.ask(&renamed).await;
    assert_eq!(answer.verdict(), "403 SignatureDoesNotMatch");
    world.stub.assert_untouched("two impostors");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotated_secret_is_in_force_at_once() {
    let world = World::start().await;
    let old = world.signer(ACME_KEY);
    assert_eq!(
        world.ask(&old.sign(Request::new("GET", KEY))).await.status,
        200
    );
    let id = AccessKeyId::parse(ACME_KEY).unwrap();
    let tenant = types::TenantId::parse("acme").unwrap();
    let mut keys = world.tenants.keys(&tenant).await.unwrap();
    let mut key = keys.remove(keys.iter().position(|key| key.id == id).unwrap());
    key.secret = SecretString::new("canary-rotated-secret".to_string());
    world.tenants.put_key(key).await.unwrap();
    let since = tokio::time::Instant::now();
    while world.ask(&old.sign(Request::new("GET", KEY))).await.status == 200 {
        assert!(
            since.elapsed().as_millis() < 1_000,
            "the old secret works for a second"
        );
    }
    let mut new = old.clone();
    new.secret = "canary-rotated-secret".to_string();
    assert_eq!(
        world.ask(&new.sign(Request::new("GET", KEY))).await.status,
        200
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_belongs_to_its_tenants_prefix() {
    let world = World::start().await;
    let part = Request::new("PUT", "/results/canary?partNumber=1&uploadId=u1").body("a part");
    world.globex(part).await;
    let target = world.stub.only().target().to_string();
    assert!(
        target.starts_with("/hidden-globex-results/hidden-prefix/globex/canary?"),
        "{target}"
    );
    world.stub.script(documents::always(documents::error(
        "404 Not Found",
        "NoSuchUpload",
    )));
    let abort = world
        .globex(Request::new("DELETE", "/results/canary?uploadId=of-acme"))
        .await;
    assert_eq!(abort.verdict(), "404 NoSuchUpload");
}
