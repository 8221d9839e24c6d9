//! One byte more, less or other than what was signed: nothing else ever reaches the storage.

use crate::support::client::Client;
use crate::support::request::Request;
use crate::support::upload::{Mode, upload};
use crate::support::world::{ACME_KEY, GLOBEX_KEY, Setup, World};
use std::time::Duration;

/// SplitMix64 (Steele, Lea, Flood 2014): the same sequence in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((bits ^ (bits >> 31)) >> 1).unwrap() % limit
    }

    fn mutate(&mut self, raw: &[u8]) -> Vec<u8> {
        let mut raw = raw.to_vec();
        let at = self.below(raw.len());
        match self.below(5) {
            0 => raw[at] ^= 1 << self.below(8),
            1 => raw[at] = b"\0\t\n\r /%&=?:;,\x7f\xff"[self.below(15)],
            2 => drop(raw.remove(at)),
            3 => raw.insert(at, raw[at]),
            _ => {
                let end = (at + 1 + self.below(40)).min(raw.len());
                raw.drain(at..end);
            }
        }
        raw
    }
}

const KINDS: usize = 6;

fn request(world: &World, kind: usize) -> Request {
    let (acme, globex) = (world.signer(ACME_KEY), world.signer(GLOBEX_KEY));
    let target = "/results/canary?uploadId=u1&partNumber=7";
    match kind {
        0 => acme.sign(Request::new("GET", "/results/canary%20%C3%BC?versionId=v1")),
        1 => acme.presign(Request::new("GET", "/results/canary")),
        2 => globex.sign(Request::new("DELETE", "/results/canary")),
        3 => globex.sign(
            Request::new("PUT", target)
                .body("hello")
                .header("x-amz-user-agent", "b"),
        ),
        4 => upload(
            &globex,
            "/results/canary",
            Mode::SignedChunksTrailer,
            &[b'x'; 3_000],
            1_000,
        ),
        _ => acme.sign(Request::new("GET", "/results?list-type=2&prefix=a%2Fb")),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_signed_does_not_travel() {
    let mut random = Random(2_027);
    for kind in 0..KINDS {
        let world = World::with(Setup {
            body_idle: Duration::from_millis(50),
            ..Setup::default()
        })
        .await;
        let request = request(&world, kind);
        let whole = world.ask(&request).await;
        assert_eq!(
            whole.status,
            if request.method == "DELETE" { 204 } else { 200 }
        );
        let right = world.stub.only();
        let (mut accepted, mut running) = (0, Vec::new());
        for _ in 0..400 {
            let mutant = random.mutate(&request.bytes());
            let (address, method) = (world.address, request.method.clone());
            running.push(tokio::spawn(async move {
                let mut client = Client::connect(address).await;
                client.send(&mutant).await;
                client.finish().await;
                let answer = client.any_answer(&method).await;
                answer.map_or(0, |answer| answer.status)
            }));
            if running.len() == 40 {
                for task in running.drain(..) {
                    let status = task.await.unwrap();
                    assert!(status < 500 || status == 501, "{request:?}: {status}");
                    accepted += usize::from((200..300).contains(&status));
                }
            }
        }
        world.settled().await;
        for received in world.stub.received() {
            assert_eq!(received.target(), right.target(), "of {accepted} accepted");
            assert_eq!(
                received.header("x-amz-meta-a"),
                right.header("x-amz-meta-a")
            );
            let stored = matches!(received.method(), "PUT") && received.is_complete();
            assert!(!stored || received.body == right.body, "another body");
        }
    }
}
