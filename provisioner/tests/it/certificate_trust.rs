//! Every way to let somebody else assume the role, and what the certificate says.

use crate::aws::{Aws, Ended, VENDOR_ROLE};
use crate::cycle::sandboxed;
use sandbox::{Fault, FaultEffect, FaultOn, SandboxOptions};
use serde_json::{Value, json};
use types::AccountId;

const ROLE: &str = "byos-prod-acme-gateway";

fn customer() -> AccountId {
    AccountId::parse("222222222222").unwrap()
}

fn prove(aws: &Aws, org: &str) -> Ended {
    let base = [
        "prove",
        "--org",
        org,
        "--vendor-role",
        VENDOR_ROLE,
        "--json",
    ];
    let mut command = aws.command(&base);
    command.env("BYOS_PATIENCE_MILLISECONDS", "300");
    crate::aws::wait(command.spawn().unwrap())
}

fn right() -> Value {
    json!({"Sid": "Right", "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
        "Condition": {"ArnEquals": {"aws:PrincipalArn": VENDOR_ROLE},
            "StringEquals": {"sts:ExternalId": "pulse-org-acme"}}})
}

fn trust(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// Trust policies that let in too much, and what has to be named.
fn open() -> Vec<(Vec<Value>, &'static str)> {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut statement = right();
        statement["Sid"] = json!("Open");
        change(&mut statement);
        statement
    };
    let second = |statement: Value| vec![right(), statement];
    vec![
        (
            vec![with(&|s| {
                drop(
                    s["Condition"]
                        .as_object_mut()
                        .unwrap()
                        .remove("StringEquals"),
                )
            })],
            "Open",
        ),
        (
            vec![with(&|s| {
                drop(s["Condition"].as_object_mut().unwrap().remove("ArnEquals"))
            })],
            "Open",
        ),
        (
            vec![with(&|s| {
                drop(s.as_object_mut().unwrap().remove("Condition"))
            })],
            "Open",
        ),
        (
            vec![with(&|s| {
                s["Principal"] = json!("*");
                s["Condition"].as_object_mut().unwrap().remove("ArnEquals");
            })],
            "Open",
        ),
        (
            vec![with(&|s| {
                s["Principal"] = json!({"AWS": ["111111111111", "*"]});
                s["Condition"]["ArnEquals"] = json!({"aws:PrincipalArn": [VENDOR_ROLE, "arn:aws:iam::333333333333:role/other"]});
            })],
            "Open",
        ),
        (
            vec![with(&|s| {
                s["Condition"]["StringEquals"]["sts:ExternalId"] =
                    json!(["pulse-org-acme", "pulse-org-umbrella"])
            })],
            "Open",
        ),
        (
            vec![with(
                &|s| s["Condition"] = json!({"ArnEquals": {"aws:PrincipalArn": VENDOR_ROLE}, "StringLike": {"sts:ExternalId": "pulse-org-*"}}),
            )],
            "Open",
        ),
        (
            vec![with(
                &|s| s["Condition"] = json!({"ArnEquals": {"aws:PrincipalArn": VENDOR_ROLE}, "StringLike": {"sts:ExternalId": "pulse-org-?cme"}}),
            )],
            "Open",
        ),
        (
            vec![with(
                &|s| s["Condition"] = json!({"ArnEquals": {"aws:PrincipalArn": VENDOR_ROLE}, "StringEqualsIgnoreCase": {"sts:ExternalId": "pulse-org-acme"}}),
            )],
            "Open",
        ),
        (
            vec![with(
                &|s| s["Condition"] = json!({"ArnEquals": {"aws:PrincipalArn": VENDOR_ROLE}, "StringEqualsIfExists": {"sts:ExternalId": "pulse-org-acme"}}),
            )],
            "Open",
        ),
        (
            vec![with(
                &|s| s["Condition"] = json!({"ArnEquals": {"aws:PrincipalArn": VENDOR_ROLE}, "StringNotEquals": {"sts:ExternalId": "pulse-org-umbrella"}}),
            )],
            "Open",
        ),
        (
            vec![with(&|s| {
                s["Condition"]["ArnEquals"]["aws:PrincipalArn"] =
                    json!([VENDOR_ROLE, "arn:aws:iam::111111111111:role/other"])
            })],
            "Open",
        ),
        (
            vec![with(
                &|s| s["Condition"] = json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111111111111:role/*"}, "StringEquals": {"sts:ExternalId": "pulse-org-acme"}}),
            )],
            "Open",
        ),
        // A second way in, for somebody whom no sample would be.
        (
            second(
                json!({"Sid": "Open", "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "333333333333"}}),
            ),
            "333333333333",
        ),
        (
            second(
                json!({"Sid": "Open", "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::222222222222:user/admin"}}),
            ),
            "user/admin",
        ),
        (
            second(
                json!({"Sid": "Open", "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}),
            ),
            "ec2.amazonaws.com",
        ),
        (
            second(
                json!({"Sid": "Open", "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": "accounts.google.com"}}),
            ),
            "accounts.google.com",
        ),
        (
            second(
                json!({"Sid": "Open", "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "111111111111"},
            "Condition": {"StringEquals": {"sts:ExternalId": "pulse-org-acme"}}}),
            ),
            "111111111111",
        ),
    ]
}

sandboxed! {
    async fn every_trust_that_lets_in_too_much_is_violated_and_named(aws) {
        aws.applied(&[]);
        aws.sandbox.create_account(&AccountId::parse("333333333333").unwrap()).unwrap();
        for (statements, name) in open() {
            let document = trust(&statements);
            aws.sandbox.create_role(&customer(), ROLE, &document, &[]).unwrap();
            let ended = prove(&aws, "acme");
            let certificate = &ended.result()["certificate"];
            assert_eq!(ended.code, Some(1), "{document}: {} {certificate:#}", ended.stderr);
            assert_eq!(certificate["verdict"], "violated", "{document}");
            let violations = certificate["computed"]["violations"].as_array().unwrap();
            let named = |v: &Value| v.as_str().unwrap().contains(name) && v.as_str().unwrap().contains("Open");
            assert!(violations.iter().any(named), "{document}: {violations:?}");
        }
        // Anyone whose ARN is the gateway's: nobody else, but not as it shall be.
        let mut anyone = right();
        anyone["Principal"] = json!("*");
        aws.sandbox.create_role(&customer(), ROLE, &trust(&[anyone]), &[]).unwrap();
        assert_eq!(prove(&aws, "acme").code, Some(2), "pinned, and yet not as it shall be");
        aws.sandbox.create_role(&customer(), ROLE, &trust(&[right()]), &[]).unwrap();
        assert_eq!(prove(&aws, "acme").code, Some(0), "as it shall be");
    }
}

// The tenant's id is part of the prefix of all external ids: replacing it everywhere would make
// an id that is no tenant's.
sandboxed! {
    async fn another_tenants_id_is_made_of_the_prefix_and_not_by_replacing(aws) {
        let apply = ["apply", "--org", "pulse", "--vendor-role", VENDOR_ROLE, "--yes"];
        let ended = aws.run(&apply);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let mut statement = right();
        statement["Condition"] = json!({"ArnEquals": {"aws:PrincipalArn": VENDOR_ROLE},
            "StringLike": {"sts:ExternalId": ["pulse-org-pulse", "pulse-org-*other"]}});
        aws.sandbox.create_role(&customer(), "byos-prod-pulse-gateway", &trust(&[statement]), &[]).unwrap();
        let ended = prove(&aws, "pulse");
        let live = ended.result()["certificate"]["live"].as_array().unwrap();
        let claim = "the vendor does not assume the role with another tenant's external id";
        let check = live.iter().find(|check| check["claim"] == claim).unwrap();
        assert_eq!(check["verdict"], "violated", "{check}");
    }
}

fn everywhere(ended: &Ended, verdict: &str) -> Vec<String> {
    let live = ended.result()["certificate"]["live"].as_array().unwrap();
    live.iter()
        .filter(|check| check["verdict"] == verdict)
        .map(|check| check["claim"].as_str().unwrap().to_string())
        .collect()
}

// What is no refusal by the role's own policies neither proves nor refutes anything.
sandboxed! {
    async fn answers_that_say_nothing_about_the_role_are_inconclusive(aws) {
        aws.applied(&[]);
        for (api, status, code) in [
            ("ListRoles", 403, "RequestTimeTooSkewed"),
            ("ListRoles", 403, "InvalidClientTokenId"),
            ("ListBuckets", 403, "InvalidAccessKeyId"),
            ("ListBuckets", 503, "SlowDown"),
            ("ListBuckets", 500, "InternalError"),
            ("ListBuckets", 400, "ExpiredToken"),
            ("ListBuckets", 404, "NoSuchBucket"),
            ("ListBuckets", 403, "AllAccessDisabled"),
            // Of a permitted call: it is not the role that refuses.
            ("UploadPart", 403, "InvalidAccessKeyId"),
            ("UploadPart", 403, "SignatureDoesNotMatch"),
            ("UploadPart", 503, "SlowDown"),
        ] {
            aws.sandbox.inject(Fault {
                on: FaultOn::Api(api.to_string()),
                skip: 0,
                times: u32::MAX,
                effect: FaultEffect::Answer { status, code },
            });
            let ended = prove(&aws, "acme");
            aws.sandbox.clear_faults();
            assert_eq!(ended.code, Some(2), "{api} {code}: {} {}", ended.stderr, ended.json);
            assert_eq!(everywhere(&ended, "violated"), [""; 0], "{api} {code}");
            assert!(!everywhere(&ended, "inconclusive").is_empty(), "{api} {code}");
        }
    }
}

// A cut connection or one busy answer in the middle is asked again, not written down.
sandboxed! {
    async fn a_hitch_in_the_middle_does_not_spoil_the_proof(aws) {
        aws.applied(&[]);
        let busy = || FaultEffect::Answer { status: 503, code: "SlowDown" };
        for (api, number, effect) in [
            ("AssumeRole", 6, FaultEffect::Answer { status: 400, code: "Throttling" }),
            ("GetObject", 3, busy()),
            ("PutObjectTagging", 1, busy()),
            ("ListBuckets", 1, FaultEffect::CutBefore),
        ] {
            aws.sandbox.inject(Fault::once(FaultOn::Api(api.to_string()), number, effect));
            let mut command = aws.command(&["prove", "--org", "acme", "--vendor-role", VENDOR_ROLE, "--json"]);
            command.env("BYOS_PATIENCE_MILLISECONDS", "20000");
            let ended = crate::aws::wait(command.spawn().unwrap());
            aws.sandbox.clear_faults();
            assert_eq!(ended.code, Some(0), "{api}: {} {:?}", ended.stderr, everywhere(&ended, "inconclusive"));
        }
    }
}

sandboxed! {
    async fn the_customers_own_credentials_are_not_taken_for_the_vendors(aws) {
        aws.applied(&[]);
        let mut command = aws.command(&["prove", "--org", "acme", "--vendor-role", VENDOR_ROLE, "--json"]);
        command
            .env("BYOS_VENDOR_ACCESS_KEY_ID", &aws.customer.access_key_id)
            .env("BYOS_VENDOR_SECRET_ACCESS_KEY", aws.customer.secret_access_key.expose());
        let ended = crate::aws::wait(command.spawn().unwrap());
        assert_eq!(ended.code, Some(1));
        assert_eq!(ended.error()["kind"], "credentials");
        let message = ended.error()["message"].as_str().unwrap();
        assert!(message.contains("arn:aws:iam::222222222222:user/admin") && message.contains("--vendor-profile"), "{message}");
        assert_eq!(aws.calls_of("PutObject").len(), 0);
    }
}

// The vendor's own policies may ask for an external id, too: then they refuse, not the trust.
sandboxed! {
    async fn a_refusal_by_the_vendors_own_policies_proves_nothing_about_the_trust(aws) {
        aws.applied(&[]);
        let vendor = AccountId::parse(SandboxOptions::VENDOR).unwrap();
        let trust_of_vendor = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "sts:AssumeRole"}]});
        let careful = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "sts:AssumeRole",
            "Resource": "*", "Condition": {"Null": {"sts:ExternalId": "true"}}}]});
        aws.sandbox.create_role(&vendor, "byos-gateway", &trust_of_vendor, &[("careful", &careful)]).unwrap();
        let ended = prove(&aws, "acme");
        assert_eq!(ended.code, Some(2), "{}", ended.json);
        assert_eq!(everywhere(&ended, "inconclusive"), ["the vendor does not assume the role without an external id"]);
    }
}

// Objects under a default retention could not be removed: nothing is written, and what can be
// proven without writing is.
sandboxed! {
    async fn a_locked_bucket_gets_no_probes(aws) {
        let settings = ["--set", "results.versioning=enabled", "--set", "results.object_lock={ mode = \"compliance\", days = 1 }"];
        aws.applied(&settings);
        // Whoever proves may not know of the lock.
        for arguments in [&settings[..], &[]] {
            aws.sandbox.forget_calls();
            let base = ["prove", "--org", "acme", "--vendor-role", VENDOR_ROLE, "--json"];
            let mut command = aws.command(&[&base, arguments].concat());
            command.env("BYOS_PATIENCE_MILLISECONDS", "300");
            let ended = crate::aws::wait(command.spawn().unwrap());
            assert_eq!(ended.code, Some(2), "{} {}", ended.stderr, ended.json);
            assert_eq!(aws.calls_of("PutObject").len(), 0);
            assert_eq!(everywhere(&ended, "inconclusive"), ["the role does what it shall and no more"]);
            assert!(everywhere(&ended, "proven").len() > 15);
        }
    }
}

// Policies that change while the calls are made: what was judged is not what was called.
sandboxed! {
    async fn policies_that_change_meanwhile_leave_it_inconclusive(aws) {
        aws.applied(&[]);
        let second = aws.s3(&aws.customer);
        let runtime = tokio::runtime::Handle::current();
        aws.sandbox.inject(Fault::once(
            FaultOn::Api("ListRoles".to_string()),
            1,
            FaultEffect::RunAfter(std::sync::Arc::new(move |_| {
                let s3 = second.clone();
                runtime.spawn(async move {
                    let _ = s3.delete_bucket_policy().bucket("byos-prod-acme-data").send().await;
                });
            })),
        ));
        let ended = prove(&aws, "acme");
        let computed = &ended.result()["certificate"]["computed"];
        // Seen or not yet, it is never proven.
        assert_ne!(ended.code, Some(0), "{computed}");
    }
}
