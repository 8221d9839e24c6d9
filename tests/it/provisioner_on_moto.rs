//! The provisioner before moto: whether calls and answers have the shapes that somebody else's
//! server expects and gives. moto judges no right, no trust and no policy.
//!
//! Left out, since moto 5.2 does not keep or answer them as AWS does: access logs (answered with
//! status 500), versioning (an answer whose root element has another name), blocked encryption
//! types, the sizes in lifecycle filters, newer noncurrent versions and the minimum size of
//! transitions (all dropped), EventBridge (dropped), inventories (listed as one field), and the
//! defaults of new buckets. `prove` and `test` are left out as well: any external id will do there.

use serde_json::Value;
use tests::client::{Login, run, succeed};
use tests::moto::{ACCOUNT, Moto};
use tests::provisioner::Provisioner;

const TENANT: &str = r#"
    org_id = "smoke"
    region = "eu-central-1"
    tags = { team = "storage", "cost centre" = "a+b/c=1 @x" }
    data.encryption = { kind = "sse_s3" }
    data.refuse_other_encryption = true
    data.cors = [{ origins = ["https://a.example.com"], methods = ["GET", "HEAD"], headers = ["*"], expose_headers = ["ETag"], max_age_seconds = 300 }]
    data.lifecycle = [{ id = "old", prefix = "in/", tags = { k = "v" }, expire_days = 400, transitions = [{ days = 30, class = "STANDARD_IA" }] }]
    role.vendor_role = "arn:aws:iam::111111111111:role/byos-gateway"
    role.path = "/byos/"
    role.policy = "managed"
"#;

fn read(moto: &Login, arguments: &[&str]) -> Value {
    let json = [arguments, &["--output", "json"]].concat();
    serde_json::from_str(&succeed(&mut moto.aws(&json))).unwrap()
}

#[test]
fn a_set_up_is_made_read_back_found_changed_and_taken_down_on_moto() {
    let moto = Moto::shared().login();
    let admin = Provisioner::of(&moto);
    let file = admin.write("smoke.toml", TENANT);
    let _ = admin.run(&["plan", "--file", &file]).with_code(2);
    let made = admin.run(&["apply", "--file", &file, "--yes"]).with_code(0);
    let again = admin.run(&["apply", "--file", &file, "--yes"]).with_code(0);
    assert_eq!(again.result()["changes_made"], 0);
    let _ = admin.run(&["drift", "--file", &file]).with_code(0);

    let [data, role] = ["byos-prod-smoke-data", "byos-prod-smoke-gateway"];
    let policy = format!("arn:aws:iam::{ACCOUNT}:policy/byos/{role}-storage");
    assert_eq!(made.result()["outputs"]["policy_arn"], policy.as_str());
    let location = read(&moto, &["s3api", "get-bucket-location", "--bucket", data]);
    assert_eq!(location["LocationConstraint"], "eu-central-1");
    let tags = read(&moto, &["s3api", "get-bucket-tagging", "--bucket", data]);
    assert!(tags.to_string().contains("a+b/c=1 @x"), "{tags}");
    let rules = ["s3api", "get-bucket-lifecycle-configuration", "--bucket"];
    let rules = read(&moto, &[&rules[..], &[data]].concat());
    assert_eq!(rules["Rules"].as_array().unwrap().len(), 2, "{rules}");
    let there = read(&moto, &["iam", "get-role", "--role-name", role]);
    assert_eq!(there["Role"]["Path"], "/byos/");
    let trust = &there["Role"]["AssumeRolePolicyDocument"]["Statement"][0];
    let external_id = &trust["Condition"]["StringEquals"]["sts:ExternalId"];
    assert_eq!(external_id, "pulse-org-smoke");
    let attached = ["iam", "list-attached-role-policies", "--role-name", role];
    let attached = read(&moto, &attached);
    assert_eq!(
        attached["AttachedPolicies"][0]["PolicyArn"],
        policy.as_str()
    );

    for by_hand in [
        &["s3api", "delete-bucket-policy", "--bucket", data][..],
        &["s3api", "delete-bucket-cors", "--bucket", data],
        &[
            "iam",
            "untag-role",
            "--role-name",
            role,
            "--tag-keys",
            "team",
        ],
        &[
            "iam",
            "update-role",
            "--role-name",
            role,
            "--description",
            "mine",
        ],
    ] {
        succeed(&mut moto.aws(by_hand));
    }
    let found = admin.run(&["drift", "--file", &file]).with_code(2);
    let expected = [
        "data cors changed_by_hand",
        "data policy changed_by_hand",
        "role attributes changed_by_hand",
        "role tags changed_by_hand",
    ];
    assert_eq!(found.changes(), expected);
    let _ = admin.run(&["apply", "--file", &file, "--yes"]).with_code(0);
    let _ = admin.run(&["drift", "--file", &file]).with_code(0);

    let down = admin
        .run(&["destroy", "--file", &file, "--yes"])
        .with_code(0);
    assert_eq!(down.result()["changes_made"], 5);
    let gone = run(&mut moto.aws(&["iam", "get-role", "--role-name", role]));
    assert!(String::from_utf8_lossy(&gone.stderr).contains("NoSuchEntity"));
    let listed = succeed(&mut moto.aws(&["s3", "ls"]));
    assert!(!listed.contains("smoke"), "{listed}");
}
