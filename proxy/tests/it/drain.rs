//! SIGTERM: what is in flight ends, nothing new begins, and not for ever.

use crate::support::documents;
use crate::support::eventually;
use crate::support::request::Request;
use crate::support::signer::UNSIGNED;
use crate::support::stub::{Gate, Step};
use crate::support::world::{ACME_KEY, Setup, World};
use std::time::Duration;
use tokio::net::TcpStream;

const KEY: &str = "/results/canary";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_and_a_download_in_flight_end_whole() {
    let mut world = World::start().await;
    let gate = Gate::closed();
    let waiting = gate.clone();
    world.stub.script(move |request| {
        let whole = documents::response("200 OK", "ETag: \"e\"\r\n", vec![b'x'; 300_000]);
        let (first, rest) = whole.split_at(100_000);
        match request.method() {
            "GET" => vec![
                Step::Send(first.to_vec()),
                Step::Wait(waiting.clone()),
                Step::Send(rest.to_vec()),
            ],
            _ => documents::answer(request),
        }
    });
    let signer = world.signer(ACME_KEY);
    let put = Request::new("PUT", KEY).body(vec![7; 500_000]);
    let put = signer.sign_payload(put, UNSIGNED);
    let (head, body) = (put.head(), put.body.clone());
    let mut uploader = world.connect().await;
    uploader.send(&head).await;
    uploader.send(&body[..200_000]).await;
    let mut downloader = world.connect().await;
    downloader
        .send(&signer.sign(Request::new("GET", KEY)).bytes())
        .await;
    eventually("both are under way", || world.stub.count() == 2).await;

    world.stop();
    eventually("nobody listens", || {
        std::net::TcpStream::connect_timeout(&world.address, Duration::from_millis(200)).is_err()
    })
    .await;
    gate.open();
    uploader.must_send(&body[200_000..]).await;
    let uploaded = uploader.answer("PUT").await;
    assert!(uploaded.is_whole_success(), "{uploaded:?}");
    let downloaded = downloader.answer("GET").await;
    assert!(downloaded.is_whole_success(), "{downloaded:?}");
    assert_eq!(downloaded.body.len(), 300_000);
    world.served().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_connection_does_not_hold_up_the_end() {
    let mut world = World::start().await;
    let signer = world.signer(ACME_KEY);
    let mut idle = world.connect().await;
    assert_eq!(
        idle.ask(&signer.sign(Request::new("GET", KEY)))
            .await
            .status,
        200
    );
    let mut fresh = world.connect().await;
    world.stop();
    world.served().await;
    assert!(idle.is_closed().await);
    assert!(fresh.is_closed().await);
    assert!(TcpStream::connect(world.address).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_comes_even_if_a_request_does_not() {
    let mut world = World::with(Setup {
        drain: Duration::from_millis(300),
        ..Setup::default()
    })
    .await;
    world.stub.script(|_| vec![Step::Silence]);
    let mut client = world.connect().await;
    let get = world.signer(ACME_KEY).sign(Request::new("GET", KEY));
    client.send(&get.bytes()).await;
    eventually("the request is upstream", || world.stub.count() == 1).await;
    world.stop();
    world.served().await;
}
