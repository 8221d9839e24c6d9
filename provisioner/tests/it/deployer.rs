//! The deployer's policy is enough for the whole way, and nothing in it is superfluous.

use crate::aws::{Aws, Ended, VENDOR_ROLE};
use crate::cycle::sandboxed;
use sandbox::{KeyPair, SandboxOptions};
use serde_json::{Value, json};
use types::AccountId;

const SETTINGS: &str = r#"
    org_id = "acme"
    region = "eu-central-1"
    account = "222222222222"
    role.vendor_role = "arn:aws:iam::111111111111:role/byos-gateway"
    data.versioning = "enabled"
    data.encryption = { kind = "sse_s3" }
    data.cors = [{ origins = ["https://app.example.com"], methods = ["GET"] }]
    data.logging = {}
    results.inventory = [{ id = "weekly" }]
"#;

fn file(aws: &Aws) -> String {
    aws.write("acme.toml", SETTINGS).display().to_string()
}

fn policy(aws: &Aws, file: &str, flags: &[&str]) -> Value {
    let ended = aws.run(&[&["deployer-policy", "--file", file], flags].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    ended.result().clone()
}

fn deployer(aws: &Aws, name: &str, policy: &Value) -> KeyPair {
    let account = AccountId::parse(SandboxOptions::CUSTOMER).unwrap();
    aws.sandbox
        .create_user(&account, name, &[("deployer", policy)])
        .unwrap()
}

fn run(aws: &Aws, keys: &KeyPair, command: &[&str], file: &str) -> Ended {
    aws.run_as(keys, &[command, &["--file", file]].concat())
}

sandboxed! {
    async fn it_is_enough_to_set_up_look_change_and_take_down(aws) {
        let file = file(&aws);
        let policy = policy(&aws, &file, &["--with-destroy"]);
        let text = policy.to_string();
        assert!(!text.contains("s3:*") && !text.contains("\"Resource\":\"*\""), "{text}");
        let keys = deployer(&aws, "deployer", &policy);
        for command in [&["apply", "--yes"][..], &["drift"], &["status"]] {
            let ended = run(&aws, &keys, command, &file);
            assert_eq!(ended.code, Some(0), "{command:?}: {} {}", ended.stderr, ended.json);
        }
        let changed = SETTINGS.replace("byos-gateway\"", "byos-gateway\"\n role.description = \"another\"\n tags = { a = \"b\" }");
        aws.write("acme.toml", &changed);
        let ended = run(&aws, &keys, &["apply", "--yes"], &file);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let ended = run(&aws, &keys, &["destroy", "--yes"], &file);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }
}

/// Needed for what a first set-up does not do: change, repair, undo. AWS asks for the right to
/// tag at creation too, the sandbox does not; without ListBucket the tags tell that a bucket is there.
const ONLY_LATER: [&str; 9] = [
    "s3:ListBucket",
    "s3:TagResource",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:TagRole",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
    "s3:DeleteBucketPolicy",
];

sandboxed! {
    async fn without_any_one_action_the_set_up_does_not_succeed(aws) {
        let file = file(&aws);
        let whole = policy(&aws, &file, &[]);
        let mut actions: Vec<String> = Vec::new();
        for statement in whole["Statement"].as_array().unwrap() {
            for action in statement["Action"].as_array().unwrap() {
                actions.push(action.as_str().unwrap().to_string());
            }
        }
        actions.sort();
        actions.dedup();
        actions.retain(|action| !ONLY_LATER.contains(&action.as_str()));
        assert!(actions.len() > 25, "{actions:?}");
        for (number, action) in actions.iter().enumerate() {
            let mut reduced = whole.clone();
            for statement in reduced["Statement"].as_array_mut().unwrap() {
                statement["Action"].as_array_mut().unwrap().retain(|a| a != action);
            }
            reduced["Statement"].as_array_mut().unwrap().retain(|s| s["Action"] != json!([]));
            let keys = deployer(&aws, &format!("deployer{number}"), &reduced);
            // Short patience: a refusal is final.
            let ended = run(&aws, &keys, &["apply", "--yes", "--quiet"], &file);
            assert_ne!(ended.code, Some(0), "{action} is not needed");
            assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
            let down = run(&aws, &aws.customer, &["destroy", "--yes", "--quiet"], &file);
            assert_eq!(down.code, Some(0), "{action}: {}", down.stderr);
        }
        let _ = VENDOR_ROLE;
    }
}
