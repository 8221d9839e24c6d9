//! Terraform's way and the direct way end in the same place.

use crate::generated;
use crate::harness::{Provider, folder, run, succeed};
use crate::specs::{RICH, compute, desired};
use crate::stores::Sandbox;
use proptest::prelude::Strategy;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use provisioner::model::{Desired, Documents, Purpose};
use provisioner::plan::{BucketState, DiffOptions, Observed, Plan, Read, diff};
use provisioner::runner::Watch;
use provisioner::terraform::{imports, render};

/// How many generated specifications go through terraform.
const GENERATED: usize = 5;

/// Hears nothing.
struct Silence;

impl Watch for Silence {
    fn tell(&self, _: &str) {}
}

/// What the direct way would still do.
fn plan(desired: &Desired, observed: &Observed) -> Plan {
    let documents = Documents::render(desired).unwrap();
    diff(desired, &documents, observed, &DiffOptions::default())
}

fn settings() -> Vec<(&'static str, Desired)> {
    vec![
        ("minimal", desired("")),
        ("rich", desired(RICH)),
        (
            "managed",
            desired("role.policy = \"managed\"\nresults.versioning = \"suspended\""),
        ),
        (
            "compute",
            compute("role.policy = \"managed\"\nrole.path = \"/a/b/\""),
        ),
    ]
}

#[test]
fn terraform_and_the_direct_way_leave_the_same_state_and_nothing_to_do() {
    for (name, desired) in settings() {
        let (direct, sandbox) = (Sandbox::start(), Sandbox::start());
        direct.apply(&desired);

        let provider = sandbox.provider();
        let folder = folder(&render(&desired).unwrap());
        let terraform = provider.driver(folder.path());
        terraform.init(&Silence).unwrap();
        let planned = terraform.plan(&Silence).unwrap();
        assert!(!planned.changes.is_empty() && !planned.changes.iter().any(|c| c.deletes()));
        terraform
            .apply(&Silence)
            .unwrap_or_else(|error| panic!("{name}: {error}"));

        let there = sandbox.observe(&desired);
        let left = plan(&desired, &there);
        assert!(left.is_settled(), "{name}: {:#?}", left.changes);
        assert_eq!(
            comparable(there),
            comparable(direct.observe(&desired)),
            "{name}"
        );
        assert_eq!(terraform.plan(&Silence).unwrap().changes, [], "{name}");

        let outputs = terraform.outputs().unwrap();
        let role = &desired.role.as_ref().unwrap().arn;
        assert_eq!(outputs["role_arn"], role.to_string(), "{name}");
        assert_eq!(outputs["data_bucket"], desired.data().name.as_str());
    }
}

#[test]
fn for_generated_specifications_both_ways_leave_the_same_state() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..GENERATED {
        let desired = generated::desired()
            .new_tree(&mut runner)
            .unwrap()
            .current();
        let (direct, sandbox) = (Sandbox::start(), Sandbox::start());
        direct.apply(&desired);
        let provider = sandbox.provider();
        let folder = folder(&render(&desired).unwrap());
        let terraform = provider.driver(folder.path());
        terraform.init(&Silence).unwrap();
        terraform.plan(&Silence).unwrap();
        terraform
            .apply(&Silence)
            .unwrap_or_else(|error| panic!("{error}\n{desired:#?}"));
        let (one, other) = (direct.observe(&desired), sandbox.observe(&desired));
        let left = plan(&desired, &other);
        assert!(left.is_settled(), "{:#?}\n{desired:#?}", left.changes);
        assert_eq!(comparable(one), comparable(other), "{desired:#?}");
        assert_eq!(
            terraform.plan(&Silence).unwrap().changes,
            [],
            "{desired:#?}"
        );
    }
}

#[test]
fn a_set_up_that_was_made_directly_goes_on_by_terraform_without_being_made_again() {
    for (name, desired) in settings().into_iter().skip(1) {
        let sandbox = Sandbox::start();
        sandbox.apply(&desired);
        let before = comparable(sandbox.observe(&desired));
        let provider = sandbox.provider();
        let folder = folder(&render(&desired).unwrap());
        let blocks = imports(&desired, &sandbox.observe(&desired))
            .unwrap()
            .unwrap();
        std::fs::write(folder.path().join("imports.tf"), blocks).unwrap();
        succeed(
            folder.path(),
            &provider.environment(),
            &["fmt", "-check", "imports.tf"],
        );

        let terraform = provider.driver(folder.path());
        terraform.init(&Silence).unwrap();
        let planned = terraform.plan(&Silence).unwrap();
        // Terraform learns that it is to leave the block of public access alone, which is no call.
        for change in &planned.changes {
            assert_eq!(change.actions, ["update"], "{name}: {}", change.address);
            assert!(
                change.address.contains("public_access_block"),
                "{name}: {}",
                change.address
            );
        }
        terraform.apply(&Silence).unwrap();
        assert_eq!(comparable(sandbox.observe(&desired)), before, "{name}");
        assert_eq!(terraform.plan(&Silence).unwrap().changes, [], "{name}");
    }
}

#[test]
fn where_nothing_is_there_nothing_is_imported() {
    assert_eq!(imports(&desired(RICH), &Observed::default()).unwrap(), None);
}

#[test]
fn destroy_leaves_nothing_and_unblocks_no_bucket_before_it_is_gone() {
    let sandbox = Sandbox::start();
    let provider = sandbox.provider();
    let desired = desired("results.versioning = \"enabled\"");
    let folder = folder(&render(&desired).unwrap());
    let environment = provider.environment();
    succeed(folder.path(), &environment, &["init", "-input=false"]);
    succeed(
        folder.path(),
        &environment,
        &["apply", "-auto-approve", "-input=false", "-no-color"],
    );
    sandbox.inner.forget_calls();
    succeed(
        folder.path(),
        &environment,
        &["destroy", "-auto-approve", "-input=false", "-no-color"],
    );
    let observed = sandbox.observe(&desired);
    assert!(observed.role.is_none());
    assert!(
        observed
            .buckets
            .values()
            .all(|state| *state == BucketState::Absent)
    );
    let names: Vec<String> = sandbox
        .inner
        .calls()
        .iter()
        .map(|c| c.api.to_string())
        .collect();
    assert!(
        names.iter().any(|name| name.contains("DeleteBucket")),
        "{names:?}"
    );
    assert!(
        !names
            .iter()
            .any(|name| name.contains("DeletePublicAccessBlock")),
        "{names:?}"
    );
}

#[test]
fn changes_of_a_bucket_come_in_order_and_a_second_plan_has_none() {
    const ORDER: [&str; 11] = [
        "aws_s3_bucket",
        "aws_s3_bucket_public_access_block",
        "aws_s3_bucket_policy",
        "aws_s3_bucket_ownership_controls",
        "aws_s3_bucket_versioning",
        "aws_s3_bucket_server_side_encryption_configuration",
        "aws_s3_bucket_object_lock_configuration",
        "aws_s3_bucket_lifecycle_configuration",
        "aws_s3_bucket_cors_configuration",
        "aws_s3_bucket_logging",
        "aws_s3_bucket_notification",
    ];
    let sandbox = Sandbox::start();
    let provider = sandbox.provider();
    let desired = desired(RICH);
    let folder = folder(&render(&desired).unwrap());
    let environment = provider.environment();
    succeed(folder.path(), &environment, &["init", "-input=false"]);
    succeed(
        folder.path(),
        &environment,
        &["apply", "-auto-approve", "-input=false", "-no-color"],
    );
    let calls = provider.calls();
    for bucket in &desired.buckets {
        let ranks: Vec<usize> = calls
            .iter()
            .filter(|(_, _, subject)| *subject == bucket.name.as_str())
            .filter_map(|(_, kind, _)| ORDER.iter().position(|name| name == kind))
            .collect();
        assert!(ranks.is_sorted(), "{}: {ranks:?}", bucket.name);
        assert!(ranks.len() >= 5, "{}: {ranks:?}", bucket.name);
    }
    let at = |kind: &str, subject: &str| {
        calls
            .iter()
            .position(|(_, k, s)| k == kind && s == subject)
            .unwrap_or_else(|| panic!("no {kind} of {subject}"))
    };
    let logs = desired.bucket(Purpose::Logs).unwrap().name.as_str();
    let ready = at("aws_s3_bucket_policy", logs);
    for kind in ["aws_s3_bucket_logging", "aws_s3_bucket_inventory"] {
        assert!(at(kind, desired.data().name.as_str()) > ready, "{kind}");
    }

    let (code, said) = run(
        folder.path(),
        &environment,
        &["plan", "-input=false", "-no-color", "-detailed-exitcode"],
    );
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("No changes."), "{said}");
    assert_eq!(provider.calls(), calls);
}

/// What differs between any two runs of the same thing: ids that AWS gives, and the order in what
/// is a set for everybody but JSON.
fn comparable(mut observed: Observed) -> Observed {
    if let Some(role) = &mut observed.role {
        role.id = String::new();
    }
    for state in observed.buckets.values_mut() {
        let BucketState::Present(bucket) = state else {
            continue;
        };
        if let Read::Known(inventories) = &mut bucket.inventories {
            inventories.sort_by(|a, b| a.id.cmp(&b.id));
        }
        if let Read::Known(Some(rules)) = &mut bucket.cors {
            rules.sort_by(|a, b| a.origins.cmp(&b.origins));
            for rule in rules {
                rule.methods.sort();
                rule.origins.sort();
                rule.headers.sort();
                rule.expose_headers.sort();
            }
        }
    }
    observed
}

impl Sandbox {
    /// A provider in front of it.
    fn provider(&self) -> Provider {
        Provider::start(&self.endpoint, &self.access_key_id, &self.secret)
    }
}
