//! An upstream that breaks off while it is written to, and clients that do.

use crate::support::checksum::sample;
use crate::support::documents::{self, response};
use crate::support::eventually;
use crate::support::request::Request;
use crate::support::signer::UNSIGNED;
use crate::support::stub::Step;
use crate::support::upload::{CHUNK, MODES, Mode, upload};
use crate::support::world::{ACME_KEY, Setup, World};
use std::time::Duration;

const KEY: &str = "/results/canary";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_its_storage_breaks_off_is_never_a_success() {
    let world = World::start().await;
    let signer = world.signer(ACME_KEY);
    for size in [10, 100_000, 1_500_000] {
        let request = upload(&signer, KEY, Mode::Unsigned, &sample(size), CHUNK);
        for sixteenth in [0, 1, 8, 15] {
            for ending in [Step::Close, Step::Reset] {
                let read = size * sixteenth / 16;
                let then = ending.clone();
                world
                    .stub
                    .script(move |_| vec![Step::ReadSome(read), then.clone()]);
                let mut client = world.connect().await;
                client.send(&request.bytes()).await;
                let answer = client.answer("PUT").await;
                let why = format!("{size} bytes, {sixteenth}/16, {ending:?}");
                assert_eq!(answer.verdict(), "503 TenantStorageUnavailable", "{why}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storage_that_takes_the_body_and_says_nothing_has_not_said_yes() {
    let world = World::start().await;
    let signer = world.signer(ACME_KEY);
    for ending in [Step::Close, Step::Reset] {
        let then = ending.clone();
        world
            .stub
            .script(move |_| vec![Step::ReadBody, then.clone()]);
        for size in [0, 10, 100_000] {
            let request = upload(&signer, KEY, Mode::Hash, &sample(size), CHUNK);
            let answer = world.ask(&request).await;
            let why = format!("{size} bytes, {ending:?}");
            assert_eq!(answer.verdict(), "503 TenantStorageUnavailable", "{why}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_must_not_be_done_twice_is_sent_once() {
    let world = World::start().await;
    let complete = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"e\"</ETag>\
                    </Part></CompleteMultipartUpload>";
    let conditional = Request::new("PUT", KEY)
        .body("x")
        .header("if-none-match", "*");
    for request in [
        Request::new("POST", "/results/canary?uploads"),
        Request::new("POST", "/results/canary?uploadId=u1").body(complete),
        conditional,
    ] {
        // On a connection that was just good: the upstream may have acted before it broke off.
        world.stub.behave();
        assert_eq!(world.acme(Request::new("GET", KEY)).await.status, 200);
        world.settled().await;
        world.stub.forget();
        world.stub.script(|_| vec![Step::ReadBody, Step::Close]);
        let answer = world.acme(request.clone()).await;
        assert_eq!(
            answer.verdict(),
            "503 TenantStorageUnavailable",
            "{request:?}"
        );
        assert_eq!(world.stub.count(), 1, "{request:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_stops_sending_is_told_so_and_stores_nothing() {
    let world = World::with(Setup {
        body_idle: Duration::from_millis(300),
        ..Setup::default()
    })
    .await;
    let signer = world.signer(ACME_KEY);
    for mode in MODES {
        for missing in [1, 50_000] {
            let request = upload(&signer, KEY, mode, &sample(150_000), 8_192);
            let mut client = world.connect().await;
            let bytes = request.bytes();
            client.send(&bytes[..bytes.len() - missing]).await;
            let answer = client.answer("PUT").await;
            assert_eq!(answer.verdict(), "400 RequestTimeout", "{mode:?}");
            assert!(client.is_closed().await, "{mode:?}");
        }
    }
    world.stub.assert_nothing_stored("after all modes");
    eventually("no request is left", || world.in_flight.count() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_away_stores_nothing() {
    let world = World::start().await;
    let signer = world.signer(ACME_KEY);
    for mode in MODES {
        for missing in [1, 50_000] {
            for reset in [false, true] {
                let request = upload(&signer, KEY, mode, &sample(150_000), 8_192);
                let mut client = world.connect().await;
                let bytes = request.bytes();
                client.send(&bytes[..bytes.len() - missing]).await;
                if reset {
                    client.reset();
                } else {
                    client.finish().await;
                    drop(client);
                }
            }
        }
    }
    eventually("no request is left", || world.in_flight.count() == 0).await;
    world.stub.assert_nothing_stored("after all modes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storage_that_answers_before_the_body_is_over_is_heard() {
    let world = World::start().await;
    world.stub.script(|_| {
        let full = documents::error("507 Insufficient Storage", "InsufficientStorage");
        vec![Step::ReadSome(1), Step::Send(full), Step::Close]
    });
    let body = sample(4_000_000);
    let put = Request::new("PUT", KEY).body(body);
    let put = world.signer(ACME_KEY).sign_payload(put, UNSIGNED);
    let answer = world.ask(&put).await;
    assert_eq!(answer.verdict(), "403 QuotaExceeded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_early_yes_does_not_hide_a_body_that_does_not_hold() {
    let world = World::start().await;
    world.stub.script(|_| {
        vec![
            Step::ReadSome(1),
            Step::Send(response("200 OK", "ETag: \"e\"\r\n", "")),
            Step::ReadBody,
        ]
    });
    let signer = world.signer(ACME_KEY);
    let mut request = upload(&signer, KEY, Mode::Hash, &sample(300_000), CHUNK);
    let last = request.body.len() - 1;
    request.body[last] ^= 1;
    let mut client = world.connect().await;
    client.send(&request.bytes()).await;
    // Whatever the client has heard by then, the storage does not get the last byte.
    let _ = client.any_answer("PUT").await;
    eventually("no request is left", || world.in_flight.count() == 0).await;
    world.stub.assert_nothing_stored("another hash");
}
