//! Whose a thing is: what was not made here is not taken without consent, what was taken over is
//! never deleted, and consent to lose data is never remembered.

use crate::aws::Aws;
use crate::cycle::sandboxed;
use crate::hands::{DATA, RESULTS, customer, vendor};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    CorsConfiguration, CorsRule, ObjectOwnership, OwnershipControls, OwnershipControlsRule, Tag,
    Tagging,
};
use sandbox::{Fault, FaultEffect, FaultOn};
use serde_json::Value;
use std::sync::Arc;

/// After the first bucket is made, this account makes the second one by hand.
fn overtaken(aws: Arc<Aws>, account: types::AccountId, region: &'static str) {
    let other = aws.clone();
    let make = move |_: &sandbox::Call| other.bucket_of(&account, RESULTS, region);
    let on = FaultOn::Api("CreateBucket".to_string());
    aws.sandbox
        .inject(Fault::once(on, 1, FaultEffect::RunAfter(Arc::new(make))));
}

sandboxed! {
    async fn a_bucket_that_appears_while_the_plan_is_made_is_not_taken(_aws) {
        for region in ["us-east-1", "eu-central-1"] {
            let aws = Arc::new(Aws::start().await);
            let set_up = ["apply", "--org", "acme", "--vendor-role", crate::aws::VENDOR_ROLE, "--region", region, "--yes"];
            overtaken(aws.clone(), customer(), region);
            let ended = aws.run(&set_up);
            aws.sandbox.clear_faults();
            assert_eq!(ended.code, Some(1), "{region}: {}", ended.stderr);
            assert_eq!(ended.error()["code"], "BucketAlreadyOwnedByYou", "{region}");
            assert!(ended.error()["hint"].as_str().unwrap().contains("adopt"), "{}", ended.stderr);
            let again = aws.run(&set_up);
            assert_eq!(again.error()["kind"], "blocked", "{region}: {}", again.stderr);
            let undone = aws.run(&[&["rollback"], &set_up[1..]].concat());
            assert_eq!(undone.code, Some(0), "{}", undone.stderr);
            let held = aws.held();
            let left: Vec<&String> = held["buckets"].as_object().unwrap().keys().collect();
            assert_eq!(left, [RESULTS], "{region}: the bucket of somebody else stays");
            assert_eq!(held["buckets"][RESULTS]["policy"], Value::Null, "{region}: and is untouched");
        }
    }
}

sandboxed! {
    async fn a_name_that_another_account_takes_meanwhile_is_an_error_with_a_way_out(aws) {
        let aws = Arc::new(aws);
        overtaken(aws.clone(), vendor(), "eu-central-1");
        let ended = aws.acme("apply", &["--yes"]);
        aws.sandbox.clear_faults();
        assert_eq!(ended.error()["code"], "BucketAlreadyExists", "{}", ended.stderr);
        assert!(ended.error()["hint"].as_str().unwrap().contains("account_regional"));
    }
}

sandboxed! {
    async fn a_bucket_that_was_deleted_and_made_again_by_hand_is_nobodys(aws) {
        aws.applied(&[]);
        let client = aws.s3(&aws.customer);
        client.delete_bucket().bucket(DATA).send().await.unwrap();
        client.create_bucket().bucket(DATA).create_bucket_configuration(
            aws_sdk_s3::types::CreateBucketConfiguration::builder()
                .location_constraint("eu-central-1".into()).build(),
        ).send().await.unwrap();
        let body = ByteStream::from_static(b"theirs");
        client.put_object().bucket(DATA).key("theirs").body(body).send().await.unwrap();
        aws.sandbox.forget_calls();
        let ended = aws.acme("apply", &["--yes"]);
        assert_eq!(ended.error()["kind"], "blocked", "{}", ended.stderr);
        assert!(ended.stderr.contains("made this"), "{}", ended.stderr);
        assert_eq!(aws.writes(), Vec::<String>::new());
        let down = aws.acme("destroy", &["--yes", "--empty-buckets", "--confirm", "acme"]);
        assert_eq!(down.code, Some(0), "{}", down.stderr);
        assert!(aws.held()["buckets"][DATA].is_object(), "a stranger's bucket is not deleted");
        assert_eq!(aws.calls_of("DeleteObjects").len(), 0);
    }
}

sandboxed! {
    async fn a_full_adopted_bucket_is_let_go_with_its_data_whatever_was_agreed_to(aws) {
        aws.bucket_of(&customer(), DATA, "eu-central-1");
        let body = ByteStream::from_static(b"theirs");
        aws.s3(&aws.customer).put_object().bucket(DATA).key("theirs").body(body).send().await.unwrap();
        assert_eq!(aws.acme("adopt", &["--yes"]).code, Some(0));
        let down = aws.acme("destroy", &["--yes", "--empty-buckets", "--confirm", "acme"]);
        assert_eq!(down.code, Some(0), "{}", down.stderr);
        let theirs = aws.s3(&aws.customer).get_object().bucket(DATA).key("theirs").send().await;
        assert!(theirs.is_ok(), "the object is still there");
        assert_eq!(aws.calls_of("DeleteObjects").len(), 0);
    }
}

sandboxed! {
    async fn undoing_an_adoption_never_deletes_the_bucket(aws) {
        aws.bucket_of(&customer(), DATA, "eu-central-1");
        let before = aws.held();
        assert_eq!(aws.acme("adopt", &["--yes"]).code, Some(0));
        let undone = aws.acme("rollback", &["--yes"]);
        assert_eq!(undone.code, Some(0), "{}", undone.stderr);
        assert_eq!(aws.held(), before);
        let deleted: Vec<String> = aws.calls_of("DeleteBucket").into_iter().map(|c| c.target).collect();
        assert_eq!(deleted, [format!("/{RESULTS}/")].map(|t| t.to_string()));
    }
}

sandboxed! {
    async fn adopting_leaves_tags_rules_and_everything_else_of_the_customer(aws) {
        aws.bucket_of(&customer(), DATA, "eu-central-1");
        let client = aws.s3(&aws.customer);
        let tag = Tag::builder().key("cost").value("7").build().unwrap();
        let tags = Tagging::builder().tag_set(tag).build().unwrap();
        client.put_bucket_tagging().bucket(DATA).tagging(tags).send().await.unwrap();
        let rule = CorsRule::builder().allowed_methods("GET").allowed_origins("https://theirs").build().unwrap();
        let cors = CorsConfiguration::builder().cors_rules(rule).build().unwrap();
        client.put_bucket_cors().bucket(DATA).cors_configuration(cors).send().await.unwrap();
        let before = aws.held();
        aws.sandbox.forget_calls();
        assert_eq!(aws.acme("adopt", &["--yes"]).code, Some(0));
        let after = aws.held();
        assert_eq!(after["buckets"][DATA]["settings"]["cors"], before["buckets"][DATA]["settings"]["cors"]);
        let tags = after["buckets"][DATA]["settings"]["tagging"].to_string();
        assert!(tags.contains("cost") && tags.contains("byos:owner"), "{tags}");
        let written: Vec<String> = aws.writes();
        for never in ["PutBucketCors", "DeleteBucketCors", "PutBucketVersioning", "PutBucketEncryption", "PutBucketLogging"] {
            assert!(!written.contains(&never.to_string()), "{written:?}");
        }
        assert_eq!(aws.acme("destroy", &["--yes"]).code, Some(0));
        let left = aws.held();
        let tags = left["buckets"][DATA]["settings"]["tagging"].to_string();
        assert!(tags.contains("cost") && !tags.contains("byos:"), "{tags}");
        assert_eq!(left["buckets"][DATA]["settings"]["cors"], before["buckets"][DATA]["settings"]["cors"]);
    }
}

/// A bucket of the customer's in which whoever writes an object owns it.
async fn written_by_many(aws: &Aws) {
    aws.bucket_of(&customer(), DATA, "eu-central-1");
    let rule = OwnershipControlsRule::builder()
        .object_ownership(ObjectOwnership::ObjectWriter)
        .build()
        .unwrap();
    let controls = OwnershipControls::builder().rules(rule).build().unwrap();
    aws.s3(&aws.customer)
        .put_bucket_ownership_controls()
        .bucket(DATA)
        .ownership_controls(controls)
        .send()
        .await
        .unwrap();
}

/// Who owns the objects of the bucket now; no ACL has ever been sent.
fn ownership(aws: &Aws) -> String {
    let acls = aws.sandbox.calls();
    let acls = acls.iter().filter(|call| call.api.contains("Acl"));
    assert_eq!(acls.count(), 0);
    aws.held()["buckets"][DATA]["settings"]["ownershipControls"].to_string()
}

sandboxed! {
    async fn a_bucket_whose_writers_own_their_objects_is_named_and_taken_over_without_an_acl(aws) {
        written_by_many(&aws).await;
        let asked = aws.acme("adopt", &[]);
        assert_eq!(asked.code, Some(2), "{}", asked.stderr);
        let changes = asked.result()["plan"]["changes"].as_array().unwrap().clone();
        let named = changes.iter().find(|change| change["part"] == "ownership" && change["resource"]["name"] == DATA);
        assert_eq!(named.unwrap()["before"], "ObjectWriter");
        assert!(ownership(&aws).contains("ObjectWriter"));
        assert_eq!(aws.acme("adopt", &["--yes"]).code, Some(0));
        assert!(ownership(&aws).contains("BucketOwnerEnforced"));
        assert_eq!(aws.acme("drift", &[]).code, Some(0));
    }
}

sandboxed! {
    async fn ownership_that_is_left_to_its_owner_stays_and_is_told_each_time(aws) {
        written_by_many(&aws).await;
        assert_eq!(aws.acme("adopt", &["--yes", "--leave", "ownership"]).code, Some(0));
        assert!(ownership(&aws).contains("ObjectWriter"));
        let drift = aws.acme("drift", &[]);
        assert_eq!(drift.code, Some(0), "{}", drift.stderr);
        let findings = drift.result()["plan"]["findings"].as_array().unwrap().clone();
        let told = |finding: &serde_json::Value| finding["part"] == "ownership" && finding["kind"] == "unmanaged";
        assert!(findings.iter().any(told), "{findings:?}");
    }
}

sandboxed! {
    async fn consent_to_lose_data_is_given_each_time_and_cannot_be_written_down(aws) {
        let stored = aws.acme("apply", &["--yes", "--set", "data.force_destroy=true"]);
        assert_eq!(stored.error()["kind"], "specification", "{}", stored.stderr);
        aws.applied(&[]);
        let put = async || {
            let body = ByteStream::from_static(b"x");
            aws.s3(&aws.customer).put_object().bucket(RESULTS).key("k").body(body).send().await.unwrap();
        };
        put().await;
        // Consent was given once, and the bucket itself could not be deleted.
        aws.refuse("DeleteBucket", 403, "AccessDenied");
        let first = aws.acme("destroy", &["--yes", "--empty-buckets", "--confirm", "acme"]);
        assert_eq!(first.code, Some(1), "{}", first.stderr);
        aws.sandbox.clear_faults();
        put().await;
        let second = aws.acme("destroy", &["--yes"]);
        assert_eq!(second.error()["kind"], "blocked", "{}", second.stderr);
        let third = aws.acme("destroy", &["--yes", "--empty-buckets"]);
        assert_eq!(third.error()["kind"], "declined", "{}", third.stderr);
    }
}

sandboxed! {
    async fn a_take_down_that_cannot_see_whose_a_bucket_is_touches_nothing(aws) {
        aws.applied(&[]);
        aws.refuse("GetBucketTagging", 403, "AccessDenied");
        aws.sandbox.forget_calls();
        let ended = aws.acme("destroy", &["--yes"]);
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        assert!(ended.stderr.contains("AccessDenied") && ended.stderr.contains("request id"), "{}", ended.stderr);
        assert_eq!(aws.writes(), Vec::<String>::new());
    }
}

sandboxed! {
    async fn a_take_down_in_the_wrong_region_touches_nothing(aws) {
        aws.applied(&[]);
        aws.sandbox.forget_calls();
        let ended = aws.acme("destroy", &["--yes", "--region", "us-west-2"]);
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        assert!(ended.stderr.contains("eu-central-1"), "{}", ended.stderr);
        assert_eq!(aws.writes(), Vec::<String>::new());
    }
}

sandboxed! {
    async fn a_bucket_that_keeps_the_caller_out_is_told_and_not_passed_over(aws) {
        aws.applied(&[]);
        aws.refuse("HeadBucket", 403, "AccessDenied");
        aws.refuse("GetBucketTagging", 403, "AccessDenied");
        let ended = aws.acme("destroy", &["--yes"]);
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        let findings = ended.result()["findings"].to_string();
        assert!(findings.contains("request id"), "{findings}");
        assert!(aws.held()["buckets"][DATA].is_object());
    }
}
