//! A refusal reaches clients that are still sending.

use crate::support::client::{Answer, Client, End};
use crate::support::documents;
use crate::support::request::Request;
use crate::support::signer::Signer;
use crate::support::stub::Step;
use crate::support::world::{ACME_KEY, World};

const BODY: usize = 8 * 1_024 * 1_024;

fn large(signer: &Signer, target: &str) -> Request {
    signer.sign_payload(
        Request::new("PUT", target).body(vec![b'x'; BODY]),
        "UNSIGNED-PAYLOAD",
    )
}

/// Sends all of it before it looks for an answer, as simple clients do.
async fn blindly(client: &mut Client, request: &Request) -> Answer {
    client.send(&request.bytes()).await;
    client.answer("PUT").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_reaches_a_client_that_sends_megabytes_first() {
    let world = World::start().await;
    let signer = world.signer(ACME_KEY);
    for _ in 0..10 {
        let mut forged = large(&signer, "/results/canary");
        forged.set("x-amz-date", "20270601T100001Z");
        let answer = blindly(&mut world.connect().await, &forged).await;
        assert_eq!(answer.verdict(), "403 SignatureDoesNotMatch");
        assert_eq!(answer.end, End::Complete);
        let read_only = large(&signer, "/data/canary");
        let answer = blindly(&mut world.connect().await, &read_only).await;
        assert_eq!(answer.verdict(), "403 AccessDenied");
    }
    world.stub.assert_untouched("after all refusals");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_of_the_storage_reaches_a_client_that_sends_megabytes_first() {
    let world = World::start().await;
    world.stub.script(|_| {
        let refusal = documents::error("403 Forbidden", "AccessDenied");
        vec![
            Step::ReadSome(1_000),
            Step::Send(refusal),
            Step::ReadBody,
            Step::Close,
        ]
    });
    let signer = world.signer(ACME_KEY);
    for _ in 0..5 {
        let request = large(&signer, "/results/canary");
        let answer = blindly(&mut world.connect().await, &request).await;
        assert_eq!(answer.verdict(), "502 TenantStorageRefused");
        assert_eq!(answer.end, End::Complete);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_reset_overtakes_the_answer_to_a_small_upload() {
    let world = World::start().await;
    let signer = world.signer(ACME_KEY);
    for size in [2_000, 100_000, 200_000] {
        let put = signer.sign(Request::new("PUT", "/data/canary").body(vec![b'x'; size]));
        let mut client = world.connect().await;
        client.send(&put.head()).await;
        client.send(&put.body[..1_000]).await;
        assert_eq!(client.answer("PUT").await.verdict(), "403 AccessDenied");
        for piece in put.body[1_000..].chunks(20_000) {
            client.must_send(piece).await;
        }
        assert!(client.is_closed().await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_can_keep_a_refused_connection_busy_for_ever() {
    let world = World::start().await;
    let endless = Request::new("PUT", "/data/canary").header("content-length", "5368709120");
    let endless = world
        .signer(ACME_KEY)
        .sign_payload(endless, "UNSIGNED-PAYLOAD");
    let mut client = world.connect().await;
    client.send(&endless.head()).await;
    let mut sent = 0;
    let piece = vec![b'x'; 1_024 * 1_024];
    loop {
        let taken = client.push(&piece).await;
        sent += taken;
        assert!(
            sent < 1_024 * piece.len(),
            "a gibibyte of a refused body was read"
        );
        if taken < piece.len() {
            break;
        }
    }
    world.stub.assert_untouched("a read-only bucket");
}
