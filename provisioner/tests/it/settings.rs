//! Every setting, written and read back.

use crate::aws::{Aws, VENDOR_ROLE};
use crate::cycle::sandboxed;
use serde_json::json;
use types::AccountId;

const RICH: &str = r#"
    org_id = "acme"
    region = "eu-central-1"
    role.vendor_role = "arn:aws:iam::111111111111:role/byos-gateway"
    tags = { team = "storage", "cost centre" = "a/b@c" }
    data.versioning = "enabled"
    data.encryption = { kind = "sse_s3" }
    data.blocked_encryption = ["SSE-C"]
    data.refuse_other_encryption = true
    data.cors = [
        { origins = ["https://app.example.com"], methods = ["GET", "PUT"], headers = ["*"], expose_headers = ["ETag"], max_age_seconds = 600 },
        { origins = ["https://other.example.com"], methods = ["HEAD"] },
    ]
    data.logging = { key_format = "partitioned_by_event_time" }
    data.inventory = [{ id = "weekly", frequency = "weekly", format = "Parquet", all_versions = true, fields = ["Size", "ETag"] }]
    data.lifecycle = [
        { id = "old", prefix = "in/", tags = { a = "b" }, larger_than = 10, expire_days = 90, transitions = [{ days = 30, class = "STANDARD_IA" }, { days = 60, class = "GLACIER" }] },
        { id = "markers", expire_delete_markers = true, noncurrent_expire_days = 30, noncurrent_keep = 2 },
    ]
    data.transition_minimum = "varies_by_storage_class"
    results.versioning = "enabled"
    results.notifications.event_bridge = true
    results.abort_incomplete_days = 2
"#;

fn file(aws: &Aws, text: &str) -> String {
    aws.write("rich.toml", text).display().to_string()
}

sandboxed! {
    async fn every_setting_is_read_back_as_it_was_written(aws) {
        let file = file(&aws, RICH);
        let first = aws.run(&["apply", "--file", &file, "--yes"]);
        assert_eq!(first.code, Some(0), "{}", first.stderr);
        aws.sandbox.forget_calls();
        let second = aws.run(&["apply", "--file", &file, "--yes"]);
        assert_eq!(aws.writes(), Vec::<String>::new());
        assert_eq!(second.result()["changes_made"], 0);
        let down = aws.run(&["destroy", "--file", &file, "--yes"]);
        assert_eq!(down.code, Some(0), "{}", down.stderr);
    }
}

sandboxed! {
    async fn a_queue_that_lets_s3_in_is_told(aws) {
        let queue = "arn:aws:sqs:eu-central-1:222222222222:made";
        let text = format!(
            "{RICH}\n[[results.notifications.entries]]\nid = \"made\"\ndestination = \"{queue}\"\nevents = [\"s3:ObjectCreated:*\"]\nprefix = \"orgs/\"\n"
        );
        let file = file(&aws, &text);
        let refused = aws.run(&["apply", "--file", &file, "--yes"]);
        assert_eq!(refused.code, Some(1));
        assert_eq!(refused.error()["code"], "InvalidArgument", "{}", refused.stderr);
        assert!(refused.error()["hint"].as_str().unwrap().contains("render policy"));
        let rendered = aws.run(&["render", "policy", "--file", &file, "--account", "222222222222"]);
        let files = rendered.result()["files"].as_array().unwrap();
        let companion = files
            .iter()
            .filter(|f| f["name"].as_str().unwrap().starts_with("companion"))
            .map(|f| serde_json::from_str::<serde_json::Value>(f["text"].as_str().unwrap()).unwrap())
            .find(|c| c["place"].as_str().unwrap().contains("queue"))
            .unwrap();
        aws.sandbox.put_destination(queue, Some(&companion["document"])).unwrap();
        let told = aws.run(&["apply", "--file", &file, "--yes"]);
        assert_eq!(told.code, Some(0), "{}", told.stderr);
    }
}

sandboxed! {
    async fn compute_gets_a_managed_policy_a_boundary_and_an_instance_profile(aws) {
        let boundary = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]});
        let _ = (boundary, AccountId::parse("222222222222").unwrap(), VENDOR_ROLE);
        let text = r#"
            org_id = "acme"
            region = "eu-central-1"
            role.compute = ["ec2", "ecs_tasks"]
            role.policy = "managed"
            role.path = "/byos/"
            role.max_session_seconds = 7200
        "#;
        let file = file(&aws, text);
        let first = aws.run(&["apply", "--file", &file, "--yes"]);
        assert_eq!(first.code, Some(0), "{}", first.stderr);
        assert_eq!(first.result()["outputs"]["instance_profile"], "byos-prod-acme-compute");
        let second = aws.run(&["apply", "--file", &file, "--yes"]);
        assert_eq!(second.result()["changes_made"], 0, "{}", second.stderr);
        let inline = file_with(&aws, &text.replace("role.policy = \"managed\"", ""));
        let switched = aws.run(&["apply", "--file", &inline, "--yes"]);
        assert_eq!(switched.code, Some(0), "{}", switched.stderr);
        let back = aws.run(&["apply", "--file", &file_with(&aws, text), "--yes"]);
        assert_eq!(back.code, Some(0), "{}", back.stderr);
        let down = aws.run(&["destroy", "--file", &file_with(&aws, text), "--yes"]);
        assert_eq!(down.code, Some(0), "{}", down.stderr);
    }
}

fn file_with(aws: &Aws, text: &str) -> String {
    file(aws, text)
}

sandboxed! {
    async fn a_seventh_change_of_a_managed_policy_still_finds_room(aws) {
        for number in 1..=7 {
            let prefix = format!("base{number}/");
            let ended = aws.acme("apply", &["--yes", "--set", "role.policy=managed", "--base-path", &prefix]);
            assert_eq!(ended.code, Some(0), "{number}: {}", ended.stderr);
        }
        assert_eq!(aws.calls_of("DeletePolicyVersion").len(), 2);
    }
}
