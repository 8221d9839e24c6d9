//! What linters say of every policy that is rendered: parliament, which others have written, of
//! permissions and bucket policies; our own of all, trust policies too, which parliament cannot read.

use crate::generated;
use crate::harness::{python_tool, root};
use crate::specs::gallery;
use policies::PolicyKind;
use proptest::prelude::Strategy;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use provisioner::model::{Desired, Documents, companions};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};
use types::AccountId;

/// How many generated set-ups are linted besides the gallery.
const GENERATED: usize = 100;

#[derive(Debug, Deserialize)]
struct Finding {
    issue: String,
    detail: String,
}

#[derive(Deserialize)]
struct Skips {
    skip: Vec<Finding>,
}

fn all() -> Vec<Desired> {
    let mut runner = TestRunner::deterministic();
    let any = generated::desired();
    let generated = std::iter::repeat_with(|| any.new_tree(&mut runner).unwrap().current());
    let gallery = gallery().into_iter().map(|(_, desired)| desired);
    gallery.chain(generated.take(GENERATED)).collect()
}

#[test]
fn parliament_finds_nothing_but_what_is_skipped_with_a_reason() {
    let mut documents = Vec::new();
    for desired in all() {
        let rendered = Documents::render(&desired).unwrap();
        documents.extend(rendered.permission);
        documents.extend(rendered.buckets.into_values());
        documents.extend(
            companions(&desired)
                .unwrap()
                .into_iter()
                .map(|c| c.document),
        );
    }
    documents.iter_mut().for_each(without_colons);
    assert!(documents.len() > 300, "only {}", documents.len());
    let skips = std::fs::read_to_string(root().join("policies/.parliament.toml")).unwrap();
    let Skips { skip } = toml::from_str(&skips).unwrap();
    let is = |finding: &Finding, skip: &Finding| {
        finding.issue == skip.issue && finding.detail.starts_with(&skip.detail)
    };
    let found = parliament(&documents);
    for skip in &skip {
        assert!(found.iter().any(|f| is(f, skip)), "needless: {skip:?}");
    }
    let left: Vec<_> = found
        .iter()
        .filter(|finding| !skip.iter().any(|skip| is(finding, skip)))
        .collect();
    assert!(left.is_empty(), "{left:#?}");

    // The judge is awake: an action on the wrong kind of resource.
    let wrong = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::a/*" }],
    });
    let found = parliament(&[wrong]);
    assert!(
        found.iter().any(|f| f.issue == "RESOURCE_MISMATCH"),
        "{found:?}"
    );
}

#[test]
fn our_own_linter_finds_nothing_in_any_document() {
    let account = AccountId::parse("222222222222").unwrap();
    for desired in all() {
        let rendered = Documents::render(&desired).unwrap();
        let documents = [
            (PolicyKind::Trust, rendered.trust.as_ref()),
            (PolicyKind::Identity, rendered.permission.as_ref()),
        ];
        let buckets = rendered.buckets.values();
        let documents = documents
            .into_iter()
            .filter_map(|(kind, document)| Some((kind, document?)))
            .chain(buckets.map(|document| (PolicyKind::Resource, document)));
        for (kind, document) in documents {
            let findings = policies::lint(kind, document, Some(&account)).unwrap();
            assert!(findings.is_empty(), "{kind:?} {findings:#?}\n{document:#}");
        }
    }
}

/// parliament takes a colon in a key for the next part of the ARN, and the object for no object.
fn without_colons(value: &mut Value) {
    const BUCKETS: &str = "arn:aws:s3:::";
    match value {
        Value::String(text) => {
            if let Some(rest) = text.strip_prefix(BUCKETS) {
                *text = format!("{BUCKETS}{}", rest.replace(':', "_"));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(without_colons),
        Value::Object(fields) => fields.values_mut().for_each(without_colons),
        _ => {}
    }
}

fn parliament(documents: &[Value]) -> Vec<Finding> {
    let mut child = Command::new(python_tool("python"))
        .arg("-B")
        .arg(root().join("provisioner/tests/terraform/lint_policies.py"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let text = serde_json::to_vec(documents).unwrap();
    child.stdin.take().unwrap().write_all(&text).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "parliament does not run; hint: run tests/setup"
    );
    let lines = String::from_utf8(output.stdout).unwrap();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
