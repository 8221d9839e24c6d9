//! The command line: `render terraform`, `render cloudformation`, `apply --via terraform`.

use crate::harness::{Provider, terraform_binary};
use crate::stores::Sandbox;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A sandbox, the provider in front of it, and a place for state.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    provider: Provider,
    pub(crate) folder: TempDir,
}

pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) json: Value,
    pub(crate) stderr: String,
}

impl World {
    pub(crate) fn new() -> Self {
        let sandbox = Sandbox::start();
        let provider = Provider::start(&sandbox.endpoint, &sandbox.access_key_id, &sandbox.secret);
        let folder = tempfile::tempdir().unwrap();
        Self {
            sandbox,
            provider,
            folder,
        }
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, terraform_binary())
    }

    fn run_with(&self, arguments: &[&str], terraform: &Path) -> Ended {
        self.run_in(arguments, terraform, &[])
    }

    /// With more in the environment.
    pub(crate) fn run_in(
        &self,
        arguments: &[&str],
        terraform: &Path,
        more: &[(&str, &str)],
    ) -> Ended {
        let output = Command::new(env!("CARGO_BIN_EXE_provisioner"))
            .args(arguments)
            .args(["--json", "--org", "acme", "--region", "eu-central-1"])
            .args(["--account", "222222222222"])
            .args([
                "--vendor-role",
                "arn:aws:iam::111111111111:role/byos-gateway",
            ])
            .env_clear()
            .envs(self.provider.environment())
            .envs(more.iter().copied())
            .env("BYOS_STATE_DIR", self.folder.path().join("state"))
            .env("BYOS_TERRAFORM", terraform)
            .env("BYOS_VENDOR_SECRET_ACCESS_KEY", "canary-of-the-vendor")
            .env("BYOS_PATIENCE_MILLISECONDS", "2000")
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Ended {
            code: output.status.code(),
            json: serde_json::from_slice(&output.stdout).unwrap_or(Value::Null),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    fn writes(&self) -> usize {
        let calls = self.sandbox.inner.calls();
        calls
            .iter()
            .filter(|c| c.kind == sandbox::CallKind::Write)
            .count()
    }
}

impl Ended {
    pub(crate) fn result(&self) -> &Value {
        &self.json["tenants"][0]["result"]
    }

    pub(crate) fn message(&self) -> &str {
        self.json["tenants"][0]["error"]["message"]
            .as_str()
            .or(self.json["error"]["message"].as_str())
            .unwrap_or_default()
    }
}

#[test]
fn apply_via_terraform_leaves_what_neither_way_would_change() {
    let world = World::new();
    let applied = world.run(&["apply", "--via", "terraform", "--yes"]);
    assert_eq!(applied.code, Some(0), "{}", applied.stderr);
    assert!(applied.result()["changes_made"].as_u64().unwrap() > 10);
    assert_eq!(
        applied.result()["outputs"]["role_name"],
        "byos-prod-acme-gateway"
    );
    assert!(
        applied.stderr.contains("terraform: "),
        "no progress: {}",
        applied.stderr
    );

    let writes = world.writes();
    for again in [
        &["apply", "--via", "terraform", "--yes"][..],
        &["apply", "--yes"],
    ] {
        let ended = world.run(again);
        assert_eq!(ended.code, Some(0), "{again:?}: {}", ended.stderr);
        assert_eq!(ended.result()["changes_made"], 0, "{again:?}");
    }
    assert_eq!(world.run(&["drift"]).code, Some(0));
    assert_eq!(world.writes(), writes);
    no_secret_lies_in(&world, world.folder.path());
}

/// Keys of neither side stand in configuration, plan or state.
fn no_secret_lies_in(world: &World, folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            no_secret_lies_in(world, &path);
            continue;
        }
        let text = std::fs::read(&path).unwrap();
        for secret in [world.sandbox.secret.as_bytes(), b"canary-of-the-vendor"] {
            let found = text.windows(secret.len()).any(|window| window == secret);
            assert!(!found, "{}", path.display());
        }
    }
}

#[test]
fn what_was_applied_directly_goes_on_by_terraform() {
    let world = World::new();
    assert_eq!(world.run(&["apply", "--yes"]).code, Some(0));
    let ended = world.run(&["apply", "--via", "terraform", "--yes"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let creations = ended.stderr.matches("will be created").count();
    assert_eq!(creations, 0, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("will be imported"),
        "{}",
        ended.stderr
    );
}

#[test]
fn without_a_yes_nothing_is_made() {
    let world = World::new();
    let ended = world.run(&["apply", "--via", "terraform"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.message().contains("--yes"), "{}", ended.message());
    assert!(world.provider.calls().is_empty());
}

#[test]
fn a_terraform_that_is_missing_is_named_with_the_way_out() {
    let world = World::new();
    let ended = world.run_with(
        &["apply", "--via", "terraform", "--yes"],
        Path::new("/nowhere/terraform"),
    );
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.message().contains("hint: install Terraform"),
        "{}",
        ended.message()
    );
    assert_eq!(ended.json["tenants"][0]["error"]["kind"], "terraform");
}

#[test]
fn a_plan_of_the_direct_way_is_not_applied_by_terraform() {
    let world = World::new();
    assert_eq!(world.run(&["plan", "--out", "saved"]).code, Some(2));
    let ended = world.run(&["apply", "--via", "terraform", "--plan", "saved"]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.message().contains("--plan holds"),
        "{}",
        ended.message()
    );
}

#[test]
fn rendering_writes_files_that_stand_for_themselves() {
    let world = World::new();
    for (kind, file) in [
        ("terraform", "main.tf"),
        ("cloudformation", "template.json"),
    ] {
        let ended = world.run(&["render", kind, "--out", kind]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let folder = world.folder.path().join(kind).join("acme");
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        assert!(text.contains("pulse-org-acme"), "{kind}");
    }
    let url = "https://templates.s3.eu-central-1.amazonaws.com/acme.json";
    let linked = world.run(&["render", "cloudformation", "--template-url", url]);
    let files = linked.result()["files"].as_array().unwrap();
    let link = files
        .iter()
        .find(|f| f["name"] == "quick-create-link.txt")
        .unwrap();
    assert!(
        link["text"]
            .as_str()
            .unwrap()
            .ends_with("&stackName=byos-acme\n"),
        "{link}"
    );
    let refused = world.run(&["render", "terraform", "--template-url", url]);
    assert_eq!(refused.code, Some(1));

    let configuration = world.folder.path().join("terraform/acme");
    crate::harness::succeed(&configuration, &world.provider.environment(), &["init"]);
    crate::harness::succeed(&configuration, &world.provider.environment(), &["validate"]);
}
