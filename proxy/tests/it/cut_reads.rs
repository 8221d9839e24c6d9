//! An upstream that breaks off while it sends: no client takes a part for the whole.

use crate::support::checksum::sample;
use crate::support::client::{Answer, End};
use crate::support::documents::response;
use crate::support::request::Request;
use crate::support::stub::{Received, Step};
use crate::support::world::{Setup, World};
use std::time::Duration;
use upstream::PeerTimeouts;

/// Sixteen pieces of it fit into no buffer on the way at once.
const LENGTH: usize = 16 * 20_000;

/// Ways in which an upstream ends too early.
const ENDINGS: [Step; 2] = [Step::Close, Step::Reset];

fn object() -> Vec<u8> {
    response("200 OK", "ETag: \"e\"\r\n", sample(LENGTH))
}

fn in_chunks(body: &[u8]) -> Vec<u8> {
    let mut bytes =
        b"HTTP/1.1 200 OK\r\nETag: \"e\"\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for piece in body.chunks(1_000) {
        bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        bytes.extend_from_slice(piece);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

fn sends(bytes: &[u8], then: Step) -> impl Fn(&Received) -> Vec<Step> + Send + Sync + 'static {
    let bytes = bytes.to_vec();
    move |_| vec![Step::ReadBody, Step::Send(bytes.clone()), then.clone()]
}

/// Either an error, or visibly not all.
fn assert_not_a_whole(answer: &Option<Answer>, why: &str) {
    if let Some(answer) = answer {
        assert!(!answer.is_whole_success(), "{why}: {answer:?}");
    }
}

async fn get(world: &World) -> Option<Answer> {
    let get = world.signer(crate::support::world::ACME_KEY);
    let get = get.sign(Request::new("GET", "/results/canary"));
    let mut client = world.connect().await;
    client.send(&get.bytes()).await;
    client.any_answer("GET").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_breaks_off_at_any_sixteenth_is_never_a_whole_one() {
    let world = World::start().await;
    let whole = object();
    let head = whole.len() - LENGTH;
    for sixteenth in 0..16 {
        for ending in ENDINGS {
            let sent = &whole[..head + sixteenth * LENGTH / 16];
            world.stub.script(sends(sent, ending.clone()));
            let why = format!("{sixteenth}/16, {ending:?}");
            assert_not_a_whole(&get(&world).await, &why);
        }
    }
    world.stub.script(sends(&whole, Step::Close));
    let answer = get(&world).await.unwrap();
    assert!(answer.is_whole_success() && answer.body == sample(LENGTH));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chunked_body_that_breaks_off_is_never_a_whole_one() {
    let world = World::start().await;
    let whole = in_chunks(&sample(50_000));
    for missing in [1, 2, 5, 1_000, 30_000] {
        for ending in ENDINGS {
            world
                .stub
                .script(sends(&whole[..whole.len() - missing], ending.clone()));
            assert_not_a_whole(
                &get(&world).await,
                &format!("{missing} missing, {ending:?}"),
            );
        }
    }
    world.stub.script(sends(&whole, Step::Close));
    let answer = get(&world).await.unwrap();
    assert!(answer.is_whole_success() && answer.body == sample(50_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_ends_with_its_connection_is_not_trusted() {
    let world = World::start().await;
    for version in ["HTTP/1.1", "HTTP/1.0"] {
        let bytes = format!("{version} 200 OK\r\nETag: \"e\"\r\n\r\nperhaps all of it");
        for ending in ENDINGS {
            world.stub.script(sends(bytes.as_bytes(), ending.clone()));
            assert_not_a_whole(&get(&world).await, &format!("{version}, {ending:?}"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_breaks_off_is_an_error_of_the_storage() {
    let world = World::start().await;
    for sent in [
        "",
        "HTTP/1.1 2",
        "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Le",
    ] {
        for ending in ENDINGS {
            world.stub.script(sends(sent.as_bytes(), ending.clone()));
            let answer = get(&world).await.unwrap();
            assert_eq!(
                answer.verdict(),
                "503 TenantStorageUnavailable",
                "{sent:?} {ending:?}"
            );
            assert_eq!(answer.end, End::Complete);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_not_http_is_an_error_of_the_storage() {
    let world = World::start().await;
    for sent in [
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "\x15\x03\x01\x00\x02\x02\x16",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    ] {
        world.stub.script(sends(sent.as_bytes(), Step::Close));
        let answer = get(&world).await;
        assert_not_a_whole(&answer, sent);
        let answer = answer.unwrap();
        assert!((500..=504).contains(&answer.status), "{sent:?}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_bytes_than_announced_are_no_part_of_any_answer() {
    let world = World::start().await;
    let two = [
        response("200 OK", "", "first"),
        response("200 OK", "", "poison"),
    ]
    .concat();
    world.stub.script(move |request| match request.turn {
        0 => vec![Step::Send(two.clone())],
        _ => vec![Step::Send(response("200 OK", "", "later"))],
    });
    for _ in 0..5 {
        let answer = get(&world).await.unwrap();
        assert_eq!(answer.text(), "first");
    }
}

fn impatient() -> Setup {
    Setup {
        timeouts: PeerTimeouts {
            connect: Duration::from_millis(500),
            total_connect: Duration::from_millis(500),
            read: Duration::from_millis(500),
            write: Duration::from_millis(500),
            idle: Duration::from_secs(60),
        },
        ..Setup::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_that_falls_silent_is_not_waited_for_for_ever() {
    let world = World::with(impatient()).await;
    world.stub.script(|_| vec![Step::Silence]);
    let answer = get(&world).await.unwrap();
    assert_eq!(answer.verdict(), "504 TenantStorageTimeout");
    let whole = object();
    for sent in [10, whole.len() - LENGTH, whole.len() - 1] {
        world.stub.script(sends(&whole[..sent], Step::Silence));
        assert_not_a_whole(&get(&world).await, &format!("silence after {sent} bytes"));
    }
    world.stub.script(|_| vec![Step::Silence]);
    let delete = "<Delete><Object><Key>canary</Key></Object></Delete>";
    let answer = world
        .acme(Request::new("POST", "/results?delete").body(delete))
        .await;
    assert_eq!(answer.verdict(), "504 TenantStorageTimeout");
    let listing = response("200 OK", "", "<ListBucketResult>");
    let listing = [&listing[..], b" and no more"].concat();
    world
        .stub
        .script(sends(&listing[..listing.len() - 20], Step::Silence));
    let answer = world.acme(Request::new("GET", "/results?list-type=2"));
    let answer = tokio::time::timeout(Duration::from_secs(5), answer)
        .await
        .unwrap();
    assert!(!answer.is_whole_success(), "{answer:?}");
    world.settled().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_that_takes_no_bytes_is_not_waited_for_for_ever() {
    let world = World::with(impatient()).await;
    world.stub.script(|_| vec![Step::Silence]);
    let put = Request::new("PUT", "/results/canary").body(vec![7; 12 * 1_024 * 1_024]);
    let signer = world.signer(crate::support::world::ACME_KEY);
    let put = signer.sign_payload(put, "UNSIGNED-PAYLOAD");
    let mut client = world.connect().await;
    client.send(&put.bytes()).await;
    let answer = client.answer("PUT").await;
    assert_eq!(answer.verdict(), "504 TenantStorageTimeout");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_that_never_agrees_on_tls_is_not_waited_for_for_ever() {
    let world = World::with(Setup {
        scheme: Some("https"),
        ..impatient()
    })
    .await;
    let answer = get(&world).await.unwrap();
    assert_eq!(answer.verdict(), "503 TenantStorageUnavailable");
    assert_eq!(world.stub.count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_that_is_not_there_is_unavailable() {
    let world = World::start().await;
    world.stub.close().await;
    for method in ["GET", "HEAD", "DELETE"] {
        let answer = world.acme(Request::new(method, "/results/canary")).await;
        assert_eq!(answer.status, 503, "{method}: {answer:?}");
    }
    let put = Request::new("PUT", "/results/canary").body("hello");
    let answer = world.acme(put).await;
    assert_eq!(answer.verdict(), "503 TenantStorageUnavailable");
    assert!(answer.header("retry-after").is_some());
    let delete = "<Delete><Object><Key>canary</Key></Object></Delete>";
    let answer = world
        .acme(Request::new("POST", "/results?delete").body(delete))
        .await;
    assert_eq!(answer.verdict(), "503 TenantStorageUnavailable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_upstream_does_not_hold_up_another_tenant() {
    let world = World::start().await;
    world
        .stub
        .script(|request| match request.target().contains("acme") {
            true => vec![Step::Drip(object(), Duration::from_millis(20))],
            false => crate::support::documents::answer(request),
        });
    let signer = world.signer(crate::support::world::ACME_KEY);
    let get = signer.sign(Request::new("GET", "/results/canary"));
    let mut slow = Vec::new();
    for _ in 0..20 {
        let mut client = world.connect().await;
        client.send(&get.bytes()).await;
        slow.push(client);
    }
    for _ in 0..20 {
        let answer = world.globex(Request::new("GET", "/results/canary")).await;
        assert!(answer.is_whole_success(), "{answer:?}");
    }
    for client in slow {
        client.reset();
    }
}
