//! Terraform's way and the direct way end in the same place.

use crate::generated;
use crate::harness::{Provider, folder, run, succeed};
use crate::specs::{RICH, compute, desired};
use crate::stores::{Sandbox, differences};
use proptest::prelude::Strategy;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use provisioner::model::{Desired, Documents, Purpose};
use provisioner::plan::{BucketState, DiffOptions, Observed, Plan, diff};
use provisioner::runner::Watch;
use provisioner::terraform::{PlannedChange, Terraform, imports, render};
use tempfile::TempDir;

/// How many generated specifications go through terraform.
const GENERATED: usize = 12;
/// How many at a time.
const THREADS: usize = 2;

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
        let terraform = both_ways(name, &desired);
        let outputs = terraform.outputs().unwrap();
        let role = &desired.role.as_ref().unwrap().arn;
        assert_eq!(outputs["role_arn"], role.to_string(), "{name}");
        assert_eq!(outputs["data_bucket"], desired.data().name.as_str());
    }
}

#[test]
fn for_generated_specifications_both_ways_leave_the_same_state() {
    let mut runner = TestRunner::deterministic();
    let cases: Vec<Desired> = (0..GENERATED)
        .map(|_| {
            let tree = generated::desired().new_tree(&mut runner);
            tree.unwrap().current()
        })
        .collect();
    std::thread::scope(|scope| {
        for at in 0..THREADS {
            let mine = cases.iter().enumerate().skip(at).step_by(THREADS);
            scope.spawn(move || {
                for (case, desired) in mine {
                    both_ways(&format!("case {case}"), desired);
                }
            });
        }
    });
}

/// Makes `desired` by both ways, compares all that is there, and lets each way look at what the
/// other one has made: it has nothing to do.
fn both_ways(name: &str, desired: &Desired) -> Made {
    let (direct, sandbox) = (Sandbox::for_tenant(desired), Sandbox::for_tenant(desired));
    direct.apply(desired);
    let provider = sandbox.provider();
    let folder = folder(&render(desired).unwrap());
    let terraform = provider.driver(folder.path());
    terraform
        .init(&Silence)
        .and_then(|()| terraform.plan(&Silence))
        .and_then(|planned| {
            assert!(!planned.changes.is_empty());
            assert!(!planned.changes.iter().any(|change| change.deletes()));
            terraform.apply(&Silence)
        })
        .unwrap_or_else(|error| panic!("{name}: {error}\n{desired:#?}"));

    let differences = differences(&sandbox.state(), &direct.state());
    assert!(
        differences.is_empty(),
        "{name}: terraform, direct: {differences:#?}\n{desired:#?}"
    );

    let left = plan(desired, &sandbox.observe(desired));
    let changes = &left.changes;
    assert!(left.is_settled(), "{name}: {changes:#?}\n{desired:#?}");
    let writes = sandbox.writes();
    sandbox.apply(desired);
    assert_eq!(sandbox.writes(), writes, "{name}: {desired:#?}");
    let again = terraform.plan(&Silence).unwrap();
    assert_eq!(again.changes, [], "{name}: {desired:#?}");

    terraform_takes_over(name, desired, &direct);
    Made {
        terraform,
        _provider: provider,
        _folder: folder,
    }
}

/// A configuration that was applied, and what it needs to be looked at.
struct Made {
    terraform: Terraform,
    _provider: Provider,
    _folder: TempDir,
}

impl std::ops::Deref for Made {
    type Target = Terraform;

    fn deref(&self) -> &Terraform {
        &self.terraform
    }
}

/// What was made directly goes on by Terraform: nothing is made again, nothing is changed.
fn terraform_takes_over(name: &str, desired: &Desired, direct: &Sandbox) {
    let before = direct.state();
    let provider = direct.provider();
    let folder = folder(&render(desired).unwrap());
    let blocks = imports(desired, &direct.observe(desired)).unwrap().unwrap();
    std::fs::write(folder.path().join("imports.tf"), blocks).unwrap();
    let environment = provider.environment();
    let check = ["fmt", "-check", "imports.tf"];
    succeed(folder.path(), &environment, &check);

    let terraform = provider.driver(folder.path());
    terraform.init(&Silence).unwrap();
    let planned = terraform.plan(&Silence).unwrap();
    for change in &planned.changes {
        assert!(is_no_call(change), "{name}: {change:?}\n{desired:#?}");
    }
    terraform.apply(&Silence).unwrap();
    let differences = differences(&direct.state(), &before);
    assert!(differences.is_empty(), "{name}: {differences:#?}");
    assert_eq!(terraform.plan(&Silence).unwrap().changes, [], "{name}");
}

/// What Terraform has to note for itself: that it is to leave the block of public access alone; the
/// VPC endpoint, which the direct way does not make.
fn is_no_call(change: &PlannedChange) -> bool {
    let is = |kind: &str| change.address.contains(kind);
    match is("aws_vpc_endpoint") {
        true => change.actions == ["create"],
        false => is("aws_s3_bucket_public_access_block") && change.actions == ["update"],
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

impl Sandbox {
    /// A provider in front of it.
    fn provider(&self) -> Provider {
        Provider::start(&self.endpoint, &self.access_key_id, &self.secret)
    }
}
