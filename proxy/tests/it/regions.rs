//! A bucket in another region than configured: learned once, and repeated once.

use crate::support::documents::{self, response};
use crate::support::request::Request;
use crate::support::stub::{Received, Step};
use crate::support::world::World;

const KEY: &str = "/results/canary";

/// How storages tell that they are elsewhere.
fn refusals() -> Vec<(&'static str, Vec<u8>)> {
    let malformed = "<Error><Code>AuthorizationHeaderMalformed</Code><Message>hidden</Message>\
                     <Region>eu-west-1</Region></Error>";
    let redirect = "<Error><Code>PermanentRedirect</Code><Bucket>hidden</Bucket></Error>";
    let region = "x-amz-bucket-region: eu-west-1\r\n";
    vec![
        (
            "in the document",
            response("400 Bad Request", "", malformed),
        ),
        (
            "in the header",
            response("301 Moved Permanently", region, redirect),
        ),
        (
            "by 307",
            response("307 Temporary Redirect", region, redirect),
        ),
    ]
}

fn signed_for(request: &Received) -> &str {
    let header = request.header("authorization").unwrap_or_default();
    header.split('/').nth(2).unwrap_or_default()
}

fn only_in_ireland(world: &World, refusal: Vec<u8>) {
    world.stub.script(move |request| {
        if signed_for(request) == "eu-west-1" {
            return documents::answer(request);
        }
        let refusal = match request.method() {
            "HEAD" => {
                b"HTTP/1.1 301 Moved Permanently\r\nx-amz-bucket-region: eu-west-1\r\n\r\n".to_vec()
            }
            _ => refusal.clone(),
        };
        vec![Step::ReadBody, Step::Send(refusal)]
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_right_region_is_learned_and_the_client_does_not_notice() {
    for (how, refusal) in refusals() {
        for request in [
            Request::new("GET", KEY),
            Request::new("HEAD", KEY),
            Request::new("PUT", KEY).body("hello"),
            Request::new("GET", "/results?list-type=2"),
            Request::new("POST", "/results?delete")
                .body("<Delete><Object><Key>canary</Key></Object></Delete>"),
        ] {
            let world = World::start().await;
            only_in_ireland(&world, refusal.clone());
            let why = format!("{how}: {} {}", request.method, request.target());
            let answer = world.acme(request.clone()).await;
            assert!(answer.is_whole_success(), "{why}: {answer:?}");
            let regions = |world: &World| -> Vec<String> {
                world
                    .stub
                    .received()
                    .iter()
                    .map(|it| signed_for(it).to_string())
                    .collect()
            };
            assert_eq!(regions(&world), ["eu-central-1", "eu-west-1"], "{why}");
            world.stub.forget();
            assert!(world.acme(request).await.is_whole_success(), "{why}, again");
            assert_eq!(regions(&world), ["eu-west-1"], "{why}, again");
            assert_eq!(world.sts.count(), 1, "{why}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_that_nobody_should_believe_is_not_tried() {
    let world = World::start().await;
    for region in [
        "cn-north-1",
        "us-gov-west-1",
        "eu-central-1",
        "evil.test/",
        "",
        "a b",
    ] {
        let document = format!(
            "<Error><Code>AuthorizationHeaderMalformed</Code><Region>{region}</Region></Error>"
        );
        world
            .stub
            .script(documents::always(response("400 Bad Request", "", document)));
        world.stub.forget();
        let answer = world.acme(Request::new("GET", KEY)).await;
        assert_eq!(
            answer.verdict(),
            "503 TenantStorageUnavailable",
            "{region:?}"
        );
        assert_eq!(world.stub.count(), 1, "{region:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storage_that_sends_us_round_in_circles_is_left() {
    let world = World::start().await;
    world.stub.script(|request| {
        let other = match signed_for(request) {
            "eu-west-1" => "eu-west-2",
            _ => "eu-west-1",
        };
        let document = format!(
            "<Error><Code>AuthorizationHeaderMalformed</Code><Region>{other}</Region></Error>"
        );
        vec![
            Step::ReadBody,
            Step::Send(response("400 Bad Request", "", document)),
        ]
    });
    for _ in 0..5 {
        world.stub.forget();
        let answer = world.acme(Request::new("GET", KEY)).await;
        assert_eq!(answer.verdict(), "503 TenantStorageUnavailable");
        assert!(world.stub.count() <= 2, "{} tries", world.stub.count());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_store_than_amazons_teaches_no_region() {
    let world = World::start().await;
    for (how, refusal) in refusals() {
        world.stub.script(documents::always(refusal));
        world.stub.forget();
        let answer = world.globex(Request::new("GET", KEY)).await;
        assert_eq!(answer.verdict(), "503 TenantStorageUnavailable", "{how}");
        assert_eq!(world.stub.count(), 1, "{how}");
    }
}
