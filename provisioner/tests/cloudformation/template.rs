//! What is in the template.

use crate::evaluate::{REGION, stack};
use crate::generated;
use crate::specs::{RICH, compute, desired};
use crate::stores::Sandbox;
use proptest::prelude::Strategy;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use provisioner::cloudformation::{CloudFormationError, render};
use provisioner::model::{Desired, Documents, FileFormat, compile, read_tenants};
use provisioner::plan::{BucketState, DiffOptions, Observed, Read, diff};
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
fn after_the_stack_the_direct_way_has_nothing_left_to_do() {
    for (name, desired) in gallery() {
        let documents = Documents::render(&desired).unwrap();
        let observed = stack(&template(&desired)).observed();
        let plan = diff(&desired, &documents, &observed, &DiffOptions::default());
        assert!(
            plan.is_settled(),
            "{name}: {:#?} {:#?}",
            plan.changes,
            plan.blockers
        );
    }
}

#[test]
fn the_stack_leaves_what_the_direct_way_leaves() {
    for (name, desired) in [
        ("minimal", desired("")),
        ("rich", desired(RICH)),
        ("tasks", tasks()),
    ] {
        let sandbox = Sandbox::start();
        sandbox.apply(&desired);
        let direct = comparable(sandbox.observe(&desired));
        let stack = comparable(stack(&template(&desired)).observed());
        assert_eq!(stack, direct, "{name}");
    }
}

#[test]
fn for_generated_specifications_the_stack_leaves_what_the_direct_way_leaves() {
    let mut runner = TestRunner::deterministic();
    let mut compared = 0;
    while compared < GENERATED {
        let desired = generated::desired()
            .new_tree(&mut runner)
            .unwrap()
            .current();
        let documents = Documents::render(&desired).unwrap();
        let template = match render(&desired, &documents) {
            Err(CloudFormationError::Unsupported { .. }) => continue,
            other => other.unwrap(),
        };
        let sandbox = Sandbox::start();
        sandbox.apply(&desired);
        let direct = comparable(sandbox.observe(&desired));
        let stack = comparable(stack(&template).observed());
        assert_eq!(stack, direct, "{desired:#?}");
        let plan = diff(&desired, &documents, &stack, &DiffOptions::default());
        assert!(plan.is_settled(), "{:#?}", plan.changes);
        compared += 1;
    }
}

/// Ids that AWS gives, and the order in which it answers.
fn comparable(mut observed: Observed) -> Observed {
    if let Some(role) = &mut observed.role {
        role.id = String::new();
    }
    for state in observed.buckets.values_mut() {
        if let BucketState::Present(bucket) = state
            && let Read::Known(inventories) = &mut bucket.inventories
        {
            inventories.sort_by(|a, b| a.id.cmp(&b.id));
        }
    }
    observed
}

#[test]
fn the_outputs_are_those_of_the_model() {
    let desired = desired(RICH);
    let outputs = stack(&template(&desired)).outputs;
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
        ("Region", REGION.to_string()),
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
        let stack = stack(&template(&desired));
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
    for (name, desired) in gallery() {
        let file = folder.path().join(format!("{name}.json"));
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
        .args(["--regions", REGION, "--include-checks", "I", "--"])
        .args(&files)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{words}");
}
