//! A kept connection that the upstream has left meanwhile costs nobody an error.

use crate::support::checksum::sample;
use crate::support::documents;
use crate::support::request::Request;
use crate::support::stub::Step;
use crate::support::upload::{CHUNK, Mode, upload};
use crate::support::world::{ACME_KEY, World};

const KEY: &str = "/results/canary";

/// The first request on each of the first connections is answered, the second finds it broken.
fn second_request_breaks(world: &World, ending: Step, connections: usize) {
    world.stub.script(move |request| {
        if request.turn > 0 && request.connection < connections {
            vec![ending.clone()]
        } else {
            documents::answer(request)
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_be_repeated_is_repeated_on_a_new_connection() {
    for ending in [Step::Close, Step::Reset] {
        for request in [
            Request::new("GET", KEY),
            Request::new("HEAD", KEY),
            Request::new("DELETE", KEY),
            Request::new("PUT", KEY).body("a small object"),
            Request::new("PUT", KEY).body(sample(60_000)),
            Request::new("PUT", KEY).body(""),
            Request::new("PUT", KEY).header("x-amz-copy-source", "/data/a"),
            Request::new("PUT", "/results/canary?partNumber=1&uploadId=u1").body("a part"),
            Request::new("GET", "/results?list-type=2"),
        ] {
            let world = World::start().await;
            second_request_breaks(&world, ending.clone(), 1);
            assert_eq!(world.acme(Request::new("GET", KEY)).await.status, 200);
            world.settled().await;
            let answer = world.acme(request.clone()).await;
            let why = format!("{} {} {ending:?}", request.method, request.target());
            assert!(answer.is_whole_success(), "{why}: {answer:?}");
            let received = world.stub.received();
            let tries: Vec<_> = received.iter().map(|it| (it.connection, it.turn)).collect();
            assert_eq!(tries, [(0, 0), (0, 1), (1, 0)], "{why}");
            assert!(received[2].body == request.body, "{why}: another body");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_was_closed_long_ago_is_not_taken() {
    let world = World::start().await;
    world.stub.script(|request| {
        let mut steps = documents::answer(request);
        steps.push(Step::Close);
        steps
    });
    let signer = world.signer(ACME_KEY);
    for round in 0..15 {
        let large = upload(&signer, KEY, Mode::Unsigned, &sample(300_000), CHUNK);
        let answer = world.ask(&large).await;
        assert_eq!(answer.status, 200, "upload {round}: {answer:?}");
        let create = world
            .acme(Request::new("POST", "/results/canary?uploads"))
            .await;
        assert_eq!(create.status, 200, "create {round}: {create:?}");
        let closed = 2 * (round + 1);
        crate::support::eventually("both connections are gone", || {
            world.stub.closed() >= closed
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_upload_over_a_stale_connection_is_an_error_and_not_a_part() {
    let world = World::start().await;
    second_request_breaks(&world, Step::Reset, 1);
    let signer = world.signer(ACME_KEY);
    let large = upload(&signer, KEY, Mode::Unsigned, &sample(300_000), CHUNK);
    assert_eq!(world.ask(&large).await.status, 200);
    world.settled().await;
    world.stub.forget();
    let answer = world.ask(&large).await;
    assert_eq!(answer.verdict(), "503 TenantStorageUnavailable");
    world.stub.assert_nothing_stored("the stale connection");
    assert_eq!(world.ask(&large).await.status, 200, "trying again helps");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_that_always_breaks_off_is_not_asked_for_ever() {
    let world = World::start().await;
    second_request_breaks(&world, Step::Close, usize::MAX);
    for round in 0..4 {
        world.settled().await;
        world.stub.forget();
        let answer = world.acme(Request::new("GET", KEY)).await;
        assert!(matches!(answer.status, 200 | 503), "{answer:?}");
        assert!(
            world.stub.count() <= 3,
            "round {round}: {} tries",
            world.stub.count()
        );
    }
}
