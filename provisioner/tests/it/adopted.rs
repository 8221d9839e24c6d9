//! Taking over what somebody else runs: what is not ours survives to the byte, now and when the
//! set-up is taken down again.

use crate::aws::{Aws, VENDOR_ROLE};
use crate::cycle::sandboxed;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketVersioningStatus, CorsConfiguration, CorsRule, Event,
    EventBridgeConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule,
    LifecycleRuleFilter, NotificationConfiguration, QueueConfiguration, Tag, Tagging,
    VersioningConfiguration,
};
use serde_json::{Value, json};
use types::{AccountId, BucketName, Region};

const DATA: &str = "byos-prod-acme-data";
const ROLE: &str = "byos-prod-acme-gateway";
const QUEUE: &str = "arn:aws:sqs:eu-central-1:222222222222:theirs";

fn customer() -> AccountId {
    AccountId::parse("222222222222").unwrap()
}

/// A bucket that somebody runs, with something of everything.
async fn theirs(aws: &Aws) {
    let region = Region::parse("eu-central-1").unwrap();
    let name = BucketName::parse(DATA).unwrap();
    aws.sandbox
        .create_bucket(&customer(), &name, &region)
        .unwrap();
    let admits = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": QUEUE}]});
    aws.sandbox.put_destination(QUEUE, Some(&admits)).unwrap();
    let s3 = aws.s3(&aws.customer);
    let tag = Tag::builder()
        .key("team")
        .value("theirs + co")
        .build()
        .unwrap();
    let tagging = Tagging::builder().tag_set(tag).build().unwrap();
    s3.put_bucket_tagging()
        .bucket(DATA)
        .tagging(tagging)
        .send()
        .await
        .unwrap();
    let rule = CorsRule::builder()
        .allowed_methods("GET")
        .allowed_origins("https://theirs.example")
        .build()
        .unwrap();
    let cors = CorsConfiguration::builder()
        .cors_rules(rule)
        .build()
        .unwrap();
    s3.put_bucket_cors()
        .bucket(DATA)
        .cors_configuration(cors)
        .send()
        .await
        .unwrap();
    let rule = LifecycleRule::builder()
        .id("theirs")
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("old/").build())
        .expiration(LifecycleExpiration::builder().days(400).build())
        .build()
        .unwrap();
    let rules = BucketLifecycleConfiguration::builder()
        .rules(rule)
        .build()
        .unwrap();
    s3.put_bucket_lifecycle_configuration()
        .bucket(DATA)
        .lifecycle_configuration(rules)
        .send()
        .await
        .unwrap();
    let queue = QueueConfiguration::builder()
        .id("theirs")
        .queue_arn(QUEUE)
        .events(Event::S3ObjectRemoved)
        .build()
        .unwrap();
    let notify = NotificationConfiguration::builder()
        .queue_configurations(queue)
        .event_bridge_configuration(EventBridgeConfiguration::builder().build())
        .build();
    s3.put_bucket_notification_configuration()
        .bucket(DATA)
        .notification_configuration(notify)
        .send()
        .await
        .unwrap();
    let versioning = VersioningConfiguration::builder()
        .status(BucketVersioningStatus::Enabled)
        .build();
    s3.put_bucket_versioning()
        .bucket(DATA)
        .versioning_configuration(versioning)
        .send()
        .await
        .unwrap();
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket", "Resource": format!("arn:aws:s3:::{DATA}")},
        {"Sid": "TheirReader", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::222222222222:user/admin"},
            "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{DATA}/reports/*")}]});
    s3.put_bucket_policy()
        .bucket(DATA)
        .policy(policy.to_string())
        .send()
        .await
        .unwrap();
    s3.put_object()
        .bucket(DATA)
        .key("reports/1")
        .body(ByteStream::from_static(b"x"))
        .send()
        .await
        .unwrap();
}

/// The bucket as the sandbox keeps it.
fn bucket(aws: &Aws) -> Value {
    let state = aws.sandbox.state(&customer()).unwrap();
    state["buckets"][DATA].clone()
}

/// Everything but the tags.
fn settings(aws: &Aws) -> Value {
    let mut bucket = bucket(aws);
    let settings = bucket["settings"].as_object_mut().unwrap();
    settings.retain(|name, _| !name.to_ascii_lowercase().contains("tag"));
    bucket
}

/// Without ours.
async fn tags(aws: &Aws) -> Vec<(String, String)> {
    let found = aws
        .s3(&aws.customer)
        .get_bucket_tagging()
        .bucket(DATA)
        .send()
        .await
        .unwrap();
    let pairs = found
        .tag_set()
        .iter()
        .map(|tag| (tag.key().to_string(), tag.value().to_string()));
    pairs.filter(|(key, _)| !key.starts_with("byos:")).collect()
}

fn their_tags() -> Vec<(String, String)> {
    vec![("team".to_string(), "theirs + co".to_string())]
}

const EVERYTHING: &str = "policy,ownership,versioning,encryption,object_lock,lifecycle,cors,logging,notifications,inventory";

sandboxed! {
    async fn what_is_left_to_its_owner_stays_as_it_is_and_is_left_again_by_every_later_run(aws) {
        theirs(&aws).await;
        let before = bucket(&aws);
        let left = settings(&aws);
        let wanted = ["--set", "data.versioning=suspended", "--set", "data.cors=[]"];
        let adopt = [&["--yes", "--leave", EVERYTHING], &wanted[..]].concat();
        let ended = aws.acme("adopt", &adopt);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(settings(&aws), left);
        assert_eq!(tags(&aws).await, their_tags());
        aws.sandbox.forget_calls();
        let again = aws.applied(&wanted);
        assert_eq!(again.result()["changes_made"], 0);
        assert_eq!(aws.writes(), Vec::<String>::new());
        assert_eq!(aws.acme("drift", &wanted).code, Some(0));
        let down = aws.acme("destroy", &["--yes"]);
        assert_eq!(down.code, Some(0), "{}", down.stderr);
        assert_eq!(bucket(&aws), before, "as it was, to the byte");
        let s3 = aws.s3(&aws.customer);
        assert!(s3.get_object().bucket(DATA).key("reports/1").send().await.is_ok());
    }
}

sandboxed! {
    async fn what_is_taken_over_keeps_the_entries_of_others(aws) {
        theirs(&aws).await;
        let before = bucket(&aws);
        let ended = aws.acme("adopt", &["--yes"]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let after = bucket(&aws);
        assert_eq!(tags(&aws).await, their_tags());
        let mut kept = 0;
        for (name, value) in before["settings"].as_object().unwrap() {
            let lower = name.to_ascii_lowercase();
            if ["cors", "versioning", "notification"].iter().any(|part| lower.contains(part)) {
                assert_eq!(after["settings"][name], *value, "nobody asked for another {name}");
                kept += 1;
            }
        }
        assert_eq!(kept, 3, "{before:#}");
        let text = after.to_string();
        for theirs in ["Theirs", "TheirReader", "reports/*", "old/", "400"] {
            assert!(text.contains(theirs), "{theirs}: {after:#}");
        }
        for ours in ["DenyInsecureTransport", "byos:owner"] {
            assert!(text.contains(ours), "{ours}: {after:#}");
        }
        aws.sandbox.forget_calls();
        assert_eq!(aws.applied(&[]).result()["changes_made"], 0);
        assert_eq!(aws.writes(), Vec::<String>::new());
        let down = aws.acme("destroy", &["--yes"]);
        assert_eq!(down.code, Some(0), "{}", down.stderr);
        assert_eq!(tags(&aws).await, their_tags());
        assert_eq!(aws.calls_of("DeleteBucket").len(), 1, "only the results bucket was made here");
    }
}

sandboxed! {
    async fn nothing_is_written_without_consent(aws) {
        theirs(&aws).await;
        let before = aws.sandbox.state(&customer()).unwrap();
        aws.sandbox.forget_calls();
        for arguments in [&[][..], &["--leave", "versioning"], &["--leave", "none"]] {
            let ended = aws.acme("adopt", arguments);
            assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stderr);
        }
        let refused = aws.acme("adopt", &["--yes", "--max-risk", "low"]);
        assert_eq!(refused.code, Some(1));
        assert_eq!(refused.error()["kind"], "too_risky", "{}", refused.stderr);
        assert_eq!(aws.writes(), Vec::<String>::new());
        assert_eq!(aws.sandbox.state(&customer()).unwrap(), before);
    }
}

sandboxed! {
    async fn a_role_is_taken_over_with_its_trust_and_never_deleted(aws) {
        let trust = json!({"Version": "2012-10-17", "Statement": [{"Sid": "Theirs", "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::222222222222:root"}, "Action": "sts:AssumeRole"}]});
        let own = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::theirs/*"}]});
        aws.sandbox.create_role(&customer(), ROLE, &trust, &[("theirs", &own)]).unwrap();
        let refused = aws.acme("apply", &["--yes"]);
        assert_eq!(refused.error()["kind"], "blocked", "{}", refused.stderr);
        assert_eq!(aws.writes(), Vec::<String>::new());
        let looked = aws.acme("adopt", &[]);
        assert_eq!(looked.code, Some(2), "{}", looked.stderr);
        let changes = looked.result()["plan"]["changes"].to_string();
        assert!(changes.contains("trust") && changes.contains("adopted"), "{changes}");
        assert_eq!(aws.writes(), Vec::<String>::new());
        let ended = aws.acme("adopt", &["--yes"]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let role = || aws.sandbox.state(&customer()).unwrap()["roles"][ROLE].to_string();
        assert!(role().contains(VENDOR_ROLE), "{}", role());
        assert!(role().contains("theirs/*"), "their policy stays: {}", role());
        aws.sandbox.forget_calls();
        assert_eq!(aws.applied(&[]).result()["changes_made"], 0);
        // The certificate says what the foreign policy allows.
        let proof = aws.acme("prove", &[]);
        assert_eq!(proof.code, Some(1), "{}", proof.stderr);
        let down = aws.acme("destroy", &["--yes"]);
        assert_eq!(down.code, Some(0), "{}", down.stderr);
        assert_eq!(aws.calls_of("DeleteRole").len(), 0);
        assert!(role().contains("theirs/*") && !role().contains("byos:owner"), "{}", role());
    }
}
