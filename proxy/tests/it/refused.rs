//! What is refused before the tenant's storage hears of it, although the signature holds.

use crate::support::eventually;
use crate::support::operations;
use crate::support::request::Request;
use crate::support::world::{ACME_KEY, GLOBEX_KEY, READER_KEY, World};
use types::{AccessKeyId, AccessKeyStatus, ConfigStatus};

/// Sub-resources of buckets and objects that S3 has and the gateway has not, and some that nobody
/// has.
const SUB_RESOURCES: [&str; 34] = [
    "accelerate",
    "acl",
    "analytics",
    "attributes",
    "cors",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "logging",
    "metadataConfiguration",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "renameObject",
    "replication",
    "requestPayment",
    "restore",
    "retention",
    "select",
    "select-type",
    "session",
    "tagging",
    "torrent",
    "versioning",
    "versions",
    "website",
    "no-such-thing",
    "DELETE",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sub_resource_that_the_gateway_does_not_know_reaches_no_storage() {
    let world = World::start().await;
    for name in SUB_RESOURCES {
        for method in ["GET", "HEAD", "PUT", "POST", "DELETE"] {
            for target in [
                format!("/results?{name}"),
                format!("/results/canary?{name}="),
                format!("/results/canary?uploadId=u1&{name}=x"),
                format!("/results?list-type=2&{name}"),
            ] {
                let answer = world.acme(Request::new(method, &target)).await;
                let known = (400..=501).contains(&answer.status);
                assert!(known, "{method} {target}: {answer:?}");
            }
        }
    }
    world.stub.assert_untouched("after all sub-resources");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_method_without_a_meaning_reaches_no_storage() {
    let world = World::start().await;
    for method in ["PATCH", "OPTIONS", "TRACE", "PROPFIND", "get", "PURGE"] {
        for target in ["/", "/results", "/results/canary"] {
            let answer = world.acme(Request::new(method, target)).await;
            assert!(
                (400..=501).contains(&answer.status),
                "{method} {target}: {answer:?}"
            );
        }
    }
    for target in ["/new-bucket", "/results"] {
        for method in ["PUT", "DELETE", "POST"] {
            let answer = world.acme(Request::new(method, target)).await;
            assert_eq!(answer.verdict(), "501 NotImplemented", "{method} {target}");
        }
    }
    world.stub.assert_untouched("after all methods");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_header_that_asks_for_what_is_not_there_reaches_no_storage() {
    let world = World::start().await;
    for (name, value) in [
        ("x-amz-acl", "public-read"),
        ("x-amz-grant-read", "id=1"),
        ("x-amz-tagging", "a=b"),
        ("x-amz-object-lock-mode", "GOVERNANCE"),
        ("x-amz-website-redirect-location", "/x"),
        ("x-amz-request-payer", "requester"),
        ("x-amz-mfa", "1 2"),
        ("x-amz-no-such-thing", "1"),
        ("content-range", "bytes 0-1/2"),
    ] {
        let put = Request::new("PUT", "/results/canary")
            .body("x")
            .header(name, value);
        let answer = world.acme(put).await;
        assert_eq!(answer.verdict(), "501 NotImplemented", "{name}");
    }
    world.stub.assert_untouched("after all headers");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_operation_that_writes_reaches_a_read_only_bucket() {
    let world = World::start().await;
    for (name, mut request) in operations::all() {
        if operations::is_write(name) {
            request.path = request.path.replace("/results", "/data");
            let answer = world.acme(request).await;
            assert_eq!(answer.verdict(), "403 AccessDenied", "{name}");
        }
    }
    world.stub.assert_untouched("after all writes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_operation_that_writes_is_done_for_a_reading_key() {
    let world = World::start().await;
    for (name, request) in operations::all() {
        if operations::is_write(name) {
            let answer = world.ask(&world.signer(READER_KEY).sign(request)).await;
            assert_eq!(answer.verdict(), "403 AccessDenied", "{name}");
        }
    }
    world.stub.assert_untouched("after all writes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_is_not_the_tenants_does_not_exist_for_it() {
    let world = World::start().await;
    for bucket in ["other", "hidden-globex-results", "hidden-acme-results"] {
        for (name, mut request) in operations::all() {
            if name == "ListBuckets" {
                continue;
            }
            request.path = request.path.replace("/results", &format!("/{bucket}"));
            let request = world.signer(GLOBEX_KEY).sign(request);
            let mut client = world.connect().await;
            client.send(&request.bytes()).await;
            // The client's own words may come back to it, so nothing is searched for here.
            let answer = client.unsearched_answer(&request.method).await;
            assert_eq!(answer.status, 404, "{name} {bucket}");
        }
    }
    world.stub.assert_untouched("after all buckets");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_from_a_bucket_that_is_not_the_tenants_reaches_no_storage() {
    let world = World::start().await;
    for source in [
        "/other/key",
        "other/key",
        "hidden-globex-data/key",
        "%2Fother%2Fkey",
        "%252Fdata%252Fkey",
        "arn:aws:s3:::data/key",
        "arn:aws:s3:eu-central-1:123456789012:accesspoint/a/object/key",
        "data/../other/key",
        "data%2F..%2Fother%2Fkey",
        "data",
        "data/",
        "",
    ] {
        for target in [
            "/results/canary",
            "/results/canary?partNumber=1&uploadId=u1",
        ] {
            let request = Request::new("PUT", target).header("x-amz-copy-source", source);
            let request = world.signer(ACME_KEY).sign(request);
            let mut client = world.connect().await;
            client.send(&request.bytes()).await;
            let answer = client.unsearched_answer("PUT").await;
            assert!((400..=404).contains(&answer.status), "{source}: {answer:?}");
        }
    }
    world.stub.assert_untouched("after all sources");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_tenant_is_refused_on_a_connection_that_is_open() {
    let world = World::start().await;
    let get = world
        .signer(ACME_KEY)
        .sign(Request::new("GET", "/results/canary"));
    let mut client = world.connect().await;
    assert_eq!(client.ask(&get).await.status, 200);
    let mut config = crate::support::world::acme(&world.endpoint);
    config.status = ConfigStatus::Disabled;
    world.tenants.put_config(config).await.unwrap();
    let since = tokio::time::Instant::now();
    while client.ask(&get).await.status == 200 {
        assert!(
            since.elapsed().as_millis() < 1_000,
            "still served after a second"
        );
    }
    world.stub.forget();
    for (name, request) in operations::all() {
        let answer = client.ask(&world.signer(ACME_KEY).sign(request)).await;
        assert_eq!(answer.status, 403, "{name}: {answer:?}");
        if answer.header("connection") == Some("close") {
            client = world.connect().await;
        }
    }
    assert_eq!(world.stub.count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_is_refused_within_a_second_on_a_connection_that_is_open() {
    for status in [AccessKeyStatus::Revoked, AccessKeyStatus::Disabled] {
        let world = World::start().await;
        let get = world
            .signer(ACME_KEY)
            .sign(Request::new("GET", "/results/canary"));
        let mut client = world.connect().await;
        assert_eq!(client.ask(&get).await.status, 200);
        let id = AccessKeyId::parse(ACME_KEY).unwrap();
        world.tenants.set_key_status(&id, status).await.unwrap();
        let since = tokio::time::Instant::now();
        let refusal = loop {
            let answer = client.ask(&get).await;
            if answer.status != 200 {
                break answer;
            }
            assert!(
                since.elapsed().as_millis() < 1_000,
                "{status:?} for a second"
            );
        };
        assert_eq!(refusal.verdict(), "403 InvalidAccessKeyId", "{status:?}");
        world.stub.forget();
        assert_eq!(world.ask(&get).await.status, 403);
        let presigned = world
            .signer(ACME_KEY)
            .presign(Request::new("GET", "/results/canary"));
        assert_eq!(world.ask(&presigned).await.status, 403);
        assert_eq!(world.stub.count(), 0, "{status:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_presigned_url_dies_with_its_second_and_not_before() {
    let world = World::start().await;
    for seconds in [1, 960, 604_800] {
        let url = world.signer(ACME_KEY).presign_payload(
            Request::new("GET", "/results/canary"),
            seconds,
            "",
        );
        let seconds = i64::try_from(seconds).unwrap();
        world.clock.advance(seconds);
        assert_eq!(world.ask(&url).await.status, 200, "in second {seconds}");
        world.clock.advance(1);
        world.stub.forget();
        let late = world.ask(&url).await;
        assert_eq!(late.verdict(), "403 AccessDenied", "after second {seconds}");
        assert_eq!(world.stub.count(), 0, "after second {seconds}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_ways_of_authenticating_are_one_too_many() {
    let world = World::start().await;
    let signer = world.signer(ACME_KEY);
    let get = Request::new("GET", "/results/canary");
    let presigned = signer.presign(get.clone());
    let version_2 = "AWS BYOSACMEFULL00000001:frJIUN8DYpKDtOLCwo//yllqDzg=";
    let mut attempts = vec![signer.sign(presigned.clone())];
    let mut query_2 = signer.sign(get.clone());
    query_2.query = "AWSAccessKeyId=BYOSACMEFULL00000001&Signature=x&Expires=1".to_string();
    attempts.push(query_2);
    attempts.push(presigned.clone().header("authorization", version_2));
    let header = signer.sign(get).get("authorization").unwrap().to_string();
    let twice = presigned.header("authorization", &header);
    attempts.push(twice.header("authorization", &header));
    for attempt in attempts {
        let answer = world.ask(&attempt).await;
        assert_eq!(answer.status, 400, "{attempt:?}: {answer:?}");
    }
    world.stub.assert_untouched("after all attempts");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browsers_own_authorization_does_not_disturb_a_presigned_url() {
    let world = World::start().await;
    let url = world
        .signer(ACME_KEY)
        .presign(Request::new("GET", "/results/canary"));
    let answer = world
        .ask(&url.header("authorization", "Basic dXNlcjpwYXNz"))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(world.stub.only().text().matches("Basic").count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_takes_no_more_than_its_share() {
    use crate::support::stub::{Gate, Step};
    use crate::support::world::Setup;
    let world = World::with(Setup {
        requests_per_tenant: 2,
        ..Setup::default()
    })
    .await;
    let gate = Gate::closed();
    let waiting = gate.clone();
    world.stub.script(move |request| {
        let mut steps = vec![Step::Wait(waiting.clone())];
        steps.extend(crate::support::documents::answer(request));
        steps
    });
    let get = world
        .signer(ACME_KEY)
        .sign(Request::new("GET", "/results/canary"));
    let (mut first, mut second) = (world.connect().await, world.connect().await);
    first.send(&get.bytes()).await;
    second.send(&get.bytes()).await;
    eventually("two requests wait upstream", || world.stub.count() == 2).await;
    let third = world.ask(&get).await;
    assert_eq!(third.verdict(), "503 SlowDown");
    assert!(third.header("retry-after").is_some());
    assert_eq!(world.stub.count(), 2);
    gate.open();
    assert_eq!(first.answer("GET").await.status, 200);
    assert_eq!(second.answer("GET").await.status, 200);
    let other = world.globex(Request::new("GET", "/results/canary")).await;
    assert_eq!(other.status, 200);
}
