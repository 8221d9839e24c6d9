//! The provisioner before an S3-compatible store that somebody else wrote: buckets by static keys,
//! no IAM, and half of AWS's settings missing.

use serde_json::{Value, json};
use tests::ceph::Ceph;
use tests::client::{Login, run, succeed};
use tests::gateway::{Access, Bucket, Gateway, Key, Settings, Tenant};
use tests::provisioner::Provisioner;

/// Everything that Ceph 16 has, and what it has not: ownership, default encryption, access logs.
fn tenant(admin: &Provisioner, ceph: &Login, org: &str) -> String {
    let text = format!(
        r#"
            org_id = "{org}"
            region = "us-east-1"
            base_path = "extractions/"
            compatible = {{ endpoint = "{}" }}
            tags = {{ team = "storage" }}
            data.versioning = "enabled"
            data.encryption = {{ kind = "sse_s3" }}
            data.logging = {{}}
            data.cors = [{{ origins = ["https://a.example.com"], methods = ["GET"], headers = ["*"] }}]
            data.lifecycle = [{{ id = "old", prefix = "in/", tags = {{ k = "v" }}, expire_days = 400 }}]
        "#,
        ceph.endpoint
    );
    admin.write(&format!("{org}.toml"), &text)
}

/// The answer of a reading call of the aws cli.
fn read(ceph: &Login, call: &str, bucket: &str) -> Value {
    let text = succeed(&mut ceph.aws(&["s3api", call, "--bucket", bucket, "--output", "json"]));
    serde_json::from_str(&text).unwrap_or_default()
}

#[test]
fn a_compatible_tenant_is_set_up_on_ceph_and_what_ceph_lacks_is_no_failure() {
    let ceph = Ceph::shared().http();
    let admin = Provisioner::of(&ceph);
    let file = tenant(&admin, &ceph, "cephalo");
    let _ = admin.run(&["plan", "--file", &file]).with_code(2);
    let made = admin.run(&["apply", "--file", &file, "--yes"]).with_code(0);
    let lacking = made.result()["unsupported"].to_string();
    for what in ["ownership", "encryption", "logging"] {
        assert!(lacking.contains(what), "{what} is not in {lacking}");
    }
    assert!(!lacking.contains("public_access_block"), "{lacking}");

    let data = "byos-prod-cephalo-data";
    let versioning = read(&ceph, "get-bucket-versioning", data);
    assert_eq!(versioning["Status"], "Enabled");
    let cors = read(&ceph, "get-bucket-cors", data);
    assert_eq!(
        cors["CORSRules"][0]["AllowedOrigins"],
        json!(["https://a.example.com"])
    );
    let rules = read(&ceph, "get-bucket-lifecycle-configuration", data);
    let rules: Vec<_> = rules["Rules"].as_array().unwrap().iter().collect();
    let named = |id: &str| rules.iter().find(|rule| rule["ID"] == id).unwrap();
    assert_eq!(named("byos-old")["Expiration"]["Days"], 400);
    let abort = &named("byos-abort-incomplete")["AbortIncompleteMultipartUpload"];
    assert_eq!(abort["DaysAfterInitiation"], 7);
    let tags = read(&ceph, "get-bucket-tagging", data)["TagSet"].to_string();
    assert!(
        tags.contains("byos/prod/cephalo") && tags.contains("storage"),
        "{tags}"
    );
    let blocks = read(&ceph, "get-public-access-block", data);
    let blocks = &blocks["PublicAccessBlockConfiguration"];
    assert_eq!(blocks["IgnorePublicAcls"], true, "{blocks}");
    assert_eq!(blocks["RestrictPublicBuckets"], true, "{blocks}");

    let again = admin.run(&["apply", "--file", &file, "--yes"]).with_code(0);
    assert_eq!(again.result()["changes_made"], 0);
    let _ = admin.run(&["drift", "--file", &file]).with_code(0);
    let tried = admin.run(&["test", "--file", &file]).with_code(0);
    assert_eq!(tried.result()["ok"], true, "{:#}", tried.json);
}

#[test]
fn what_is_changed_by_hand_in_ceph_is_named_and_healed() {
    let ceph = Ceph::shared().http();
    let admin = Provisioner::of(&ceph);
    let file = tenant(&admin, &ceph, "nautilus");
    let _ = admin.run(&["apply", "--file", &file, "--yes"]).with_code(0);
    let [data, results] = ["data", "results"].map(|it| format!("byos-prod-nautilus-{it}"));
    let suspended = ["--versioning-configuration", "Status=Suspended"];
    let mine = "TagSet=[{Key=byos:owner,Value=byos/prod/nautilus},{Key=team,Value=mine}]";
    for by_hand in [
        &["delete-public-access-block", "--bucket", &results][..],
        &["delete-bucket-lifecycle", "--bucket", &results],
        &[
            "put-bucket-tagging",
            "--bucket",
            &results,
            "--tagging",
            mine,
        ],
        &["delete-bucket-cors", "--bucket", &data],
        &[
            &["put-bucket-versioning", "--bucket", &data],
            &suspended[..],
        ]
        .concat(),
    ] {
        succeed(&mut ceph.aws(&[&["s3api"], by_hand].concat()));
    }
    let found = admin.run(&["drift", "--file", &file]).with_code(2);
    let expected = [
        "data cors changed_by_hand",
        "data versioning changed_by_hand",
        "results lifecycle changed_by_hand",
        "results public_access_block changed_by_hand",
        "results tags changed_by_hand",
    ];
    assert_eq!(found.changes(), expected);
    let healed = admin.run(&["apply", "--file", &file, "--yes"]).with_code(0);
    assert_eq!(healed.result()["changes_made"], expected.len());
    let _ = admin.run(&["drift", "--file", &file]).with_code(0);
    let blocks = read(&ceph, "get-public-access-block", &results);
    assert_eq!(
        blocks["PublicAccessBlockConfiguration"]["IgnorePublicAcls"],
        true
    );
    assert_eq!(
        read(&ceph, "get-bucket-versioning", &data)["Status"],
        "Enabled"
    );
}

#[test]
fn ceph_is_set_up_and_written_to_over_tls_by_its_own_authority() {
    let ceph = Ceph::shared().https();
    let admin = Provisioner::of(&ceph);
    let file = tenant(&admin, &ceph, "vampyro");
    let _ = admin.run(&["apply", "--file", &file, "--yes"]).with_code(0);
    // Today's SDKs send bodies over TLS in a framing that this store refuses.
    let tried = admin.run(&["test", "--file", &file]).with_code(0);
    let stages = tried.result()["stages"].to_string();
    assert!(stages.contains("write a result"), "{stages}");
    let _ = admin.run(&["drift", "--file", &file]).with_code(0);
    let stranger = Provisioner::of(&Ceph::shared().stranger());
    let refused = stranger.run(&["apply", "--file", &file, "--yes"]);
    let said = refused.with_code(1).said;
    assert!(
        said.contains("certificate"),
        "the stranger trusts nobody: {said}"
    );
}

#[test]
fn a_name_that_another_user_of_ceph_has_is_said_to_be_taken() {
    let ceph = Ceph::shared().http();
    let owner = Provisioner::of(&ceph);
    let file = tenant(&owner, &ceph, "nautilid");
    let _ = owner.run(&["apply", "--file", &file, "--yes"]).with_code(0);
    let stranger = Provisioner::of(&Ceph::shared().stranger());
    let file = tenant(&stranger, &ceph, "nautilid");
    let refused = stranger.run(&["apply", "--file", &file, "--yes"]);
    let refused = refused.with_code(1);
    let message = refused.error()["message"].as_str().unwrap();
    assert!(
        message.contains("somebody else has the name") && message.contains("hint:"),
        "{message}"
    );
}

#[test]
fn a_public_acl_opens_nothing_in_ceph() {
    let ceph = Ceph::shared().http();
    let admin = Provisioner::of(&ceph);
    let file = tenant(&admin, &ceph, "argonaut");
    let _ = admin.run(&["apply", "--file", &file, "--yes"]).with_code(0);
    let bucket = "byos-prod-argonaut-data";
    let put = ["s3api", "put-object", "--bucket", bucket, "--key", "open"];
    succeed(&mut ceph.aws(&[&put[..], &["--acl", "public-read"]].concat()));
    let url = format!("{}/{bucket}/open", ceph.endpoint);
    let status = ["--output", "/dev/null", "--write-out", "%{http_code}", &url];
    assert_eq!(succeed(&mut tests::client::curl(&status)), "403");
}

#[test]
fn what_lies_in_ceph_is_only_taken_down_with_consent() {
    let ceph = Ceph::shared().http();
    let admin = Provisioner::of(&ceph);
    let file = tenant(&admin, &ceph, "sepia");
    let _ = admin.run(&["apply", "--file", &file, "--yes"]).with_code(0);
    let bucket = "byos-prod-sepia-data";
    for _ in 0..2 {
        let put = ["s3api", "put-object", "--bucket", bucket, "--key", "kept"];
        succeed(&mut ceph.aws(&put));
    }
    let refused = admin
        .run(&["destroy", "--file", &file, "--yes"])
        .with_code(1);
    let message = refused.error()["message"].as_str().unwrap();
    assert!(
        message.contains("not empty") && message.contains("hint:"),
        "{message}"
    );
    let empty = ["--empty-buckets", "--confirm", "sepia"];
    let down = [&["destroy", "--file", &file, "--yes"], &empty[..]].concat();
    let _ = admin.run(&down).with_code(0);
    let listed = succeed(&mut ceph.aws(&["s3", "ls"]));
    assert!(!listed.contains("sepia"), "{listed}");
    let again = admin.run(&["destroy", "--file", &file, "--yes"]);
    assert_eq!(again.with_code(0).result()["changes_made"], 0);
}

#[test]
fn a_gateway_stores_in_buckets_that_the_provisioner_made_in_ceph() {
    let ceph = Ceph::shared().http();
    let admin = Provisioner::of(&ceph);
    let file = tenant(&admin, &ceph, "octopus");
    let made = admin.run(&["apply", "--file", &file, "--yes"]).with_code(0);
    let output = |name: &str| {
        let text = made.result()["outputs"][name].as_str();
        text.unwrap().to_owned()
    };
    let bucket = |name: &str, output: String, writable| Bucket {
        name: name.to_owned(),
        bucket: output,
        prefix: made.result()["outputs"]["key_prefix"]
            .as_str()
            .unwrap()
            .to_owned(),
        writable,
        endpoint: ceph.endpoint.clone(),
        is_aws: false,
    };
    let key = Key {
        id: "BYOSOCTOPUS000000001".to_owned(),
        secret: "secret-of-octopus-0000000000000000000001".to_owned(),
        read_only: false,
    };
    let gateway = Gateway::serve(&Settings {
        tenants: vec![Tenant {
            id: "octopus".to_owned(),
            access: Access::Keys(ceph.clone()),
            buckets: vec![
                bucket("data", output("data_bucket"), false),
                bucket("results", output("results_bucket"), true),
            ],
            keys: vec![key.clone()],
        }],
        ..Settings::default()
    });
    let client = gateway.login(&key);
    let stored = client.python("put_one_byte.py", &["results", "one"]);
    assert_eq!(stored.trim(), "stored");
    let back = succeed(&mut client.aws(&["s3", "cp", "s3://results/one", "-"]));
    assert_eq!(back.len(), 1);
    let there = format!(
        "s3://{}/extractions/orgs/octopus/one",
        output("results_bucket")
    );
    assert_eq!(succeed(&mut ceph.aws(&["s3", "cp", &there, "-"])), back);
    let read_only = client.python("put_one_byte.py", &["data", "one"]);
    assert_eq!(read_only.trim(), "AccessDenied 403");
    assert!(
        run(&mut client.aws(&["s3", "ls", "s3://data/"]))
            .status
            .success()
    );
}
