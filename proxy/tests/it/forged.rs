//! Nobody who did not sign reaches a tenant's storage, whatever the operation and the body mode.

use crate::support::operations;
use crate::support::request::Request;
use crate::support::signer::{
    SIGNED_CHUNKS, SIGNED_CHUNKS_TRAILER, Signer, UNSIGNED, UNSIGNED_CHUNKS_TRAILER, sha256_hex,
};
use crate::support::world::{ACME_KEY, World};
use s3::Operation;

/// What `x-amz-content-sha256` may say; the first one is for "says nothing".
fn payloads(body: &[u8]) -> [String; 8] {
    [
        String::new(),
        sha256_hex(b""),
        sha256_hex(body),
        UNSIGNED.to_string(),
        SIGNED_CHUNKS.to_string(),
        SIGNED_CHUNKS_TRAILER.to_string(),
        UNSIGNED_CHUNKS_TRAILER.to_string(),
        "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD".to_string(),
    ]
}

/// What is wrong with a signature.
#[derive(Debug, Clone, Copy)]
enum Flaw {
    /// Another one of the right form.
    Forged,
    /// Its parameter is missing.
    Absent,
    /// It is one digit short.
    Truncated,
    /// It is empty.
    Empty,
    /// Everything about authentication is missing.
    Anonymous,
}

const FLAWS: [Flaw; 5] = [
    Flaw::Forged,
    Flaw::Absent,
    Flaw::Truncated,
    Flaw::Empty,
    Flaw::Anonymous,
];

impl Flaw {
    /// `marker` is what stands before the 64 digits.
    fn put_into(self, text: &str, marker: &str) -> String {
        let (before, digits) = text.split_once(marker).unwrap();
        let (digits, rest) = digits.split_at(64);
        let last = if digits.ends_with('0') { '1' } else { '0' };
        match self {
            Self::Forged => format!("{before}{marker}{}{last}{rest}", &digits[..63]),
            Self::Truncated => format!("{before}{marker}{}{rest}", &digits[..63]),
            Self::Empty => format!("{before}{marker}{rest}"),
            Self::Absent => format!("{}{rest}", before.trim_end_matches([',', ' ', '&'])),
            Self::Anonymous => String::new(),
        }
    }
}

fn by_header(signer: &Signer, request: Request, payload: &str, flaw: Flaw) -> Request {
    let mut request = if payload.is_empty() {
        let mut request = signer.sign(request);
        request.remove("x-amz-content-sha256");
        request
    } else {
        signer.sign_payload(request, payload)
    };
    let header = request.get("authorization").unwrap().to_string();
    request.remove("authorization");
    let flawed = flaw.put_into(&header, "Signature=");
    if !flawed.is_empty() {
        request.set("authorization", &flawed);
    }
    request
}

fn by_query(signer: &Signer, request: Request, payload: &str, flaw: Flaw) -> Request {
    let mut request = signer.presign_payload(request, 600, payload);
    let plain = request.query.split("X-Amz-Algorithm").next().unwrap();
    let plain = plain.trim_end_matches('&').to_string();
    request.query = match flaw {
        Flaw::Anonymous => plain,
        _ => flaw.put_into(&request.query, "X-Amz-Signature="),
    };
    request
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signature_that_does_not_hold_reaches_no_storage_in_any_mode() {
    let world = World::start().await;
    let signer = world.signer(ACME_KEY);
    let mut client = world.connect().await;
    let mut cells = 0;
    for (name, request) in operations::all() {
        for payload in payloads(&request.body) {
            for flaw in FLAWS {
                for carry in [by_header, by_query] {
                    let request = carry(&signer, request.clone(), &payload, flaw);
                    let answer = client.ask(&request).await;
                    let cell = format!("{name} {payload:?} {flaw:?}: {answer:?}");
                    assert!((400..=501).contains(&answer.status), "{cell}");
                    cells += 1;
                    if answer.header("connection") == Some("close") {
                        client = world.connect().await;
                    }
                }
            }
        }
    }
    assert_eq!(cells, 18 * 8 * FLAWS.len() * 2);
    world.stub.assert_untouched("after all cells");
    assert_eq!(world.sts.count(), 0, "not even a session was asked for");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_requests_pass_when_their_signatures_hold() {
    let world = World::start().await;
    for (name, request) in operations::all() {
        world.stub.forget();
        let header = world.acme(request.clone()).await;
        assert!(header.is_whole_success(), "{name} by header: {header:?}");
        let presigned = world.signer(ACME_KEY).presign(request);
        let query = world.ask(&presigned).await;
        assert!(query.is_whole_success(), "{name} by query: {query:?}");
        let expected = if operations::is_answered_here(name) {
            0
        } else {
            2
        };
        assert_eq!(world.stub.count(), expected, "{name}");
    }
}

#[test]
fn the_matrix_knows_every_operation() {
    let names: Vec<&str> = operations::all().iter().map(|(name, _)| *name).collect();
    assert_eq!(names, Operation::NAMES);
}
