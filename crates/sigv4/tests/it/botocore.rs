//! botocore writes requests with difficult keys and values, and we verify every one, body included.

use crate::request::{Request, key, verifier};
use bytes::Bytes;
use serde_json::Value;
use sigv4::{BodyHash, ChunkDecoder, Claim, Payload, Verified};
use std::path::{Path, PathBuf};
use std::process::Command;

const REQUESTS: usize = 2_000;

#[test]
fn every_request_that_botocore_writes_verifies_with_its_body() {
    let verifier = verifier();
    let lines = signed_by_botocore();
    let (mut presigned, mut chunked, mut hashed) = (0, 0, 0);
    for line in &lines {
        let request = request_of(line);
        let view = request.view();
        let claim = Claim::parse(&view).unwrap_or_else(|error| panic!("{error}: {line}"));
        let verified = verifier
            .verify(&claim, Some(&key()), claim.signed_at())
            .unwrap_or_else(|error| panic!("{error:?}: {line}"));
        assert_eq!(verified.rewritten_host(), None);
        check_body(line, &request, &verified);
        match verified.payload() {
            _ if verified.is_presigned() => presigned += 1,
            Payload::UnsignedChunks => chunked += 1,
            Payload::Sha256(_) => hashed += 1,
            other => panic!("botocore does not write {other:?}"),
        }
    }
    assert_eq!(lines.len(), REQUESTS);
    // Each way of covering the body must have been seen, and not just once.
    assert!(
        presigned > 50 && chunked > 50 && hashed > 50,
        "{presigned} {chunked} {hashed}"
    );
}

fn check_body(line: &Value, request: &Request, verified: &Verified) {
    let wire = hex::decode(line["wire"].as_str().unwrap()).unwrap();
    let plain = hex::decode(line["plain"].as_str().unwrap()).unwrap();
    match verified.payload() {
        Payload::Sha256(hash) => {
            let mut running = BodyHash::new(*hash);
            running.update(&wire);
            assert!(running.finish().is_ok(), "{line}");
        }
        payload if payload.is_chunked() => {
            let mut decoder = ChunkDecoder::for_request(payload, &request.headers).unwrap();
            let mut slices = Vec::new();
            decoder.push(Bytes::from(wire), &mut slices).unwrap();
            assert_eq!(slices.concat(), plain, "{line}");
            let trailers = decoder.finish().unwrap();
            let announced = request.headers["x-amz-trailer"].to_str().unwrap();
            assert!(trailers.get(announced).is_some(), "{line}");
        }
        _ => assert!(wire.is_empty()),
    }
}

fn request_of(line: &Value) -> Request {
    let text = |value: &Value| value.as_str().unwrap().to_string();
    let mut request = Request::new(&text(&line["method"]), &text(&line["target"]), &[]);
    for pair in line["headers"].as_array().unwrap() {
        request.append(&text(&pair[0]), &text(&pair[1]));
    }
    request
}

/// The interpreter that has botocore.
fn python() -> PathBuf {
    std::env::var_os("BYOS_PYTHON").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/.tools/venv/bin/python"),
        PathBuf::from,
    )
}

fn signed_by_botocore() -> Vec<Value> {
    let python = python();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/botocore_signer.py");
    let mut command = Command::new(&python);
    command
        .arg(script)
        .args([REQUESTS.to_string(), "7".to_string()]);
    // The signer has keys of its own; nothing of the machine's AWS set-up may reach it.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
        command.env_remove(name);
    }
    command
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    let output = command.output().unwrap_or_else(|error| {
        panic!(
            "could not start {python:?} ({error}); hint: run \"tests/setup\", or name another interpreter in BYOS_PYTHON"
        )
    });
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(
        !words.contains("No module named 'botocore'"),
        "{python:?} has no botocore; hint: run \"tests/setup\", or name another interpreter in BYOS_PYTHON"
    );
    assert!(output.status.success(), "{words}");
    let lines = String::from_utf8(output.stdout).unwrap();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
