//! What a person may write, and what is refused before any call.

use provisioner::model::{
    Attachment, Desired, Encryption, FileFormat, Home, OWNER_TAG, Problems, Purpose, TenantSpec,
    Trust, compile, read_tenants,
};
use types::{AccountId, Partition};

const MINIMAL: &str = r#"
    org_id = "acme"
    project = "pulse"
    region = "eu-central-1"
    account = "222222222222"
    role.vendor_role = "arn:aws:iam::111111111111:role/byos-gateway"
"#;

fn spec(extra: &str) -> TenantSpec {
    let text = format!("{MINIMAL}\n{extra}");
    read_tenants(&text, FileFormat::Toml).unwrap().remove(0)
}

fn compiled(extra: &str) -> Desired {
    compile(&spec(extra), None).unwrap()
}

fn refused(extra: &str) -> Problems {
    compile(&spec(extra), None).unwrap_err()
}

#[track_caller]
fn refused_at(extra: &str, path: &str) {
    let problems = refused(extra);
    assert!(
        problems.all().iter().any(|p| p.path.starts_with(path)),
        "no problem at {path}, but: {problems}"
    );
}

#[test]
fn a_minimal_tenant_gets_names_tags_and_a_predicted_role_arn() {
    let desired = compiled("base_path = \"extractions/\"");
    assert_eq!(desired.data().name.as_str(), "pulse-prod-acme-data");
    assert_eq!(desired.results().name.as_str(), "pulse-prod-acme-results");
    assert_eq!(desired.key_prefix.as_str(), "extractions/orgs/acme/");
    assert_eq!(desired.external_id.as_str(), "pulse-org-acme");
    assert_eq!(desired.data().tags[OWNER_TAG], "pulse/prod/acme");
    let role = desired.role.unwrap();
    assert_eq!(
        role.arn.to_string(),
        "arn:aws:iam::222222222222:role/pulse-prod-acme-gateway"
    );
    assert!(matches!(role.trust, Trust::CrossAccount { .. }));
    assert!(matches!(role.attachment, Attachment::Inline { .. }));
}

#[test]
fn every_mistake_is_reported_at_once() {
    let bad = r#"
        org_id = "ac me"
        project = "Pulse"
        region = "EU"
        account = "12"
        tags = { "aws:x" = "1" }
    "#;
    let spec = read_tenants(bad, FileFormat::Toml).unwrap().remove(0);
    let problems = compile(&spec, None).unwrap_err();
    let paths: Vec<_> = problems.all().iter().map(|p| p.path.as_str()).collect();
    assert_eq!(paths, ["org_id", "project", "region", "tags.\"aws:x\""]);
    let mut spec = self::spec("results.abort_incomplete_days = 0\nrole.max_session_seconds = 7200");
    spec.data.name = Some("BAD".to_string());
    spec.role.boundary = Some("nonsense".to_string());
    let problems = compile(&spec, None).unwrap_err();
    assert!(problems.all().len() >= 3, "{problems}");
}

#[test]
fn an_account_that_is_not_the_callers_own_is_refused() {
    let home = Home {
        partition: Partition::Aws,
        account: AccountId::parse("333333333333").unwrap(),
    };
    let problems = compile(&spec(""), Some(&home)).unwrap_err();
    assert_eq!(problems.all()[0].path, "account");
}

#[test]
fn a_region_of_another_partition_is_refused() {
    let home = Home {
        partition: Partition::AwsUsGov,
        account: AccountId::parse("222222222222").unwrap(),
    };
    let problems = compile(&spec(""), Some(&home)).unwrap_err();
    assert_eq!(problems.all()[0].path, "region");
}

#[test]
fn the_partition_of_the_region_stands_in_every_arn() {
    let mut spec = spec("");
    spec.region = "cn-north-1".to_string();
    spec.role.vendor_role = Some("arn:aws-cn:iam::111111111111:role/g".to_string());
    let desired = compile(&spec, None).unwrap();
    assert!(
        desired
            .role
            .unwrap()
            .arn
            .to_string()
            .starts_with("arn:aws-cn:iam::")
    );
}

#[test]
fn lifecycle_nonsense_is_refused_locally() {
    let cases = [
        r#"data.lifecycle = [{ id = "a", expire_days = 5 }, { id = "a", expire_days = 6 }]"#,
        r#"data.lifecycle = [{ id = "probe", expire_days = 5 }]"#,
        r#"data.lifecycle = [{ id = "a" }]"#,
        r#"data.lifecycle = [{ id = "a", expire_days = 0 }]"#,
        r#"data.lifecycle = [{ id = "a", expire_days = 30, transitions = [{ days = 40, class = "GLACIER" }] }]"#,
        r#"data.lifecycle = [{ id = "a", transitions = [{ days = 10, class = "STANDARD_IA" }] }]"#,
        r#"data.lifecycle = [{ id = "a", transitions = [{ days = 60, class = "STANDARD_IA" }, { days = 30, class = "GLACIER" }] }]"#,
        r#"data.lifecycle = [{ id = "a", expire_days = 5, expire_delete_markers = true }]"#,
        r#"data.lifecycle = [{ id = "a", expire_days = 5, larger_than = 9, smaller_than = 9 }]"#,
    ];
    for case in cases {
        refused_at(case, "data.lifecycle");
    }
}

#[test]
fn options_is_no_cors_method_and_a_hundred_rules_are_the_limit() {
    refused_at(
        r#"data.cors = [{ origins = ["https://a"], methods = ["OPTIONS"] }]"#,
        "data.cors[0].methods",
    );
    let rule = r#"{ origins = ["https://a"], methods = ["GET"] },"#;
    refused_at(&format!("data.cors = [{}]", rule.repeat(101)), "data.cors");
}

#[test]
fn a_cors_rule_for_every_site_is_allowed_but_noted() {
    let desired = compiled(r#"data.cors = [{ origins = ["*"], methods = ["GET"] }]"#);
    assert_eq!(desired.notices.len(), 1);
}

#[test]
fn logs_never_go_to_the_bucket_that_they_are_about() {
    refused_at(
        r#"data.logging.target = "pulse-prod-acme-data""#,
        "data.logging.target",
    );
    refused_at(
        r#"data.logging.target = "pulse-prod-acme-results""#,
        "data.logging.target",
    );
}

#[test]
fn logging_without_a_target_makes_a_logs_bucket_first() {
    let desired = compiled("data.logging = {}");
    assert_eq!(desired.buckets[0].purpose, Purpose::Logs);
    assert_eq!(desired.buckets[0].encryption, Encryption::SseS3);
    assert!(desired.data().logging.as_ref().unwrap().target_is_ours);
}

#[test]
fn a_kms_key_must_be_a_key_of_the_region_and_no_alias() {
    for key in [
        "alias/mine",
        "arn:aws:kms:eu-central-1:222222222222:alias/mine",
        "arn:aws:kms:us-east-1:222222222222:key/ab",
        "arn:aws:sqs:eu-central-1:222222222222:key",
    ] {
        refused_at(
            &format!("data.encryption = {{ kind = \"sse_kms\", key = \"{key}\" }}"),
            "data.encryption.key",
        );
    }
}

#[test]
fn object_lock_without_versioning_is_refused() {
    refused_at(
        r#"data.object_lock = { mode = "governance", days = 1 }"#,
        "data.object_lock",
    );
}

#[test]
fn a_session_longer_than_a_chained_one_lasts_is_refused() {
    refused_at(
        "role.max_session_seconds = 3601",
        "role.max_session_seconds",
    );
    let mut compute = spec("role.max_session_seconds = 43200");
    compute.role.vendor_role = None;
    compute.role.compute = [provisioner::model::ComputeService::Ec2].into();
    let role = compile(&compute, None).unwrap().role.unwrap();
    assert_eq!(
        role.instance_profile.as_deref(),
        Some("pulse-prod-acme-compute")
    );
}

#[test]
fn a_role_name_of_65_characters_is_refused_and_not_cut() {
    refused_at(&format!("role.name = \"{}\"", "r".repeat(65)), "role.name");
}

#[test]
fn template_expressions_are_refused_wherever_people_write_text() {
    for (field, path) in [
        ("role.description = \"${x}\"", "role.description"),
        ("role.description = \"%{x}\"", "role.description"),
        ("tags = { a = \"${x}\" }", "tags"),
        ("base_path = \"${x}/\"", "base_path"),
        (
            "data.lifecycle = [{ id = \"${x}\", expire_days = 1 }]",
            "data.lifecycle",
        ),
        ("role.description = \"a\\u2028b\"", "role.description"),
        ("tags = { a = \"e\\u0301\" }", "tags"),
    ] {
        refused_at(field, path);
    }
}

#[test]
fn overlapping_notifications_are_refused() {
    let entries = r#"
        [[data.notifications.entries]]
        id = "one"
        destination = "arn:aws:sqs:eu-central-1:222222222222:q"
        events = ["s3:ObjectCreated:*"]
        [[data.notifications.entries]]
        id = "two"
        destination = "arn:aws:sns:eu-central-1:222222222222:t"
        events = ["s3:ObjectCreated:Put"]
        prefix = "in/"
    "#;
    refused_at(entries, "data.notifications");
    refused_at(
        &entries.replace(":q\"", ":q.fifo\""),
        "data.notifications.entries[0].destination",
    );
}

#[test]
fn a_compatible_store_has_buckets_and_no_role() {
    let text = r#"
        org_id = "acme"
        region = "us-east-1"
        compatible = { endpoint = "http://127.0.0.1:9000" }
    "#;
    let spec = read_tenants(text, FileFormat::Toml).unwrap().remove(0);
    assert!(compile(&spec, None).unwrap().role.is_none());
}

#[test]
fn account_regional_names_end_with_account_and_region() {
    let desired = compiled("namespace = \"account_regional\"");
    assert_eq!(
        desired.data().name.as_str(),
        "pulse-prod-acme-data-222222222222-eu-central-1-an"
    );
}

#[test]
fn two_tenants_of_a_file_never_share_a_bucket() {
    let one = compiled("data.name = \"shared-data\"");
    let mut two = one.clone();
    two.owner = "pulse/prod/other".to_string();
    assert!(provisioner::model::check_together(&[one.clone(), two]).is_err());
    assert!(provisioner::model::check_together(&[one.clone(), one]).is_err());
}

#[test]
fn what_iam_would_refuse_of_tags_and_descriptions_is_refused_before() {
    refused_at("tags = { Team = \"a\", team = \"b\" }", "");
    refused_at(
        "tags = { Team = \"a\" }\nrole.tags = { team = \"b\" }",
        "role.tags",
    );
    refused_at("data.tags = { Team = \"a\", TEAM = \"b\" }", "data.tags");
    compiled("tags = { team = \"a\" }\nrole.tags = { team = \"b\" }");
    refused_at("role.description = \"a\u{a0}b\"", "role.description");
}

#[test]
fn logs_may_name_our_own_bucket_and_then_it_is_made() {
    let named = compiled("data.logging = { target = \"pulse-prod-acme-logs\" }");
    assert_eq!(named.buckets, compiled("data.logging = {}").buckets);
    assert!(named.bucket(Purpose::Logs).is_some());
}
