//! What is not known yet is waited for: visibly, with an end, and only where waiting helps.

use crate::aws::{Aws, Ended, VENDOR_ROLE, wait};
use crate::cycle::sandboxed;
use crate::hands::{RESULTS, customer};
use sandbox::{Fault, FaultEffect, FaultOn, Propagation};
use serde_json::json;
use std::sync::Arc;

fn patient(aws: &Aws, command: &[&str], milliseconds: &str) -> Ended {
    let base = ["--org", "acme", "--vendor-role", VENDOR_ROLE, "--json"];
    let mut command = aws.command(&[command, &base].concat());
    wait(
        command
            .env("BYOS_PATIENCE_MILLISECONDS", milliseconds)
            .spawn()
            .unwrap(),
    )
}

sandboxed! {
    async fn a_role_that_never_becomes_known_ends_the_waiting_with_the_refusal(aws) {
        aws.applied(&[]);
        // The vendor's own role is assumed first.
        aws.sandbox.inject(Fault {
            on: FaultOn::Api("AssumeRole".to_string()),
            skip: 1,
            times: u32::MAX,
            effect: FaultEffect::Answer { status: 403, code: "AccessDenied" },
        });
        let ended = patient(&aws, &["prove"], "1000");
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        assert_eq!(ended.error()["code"], "AccessDenied");
        assert!(ended.error()["request_id"].is_string());
        assert!(ended.stderr.contains("cannot be assumed yet"), "{}", ended.stderr);
        assert!(aws.calls_of("AssumeRole").len() > 3);
    }
}

sandboxed! {
    async fn a_role_must_be_assumed_three_times_in_a_row_before_it_is_used(aws) {
        aws.applied(&[]);
        aws.sandbox.forget_calls();
        // One for the vendor's own role, two that succeed, one that does not.
        let refused = FaultEffect::Answer { status: 403, code: "AccessDenied" };
        aws.sandbox.inject(Fault::once(FaultOn::Api("AssumeRole".to_string()), 4, refused));
        let ended = patient(&aws, &["test"], "4000");
        assert_eq!(ended.code, Some(0), "{}{}", ended.json, ended.stderr);
        let calls = aws.sandbox.calls();
        let first_use = calls.iter().position(|call| call.api == "GetBucketLocation").unwrap();
        let tries: Vec<u16> = calls[..first_use].iter().filter(|c| c.api == "AssumeRole").map(|c| c.status).collect();
        let until = tries.iter().position(|status| *status == 403).unwrap();
        assert_eq!(tries[until..until + 4], [403, 200, 200, 200], "{tries:?}");
    }
}

sandboxed! {
    async fn a_session_that_s3_does_not_know_yet_is_waited_for(aws) {
        aws.applied(&[]);
        for command in ["test", "prove"] {
            for code in ["InvalidAccessKeyId", "InvalidClientTokenId"] {
                let unknown = FaultEffect::Answer { status: 403, code };
                aws.sandbox.inject(Fault {
                    on: FaultOn::Api("GetBucketLocation".to_string()),
                    skip: 0,
                    times: 2,
                    effect: unknown,
                });
                let ended = patient(&aws, &[command], "8000");
                aws.sandbox.clear_faults();
                assert_eq!(ended.code, Some(0), "{command}, {code}: {}{}", ended.json, ended.stderr);
            }
        }
    }
}

sandboxed! {
    async fn a_set_up_is_made_while_iam_takes_its_time(aws) {
        aws.sandbox.set_propagation(Propagation::Seconds(2));
        let ended = patient(&aws, &["onboard", "--yes"], "20000");
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }
}

sandboxed! {
    async fn a_vendor_that_is_gone_is_named_at_once_in_an_update_too(aws) {
        aws.applied(&[]);
        aws.sandbox.forget_calls();
        let nobody = "arn:aws:iam::333333333333:role/nobody";
        let ended = aws.run(&["apply", "--org", "acme", "--vendor-role", nobody, "--yes"]);
        assert_eq!(ended.error()["code"], "MalformedPolicyDocument", "{}", ended.stderr);
        let message = ended.error()["message"].as_str().unwrap();
        assert!(message.contains("333333333333"), "{message}");
        assert_eq!(aws.calls_of("UpdateAssumeRolePolicy").len(), 1, "waiting would not help");
    }
}

/// Nothing that a run makes is a principal in what it writes, so no principal is ever too new.
#[test]
fn no_policy_that_is_written_names_what_the_same_run_makes() {
    for extra in [
        "",
        "role.policy = \"managed\"\ndata.logging = {}\nresults.inventory = [{ id = \"i\" }]",
    ] {
        let desired = crate::world::desired(extra);
        let documents = provisioner::model::Documents::render(&desired).unwrap();
        let role = desired.role.as_ref().unwrap().arn.to_string();
        let written = documents.buckets.values().chain(&documents.trust);
        for document in written {
            for statement in document["Statement"].as_array().unwrap() {
                assert!(
                    !statement["Principal"].to_string().contains(&role),
                    "{statement}"
                );
            }
        }
    }
}

sandboxed! {
    async fn a_queue_that_lets_s3_in_a_moment_later_is_waited_for(aws) {
        let aws = Arc::new(aws);
        let queue = "arn:aws:sqs:eu-central-1:222222222222:late";
        let entry = format!("results.notifications.entries=[{{ id = \"made\", destination = \"{queue}\", events = [\"s3:ObjectCreated:*\"] }}]");
        let admits = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": queue}]});
        let other = aws.clone();
        let admit = move |_: &sandbox::Call| other.sandbox.put_destination(queue, Some(&admits)).unwrap();
        let on = FaultOn::Api("PutBucketNotificationConfiguration".to_string());
        aws.sandbox.inject(Fault::once(on, 2, FaultEffect::RunAfter(Arc::new(admit))));
        let ended = patient(&aws, &["apply", "--yes", "--set", &entry], "8000");
        aws.sandbox.clear_faults();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let tries: Vec<u16> = aws.calls_of("PutBucketNotificationConfiguration").iter().map(|c| c.status).collect();
        assert_eq!(tries, [400, 400, 200]);
    }
}

sandboxed! {
    async fn a_long_wait_says_what_it_waits_for(aws) {
        // Long enough that a wait of more than a second fits in whatever the jitter.
        aws.refuse("CreateBucket", 409, "OperationAborted");
        let ended = patient(&aws, &["apply", "--yes"], "6000");
        assert_eq!(ended.error()["code"], "OperationAborted");
        assert!(ended.stderr.contains("waiting: s3:CreateBucket on byos-prod-acme-data says OperationAborted"), "{}", ended.stderr);
        assert!(ended.stderr.contains("at most 6 s"), "{}", ended.stderr);
    }
}

sandboxed! {
    async fn a_trust_that_is_open_when_it_is_proven_is_not_enabled(aws) {
        let aws = Arc::new(aws);
        let open = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "sts:AssumeRole"}]});
        let other = aws.clone();
        let loosen = move |_: &sandbox::Call| {
            other.sandbox.create_role(&customer(), "byos-prod-acme-gateway", &open, &[]).unwrap();
        };
        // The first question is the customer's, the second the vendor's, after everything is made.
        let on = FaultOn::Api("GetCallerIdentity".to_string());
        aws.sandbox.inject(Fault::once(on, 2, FaultEffect::RunAfter(Arc::new(loosen))));
        let ended = aws.acme("onboard", &["--yes"]);
        aws.sandbox.clear_faults();
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        assert_eq!(ended.error()["kind"], "not_proven");
    }
}

sandboxed! {
    async fn a_test_leaves_nothing_under_retention_and_says_what_it_left_out(aws) {
        let locked = ["--set", "results.versioning=enabled", "--set", "results.object_lock={ mode = \"governance\", days = 1 }"];
        aws.applied(&locked);
        let ended = aws.acme("test", &locked);
        assert_eq!(ended.code, Some(0), "{}{}", ended.json, ended.stderr);
        assert_eq!(aws.calls_of("PutObject").len(), 0);
        assert!(ended.json.to_string().contains("object lock"), "{}", ended.json);
        let objects = aws.s3(&aws.customer).list_object_versions().bucket(RESULTS).send().await.unwrap();
        assert!(objects.versions().is_empty());
    }
}
