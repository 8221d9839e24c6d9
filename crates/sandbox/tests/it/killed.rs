//! The program on its own, killed in the middle of its work.

use crate::raw::{Request, Signed};
use crate::support::{customer, make_bucket, start_in};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_there_after_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let sandbox = start_in(directory.path()).await;
    make_bucket(&sandbox, "data");
    let keys = sandbox.root_keys(&customer()).unwrap();
    sandbox.shutdown().await;

    let mut program = Command::new(env!("CARGO_BIN_EXE_sandbox"))
        .args(["--data", directory.path().to_str().unwrap()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let said: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        said["root_keys"]["222222222222"]["access_key_id"],
        keys.access_key_id
    );
    let host = said["endpoint"]
        .as_str()
        .unwrap()
        .trim_start_matches("http://")
        .to_string();
    let body = vec![b'x'; 100_000];
    for number in 0..20 {
        let answer = put_to(&host, &keys, number).send(&body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let cut = put_to(&host, &keys, 20);
    let half = tokio::spawn(async move { cut.send_claiming(100_000, &[b'x'; 50_000]).await });
    program.kill().unwrap();
    program.wait().unwrap();
    assert_ne!(half.await.unwrap().status, 200);

    let sandbox = start_in(directory.path()).await;
    for number in 0..=20 {
        let target = format!("/data/{number}");
        let answer = Request::s3("GET", &target)
            .sign(&sandbox, &keys)
            .send(b"")
            .await;
        if number < 20 {
            assert_eq!(answer.body.len(), body.len(), "object {number}");
        } else {
            assert_eq!(answer.status, 404);
        }
    }
}

fn put_to(host: &str, keys: &sandbox::KeyPair, number: u32) -> Signed {
    Request::s3("PUT", &format!("/data/{number}")).sign_for(host, keys)
}
