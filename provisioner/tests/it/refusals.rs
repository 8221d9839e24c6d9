//! Bad input and bad surroundings: cause, fault, next step.

use crate::aws::{Aws, VENDOR_ROLE, ended};
use crate::cycle::sandboxed;
use sandbox::{Fault, FaultEffect, FaultOn};

sandboxed! {
    async fn a_vendor_that_does_not_exist_is_named_at_once(aws) {
        let ended = aws.run(&["apply", "--org", "acme", "--vendor-role", "arn:aws:iam::333333333333:role/nobody", "--yes"]);
        assert_eq!(ended.code, Some(1));
        assert_eq!(ended.error()["code"], "MalformedPolicyDocument", "{}", ended.stderr);
        assert!(ended.error()["hint"].as_str().unwrap().contains("role.vendor_role"));
        assert_eq!(aws.calls_of("CreateRole").len(), 1, "waiting would not help");
    }
}

sandboxed! {
    async fn every_mistake_of_a_file_is_told_before_any_call(aws) {
        let file = aws.write("bad.toml", "[[tenants]]\norg_id = \"a b\"\nregion = \"EU\"\nproject = \"P\"\n").display().to_string();
        let ended = aws.run(&["apply", "--file", &file, "--yes"]);
        assert_eq!(ended.code, Some(1));
        assert_eq!(ended.error()["kind"], "specification", "{}", ended.stderr);
        let problems = ended.error()["problems"].as_array().unwrap();
        assert!(problems.len() >= 3, "{problems:?}");
        assert_eq!(aws.sandbox.calls().len(), 0);
    }
}

sandboxed! {
    async fn credentials_of_another_account_are_refused_before_anything_is_read(aws) {
        let ended = aws.run(&["apply", "--org", "acme", "--vendor-role", VENDOR_ROLE, "--account", "999999999999", "--yes"]);
        assert_eq!(ended.code, Some(1));
        assert!(ended.stderr.contains("999999999999"), "{}", ended.stderr);
        assert_eq!(aws.sandbox.calls().len(), 1, "only the question who the caller is");
    }
}

sandboxed! {
    async fn no_credentials_and_wrong_ones_are_told_apart(aws) {
        let arguments = ["plan", "--org", "acme", "--vendor-role", VENDOR_ROLE, "--json"];
        let mut without = aws.command(&arguments);
        without.env_remove("AWS_ACCESS_KEY_ID");
        let without = ended(without.output().unwrap());
        assert_eq!(without.error()["kind"], "credentials");
        let mut wrong = aws.command(&arguments);
        wrong.env("AWS_SECRET_ACCESS_KEY", "wrong");
        let wrong = ended(wrong.output().unwrap());
        assert_eq!(wrong.error()["code"], "SignatureDoesNotMatch", "{}", wrong.stderr);
        let mut unknown = aws.command(&arguments);
        unknown.env("AWS_ACCESS_KEY_ID", "AKIAUNKNOWN0000000000");
        let unknown = ended(unknown.output().unwrap());
        assert_eq!(unknown.error()["code"], "InvalidClientTokenId", "{}", unknown.stderr);
        assert_eq!(unknown.error()["fault"], "caller");
    }
}

sandboxed! {
    async fn nobody_at_the_endpoint_is_the_stores_fault(aws) {
        let arguments = ["plan", "--org", "acme", "--vendor-role", VENDOR_ROLE, "--json"];
        let mut command = aws.command(&arguments);
        command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
        let ended = ended(command.output().unwrap());
        assert_eq!(ended.code, Some(1));
        assert_eq!(ended.error()["fault"], "store", "{}", ended.stderr);
    }
}

sandboxed! {
    async fn quotas_are_the_callers_business(aws) {
        for (api, code) in [("CreateBucket", "TooManyBuckets"), ("CreateRole", "LimitExceeded")] {
            aws.sandbox.inject(Fault {
                on: FaultOn::Api(api.to_string()),
                skip: 0,
                times: u32::MAX,
                effect: FaultEffect::Answer { status: 409, code },
            });
            let ended = aws.acme("apply", &["--yes"]);
            assert_eq!(ended.error()["code"], code, "{}", ended.stderr);
            assert!(ended.error()["hint"].as_str().unwrap().contains("quota"));
            aws.sandbox.clear_faults();
        }
    }
}

sandboxed! {
    async fn a_name_that_aws_still_holds_is_waited_for_and_then_explained(aws) {
        let held = |times| Fault {
            on: FaultOn::Api("CreateBucket".to_string()),
            skip: 0,
            times,
            effect: FaultEffect::Answer { status: 409, code: "OperationAborted" },
        };
        aws.sandbox.inject(held(2));
        aws.applied(&[]);
        assert_eq!(aws.acme("destroy", &["--yes"]).code, Some(0));
        aws.sandbox.inject(held(u32::MAX));
        let ended = aws.acme("apply", &["--yes"]);
        assert_eq!(ended.error()["code"], "OperationAborted");
        assert!(ended.error()["hint"].as_str().unwrap().contains("an hour"), "{}", ended.stderr);
    }
}

sandboxed! {
    async fn in_us_east_1_a_bucket_of_the_own_account_is_not_taken_silently(aws) {
        let customer = types::AccountId::parse("222222222222").unwrap();
        let name = types::BucketName::parse("byos-prod-acme-data").unwrap();
        let region = types::Region::parse("us-east-1").unwrap();
        aws.sandbox.create_bucket(&customer, &name, &region).unwrap();
        let ended = aws.acme("apply", &["--yes", "--region", "us-east-1"]);
        assert_eq!(ended.error()["kind"], "blocked", "{}", ended.stderr);
        assert_eq!(aws.calls_of("CreateBucket").len(), 0, "which would have answered 200");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_without_tls_is_named_as_the_cause_and_not_somebody_else() {
    let aws = Aws::start_with(sandbox::SandboxOptions {
        counts_as_tls: false,
        ..sandbox::SandboxOptions::default()
    })
    .await;
    let ended = aws.acme("apply", &["--yes"]);
    assert_eq!(ended.code, Some(1));
    let said = ended.error()["message"].as_str().unwrap();
    assert!(
        said.contains("explicit deny") && said.contains("without TLS"),
        "{said}"
    );
    let again = aws.acme("plan", &[]);
    let blockers = again.result()["plan"]["blockers"].to_string();
    assert!(
        blockers.contains("it was made here") && blockers.contains("https"),
        "{blockers}"
    );
    assert!(!blockers.contains("somebody else"), "{blockers}");
}
