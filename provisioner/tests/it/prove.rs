//! The certificate: proven when the role is tight, violated when anything is loosened.

use crate::aws::{Aws, Ended, VENDOR_ROLE};
use crate::cycle::sandboxed;
use sandbox::{Fault, FaultEffect, FaultOn, Propagation};
use serde_json::{Value, json};

fn prove(aws: &Aws, arguments: &[&str]) -> Ended {
    aws.acme("prove", arguments)
}

fn live(ended: &Ended) -> Vec<(String, String, String)> {
    let text = |check: &Value, name: &str| check[name].as_str().unwrap_or_default().to_string();
    let checks = ended.result()["certificate"]["live"].as_array().unwrap();
    checks
        .iter()
        .map(|check| {
            (
                text(check, "claim"),
                text(check, "verdict"),
                text(check, "evidence"),
            )
        })
        .collect()
}

fn not_proven(ended: &Ended) -> Vec<(String, String, String)> {
    let mut checks = live(ended);
    checks.retain(|(_, verdict, _)| verdict != "proven");
    checks
}

sandboxed! {
    async fn a_tight_role_is_proven_and_the_proof_leaves_nothing_behind(aws) {
        aws.applied(&["--set", "results.versioning=enabled"]);
        let ended = prove(&aws, &["--set", "results.versioning=enabled"]);
        assert_eq!(not_proven(&ended), [], "{}", ended.stderr);
        let computed = &ended.result()["certificate"]["computed"];
        assert_eq!(computed["violations"], json!([]));
        assert!(computed["decisions"].as_u64().unwrap() > 900, "{computed}");
        assert_eq!(ended.code, Some(0));
        assert!(live(&ended).len() > 30);
        let down = aws.acme("destroy", &["--yes"]);
        assert_eq!(down.code, Some(0), "the buckets are empty again: {}", down.stderr);
    }
}

sandboxed! {
    async fn a_managed_policy_with_kms_is_proven_too(aws) {
        let settings = ["--set", "role.policy=managed"];
        aws.applied(&settings);
        let ended = prove(&aws, &settings);
        assert_eq!(ended.code, Some(0), "{:?} {}", not_proven(&ended), ended.stderr);
    }
}

// Every loosening of the role's permissions, and the claim that it breaks.
sandboxed! {
    async fn a_loosened_role_is_found_out(aws) {
        aws.applied(&[]);
        let customer = types::AccountId::parse("222222222222").unwrap();
        let trust = trust_with(json!({
            "ArnEquals": {"aws:PrincipalArn": VENDOR_ROLE},
            "StringEquals": {"sts:ExternalId": "pulse-org-acme"},
        }));
        let statements = [
            (json!({"Action": "s3:GetObject", "Resource": "arn:aws:s3:::byos-prod-acme-data/*"}), "does not read another org's object in the data bucket"),
            (json!({"Action": "s3:PutObject", "Resource": "arn:aws:s3:::byos-prod-acme-data/*"}), "does not write to the data bucket"),
            (json!({"Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::byos-prod-acme-data/*"}), "does not delete from the data bucket"),
            (json!({"Action": "s3:ListBucket", "Resource": "arn:aws:s3:::byos-prod-acme-results"}), "does not list all of the results bucket"),
            (json!({"Action": "s3:GetBucketPolicy", "Resource": "*"}), "does not read the policy of the data bucket"),
            (json!({"Action": "s3:ListAllMyBuckets", "Resource": "*"}), "does not list the account's buckets"),
            (json!({"Action": "iam:ListRoles", "Resource": "*"}), "does not list the account's roles"),
        ];
        for (mut statement, claim) in statements {
            statement["Effect"] = json!("Allow");
            let loose = json!({"Version": "2012-10-17", "Statement": [statement]});
            aws.sandbox
                .create_role(&customer, "byos-prod-acme-gateway", &trust, &[("loose", &loose)])
                .unwrap();
            let ended = prove(&aws, &[]);
            assert_eq!(ended.code, Some(1), "{claim}: {}", ended.stderr);
            let violated: Vec<String> = not_proven(&ended)
                .into_iter()
                .filter(|(_, verdict, _)| verdict == "violated")
                .map(|(claim, ..)| claim)
                .collect();
            assert!(violated.contains(&claim.to_string()), "{claim}: {violated:?}");
            let computed = &ended.result()["certificate"]["computed"]["violations"];
            assert_ne!(*computed, json!([]), "the computed half finds it too: {claim}");
        }
    }
}

fn trust_with(condition: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
        "Action": "sts:AssumeRole", "Condition": condition}]})
}

sandboxed! {
    async fn a_trust_that_does_not_ask_for_the_external_id_is_insecure(aws) {
        aws.applied(&[]);
        let customer = types::AccountId::parse("222222222222").unwrap();
        let open = trust_with(json!({"ArnEquals": {"aws:PrincipalArn": VENDOR_ROLE}}));
        aws.sandbox.create_role(&customer, "byos-prod-acme-gateway", &open, &[]).unwrap();
        let ended = prove(&aws, &[]);
        assert_eq!(ended.code, Some(1));
        let violated = not_proven(&ended);
        assert_eq!(violated.len(), 3, "{violated:?}");
        assert!(violated.iter().all(|(claim, ..)| claim.contains("does not assume the role")));
    }
}

sandboxed! {
    async fn a_refusal_that_is_no_access_denied_proves_nothing(aws) {
        aws.applied(&[]);
        aws.sandbox.inject(Fault {
            on: FaultOn::Api("ListBuckets".to_string()),
            skip: 0,
            times: u32::MAX,
            effect: FaultEffect::Answer { status: 403, code: "RequestTimeTooSkewed" },
        });
        let ended = prove(&aws, &[]);
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        let doubts = not_proven(&ended);
        assert_eq!(doubts.len(), 1);
        assert_eq!(doubts[0].1, "inconclusive");
    }
}

sandboxed! {
    async fn a_new_role_is_waited_for_visibly(aws) {
        aws.sandbox.set_propagation(Propagation::Seconds(8));
        aws.applied(&[]);
        let mut command = aws.command(&["prove", "--org", "acme", "--vendor-role", VENDOR_ROLE, "--json"]);
        let ended = crate::aws::wait(command.env("BYOS_PATIENCE_MILLISECONDS", "20000").spawn().unwrap());
        assert!(ended.stderr.contains("cannot be assumed yet"), "{}", ended.stderr);
        assert_eq!(ended.code, Some(0), "{:?} {}", not_proven(&ended), ended.stderr);
    }
}

sandboxed! {
    async fn a_certificate_is_signed_and_any_change_of_it_is_found(aws) {
        aws.applied(&[]);
        let key = aws.path("key.pem").display().to_string();
        let out = aws.path("certificate.json").display().to_string();
        let made = prove(&aws, &["--key", &key, "--out", &out]);
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        let good = prove(&aws, &["--verify", &out, "--key", &key]);
        assert_eq!(good.code, Some(0), "{}", good.stderr);
        let text = std::fs::read_to_string(&out).unwrap();
        std::fs::write(&out, text.replace("pulse-org-acme", "pulse-org-evil")).unwrap();
        let bad = prove(&aws, &["--verify", &out]);
        assert_eq!(bad.code, Some(1));
        assert!(bad.stderr.contains("the signature does not fit"), "{}", bad.stderr);
    }
}
