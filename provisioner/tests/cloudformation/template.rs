//! What is in the template.

use crate::evaluate::{Stack, deploy, stack};
use crate::generated;
use crate::specs::{RICH, compute, desired};
use crate::stores::{Sandbox, differences};
use proptest::prelude::Strategy;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use provisioner::cloudformation::{
    CloudFormationError, MAX_BODY_BYTES, MAX_TEMPLATE_BYTES, render,
};
use provisioner::model::{Desired, Documents, FileFormat, compile, read_tenants};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// How many generated specifications are compared.
const GENERATED: usize = 40;

const KMS: &str = r#"
    namespace = "account_regional"
    data.encryption = { kind = "sse_kms", key = "arn:aws:kms:eu-central-1:222222222222:key/1-2" }
    results.encryption = { kind = "sse_kms", key = "arn:aws:kms:eu-central-1:222222222222:key/3-4", bucket_key = false, dual_layer = true }
    results.blocked_encryption = []
    role.boundary = "arn:aws:iam::222222222222:policy/limits"
    vpc_endpoint = { vpc_id = "vpc-0123456789abcdef0", route_table_ids = ["rtb-0123456789abcdef0"] }
    [results.logging]
    target = "somebody-elses-logs"
    key_format = "partitioned_by_delivery_time"
"#;

fn gallery() -> Vec<(&'static str, Desired)> {
    vec![
        ("minimal", desired("")),
        ("rich", desired(RICH)),
        ("kms", desired(KMS)),
        ("tasks", tasks()),
    ]
}

/// A role for workers that are no instances.
fn tasks() -> Desired {
    let text = r#"
        org_id = "acme"
        project = "pulse"
        region = "eu-central-1"
        account = "222222222222"
        role.compute = ["ecs_tasks"]
    "#;
    let spec = read_tenants(text, FileFormat::Toml).unwrap().remove(0);
    compile(&spec, None).unwrap()
}

fn template(desired: &Desired) -> String {
    render(desired, &Documents::render(desired).unwrap()).unwrap()
}

#[test]
fn the_stack_leaves_what_the_direct_way_leaves_and_nothing_to_do() {
    let all = gallery();
    compare(all.iter().map(|(_, desired)| desired));
}

#[test]
fn for_generated_specifications_the_stack_leaves_what_the_direct_way_leaves() {
    let mut runner = TestRunner::deterministic();
    let any = generated::desired();
    let all = std::iter::repeat_with(|| any.new_tree(&mut runner).unwrap().current());
    let taken: Vec<Desired> = all.filter(is_taken).take(GENERATED).collect();
    compare(&taken);
}

/// Whether CloudFormation can hold it; what it cannot is refused, never left out.
fn is_taken(desired: &Desired) -> bool {
    match render(desired, &Documents::render(desired).unwrap()) {
        Err(CloudFormationError::Unsupported { .. }) => false,
        other => other.is_ok() || panic!("{other:?}"),
    }
}

/// Makes each by both ways and compares all that is there; then the direct way looks at what the
/// stack has left, and writes nothing.
fn compare<'a>(all: impl IntoIterator<Item = &'a Desired>) {
    let made: Vec<_> = all
        .into_iter()
        .map(|desired| (stack_of(desired), desired, Sandbox::for_tenant(desired)))
        .collect();
    let all: Vec<_> = made.iter().map(|(s, d, store)| (s, *d, store)).collect();
    deploy(&all);
    for (_, desired, store) in &made {
        let direct = Sandbox::for_tenant(desired);
        direct.apply(desired);
        let differences = differences(&store.state(), &direct.state());
        assert!(
            differences.is_empty(),
            "stack, direct: {differences:#?}\n{desired:#?}"
        );
        let writes = store.writes();
        store.apply(desired);
        assert_eq!(store.writes(), writes, "{desired:#?}");
    }
}

fn stack_of(desired: &Desired) -> Stack {
    stack(&template(desired), desired.region.as_str())
}

#[test]
fn the_outputs_are_those_of_the_model() {
    let desired = desired(RICH);
    let outputs = stack_of(&desired).outputs;
    let role = desired.role.as_ref().unwrap();
    let expected = [
        ("DataBucket", desired.data().name.to_string()),
        (
            "DataBucketArn",
            format!("arn:aws:s3:::{}", desired.data().name),
        ),
        ("ResultsBucket", desired.results().name.to_string()),
        ("RoleArn", role.arn.to_string()),
        ("RoleName", role.arn.name().to_string()),
        ("ExternalId", "pulse-org-acme".to_string()),
        ("KeyPrefix", "extractions/orgs/acme/".to_string()),
        ("Region", "eu-central-1".to_string()),
    ];
    for (name, value) in expected {
        assert_eq!(outputs[name], value, "{name}");
    }
}

#[test]
fn nobody_can_choose_another_external_id_or_another_vendor() {
    for (name, desired) in gallery() {
        let template: Value = serde_json::from_str(&template(&desired)).unwrap();
        assert!(template.get("Parameters").is_none(), "{name}");
    }
    assert!(template(&desired("")).contains("\"sts:ExternalId\": \"pulse-org-acme\""));
}

#[test]
fn whatever_holds_data_or_guards_it_stays_when_the_stack_goes() {
    for (name, desired) in gallery() {
        let stack = stack_of(&desired);
        let mut kept = 0;
        for (logical, resource) in &stack.resources {
            if resource["Type"].as_str().unwrap().starts_with("AWS::S3::") {
                assert_eq!(resource["DeletionPolicy"], "Retain", "{name} {logical}");
                assert_eq!(
                    resource["UpdateReplacePolicy"], "Retain",
                    "{name} {logical}"
                );
                kept += 1;
            }
        }
        assert_eq!(kept, 2 * desired.buckets.len(), "{name}");
    }
}

#[test]
fn deliveries_begin_after_the_receiver_s_consent() {
    let template: Value = serde_json::from_str(&template(&desired(RICH))).unwrap();
    for bucket in ["DataBucket", "ResultsBucket"] {
        assert_eq!(
            template["Resources"][bucket]["DependsOn"],
            "LogsBucketPolicy"
        );
    }
}

#[test]
fn the_same_model_gives_the_same_bytes() {
    for (name, desired) in gallery() {
        assert_eq!(template(&desired), template(&desired.clone()), "{name}");
    }
}

#[test]
fn what_cloudformation_cannot_hold_is_refused_with_the_way_that_works() {
    let entries = r#"
        [[data.notifications.entries]]
        id = "q"
        destination = "arn:aws:sqs:eu-central-1:222222222222:q"
        events = ["s3:ObjectCreated:*"]
    "#;
    for (desired, field) in [
        (desired("role.policy = \"managed\""), "role.policy"),
        (compute(""), "role.compute"),
        (desired(entries), "data.notifications.entries"),
    ] {
        let documents = Documents::render(&desired).unwrap();
        let error = render(&desired, &documents).unwrap_err();
        assert!(
            matches!(&error, CloudFormationError::Unsupported { field: f, .. } if f == field),
            "{error}"
        );
        assert!(error.to_string().contains("hint: "), "{error}");
    }
}

/// CloudFormation replaces `{{resolve:...}}` by a parameter or a secret of the account, wherever it
/// stands.
#[test]
fn a_text_that_cloudformation_would_replace_is_refused_with_its_place() {
    for (field, place) in [
        (
            "role.description = \"{{resolve:secretsmanager:db}}\"",
            "Resources.Role.Properties.Description",
        ),
        (
            "data.cors = [{ id = \"a{{resolve:ssm:b}}\", origins = [\"*\"], methods = [\"GET\"] }]",
            "Resources.DataBucket.Properties.CorsConfiguration.CorsRules.0.Id",
        ),
        (
            "data.lifecycle = [{ id = \"{{resolve:ssm-secure:b}}\", expire_days = 1 }]",
            "Resources.DataBucket.Properties.LifecycleConfiguration.Rules.1.Id",
        ),
    ] {
        let desired = desired(field);
        let error = render(&desired, &Documents::render(&desired).unwrap()).unwrap_err();
        assert!(error.to_string().contains(place), "{error}");
        assert!(error.to_string().contains("hint: "), "{error}");
    }
    template(&desired("role.description = \"{{ resolve }}\""));
}

/// Source: CloudFormation user guide, "Quotas": 51,200 bytes in a call, 1 MB from S3.
#[test]
fn a_template_that_is_too_long_for_cloudformation_is_refused() {
    let rules = |count: usize| {
        let long = "x".repeat(240);
        let rule = |at| format!("{{ id = \"{at}-{long}\", prefix = \"{long}\", expire_days = 1 }}");
        let rules: Vec<String> = (0..count).map(rule).collect();
        desired(&format!(
            "data.lifecycle = [{rules}]\nresults.lifecycle = [{rules}]",
            rules = rules.join(", ")
        ))
    };
    for (name, desired) in gallery() {
        assert!(template(&desired).len() <= MAX_BODY_BYTES, "{name}");
    }
    assert!(template(&rules(150)).len() > MAX_BODY_BYTES);
    let most = rules(998);
    let error = render(&most, &Documents::render(&most).unwrap()).unwrap_err();
    assert!(
        matches!(error, CloudFormationError::TooLong(size) if size > MAX_TEMPLATE_BYTES),
        "{error}"
    );
}

#[test]
fn a_store_that_is_not_aws_is_refused() {
    let text = r#"
        org_id = "acme"
        region = "garage"
        compatible = { endpoint = "https://s3.example.com" }
    "#;
    let spec = read_tenants(text, FileFormat::Toml).unwrap().remove(0);
    let error = render(&compile(&spec, None).unwrap(), &Documents::default());
    assert_eq!(error, Err(CloudFormationError::NotAws));
}

#[test]
fn documents_of_something_else_are_refused() {
    let error = render(&desired(""), &Documents::default());
    assert_eq!(error, Err(CloudFormationError::Documents));
}

#[test]
fn cfn_lint_finds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    let mut runner = TestRunner::deterministic();
    let any = generated::desired();
    let generated = std::iter::repeat_with(|| any.new_tree(&mut runner).unwrap().current());
    let generated = generated.filter(is_taken).take(GENERATED);
    let gallery = gallery().into_iter().map(|(_, desired)| desired);
    for (at, desired) in gallery.chain(generated).enumerate() {
        let file = folder.path().join(format!("{at}.json"));
        std::fs::write(&file, template(&desired)).unwrap();
        files.push(file);
    }
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/.tools/venv/bin/cfn-lint");
    assert!(
        tool.exists(),
        "{} is missing; hint: run tests/setup",
        tool.display()
    );
    let output = Command::new(tool)
        .args(["--regions", "eu-central-1", "--include-checks", "I", "--"])
        .args(&files)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{words}");
}
