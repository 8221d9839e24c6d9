//! How long verifying, refusing, signing and decoding take on this machine.
//!
//! `cargo run --release -p sigv4 --example speed`

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement, not a product"
)]

use bytes::Bytes;
use http::HeaderMap;
use sigv4::{
    ChunkDecoder, Claim, KeyMaterial, Outgoing, OutgoingPayload, PresignRequest, RequestView,
    Signer, SigningCredentials, Verifier, presign,
};
use std::hint::black_box;
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use types::{AccessKeyId, Endpoint, Region, SecretString, TenantId, Timestamp};

const NOW: Timestamp = Timestamp::from_unix(1_369_353_600);
const ROUNDS: u32 = 100_000;

fn main() {
    let key = KeyMaterial {
        access_key_id: AccessKeyId::parse("AKIAIOSFODNN7EXAMPLE").unwrap(),
        tenant: TenantId::parse("acme").unwrap(),
        secret: SecretString::from("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        secret_version: 1,
    };
    let credentials = SigningCredentials {
        access_key_id: key.access_key_id.as_str(),
        secret: &key.secret,
        session_token: None,
        version: 1,
    };
    let region = Region::parse("eu-central-1").unwrap();
    let (signer, verifier) = (Signer::new(10), Verifier::new(Vec::new(), 10));

    for (name, extra) in [("3 headers", 0), ("8 headers", 5)] {
        let mut headers = HeaderMap::new();
        headers.insert("host", "gw.example.com:9000".parse().unwrap());
        headers.insert(
            "user-agent",
            "a client with a name of ordinary length".parse().unwrap(),
        );
        for n in 0..extra {
            let name: http::HeaderName = format!("x-amz-meta-{n}").parse().unwrap();
            headers.insert(name, "a value of ordinary length".parse().unwrap());
        }
        let outgoing = Outgoing {
            method: "GET",
            path: "/results/orgs/acme/extractions/42/artifacts/result.json",
            query: None,
            headers: &headers,
            payload: OutgoingPayload::Empty,
        };
        let sign = || signer.sign(&outgoing, &credentials, &region, NOW).unwrap();
        measure(&format!("sign, {name}"), ROUNDS, || drop(black_box(sign())));
        let mut signed = headers.clone();
        sign().apply(&mut signed);
        let view = |path| RequestView {
            method: "GET",
            path,
            query: None,
            headers: &signed,
        };
        let verify = |path, key: Option<&KeyMaterial>| {
            let view = view(path);
            let claim = Claim::parse(&view).unwrap();
            verifier.verify(&claim, key, NOW)
        };
        assert!(verify(outgoing.path, Some(&key)).is_ok());
        measure(&format!("verify, {name}"), ROUNDS, || {
            drop(black_box(verify(outgoing.path, Some(&key))))
        });
        let mut other = key.clone();
        other.secret = SecretString::from("another secret");
        other.secret_version = 2;
        let wrong = || drop(black_box(verify(outgoing.path, Some(&other))));
        measure("refuse a wrong secret", ROUNDS, wrong);
        let altered = || drop(black_box(verify("/other", Some(&key))));
        measure("refuse a wrong path", ROUNDS, altered);
        measure("refuse an unknown key", ROUNDS, || {
            drop(black_box(verify(outgoing.path, None)))
        });
    }

    let endpoint = Endpoint::parse("http://gw.example.com:9000").unwrap();
    let wanted = PresignRequest {
        method: "GET",
        endpoint: &endpoint,
        path: "/results/a",
        query: None,
        headers: &[],
        expires_in: Duration::from_secs(900),
    };
    let url = presign(&wanted, &credentials, &region, NOW).unwrap();
    let query = url.expose().split_once('?').unwrap().1;
    let mut headers = HeaderMap::new();
    headers.insert("host", "gw.example.com:9000".parse().unwrap());
    let view = RequestView {
        method: "GET",
        path: "/results/a",
        query: Some(query),
        headers: &headers,
    };
    measure("verify, presigned", ROUNDS, || {
        let claim = Claim::parse(&view).unwrap();
        drop(black_box(verifier.verify(&claim, Some(&key), NOW).unwrap()));
    });
    decode();
}

fn decode() {
    let chunk = vec![7_u8; 65_536];
    let mut body = Vec::new();
    for _ in 0..1_024 {
        body.extend_from_slice(b"10000\r\n");
        body.extend_from_slice(&chunk);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"0\r\n\r\n");
    let (body, mut slices) = (Bytes::from(body), Vec::new());
    measure("decode 64 MiB of unsigned chunks", 100, || {
        let mut decoder =
            ChunkDecoder::new(&sigv4::Payload::UnsignedChunks, 64 << 20, None).unwrap();
        for from in (0..body.len()).step_by(65_536) {
            let piece = body.slice(from..body.len().min(from + 65_536));
            decoder.push(piece, &mut slices).unwrap();
            slices.clear();
        }
        decoder.finish().unwrap();
    });
}

/// CPU time of this thread where the kernel tells it: other programs do not count then.
fn clock() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    match text.split(' ').next().and_then(|field| field.parse().ok()) {
        Some(nanoseconds) => Duration::from_nanos(nanoseconds),
        None => START.elapsed(),
    }
}

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

fn measure(name: &str, rounds: u32, mut step: impl FnMut()) {
    let start = clock();
    (0..rounds).for_each(|_| step());
    let nanoseconds = (clock() - start).as_nanos() / u128::from(rounds);
    println!("{nanoseconds:>9} ns   {name}");
}
