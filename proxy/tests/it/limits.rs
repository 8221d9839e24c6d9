//! Clients that take too much or go away give back what they had.

use crate::support::documents::response;
use crate::support::request::Request;
use crate::support::stub::Step;
use crate::support::world::{ACME_KEY, Setup, World};
use proxy::limits::LeastRate;
use std::time::Duration;

/// More than the sockets between upstream and client hold.
const LARGE: usize = 30 * 1_024 * 1_024;

fn large_object(world: &World) {
    let whole = response("200 OK", "ETag: \"e\"\r\n", vec![b'x'; LARGE]);
    world
        .stub
        .script(move |_| vec![Step::ReadBody, Step::Send(whole.clone())]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_away_gives_its_place_back() {
    let world = World::with(Setup {
        requests_per_tenant: 2,
        ..Setup::default()
    })
    .await;
    large_object(&world);
    let get = world
        .signer(ACME_KEY)
        .sign(Request::new("GET", "/results/canary"));
    for _ in 0..10 {
        let mut client = world.connect().await;
        client.send(&get.bytes()).await;
        client.wait_for(b"\r\n\r\n").await;
        client.reset();
        world.settled().await;
    }
    world.stub.behave();
    assert_eq!(world.ask(&get).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_read_is_not_waited_for_for_ever() {
    let world = World::with(Setup {
        body_idle: Duration::from_millis(300),
        ..Setup::default()
    })
    .await;
    large_object(&world);
    let get = world
        .signer(ACME_KEY)
        .sign(Request::new("GET", "/results/canary"));
    let mut client = world.connect().await;
    client.send(&get.bytes()).await;
    crate::support::eventually("it is under way", || world.stub.count() == 1).await;
    world.settled().await;
    let answer = client.any_answer("GET").await.unwrap();
    assert!(!answer.is_whole_success(), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_reads_slowly_gets_all_of_it() {
    let world = World::start().await;
    large_object(&world);
    let get = world
        .signer(ACME_KEY)
        .sign(Request::new("GET", "/results/canary"));
    let answer = world.ask(&get).await;
    assert!(answer.is_whole_success());
    assert!(answer.body.len() == LARGE && answer.body.iter().all(|byte| *byte == b'x'));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_too_many_is_closed_and_the_others_stay() {
    let world = World::with(Setup {
        connections: 2,
        ..Setup::default()
    })
    .await;
    let get = world
        .signer(ACME_KEY)
        .sign(Request::new("GET", "/results/canary"));
    let (mut first, mut second) = (world.connect().await, world.connect().await);
    assert_eq!(first.ask(&get).await.status, 200);
    assert_eq!(second.ask(&get).await.status, 200);
    let mut third = world.connect().await;
    assert!(third.is_closed().await);
    assert_eq!(first.ask(&get).await.status, 200);
    drop(second);
    let since = tokio::time::Instant::now();
    loop {
        let mut next = world.connect().await;
        next.send(&get.bytes()).await;
        match next.any_answer("GET").await {
            Some(answer) => break assert_eq!(answer.status, 200),
            None => assert!(
                since.elapsed().as_secs() < 10,
                "the place is not given back"
            ),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_drips_in_is_cut_and_one_that_comes_in_time_is_not() {
    let world = World::with(Setup {
        head_timeout: Duration::from_millis(400),
        ..Setup::default()
    })
    .await;
    let get = world
        .signer(ACME_KEY)
        .sign(Request::new("GET", "/results/canary"));
    let mut client = world.connect().await;
    // On a connection that has served a request, too.
    assert_eq!(client.ask(&get).await.status, 200);
    let began = tokio::time::Instant::now();
    for byte in get.bytes() {
        if client.push(&[byte]).await == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(client.is_closed().await);
    // Dripping all of it would have taken longer: it was cut, not answered.
    assert!(began.elapsed() >= Duration::from_millis(400));
    assert_eq!(world.stub.count(), 1);
    assert_eq!(world.ask(&get).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_drips_in_is_refused_and_never_stored() {
    let world = World::with(Setup {
        least_rate: LeastRate {
            grace: Duration::ZERO,
            bytes_per_second: 1 << 20,
        },
        ..Setup::default()
    })
    .await;
    let put = world
        .signer(ACME_KEY)
        .sign(Request::new("PUT", "/results/slow").body(vec![b'x'; 4_096]));
    let bytes = put.bytes();
    let (most, last) = bytes.split_at(bytes.len() - 1);
    let mut client = world.connect().await;
    client.send(most).await;
    crate::support::eventually("it is under way", || world.stub.bytes() > 0).await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    client.send(last).await;
    let answer = client.answer("PUT").await;
    assert_eq!(
        (answer.status, answer.code()),
        (400, "RequestTimeout".to_string())
    );
    world.stub.assert_nothing_stored("it came too slowly");
}
