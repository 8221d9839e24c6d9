//! Every fault in the customer's account that a test of the connection can meet: the stage, the
//! statement and the next step are named.

use crate::aws::{Aws, Ended, VENDOR_ROLE};
use crate::cycle::sandboxed;
use sandbox::{Fault, FaultEffect, FaultOn};
use serde_json::{Value, json};
use types::{AccountId, BucketName, Region};

const ROLE: &str = "byos-prod-acme-gateway";
const INLINE: &str = "byos-prod-acme-gateway-storage";

fn customer() -> AccountId {
    AccountId::parse("222222222222").unwrap()
}

fn test(aws: &Aws, arguments: &[&str]) -> Ended {
    let base = [
        "test",
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

/// The stage that failed, its cause and its hint.
pub(crate) fn failed(ended: &Ended) -> (String, String, String) {
    let stages = ended.result()["stages"].as_array();
    let stages = stages.unwrap_or_else(|| panic!("{} {}", ended.stderr, ended.json));
    let stage = stages.iter().find(|stage| stage["ok"] == false).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    assert_eq!(ended.code, Some(1));
    (
        text(&stage["name"]),
        text(&stage["cause"]["cause"]),
        text(&stage["cause"]["hint"]),
    )
}

fn assert_names(ended: &Ended, stage: &str, words: &[&str]) {
    let (name, cause, hint) = failed(ended);
    assert_eq!(name, stage, "{cause}");
    for word in words {
        assert!(
            cause.contains(word) || hint.contains(word),
            "{word}: {cause} / {hint}"
        );
    }
    assert!(!hint.is_empty(), "{cause}");
}

fn statement() -> Value {
    json!({"Sid": "Trusted", "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
        "Condition": {"ArnEquals": {"aws:PrincipalArn": VENDOR_ROLE},
            "StringEquals": {"sts:ExternalId": "pulse-org-acme"}}})
}

fn trust(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

sandboxed! {
    async fn the_statement_of_the_trust_that_is_wrong_is_named(aws) {
        aws.applied(&[]);
        let with = |change: &dyn Fn(&mut Value)| {
            let mut statement = statement();
            change(&mut statement);
            statement
        };
        let assume = "assume the tenant's role with the external id";
        let deny = json!({"Sid": "NotThem", "Effect": "Deny", "Action": "sts:AssumeRole",
            "Principal": {"AWS": "arn:aws:iam::111111111111:root"}});
        let condition = json!({"ArnEquals": {"aws:PrincipalArn": VENDOR_ROLE}});
        let like = json!({"ArnEquals": {"aws:PrincipalArn": VENDOR_ROLE}, "StringLike": {"sts:ExternalId": "pulse-org-*"}});
        for (statements, stage, words) in [
            (vec![with(&|s| s["Condition"]["StringEquals"]["sts:ExternalId"] = json!("pulse-org-acne"))], assume, &["Trusted", "sts:ExternalId", "pulse-org-acne"][..]),
            (vec![with(&|s| s["Condition"]["ArnEquals"]["aws:PrincipalArn"] = json!("arn:aws:iam::111111111111:role/old"))], assume, &["Trusted", "aws:PrincipalArn", "role/old"]),
            (vec![with(&|s| s["Principal"]["AWS"] = json!("arn:aws:iam::222222222222:root"))], assume, &["Trusted", "other principals"]),
            (vec![statement(), deny], assume, &["NotThem", "denies"]),
            (vec![with(&|s| s["Action"] = json!("sts:TagSession"))], assume, &["no statement allows sts:AssumeRole"]),
            (vec![with(&|s| s["Condition"] = condition.clone())], "refused without the external id", &["does not ask for the external id"]),
            (vec![with(&|s| s["Condition"] = like.clone())], "refused with a wrong external id", &["other external ids"]),
        ] {
            aws.sandbox.create_role(&customer(), ROLE, &trust(&statements), &[]).unwrap();
            assert_names(&test(&aws, &[]), stage, words);
        }
    }
}

sandboxed! {
    async fn a_vendor_that_may_not_assume_roles_is_told_from_a_wrong_trust(aws) {
        aws.applied(&[]);
        let vendor = AccountId::parse("111111111111").unwrap();
        let own = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "sts:AssumeRole"}]});
        let little = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]});
        aws.sandbox.create_role(&vendor, "byos-gateway", &own, &[("all", &little)]).unwrap();
        assert_names(&test(&aws, &[]), "assume the tenant's role with the external id",
            &["the vendor's own policies", "nothing is wrong in the customer's account"]);
    }
}

/// The permission with one statement changed.
fn permission(change: impl Fn(&mut Vec<Value>)) -> Value {
    let own = json!({"StringEquals": {"aws:ResourceAccount": "222222222222"}});
    let on = |sid: &str, action: Value, resource: &str| {
        json!({"Sid": sid, "Effect": "Allow", "Action": action, "Condition": own,
            "Resource": format!("arn:aws:s3:::byos-prod-acme-{resource}")})
    };
    let mut statements = vec![
        on(
            "DataFacts",
            json!(["s3:GetBucketLocation", "s3:ListBucket"]),
            "data",
        ),
        on("ReadData", json!("s3:GetObject"), "data/orgs/acme/*"),
        on(
            "ResultsFacts",
            json!(["s3:GetBucketLocation", "s3:ListBucket"]),
            "results",
        ),
        on(
            "ReadWriteResults",
            json!([
                "s3:GetObject",
                "s3:PutObject",
                "s3:DeleteObject",
                "s3:AbortMultipartUpload",
                "s3:ListMultipartUploadParts"
            ]),
            "results/orgs/acme/*",
        ),
    ];
    change(&mut statements);
    json!({"Version": "2012-10-17", "Statement": statements})
}

sandboxed! {
    async fn what_the_role_lacks_is_named_with_the_statement_that_comes_close(aws) {
        aws.applied(&[]);
        let lacks = |action: &'static str| permission(move |all| {
            let actions = all[3]["Action"].as_array_mut().unwrap();
            actions.retain(|a| a != action);
        });
        for (document, stage, words) in [
            (permission(|all| all[1]["Resource"] = json!("arn:aws:s3:::byos-prod-acme-data/orgs/acne/*")),
                "read from the data bucket", &["ReadData", "s3:GetObject", "orgs/acne"][..]),
            (permission(|all| {
                let mut list = all[2].clone();
                all[2]["Action"] = json!("s3:GetBucketLocation");
                list["Sid"] = json!("ListResults");
                list["Condition"]["StringLike"] = json!({"s3:prefix": "orgs/acne/*"});
                all.push(list);
            }), "list the results bucket below the prefix", &["ListResults", "s3:prefix"]),
            (permission(|all| all[0]["Condition"]["StringEquals"]["aws:ResourceAccount"] = json!("333333333333")),
                "find the data bucket", &["DataFacts", "aws:ResourceAccount"]),
            (permission(|all| all.push(json!({"Sid": "NoDeletes", "Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}))),
                "delete it", &["NoDeletes", "denies s3:DeleteObject"]),
            (lacks("s3:PutObject"), "write a result", &["allows s3:PutObject"]),
            (lacks("s3:GetObject"), "read it back", &["s3:GetObject"]),
            (lacks("s3:ListMultipartUploadParts"), "upload in parts", &["allows s3:ListMultipartUploadParts"]),
            (lacks("s3:AbortMultipartUpload"), "upload in parts", &["allows s3:AbortMultipartUpload"]),
            (lacks("s3:DeleteObject"), "delete it", &["allows s3:DeleteObject"]),
        ] {
            aws.sandbox.create_role(&customer(), ROLE, &trust(&[statement()]), &[(INLINE, &document)]).unwrap();
            assert_names(&test(&aws, &[]), stage, words);
        }
        // Where it broke off something was written before: it is gone again.
        let listed = aws.s3(&aws.customer).list_object_versions().bucket("byos-prod-acme-results").send().await.unwrap();
        assert_eq!(listed.versions().len() + listed.delete_markers().len(), 0);
    }
}

sandboxed! {
    async fn a_boundary_that_is_too_narrow_is_named(aws) {
        aws.applied(&[]);
        let iam = aws.iam(&aws.customer);
        let narrow = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": "*"}]});
        let made = iam.create_policy().policy_name("narrow").policy_document(narrow.to_string()).send().await.unwrap();
        let arn = made.policy().unwrap().arn().unwrap();
        iam.put_role_permissions_boundary().role_name(ROLE).permissions_boundary(arn).send().await.unwrap();
        assert_names(&test(&aws, &[]), "write a result", &["permissions boundary", "role.boundary"]);
    }
}

sandboxed! {
    async fn a_key_is_told_from_a_role_that_may_not_use_it(aws) {
        let region = Region::parse("eu-central-1").unwrap();
        let key = aws.sandbox.create_kms_key(&customer(), &region, None).unwrap();
        let admin_only = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*",
            "Principal": {"AWS": "arn:aws:iam::222222222222:user/admin"}}]});
        let closed = aws.sandbox.create_kms_key(&customer(), &region, Some(&admin_only)).unwrap();
        let with = |key: &str| format!("results.encryption={{ kind = \"sse_kms\", key = \"{key}\" }}");
        aws.applied(&["--set", &with(&closed)]);
        assert_names(&test(&aws, &["--set", &with(&closed)]), "write a result", &["the policy of the KMS key", "render policy"]);
        // By hand to another key, which the role knows nothing of.
        let s3 = aws.s3(&aws.customer);
        use aws_sdk_s3::types::{ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule};
        let default = ServerSideEncryptionByDefault::builder()
            .sse_algorithm(ServerSideEncryption::AwsKms).kms_master_key_id(&key).build().unwrap();
        let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(default).build();
        let rules = ServerSideEncryptionConfiguration::builder().rules(rule).build().unwrap();
        s3.put_bucket_encryption().bucket("byos-prod-acme-results").server_side_encryption_configuration(rules).send().await.unwrap();
        assert_names(&test(&aws, &["--set", &with(&closed)]), "write a result", &["no policy of the role lets it use the KMS key", "encryption.key"]);
    }
}

sandboxed! {
    async fn a_bucket_that_is_gone_or_elsewhere_is_named(aws) {
        aws.applied(&[]);
        let s3 = aws.s3(&aws.customer);
        s3.delete_bucket().bucket("byos-prod-acme-data").send().await.unwrap();
        assert_names(&test(&aws, &[]), "find the data bucket", &["there is no bucket byos-prod-acme-data", "provisioner apply"]);
        let name = BucketName::parse("byos-prod-acme-data").unwrap();
        aws.sandbox.create_bucket(&customer(), &name, &Region::parse("us-west-2").unwrap()).unwrap();
        assert_names(&test(&aws, &[]), "find the data bucket", &["stands in us-west-2", "region = \"us-west-2\""]);
    }
}

sandboxed! {
    async fn answers_that_mean_one_thing_are_put_into_words(aws) {
        aws.applied(&[]);
        for (api, status, code, stage, words) in [
            ("GetBucketLocation", 403, "RequestTimeTooSkewed", "find the data bucket", "clock"),
            ("GetBucketLocation", 400, "ExpiredToken", "find the data bucket", "new credentials"),
            ("GetBucketLocation", 400, "InvalidToken", "find the data bucket", "session token"),
            ("GetBucketLocation", 403, "AllAccessDisabled", "find the data bucket", "AWS Support"),
            ("PutObject", 400, "KMS.DisabledException", "write a result", "enabled"),
            ("PutObject", 503, "SlowDown", "write a result", "rate limit"),
        ] {
            aws.sandbox.inject(Fault {
                on: FaultOn::Api(api.to_string()),
                skip: 0,
                times: u32::MAX,
                effect: FaultEffect::Answer { status, code },
            });
            let ended = test(&aws, &[]);
            aws.sandbox.clear_faults();
            assert_names(&ended, stage, &[words]);
        }
        aws.sandbox.inject(Fault {
            on: FaultOn::Api("AssumeRole".to_string()),
            skip: 1,
            times: u32::MAX,
            effect: FaultEffect::Answer { status: 403, code: "RegionDisabledException" },
        });
        assert_names(&test(&aws, &[]), "assume the tenant's role with the external id", &["not active", "activate"]);
    }
}

sandboxed! {
    async fn whoever_may_not_read_the_policies_is_told_so(aws) {
        aws.applied(&[]);
        let blind = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]});
        let keys = aws.sandbox.create_user(&customer(), "blind", &[("s3", &blind)]).unwrap();
        let little = permission(|all| drop(all.remove(3)));
        aws.sandbox.create_role(&customer(), ROLE, &trust(&[statement()]), &[(INLINE, &little)]).unwrap();
        let mut command = aws.command_as(&keys, &["test", "--org", "acme", "--vendor-role", VENDOR_ROLE, "--json"]);
        command.env("BYOS_PATIENCE_MILLISECONDS", "300");
        let ended = crate::aws::wait(command.spawn().unwrap());
        assert_names(&ended, "write a result", &["cannot be judged", "iam:GetRole", "deployer-policy"]);
    }
}
