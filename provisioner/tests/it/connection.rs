//! The staged test of a connection, and the way from nothing to a registered tenant.

use crate::aws::{Aws, Ended, VENDOR_ROLE};
use crate::cycle::sandboxed;
use serde_json::{Value, json};
use types::AccountId;

fn failed_stage(ended: &Ended) -> Value {
    let stages = ended.result()["stages"].as_array().unwrap();
    stages
        .iter()
        .find(|stage| stage["ok"] == false)
        .cloned()
        .unwrap_or(Value::Null)
}

fn customer() -> AccountId {
    AccountId::parse("222222222222").unwrap()
}

fn trust(condition: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Sid": "T", "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
        "Action": "sts:AssumeRole", "Condition": condition}]})
}

fn right_trust() -> Value {
    trust(
        json!({"ArnEquals": {"aws:PrincipalArn": VENDOR_ROLE}, "StringEquals": {"sts:ExternalId": "pulse-org-acme"}}),
    )
}

sandboxed! {
    async fn a_good_connection_passes_without_head_bucket_and_leaves_nothing(aws) {
        let settings = ["--set", "results.versioning=enabled"];
        aws.applied(&settings);
        aws.sandbox.forget_calls();
        let ended = aws.acme("test", &settings);
        assert_eq!(ended.code, Some(0), "{} {}", ended.json, ended.stderr);
        assert_eq!(aws.calls_of("HeadBucket").len(), 0);
        assert_eq!(aws.acme("destroy", &["--yes"]).code, Some(0), "the bucket is empty");
    }
}

sandboxed! {
    async fn a_missing_role_is_named(aws) {
        let ended = aws.acme("test", &[]);
        assert_eq!(ended.code, Some(1));
        let stage = failed_stage(&ended);
        assert!(stage["cause"]["cause"].as_str().unwrap().contains("does not exist"), "{stage}");
    }
}

sandboxed! {
    async fn a_wrong_external_id_in_the_trust_is_named(aws) {
        aws.applied(&[]);
        let other = trust(json!({"StringEquals": {"sts:ExternalId": "pulse-org-other"}}));
        aws.sandbox.create_role(&customer(), "byos-prod-acme-gateway", &other, &[]).unwrap();
        let stage = failed_stage(&aws.acme("test", &[]));
        let cause = stage["cause"]["cause"].as_str().unwrap();
        assert!(cause.contains("does not admit") && cause.contains("sts:ExternalId"), "{cause}");
    }
}

sandboxed! {
    async fn a_trust_without_external_id_fails_the_test(aws) {
        aws.applied(&[]);
        let open = trust(json!({}));
        aws.sandbox.create_role(&customer(), "byos-prod-acme-gateway", &open, &[]).unwrap();
        let stage = failed_stage(&aws.acme("test", &[]));
        assert_eq!(stage["name"], "refused without the external id");
    }
}

sandboxed! {
    async fn a_statement_of_the_bucket_policy_that_denies_is_named(aws) {
        aws.applied(&[]);
        let deny = json!({"Version": "2012-10-17", "Statement": [{"Sid": "OnlyOurNetwork", "Effect": "Deny",
            "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::byos-prod-acme-results/*",
            "Condition": {"StringNotEqualsIfExists": {"aws:SourceVpce": "vpce-1"}}}]});
        put_policy(&aws, "byos-prod-acme-results", &deny).await;
        let stage = failed_stage(&aws.acme("test", &[]));
        assert_eq!(stage["name"], "write a result");
        let cause = stage["cause"]["cause"].as_str().unwrap();
        assert!(cause.contains("bucket policy conflict") && cause.contains("OnlyOurNetwork"), "{cause}");
    }
}

/// As the customer would by hand.
async fn put_policy(aws: &Aws, bucket: &str, policy: &Value) {
    aws.s3(&aws.customer)
        .put_bucket_policy()
        .bucket(bucket)
        .policy(policy.to_string())
        .send()
        .await
        .unwrap();
}

sandboxed! {
    async fn a_missing_right_of_the_role_is_named(aws) {
        aws.applied(&[]);
        let little = json!({"Version": "2012-10-17", "Statement": [{"Sid": "Locate", "Effect": "Allow",
            "Action": "s3:GetBucketLocation", "Resource": "arn:aws:s3:::byos-prod-acme-*"}]});
        aws.sandbox
            .create_role(&customer(), "byos-prod-acme-gateway", &right_trust(), &[("byos-prod-acme-gateway-storage", &little)])
            .unwrap();
        let stage = failed_stage(&aws.acme("test", &[]));
        assert_eq!(stage["name"], "list the data bucket below the prefix");
        let cause = stage["cause"]["cause"].as_str().unwrap();
        assert!(cause.contains("allows s3:ListBucket"), "{cause}");
    }
}

sandboxed! {
    async fn onboarding_makes_proves_and_says_that_it_does_not_register(aws) {
        let ended = aws.acme("onboard", &["--yes"]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(ended.result()["certificate"]["certificate"]["verdict"], "proven");
        assert_eq!(ended.result()["registered"], false);
        assert_eq!(ended.result()["outputs"]["external_id"], "pulse-org-acme");
    }
}

sandboxed! {
    async fn without_the_vendors_credentials_a_proof_says_whose_are_missing(aws) {
        aws.applied(&[]);
        let mut command = aws.command(&["prove", "--org", "acme", "--vendor-role", VENDOR_ROLE, "--json"]);
        command.env_remove("BYOS_VENDOR_ACCESS_KEY_ID");
        let ended = crate::aws::wait(command.spawn().unwrap());
        assert_eq!(ended.code, Some(1));
        assert!(ended.stderr.contains("--vendor-profile"), "{}", ended.stderr);
    }
}
