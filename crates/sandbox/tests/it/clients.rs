//! boto3, unchanged, as judge: each script is a list of checks.

use crate::support::{customer, start, vendor};
use sandbox::SandboxOptions;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The interpreter that has boto3.
fn python() -> PathBuf {
    if let Some(chosen) = std::env::var_os("BYOS_PYTHON") {
        return chosen.into();
    }
    let installed =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/.tools/venv/bin/python");
    if installed.exists() {
        installed
    } else {
        "python3".into()
    }
}

fn boto3_is_there(python: &Path) -> bool {
    Command::new(python)
        .args(["-c", "import boto3"])
        .output()
        .is_ok_and(|output| output.status.success())
}

async fn run(script: &str) -> Output {
    let sandbox = start(SandboxOptions::default()).await;
    let keys = |account| {
        let pair = sandbox.root_keys(&account).unwrap();
        [pair.access_key_id, pair.secret_access_key.expose().clone()]
    };
    let queue = "arn:aws:sqs:us-east-1:222222222222:events";
    let mute = "arn:aws:sqs:us-east-1:222222222222:mute";
    let let_in = serde_json::json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage", "Resource": queue,
        "Condition": {"StringEquals": {"aws:SourceAccount": SandboxOptions::CUSTOMER}},
    }]});
    sandbox.put_destination(queue, Some(&let_in)).unwrap();
    sandbox.put_destination(mute, None).unwrap();
    let region = types::Region::parse("us-east-1").unwrap();
    let kms_key = sandbox.create_kms_key(&customer(), &region, None).unwrap();
    let information = serde_json::json!({
        "kms_key": kms_key,
        "queue": queue,
        "mute_queue": mute,
        "endpoint": sandbox.endpoint().to_string(),
        "roots": {
            SandboxOptions::VENDOR: keys(vendor()),
            SandboxOptions::CUSTOMER: keys(customer()),
        },
    });
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/boto3")
        .join(script);
    let python = python();
    let output = tokio::task::spawn_blocking(move || {
        assert!(
            boto3_is_there(&python),
            "{} has no boto3: run tests/setup, or name another interpreter in BYOS_PYTHON",
            python.display()
        );
        Command::new(&python)
            .arg(script)
            .env("SANDBOX", information.to_string())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env_remove("AWS_PROFILE")
            .env_remove("AWS_ENDPOINT_URL")
            .output()
            .unwrap()
    })
    .await
    .unwrap();
    sandbox.shutdown().await;
    output
}

async fn passes(script: &str) {
    let output = run(script).await;
    assert!(
        output.status.success(),
        "{script}:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_reads_and_writes_objects() {
    passes("objects.py").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_lists_everything_once_and_in_order() {
    passes("listing.py").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_uploads_in_parts() {
    passes("multipart.py").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_assumes_roles_and_is_held_to_their_policies() {
    passes("roles.py").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_sets_up_buckets_as_at_aws() {
    passes("settings.py").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_makes_and_unmakes_entities_of_iam() {
    passes("entities.py").await;
}
