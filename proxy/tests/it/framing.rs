//! Requests whose end one reader sees here and another there: nothing that hides in them ever
//! becomes a request of its own.

mod rows;

use crate::support::checksum::crc32;
use crate::support::message::parse_head;
use crate::support::request::{HOST, Request};
use crate::support::signer::{Signer, UNSIGNED};
use crate::support::stub::Received;
use crate::support::upload::{Mode, chunked_head, unsigned_chunks};
use crate::support::world::{ACME_KEY, Setup, World};
use rows::{CHUNKED, HEADS, LINES, PLAIN};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One attempt, over a connection of its own, at a key of its own.
struct Attempt {
    name: String,
    key: String,
    raw: Vec<u8>,
}

fn smuggled(signer: &Signer) -> String {
    let request = Request::new("GET", "/results/canary-smuggled");
    String::from_utf8(signer.presign(request).head()).unwrap()
}

fn attempts(signer: &Signer) -> Vec<Attempt> {
    let smuggled = smuggled(signer);
    let mut attempts = Vec::new();
    let mut add = |name: String, build: &dyn Fn(&str) -> Vec<u8>| {
        let key = format!("/results/canary-{:03}", attempts.len());
        let raw = build(&key);
        attempts.push(Attempt { name, key, raw });
    };
    for (name, framing, body) in PLAIN {
        add(format!("plain, {name}"), &|key| {
            let request = signer.sign_payload(Request::new("PUT", key), UNSIGNED);
            let body = body.replace("SMUGGLED", &smuggled);
            framed(&request, framing, body.into_bytes())
        });
    }
    let inner = unsigned_chunks(&[b"hello"], &[("x-amz-checksum-crc32", &crc32(b"hello"))]);
    let inner = String::from_utf8(inner).unwrap();
    for (name, framing, body) in CHUNKED {
        add(format!("chunked, {name}"), &|key| {
            let request = chunked_head(signer, key, Mode::UnsignedChunksTrailer, 5);
            let body = body
                .replace("SIZE", &format!("{:x}", inner.len()))
                .replace("BODY", &inner)
                .replace("SMUGGLED", &smuggled);
            let framing = format!("transfer-encoding: chunked\r\n{framing}");
            framed(&request, &framing, body.into_bytes())
        });
    }
    for line in LINES {
        add(format!("line {line:?}"), &|key| {
            let method = line.trim().split([' ', '\t']).next().unwrap_or_default();
            let request = signer.sign(Request::new(method, key));
            let line = line
                .replace("TARGET", key)
                .replace("HOST", HOST)
                .replace("SMUGGLED", "/results/canary-smuggled");
            let head = String::from_utf8(request.head()).unwrap();
            let fields = head.split_once("\r\n").unwrap().1;
            format!("{line}\r\n{fields}hello{smuggled}").into_bytes()
        });
    }
    for (name, from, to) in HEADS {
        add(format!("head with {name}"), &|key| {
            let request = signer.sign(Request::new("GET", key));
            let head = String::from_utf8(request.head()).unwrap().replace(from, to);
            format!("{head}{smuggled}").into_bytes()
        });
    }
    attempts
}

fn framed(request: &Request, framing: &str, body: Vec<u8>) -> Vec<u8> {
    let mut raw = request.head();
    raw.truncate(raw.len() - 2);
    [raw, framing.as_bytes().to_vec(), b"\r\n".to_vec(), body].concat()
}

/// Sends, and reads until the gateway closes or has been silent for a while.
async fn provoke(address: SocketAddr, raw: &[u8]) -> (Vec<u8>, bool) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _ = stream.write_all(raw).await;
    let mut answer = Vec::new();
    loop {
        let read = stream.read_buf(&mut answer);
        match tokio::time::timeout(Duration::from_secs(2), read).await {
            Ok(Ok(count)) if count > 0 => {}
            Ok(_) => return (answer, true),
            Err(_) => return (answer, false),
        }
    }
}

/// The statuses in a run of answers, whatever stands between them.
fn statuses(answers: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(answers);
    let heads = text.split("HTTP/1.").skip(1);
    heads
        .filter_map(|head| head.get(2..5)?.parse().ok())
        .collect()
}

fn assert_well_formed(request: &Received) {
    let why = request.text();
    let hosts = request.headers.iter().filter(|(name, _)| name == "host");
    assert_eq!(hosts.count(), 1, "{why}");
    assert!(request.body.len() <= request.length(), "{why}");
    let (line, _) = parse_head(&request.raw);
    assert_eq!(line.matches("HTTP/1.1").count(), 1, "{why}");
    for byte in [b'\0', 0xb] {
        assert!(!request.raw.contains(&byte), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_hides_in_an_ambiguous_request_reaches_a_storage() {
    let world = World::with(Setup {
        body_idle: Duration::from_millis(500),
        ..Setup::default()
    })
    .await;
    let attempts = attempts(&world.signer(ACME_KEY));
    assert!(attempts.len() >= 110, "only {}", attempts.len());
    let running: Vec<_> = attempts
        .into_iter()
        .map(|attempt| {
            let address = world.address;
            tokio::spawn(async move {
                let (answers, closed) = provoke(address, &attempt.raw).await;
                (attempt, answers, closed)
            })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in running {
        outcomes.push(task.await.unwrap());
    }
    let received = world.stub.received();
    for request in &received {
        assert!(!request.target().contains("smuggled"), "{}", request.text());
        assert_well_formed(request);
    }
    for (attempt, answers, closed) in outcomes {
        let name = &attempt.name;
        let tail = attempt.key.trim_start_matches("/results/");
        let mine = received
            .iter()
            .filter(|request| request.target().ends_with(tail))
            .count();
        let statuses = statuses(&answers);
        assert!(mine <= 1, "{name}: {mine} requests");
        assert!(statuses.len() <= 1, "{name}: answers {statuses:?}");
        let refused = statuses.iter().all(|status| *status >= 400);
        assert!(closed || !refused, "{name}: still open after {statuses:?}");
        assert!(
            refused || mine == 1,
            "{name}: {statuses:?} without a request"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_framings_at_once_are_refused() {
    let world = World::start().await;
    let inner = unsigned_chunks(&[b"hello"], &[("x-amz-checksum-crc32", &crc32(b"hello"))]);
    let mut body = format!("{:x}\r\n", inner.len()).into_bytes();
    body.extend_from_slice(&inner);
    body.extend_from_slice(b"\r\n0\r\n\r\n");
    let length = format!("Content-Length: {}\r\n", body.len());
    let encoding = "Transfer-Encoding: chunked\r\n";
    let head = chunked_head(
        &world.signer(ACME_KEY),
        "/results/canary",
        Mode::UnsignedChunksTrailer,
        5,
    );
    for framing in [format!("{length}{encoding}"), format!("{encoding}{length}")] {
        let mut client = world.connect().await;
        client.send(&framed(&head, &framing, body.clone())).await;
        assert_eq!(client.answer("PUT").await.verdict(), "400 InvalidRequest");
        assert!(client.is_closed().await);
    }
    world.stub.assert_untouched("two framings");
    let mut client = world.connect().await;
    client.send(&framed(&head, encoding, body)).await;
    assert_eq!(client.answer("PUT").await.status, 200, "one is enough");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_wants_to_close_is_obeyed() {
    let world = World::start().await;
    let signer = world.signer(ACME_KEY);
    let get = signer.sign(Request::new("GET", "/results/canary"));
    let closing = get.clone().header("connection", "close");
    let mut client = world.connect().await;
    let answer = client.ask(&closing).await;
    assert_eq!(
        (answer.status, answer.header("connection")),
        (200, Some("close"))
    );
    assert!(client.is_closed().await);
    let old = String::from_utf8(get.head())
        .unwrap()
        .replace("HTTP/1.1", "HTTP/1.0");
    let mut client = world.connect().await;
    client.send(old.as_bytes()).await;
    let answer = client.answer("GET").await;
    assert_eq!(
        (answer.status, answer.header("connection")),
        (200, Some("close"))
    );
    assert!(client.is_closed().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_serves_many_requests_in_their_order() {
    let world = World::start().await;
    let signer = world.signer(ACME_KEY);
    let mut client = world.connect().await;
    for number in 0..20 {
        let target = format!("/results/canary-{number}");
        let request = if number % 2 == 0 {
            signer.sign(Request::new("GET", &target))
        } else {
            signer.sign(Request::new("PUT", &target).body("hello"))
        };
        let answer = client.ask(&request).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        world.settled().await;
    }
    assert_eq!(world.stub.count(), 20);
    assert_eq!(
        world.stub.connections(),
        1,
        "one after the other needs one connection"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_is_too_large_is_refused() {
    let world = World::start().await;
    let signer = world.signer(ACME_KEY);
    let get = |name: &str, value: &str| {
        signer.sign(Request::new("GET", "/results/canary").header(name, value))
    };
    let fits = get("x-amz-user-agent", &"a".repeat(15_000));
    assert_eq!(world.ask(&fits).await.status, 200);
    world.stub.forget();
    let large = get("x-amz-user-agent", &"a".repeat(17_000));
    assert_eq!(world.ask(&large).await.status, 400);
    let mut many = get("x-amz-user-agent", "a");
    for number in 0..100 {
        many = many.header(&format!("x-{number}"), "a");
    }
    assert_eq!(world.ask(&many).await.status, 400);
    assert_eq!(world.stub.count(), 0);
}
