//! Apply, look, drift, take down: the command against the sandbox.

use crate::aws::Aws;
use sandbox::{Fault, FaultEffect, FaultOn};
use std::sync::{Arc, Mutex};

/// As many threads as it takes for the sandbox to answer while a test waits for a process.
macro_rules! sandboxed {
    ($(#[$attribute:meta])* async fn $name:ident($aws:ident) $body:block) => {
        $(#[$attribute])*
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let $aws = Aws::start().await;
            $body
        }
    };
}
pub(crate) use sandboxed;

sandboxed! {
    async fn a_plan_changes_nothing_and_exits_with_two(aws) {
        let ended = aws.acme("plan", &[]);
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert_eq!(aws.writes(), Vec::<String>::new());
        assert_eq!(ended.json["schema"], "byos.provisioner/1");
        assert!(ended.result()["plan"]["changes"].as_array().unwrap().len() > 10);
    }
}

sandboxed! {
    async fn a_second_apply_writes_nothing(aws) {
        let settings = [
            "--set", "data.versioning=enabled",
            "--set", "results.encryption={ kind = \"sse_s3\" }",
            "--set", "tags={ team = \"storage\" }",
        ];
        let first = aws.applied(&settings);
        assert!(first.result()["changes_made"].as_u64().unwrap() > 10);
        aws.sandbox.forget_calls();
        let second = aws.applied(&settings);
        assert_eq!(aws.writes(), Vec::<String>::new());
        assert_eq!(second.result()["changes_made"], 0);
        assert_eq!(aws.acme("drift", &settings).code, Some(0));
    }
}

sandboxed! {
    async fn public_access_stays_blocked_and_no_acl_is_ever_sent(aws) {
        aws.applied(&[]);
        let writes = aws.writes();
        assert_eq!(writes.iter().filter(|w| *w == "PutPublicAccessBlock").count(), 2);
        assert!(!writes.iter().any(|w| w.contains("Acl")), "{writes:?}");
        let at = |api: &str| writes.iter().position(|w| w == api).unwrap();
        assert!(at("CreateBucket") < at("PutPublicAccessBlock"));
        assert!(at("PutPublicAccessBlock") < at("PutBucketPolicy"));
        assert!(at("PutBucketPolicy") < at("PutBucketOwnershipControls"));
        assert_eq!(aws.acme("destroy", &["--yes"]).code, Some(0));
        assert!(!aws.writes().iter().any(|w| w == "DeletePublicAccessBlock"));
    }
}

sandboxed! {
    async fn a_take_down_leaves_nothing(aws) {
        aws.applied(&[]);
        let ended = aws.acme("destroy", &["--yes"]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let plan = aws.acme("plan", &[]);
        let changes = plan.result()["plan"]["changes"].as_array().unwrap();
        assert_eq!(changes.iter().filter(|c| c["part"] == "itself").count(), 3);
    }
}

sandboxed! {
    async fn a_name_of_another_account_is_said_to_be_taken(aws) {
        let vendor = types::AccountId::parse("111111111111").unwrap();
        let name = types::BucketName::parse("byos-prod-acme-data").unwrap();
        let region = types::Region::parse("eu-central-1").unwrap();
        aws.sandbox.create_bucket(&vendor, &name, &region).unwrap();
        let ended = aws.acme("apply", &["--yes"]);
        assert_eq!(ended.code, Some(1));
        assert_eq!(ended.error()["kind"], "blocked");
        assert!(ended.error()["message"].as_str().unwrap().contains("account_regional"));
        assert_eq!(aws.writes(), Vec::<String>::new());
    }
}

sandboxed! {
    async fn an_existing_bucket_is_not_taken_without_consent(aws) {
        let customer = types::AccountId::parse("222222222222").unwrap();
        let name = types::BucketName::parse("byos-prod-acme-data").unwrap();
        let region = types::Region::parse("eu-central-1").unwrap();
        aws.sandbox.create_bucket(&customer, &name, &region).unwrap();
        let ended = aws.acme("apply", &["--yes"]);
        assert_eq!(ended.code, Some(1));
        assert!(ended.error()["message"].as_str().unwrap().contains("adopt"));
        assert_eq!(aws.writes(), Vec::<String>::new());
    }
}

sandboxed! {
    async fn a_lost_answer_does_no_harm_at_any_call(aws) {
        let calls = {
            aws.applied(&[]);
            let writes = aws.writes().len();
            assert_eq!(aws.acme("destroy", &["--yes"]).code, Some(0));
            writes
        };
        for number in 1..=calls {
            for effect in [FaultEffect::CutAfter, FaultEffect::CutBefore] {
                let fault = Fault::once(FaultOn::AnyWrite, u32::try_from(number).unwrap(), effect);
                aws.sandbox.inject(fault);
                aws.applied(&[]);
                aws.sandbox.clear_faults();
                assert_eq!(aws.acme("drift", &[]).code, Some(0), "call {number}");
                assert_eq!(aws.acme("destroy", &["--yes"]).code, Some(0));
            }
        }
    }
}

sandboxed! {
    async fn killed_after_any_writing_call_it_converges_on_the_next_run(aws) {
        aws.applied(&[]);
        let calls = u32::try_from(aws.writes().len()).unwrap();
        assert_eq!(aws.acme("destroy", &["--yes"]).code, Some(0));
        for number in 1..=calls {
            let running: Arc<Mutex<Option<u32>>> = Arc::default();
            let victim = running.clone();
            let kill = move |_: &sandbox::Call| {
                // The process may answer the door before its number is written down.
                loop {
                    if let Some(id) = *victim.lock().unwrap() {
                        let status = std::process::Command::new("kill").args(["-9", &id.to_string()]).status();
                        assert!(status.unwrap().success());
                        return;
                    }
                    std::thread::yield_now();
                }
            };
            let effect = FaultEffect::RunAfter(Arc::new(kill));
            aws.sandbox.inject(Fault::once(FaultOn::AnyWrite, number, effect));
            let child = aws
                .command(&["apply", "--org", "acme", "--vendor-role", crate::aws::VENDOR_ROLE, "--yes", "--json"])
                .spawn()
                .unwrap();
            *running.lock().unwrap() = Some(child.id());
            assert_eq!(crate::aws::wait(child).code, None, "killed after call {number}");
            aws.sandbox.clear_faults();
            aws.applied(&[]);
            assert_eq!(aws.acme("drift", &[]).code, Some(0), "after call {number}");
            let down = aws.acme("destroy", &["--yes"]);
            assert_eq!(down.code, Some(0), "after call {number}: {}", down.stderr);
        }
    }
}

sandboxed! {
    async fn a_refusal_names_code_request_id_fault_and_next_step(aws) {
        aws.sandbox.inject(Fault {
            on: FaultOn::Api("PutBucketLifecycleConfiguration".to_string()),
            skip: 0,
            times: u32::MAX,
            effect: FaultEffect::Answer { status: 403, code: "AccessDenied" },
        });
        let ended = aws.acme("apply", &["--yes"]);
        assert_eq!(ended.code, Some(1));
        let error = ended.error();
        assert_eq!(error["code"], "AccessDenied");
        assert_eq!(error["fault"], "caller");
        assert!(error["request_id"].is_string(), "{error}");
        assert!(error["hint"].as_str().unwrap().contains("deployer-policy"));
        assert!(ended.stderr.contains("rollback --org acme"));
        aws.sandbox.clear_faults();
        let undone = aws.acme("rollback", &["--yes"]);
        assert_eq!(undone.code, Some(0), "{}", undone.stderr);
        assert_eq!(aws.acme("destroy", &["--yes"]).result()["changes_made"], 0);
    }
}

sandboxed! {
    async fn throttling_is_waited_for(aws) {
        aws.sandbox.inject(Fault {
            on: FaultOn::AnyWrite,
            skip: 3,
            times: 3,
            effect: FaultEffect::Answer { status: 400, code: "Throttling" },
        });
        aws.applied(&[]);
        assert_eq!(aws.acme("drift", &[]).code, Some(0));
    }
}

fn tenants_file(aws: &Aws, count: usize) -> String {
    let mut text = format!(
        "[defaults]\nregion = \"eu-central-1\"\nrole.vendor_role = \"{}\"\n",
        crate::aws::VENDOR_ROLE
    );
    for number in 0..count {
        text.push_str(&format!("[[tenants]]\norg_id = \"org{number}\"\n"));
    }
    aws.write("tenants.toml", &text).display().to_string()
}

sandboxed! {
    async fn many_tenants_at_once_all_succeed_although_the_account_is_throttled(aws) {
        let file = tenants_file(&aws, 20);
        aws.sandbox.inject(Fault {
            on: FaultOn::AnyWrite,
            skip: 30,
            times: 25,
            effect: FaultEffect::Answer { status: 429, code: "TooManyRequestsException" },
        });
        let ended = aws.run(&["apply", "--file", &file, "--yes", "--parallel", "16", "--quiet"]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(ended.json["tenants"].as_array().unwrap().len(), 20);
        assert_eq!(aws.calls_of("GetCallerIdentity").len(), 1, "one question for all tenants");
        assert_eq!(aws.run(&["drift", "--file", &file]).code, Some(0));
        let one = aws.run(&["plan", "--file", &file, "--org", "org7"]);
        assert_eq!(one.json["tenants"].as_array().unwrap().len(), 1);
    }
}

sandboxed! {
    async fn two_applies_of_one_tenant_do_not_meet(aws) {
        let arguments = ["apply", "--org", "acme", "--vendor-role", crate::aws::VENDOR_ROLE, "--yes", "--json"];
        let waiting = [&arguments[..], &["--lock-timeout", "60"]].concat();
        let first = aws.command(&waiting).spawn().unwrap();
        let second = aws.command(&waiting).spawn().unwrap();
        let (first, second) = (crate::aws::wait(first), crate::aws::wait(second));
        assert_eq!((first.code, second.code), (Some(0), Some(0)), "{}{}", first.stderr, second.stderr);
        let made = |e: &crate::aws::Ended| e.result()["changes_made"].as_u64().unwrap();
        assert!(made(&first) == 0 || made(&second) == 0, "one of them found everything done");
        assert_eq!(aws.calls_of("CreateBucket").len(), 2);
    }
}

sandboxed! {
    async fn a_bucket_in_another_region_is_named_with_its_region(aws) {
        let customer = types::AccountId::parse("222222222222").unwrap();
        let name = types::BucketName::parse("byos-prod-acme-data").unwrap();
        let region = types::Region::parse("us-west-2").unwrap();
        aws.sandbox.create_bucket(&customer, &name, &region).unwrap();
        let ended = aws.acme("apply", &["--yes"]);
        assert_eq!(ended.code, Some(1));
        assert!(ended.error()["message"].as_str().unwrap().contains("us-west-2"), "{}", ended.stderr);
    }
}

sandboxed! {
    async fn us_east_1_takes_no_location_and_every_other_region_takes_its_own(aws) {
        for region in ["us-east-1", "eu-west-1"] {
            let org = format!("org-{region}");
            let ended = aws.run(&["apply", "--org", &org, "--region", region, "--vendor-role", crate::aws::VENDOR_ROLE, "--yes"]);
            assert_eq!(ended.code, Some(0), "{region}: {}", ended.stderr);
            let again = aws.run(&["apply", "--org", &org, "--region", region, "--vendor-role", crate::aws::VENDOR_ROLE, "--yes"]);
            assert_eq!(again.result()["changes_made"], 0);
        }
    }
}

sandboxed! {
    async fn a_saved_plan_is_refused_once_something_has_changed(aws) {
        let path = aws.path("plan.json").display().to_string();
        assert_eq!(aws.acme("plan", &["--out", &path]).code, Some(2));
        let customer = types::AccountId::parse("222222222222").unwrap();
        let name = types::BucketName::parse("byos-prod-acme-data").unwrap();
        let region = types::Region::parse("eu-central-1").unwrap();
        aws.sandbox.create_bucket(&customer, &name, &region).unwrap();
        let stale = aws.acme("apply", &["--plan", &path]);
        assert_eq!(stale.error()["kind"], "stale_plan", "{}", stale.stderr);
        assert_eq!(aws.writes(), Vec::<String>::new());
    }
}

sandboxed! {
    async fn a_saved_plan_is_applied_without_asking_again(aws) {
        let path = aws.path("plan.json").display().to_string();
        assert_eq!(aws.acme("plan", &["--out", &path]).code, Some(2));
        let ended = aws.acme("apply", &["--plan", &path]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }
}

sandboxed! {
    async fn nothing_is_changed_when_nobody_says_yes(aws) {
        let ended = aws.acme("apply", &[]);
        assert_eq!(ended.code, Some(1));
        assert_eq!(ended.error()["kind"], "declined");
        assert_eq!(aws.writes(), Vec::<String>::new());
    }
}

sandboxed! {
    async fn a_change_of_the_specification_is_told_from_one_by_hand(aws) {
        aws.applied(&["--set", "results.abort_incomplete_days=3"]);
        let cause = |ended: crate::aws::Ended| ended.result()["plan"]["changes"][0]["cause"].clone();
        let new = aws.acme("plan", &["--set", "results.abort_incomplete_days=4"]);
        assert_eq!(cause(new), "specification_changed");
        aws.applied(&["--set", "results.abort_incomplete_days=4"]);
        assert_eq!(aws.acme("rollback", &["--yes"]).code, Some(0));
        let by_hand = aws.acme("plan", &["--set", "results.abort_incomplete_days=4"]);
        assert_eq!(by_hand.code, Some(2));
    }
}

sandboxed! {
    async fn a_gate_refuses_what_is_riskier_than_allowed(aws) {
        let expiring = ["--set", "data.lifecycle=[{ id = \"old\", expire_days = 30 }]", "--max-risk", "low"];
        let ended = aws.acme("plan", &expiring);
        assert_eq!(ended.code, Some(1));
        assert_eq!(ended.error()["kind"], "too_risky");
    }
}

sandboxed! {
    async fn no_output_and_no_state_holds_a_secret(aws) {
        let secret = aws.customer.secret_access_key.expose().clone();
        for arguments in [["plan"], ["apply"], ["status"], ["drift"]] {
            let yes = if arguments[0] == "apply" { vec!["--yes"] } else { vec![] };
            let ended = aws.acme(arguments[0], &yes);
            assert!(!ended.stderr.contains(&secret) && !ended.json.to_string().contains(&secret));
        }
        let mut folders = vec![aws.path("state")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let bytes = std::fs::read(&path).unwrap();
                    let found = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
                    assert!(!found, "{}", path.display());
                }
            }
        }
    }
}
