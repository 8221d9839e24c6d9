//! Every way to make the role narrower or wider than it shall be, and what the certificate says.

use crate::aws::{Aws, Ended, VENDOR_ROLE};
use crate::cycle::sandboxed;
use serde_json::{Value, json};
use types::{AccountId, Region};

const ROLE: &str = "byos-prod-acme-gateway";
const INLINE: &str = "byos-prod-acme-gateway-storage";
const DATA: &str = "arn:aws:s3:::byos-prod-acme-data";
const RESULTS: &str = "arn:aws:s3:::byos-prod-acme-results";

fn customer() -> AccountId {
    AccountId::parse("222222222222").unwrap()
}

/// Short patience: nothing changes by itself here.
fn prove(aws: &Aws, arguments: &[&str]) -> Ended {
    let base = [
        "prove",
        "--org",
        "acme",
        "--vendor-role",
        VENDOR_ROLE,
        "--json",
    ];
    let mut command = aws.command(&[&base, arguments].concat());
    command.env("BYOS_PATIENCE_MILLISECONDS", "300");
    crate::aws::wait(command.spawn().unwrap())
}

fn certificate(ended: &Ended) -> &Value {
    let certificate = &ended.result()["certificate"];
    assert!(certificate.is_object(), "{}", ended.stderr);
    certificate
}

fn computed(ended: &Ended) -> Vec<String> {
    let violations = &certificate(ended)["computed"]["violations"];
    let list = violations.as_array().unwrap().iter();
    list.map(|text| text.as_str().unwrap().to_string())
        .collect()
}

/// The permission and the trust as they stand at IAM.
async fn documents(aws: &Aws) -> (Value, Value) {
    let iam = aws.iam(&aws.customer);
    let policy = iam.get_role_policy().role_name(ROLE).policy_name(INLINE);
    let policy = policy.send().await.unwrap().policy_document().to_string();
    let role = iam.get_role().role_name(ROLE).send().await.unwrap();
    let trust = role.role().unwrap().assume_role_policy_document().unwrap();
    (decoded(&policy), decoded(trust))
}

fn decoded(text: &str) -> Value {
    let text = percent_encoding::percent_decode_str(text)
        .decode_utf8()
        .unwrap();
    serde_json::from_str(&text).unwrap()
}

fn put(aws: &Aws, trust: &Value, permission: &Value) {
    let policies = [(INLINE, permission)];
    aws.sandbox
        .create_role(&customer(), ROLE, trust, &policies)
        .unwrap();
}

fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        one => vec![one.clone()],
    }
}

/// With KMS, so that every statement there is stands in the policy.
fn settings(aws: &Aws) -> Vec<String> {
    let region = Region::parse("eu-central-1").unwrap();
    let mut all = Vec::new();
    for bucket in ["data", "results"] {
        let key = aws
            .sandbox
            .create_kms_key(&customer(), &region, None)
            .unwrap();
        all.push("--set".to_string());
        all.push(format!(
            "{bucket}.encryption={{ kind = \"sse_kms\", key = \"{key}\" }}"
        ));
    }
    all.extend(["--set", "list_uploads=true"].map(str::to_string));
    all
}

sandboxed! {
    async fn without_any_one_action_it_is_not_proven_and_the_action_is_named(aws) {
        let settings = settings(&aws);
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        aws.applied(&settings);
        let whole = prove(&aws, &settings);
        assert_eq!(whole.code, Some(0), "{} {}", whole.stderr, whole.json);
        let (permission, trust) = documents(&aws).await;
        let mut tried = 0;
        for at in 0..permission["Statement"].as_array().unwrap().len() {
            for action in list(&permission["Statement"][at]["Action"]) {
                let mut less = permission.clone();
                let mut actions = list(&less["Statement"][at]["Action"]);
                actions.retain(|a| *a != action);
                match actions.is_empty() {
                    true => drop(less["Statement"].as_array_mut().unwrap().remove(at)),
                    false => less["Statement"][at]["Action"] = json!(actions),
                }
                put(&aws, &trust, &less);
                let ended = prove(&aws, &settings);
                let action = action.as_str().unwrap();
                assert_eq!(ended.code, Some(1), "{action}: {} {}", ended.stderr, ended.json);
                assert_eq!(certificate(&ended)["verdict"], "violated", "{action}");
                let computed = computed(&ended);
                assert!(computed.iter().any(|v| v.starts_with(action)), "{action}: {computed:?}");
                let live = certificate(&ended)["live"].as_array().unwrap().clone();
                // Which of several actions a call misses is seen by its name; KMS is behind S3.
                let by_call = live.iter().any(|check| {
                    check["verdict"] == "violated"
                        && (check["actions"].to_string().contains(action) || action.starts_with("kms:"))
                });
                assert!(by_call, "{action}: {live:?}");
                tried += 1;
            }
        }
        assert_eq!(tried, 15);
    }
}

/// A statement more, and what must be named.
fn wider() -> Vec<(Value, &'static str)> {
    let allow = |action: Value, resource: &str| json!({"Sid": "Loose", "Effect": "Allow", "Action": action, "Resource": resource});
    let with = |mut statement: Value, condition: Value| {
        statement["Condition"] = condition;
        statement
    };
    let own = json!({"StringEquals": {"aws:ResourceAccount": "222222222222"}});
    let negated = |name: &str, value: Value| {
        let mut statement = json!({"Sid": "Loose", "Effect": "Allow"});
        let other = if name == "NotAction" {
            "Resource"
        } else {
            "Action"
        };
        statement[name] = value;
        statement[other] = json!(if other == "Action" {
            "s3:GetObject"
        } else {
            "*"
        });
        statement
    };
    vec![
        (
            allow(json!("s3:DeleteObject"), &format!("{DATA}/orgs/acme/*")),
            "s3:DeleteObject",
        ),
        (
            allow(json!("s3:GetObject"), &format!("{DATA}/*")),
            "s3:GetObject",
        ),
        (
            allow(json!("s3:*"), &format!("{RESULTS}/orgs/acme/*")),
            "s3:*",
        ),
        (
            allow(json!("s3:Get*"), &format!("{RESULTS}/orgs/acme/*")),
            "s3:Get*",
        ),
        (allow(json!("iam:*"), "*"), "iam:*"),
        (allow(json!("*"), "*"), "* on *"),
        // Services and actions that no list of ours knows.
        (allow(json!("ec2:RunInstances"), "*"), "ec2:RunInstances"),
        (allow(json!("dynamodb:*"), "*"), "dynamodb:*"),
        (
            allow(
                json!("s3:GetObjectAttributes"),
                &format!("{DATA}/orgs/acme/*"),
            ),
            "s3:GetObjectAttributes",
        ),
        // One other tenant, one other bucket: no sample would hit them.
        (
            with(
                allow(json!("s3:GetObject"), &format!("{DATA}/orgs/umbrella/*")),
                own.clone(),
            ),
            "orgs/umbrella",
        ),
        (
            with(
                allow(
                    json!("s3:PutObject"),
                    "arn:aws:s3:::byos-prod-umbrella-results/*",
                ),
                own.clone(),
            ),
            "umbrella",
        ),
        (
            with(
                allow(
                    json!("s3:GetObject"),
                    "arn:aws:s3:::byos-prod-*-data/orgs/acme/*",
                ),
                own.clone(),
            ),
            "byos-prod-*-data",
        ),
        (
            with(
                allow(json!("s3:GetObject"), &format!("{DATA}/orgs/acme*")),
                own.clone(),
            ),
            "orgs/acme*",
        ),
        (
            with(
                allow(json!("s3:ListBucket"), DATA),
                json!({"StringLike": {"s3:prefix": "orgs/acme*"}}),
            ),
            "s3:ListBucket",
        ),
        (
            with(
                allow(json!("s3:ListBucket"), DATA),
                json!({"StringLikeIfExists": {"s3:prefix": "orgs/acme/*"}}),
            ),
            "s3:ListBucket",
        ),
        // Without the guard, or with another one.
        (
            allow(json!("s3:GetObject"), &format!("{DATA}/orgs/acme/*")),
            "s3:GetObject",
        ),
        (
            with(
                allow(json!("s3:GetObject"), &format!("{DATA}/orgs/acme/*")),
                json!({"StringEquals": {"aws:ResourceAccount": ["222222222222", "333333333333"]}}),
            ),
            "s3:GetObject",
        ),
        (
            with(
                allow(json!("s3:GetObject"), &format!("{DATA}/orgs/acme/*")),
                json!({"StringNotEquals": {"aws:ResourceAccount": "444444444444"}}),
            ),
            "s3:GetObject",
        ),
        // Only at times, only from somewhere: wide all the same.
        (
            with(
                allow(json!("s3:DeleteBucket"), DATA),
                json!({"DateGreaterThan": {"aws:CurrentTime": "2098-01-01T00:00:00Z"}}),
            ),
            "s3:DeleteBucket",
        ),
        (
            with(
                allow(json!("s3:DeleteBucket"), DATA),
                json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
            ),
            "s3:DeleteBucket",
        ),
        (
            with(
                allow(json!("s3:DeleteBucket"), DATA),
                json!({"StringLike": {"aws:UserAgent": "*secret*"}}),
            ),
            "s3:DeleteBucket",
        ),
        (negated("NotAction", json!("iam:*")), "all but iam:*"),
        (
            negated("NotAction", json!(["s3:*", "iam:*", "sts:*", "kms:*"])),
            "all but s3:*",
        ),
        (
            negated("NotResource", json!(format!("{DATA}/orgs/umbrella/*"))),
            "s3:GetObject on all but",
        ),
        (allow(json!("sts:AssumeRole"), "*"), "sts:AssumeRole"),
        (
            allow(
                json!("iam:PassRole"),
                "arn:aws:iam::222222222222:role/admin",
            ),
            "iam:PassRole",
        ),
    ]
}

sandboxed! {
    async fn every_statement_that_widens_the_role_is_violated_and_named(aws) {
        aws.applied(&[]);
        let (permission, trust) = documents(&aws).await;
        for (statement, name) in wider() {
            let mut more = permission.clone();
            more["Statement"].as_array_mut().unwrap().push(statement.clone());
            put(&aws, &trust, &more);
            let ended = prove(&aws, &[]);
            assert_eq!(ended.code, Some(1), "{statement}: {} {}", ended.stderr, ended.json);
            assert_eq!(certificate(&ended)["verdict"], "violated", "{statement}");
            let computed = computed(&ended);
            let named = computed.iter().any(|v| v.contains(name) && v.contains("Loose"));
            assert!(named, "{statement}: {computed:?}");
        }
        put(&aws, &trust, &permission);
        assert_eq!(prove(&aws, &[]).code, Some(0), "as it was");
    }
}

sandboxed! {
    async fn every_guard_that_is_dropped_is_violated(aws) {
        aws.applied(&[]);
        let (permission, trust) = documents(&aws).await;
        let mut tried = 0;
        for (at, statement) in permission["Statement"].as_array().unwrap().iter().enumerate() {
            for (operator, keys) in statement["Condition"].as_object().unwrap() {
                for key in keys.as_object().unwrap().keys() {
                    let mut open = permission.clone();
                    open["Statement"][at]["Condition"][operator].as_object_mut().unwrap().remove(key);
                    if open["Statement"][at]["Condition"][operator] == json!({}) {
                        open["Statement"][at]["Condition"].as_object_mut().unwrap().remove(operator);
                    }
                    put(&aws, &trust, &open);
                    let ended = prove(&aws, &[]);
                    let what = format!("{} without {key}", statement["Sid"]);
                    assert_eq!(ended.code, Some(1), "{what}: {} {}", ended.stderr, ended.json);
                    let sid = statement["Sid"].as_str().unwrap();
                    let computed = computed(&ended);
                    assert!(computed.iter().any(|v| v.contains(sid)), "{what}: {computed:?}");
                    tried += 1;
                }
            }
        }
        assert!(tried >= 9, "{tried}");
    }
}

// Statements that change nothing, or less: not a violation, and not in the way of a proof.
sandboxed! {
    async fn what_is_harmless_is_still_proven(aws) {
        aws.applied(&[]);
        let (permission, trust) = documents(&aws).await;
        let guard = json!({"StringEquals": {"aws:ResourceAccount": "222222222222"}});
        for statement in [
            // Twice the same, and with a narrower condition.
            json!({"Effect": "Allow", "Action": "s3:getobject", "Resource": [format!("{DATA}/orgs/acme/*"), DATA],
                "Condition": guard}),
            json!({"Effect": "Allow", "Action": "s3:PutObject", "Resource": format!("{RESULTS}/orgs/acme/sub/*"),
                "Condition": {"StringEquals": {"aws:ResourceAccount": "222222222222"}, "Bool": {"aws:SecureTransport": "true"}}}),
            json!({"Effect": "Deny", "Action": "iam:*", "Resource": "*"}),
        ] {
            let mut more = permission.clone();
            more["Statement"].as_array_mut().unwrap().push(statement.clone());
            put(&aws, &trust, &more);
            let ended = prove(&aws, &[]);
            let doubts: Vec<&Value> = certificate(&ended)["live"].as_array().unwrap().iter()
                .filter(|check| check["verdict"] != "proven").collect();
            assert_eq!(ended.code, Some(0), "{statement}: {doubts:?} {}", certificate(&ended)["computed"]);
        }
    }
}

sandboxed! {
    async fn an_attached_policy_of_others_is_read_and_judged(aws) {
        aws.applied(&[]);
        let wide = json!({"Version": "2012-10-17", "Statement": [
            {"Sid": "Loose", "Effect": "Allow", "Action": "s3:DeleteBucket", "Resource": "*"}]});
        let iam = aws.iam(&aws.customer);
        let made = iam.create_policy().policy_name("theirs").policy_document(wide.to_string()).send().await.unwrap();
        let arn = made.policy().unwrap().arn().unwrap().to_string();
        iam.attach_role_policy().role_name(ROLE).policy_arn(&arn).send().await.unwrap();
        let ended = prove(&aws, &[]);
        assert_eq!(ended.code, Some(1), "{}", ended.json);
        let computed = computed(&ended);
        assert!(computed.iter().any(|v| v.contains("s3:DeleteBucket") && v.contains(&arn)), "{computed:?}");
    }
}

// What only a bucket policy refuses could be had tomorrow.
sandboxed! {
    async fn a_denial_elsewhere_does_not_hide_a_wide_role(aws) {
        aws.applied(&[]);
        let (permission, trust) = documents(&aws).await;
        let mut more = permission.clone();
        more["Statement"].as_array_mut().unwrap().push(json!({"Sid": "Loose", "Effect": "Allow",
            "Action": "s3:PutObject", "Resource": format!("{DATA}/*")}));
        put(&aws, &trust, &more);
        let s3 = aws.s3(&aws.customer);
        let policy = s3.get_bucket_policy().bucket("byos-prod-acme-data").send().await.unwrap();
        let mut policy: Value = serde_json::from_str(policy.policy().unwrap()).unwrap();
        policy["Statement"].as_array_mut().unwrap().push(json!({"Sid": "NoWrites", "Effect": "Deny",
            "Principal": {"AWS": format!("arn:aws:iam::222222222222:role/{ROLE}")},
            "Action": "s3:PutObject", "Resource": format!("{DATA}/*")}));
        s3.put_bucket_policy().bucket("byos-prod-acme-data").policy(policy.to_string()).send().await.unwrap();
        let ended = prove(&aws, &[]);
        assert_eq!(ended.code, Some(1), "{}", ended.json);
        let computed = computed(&ended);
        assert!(computed.iter().any(|v| v.contains("only the bucket policy refuses it")), "{computed:?}");
        let live = certificate(&ended)["live"].as_array().unwrap();
        let write = live.iter().find(|c| c["claim"] == "does not write to the data bucket").unwrap();
        assert_eq!(write["verdict"], "inconclusive");
        assert_eq!(write["denial"], "bucket_policy");
    }
}

sandboxed! {
    async fn a_bucket_policy_that_opens_more_to_the_role_is_violated(aws) {
        aws.applied(&[]);
        let s3 = aws.s3(&aws.customer);
        let policy = s3.get_bucket_policy().bucket("byos-prod-acme-data").send().await.unwrap();
        let mut policy: Value = serde_json::from_str(policy.policy().unwrap()).unwrap();
        policy["Statement"].as_array_mut().unwrap().push(json!({"Sid": "Opened", "Effect": "Allow",
            "Principal": {"AWS": format!("arn:aws:iam::222222222222:role/{ROLE}")},
            "Action": "s3:GetObject", "Resource": format!("{DATA}/orgs/umbrella/*")}));
        s3.put_bucket_policy().bucket("byos-prod-acme-data").policy(policy.to_string()).send().await.unwrap();
        let ended = prove(&aws, &[]);
        assert_eq!(ended.code, Some(1), "{}", ended.json);
        let computed = computed(&ended);
        assert!(computed.iter().any(|v| v.contains("Opened") && v.contains("umbrella")), "{computed:?}");
    }
}
