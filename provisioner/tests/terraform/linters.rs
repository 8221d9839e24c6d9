//! What a linter that we did not write says of what would be made, with everything that is skipped
//! written down, with its reason, in `terraform/.checkov.yaml`.

use crate::harness::{Provider, checkout, folder, root, succeed};
use crate::specs::{RICH, desired};
use crate::stores::Sandbox;
use provisioner::model::Documents;
use provisioner::terraform::render;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

/// The proof of concept with everything switched on.
const EVERYTHING: &str = r#"
    region                = "eu-central-1"
    kms_key_arn           = "arn:aws:kms:eu-central-1:222222222222:key/1-2"
    results_expire_days   = 30
    cors_origins          = ["https://app.example.com"]
    enable_access_logging = true
    enable_inventory      = true
    enable_event_bridge   = true
    new_data_target       = "arn:aws:sqs:eu-central-1:222222222222:new-data"
    key_prefix            = "orgs/acme/"
    tags                  = { cost = "42" }
"#;

#[test]
fn checkov_passes_what_terraform_would_make() {
    let sandbox = Sandbox::start();
    let provider = Provider::start(&sandbox.endpoint, &sandbox.access_key_id, &sandbox.secret);
    let checkout = checkout();
    let plans = tempfile::tempdir().unwrap();
    let poc = checkout.path().join("terraform/poc");
    std::fs::write(poc.join("everything.tfvars"), EVERYTHING).unwrap();
    plan(
        &provider,
        &poc,
        &["-var-file=everything.tfvars"],
        &plans.path().join("poc.json"),
    );
    let complete = checkout.path().join("terraform/examples/complete");
    plan(
        &provider,
        &complete,
        &[],
        &plans.path().join("complete.json"),
    );
    let rendered = folder(&render(&desired(RICH)).unwrap());
    plan(
        &provider,
        rendered.path(),
        &[],
        &plans.path().join("rendered.json"),
    );

    let (passed, failed) = checkov("terraform_plan", plans.path());
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(passed > 100, "only {passed} checks ran");

    // The judge is awake: with one switch off it complains.
    let weak = std::fs::read_to_string(plans.path().join("poc.json")).unwrap();
    let weak = weak.replace("\"block_public_acls\":true", "\"block_public_acls\":false");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("weak.json"), weak).unwrap();
    let (_, failed) = checkov("terraform_plan", folder.path());
    assert!(failed.contains(&"CKV_AWS_53".to_string()), "{failed:?}");
}

#[test]
fn checkov_passes_what_cloudformation_would_make() {
    let folder = tempfile::tempdir().unwrap();
    for (name, desired) in [("minimal", desired("")), ("rich", desired(RICH))] {
        let documents = Documents::render(&desired).unwrap();
        let template = provisioner::cloudformation::render(&desired, &documents).unwrap();
        std::fs::write(folder.path().join(format!("{name}.json")), template).unwrap();
    }
    let (passed, failed) = checkov("cloudformation", folder.path());
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(passed > 20, "only {passed} checks ran");
}

#[test]
fn every_check_that_is_skipped_has_its_reason_before_it() {
    for (file, skip) in [
        ("terraform/.checkov.yaml", "- "),
        ("policies/.parliament.toml", "[[skip]]"),
    ] {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let skipped = lines
            .iter()
            .enumerate()
            .filter(|(_, line)| line.starts_with(skip));
        assert!(skipped.clone().count() > 0, "{file} skips nothing");
        for (at, line) in skipped {
            assert!(
                lines[at - 1].starts_with("# "),
                "{file}: {line} has no reason"
            );
        }
    }
}

fn plan(provider: &Provider, folder: &Path, arguments: &[&str], to: &Path) {
    let environment = provider.environment();
    succeed(folder, &environment, &["init", "-input=false"]);
    let plan = ["plan", "-input=false", "-out=plan"];
    succeed(folder, &environment, &[&plan[..], arguments].concat());
    let shown = succeed(folder, &environment, &["show", "-json", "plan"]);
    std::fs::write(to, shown).unwrap();
}

/// How many checks passed, and which failed.
fn checkov(framework: &str, folder: &Path) -> (u64, Vec<String>) {
    let output = Command::new(&*CHECKOV)
        .arg("--directory")
        .arg(folder)
        .arg("--config-file")
        .arg(root().join("terraform/.checkov.yaml"))
        .args(["--framework", framework, "--output", "json"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder)
        // It is not to ask anybody anything.
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(said["summary"]["parsing_errors"], 0, "{said}");
    let failed = said["results"]["failed_checks"].as_array().unwrap();
    let failed = failed
        .iter()
        .map(|check| check["check_id"].as_str().unwrap().to_string());
    (
        said["summary"]["passed"].as_u64().unwrap(),
        failed.collect(),
    )
}

static CHECKOV: LazyLock<PathBuf> = LazyLock::new(|| {
    let output = Command::new(root().join("terraform/tests/checkov/install"))
        .arg(root().join("tests/.tools"))
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "checkov cannot be installed; hint: it needs pip and its registry once, run tests/setup"
    );
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
});
