//! The real terraform, the provider of the tests, and folders for both.

use provisioner::terraform::{Files, Terraform};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;
use tempfile::TempDir;

/// The root of the checkout.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies inside the checkout")
}

/// The user's terraform.
pub(crate) fn terraform_binary() -> &'static Path {
    static FOUND: LazyLock<PathBuf> = LazyLock::new(|| {
        if let Some(given) = std::env::var_os("BYOS_TERRAFORM") {
            return given.into();
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path)
            .map(|folder| folder.join("terraform"))
            .find(|candidate| candidate.is_file())
            .unwrap_or_else(|| {
                panic!(
                    "terraform is not installed; hint: put Terraform 1.7 or later (tried with 1.11.4) \
                     into the PATH, or its path into BYOS_TERRAFORM: https://developer.hashicorp.com/terraform/install"
                )
            })
    });
    &FOUND
}

/// A program of the tests' Python environment.
pub(crate) fn python_tool(name: &str) -> PathBuf {
    let tool = root().join("tests/.tools/venv/bin").join(name);
    assert!(
        tool.exists(),
        "{} is missing; hint: run tests/setup",
        tool.display()
    );
    tool
}

/// The environment of a terraform that talks to nobody: no registry, no check for updates.
pub(crate) fn environment() -> BTreeMap<String, String> {
    let text = |name: &str| std::env::var(name).unwrap_or_default();
    [
        ("PATH", text("PATH")),
        ("HOME", text("HOME")),
        ("TF_CLI_CONFIG_FILE", "/dev/null".to_string()),
        ("CHECKPOINT_DISABLE", "1".to_string()),
        // Nothing in these tests is far away.
        ("HTTPS_PROXY", "http://127.0.0.1:9".to_string()),
    ]
    .map(|(name, value)| (name.to_string(), value))
    .into()
}

/// Runs terraform and returns its exit code and everything that it said.
pub(crate) fn run(
    folder: &Path,
    environment: &BTreeMap<String, String>,
    arguments: &[&str],
) -> (i32, String) {
    let output = Command::new(terraform_binary())
        .current_dir(folder)
        .args(arguments)
        .env_clear()
        .envs(environment)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

/// As [`run`], for what must succeed.
pub(crate) fn succeed(
    folder: &Path,
    environment: &BTreeMap<String, String>,
    arguments: &[&str],
) -> String {
    let (code, said) = run(folder, environment, arguments);
    assert_eq!(
        code,
        0,
        "terraform {arguments:?} in {}:\n{said}",
        folder.display()
    );
    said
}

/// A folder with these files.
pub(crate) fn folder(files: &Files) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    files.write(folder.path()).unwrap();
    folder
}

/// A copy of the modules and the policies as they lie in the checkout.
pub(crate) fn checkout() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["terraform", "policies"] {
        copy(&root().join(name), &folder.path().join(name));
    }
    folder
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if [".terraform", "src", "target"]
            .iter()
            .any(|left_out| name == *left_out)
        {
            continue;
        }
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to.join(name)),
            false => drop(std::fs::copy(entry.path(), to.join(name)).unwrap()),
        }
    }
}

/// The provider of the tests, in front of a store. It ends with this value.
pub(crate) struct Provider {
    child: Child,
    folder: TempDir,
    attach: String,
    endpoint: String,
    keys: (String, String),
}

impl Provider {
    /// In front of the store at `endpoint`, with the keys of the account that the resources go to.
    pub(crate) fn start(endpoint: &str, access_key_id: &str, secret: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(python_tool("python"))
            .arg("-B")
            .arg(root().join("terraform/tests/provider/server.py"))
            .arg("--schema")
            .arg(schema())
            // A path to a socket may not be long, so it is given from where it lies.
            .args(["--socket", "s", "--log", "calls.jsonl"])
            .current_dir(folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("AWS_ENDPOINT_URL", endpoint)
            .env("AWS_ACCESS_KEY_ID", access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", secret)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut attach = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut attach).unwrap();
        assert!(
            attach.starts_with('{'),
            "the provider of the tests did not start; hint: run tests/setup"
        );
        Self {
            child,
            folder,
            attach: attach.trim().to_string(),
            endpoint: endpoint.to_string(),
            keys: (access_key_id.to_string(), secret.to_string()),
        }
    }

    /// In front of nothing: enough for init, validate and mocked tests.
    pub(crate) fn detached() -> &'static Self {
        static SHARED: LazyLock<Provider> =
            LazyLock::new(|| Provider::start("http://127.0.0.1:9", "nobody", "nothing"));
        &SHARED
    }

    /// The environment of a terraform that uses it.
    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        let mut environment = environment();
        for (name, value) in [
            ("TF_REATTACH_PROVIDERS", &self.attach),
            ("AWS_ENDPOINT_URL", &self.endpoint),
            ("AWS_ACCESS_KEY_ID", &self.keys.0),
            ("AWS_SECRET_ACCESS_KEY", &self.keys.1),
        ] {
            environment.insert(name.to_string(), value.clone());
        }
        environment
    }

    /// The driver of the provisioner, with this provider.
    pub(crate) fn driver(&self, folder: &Path) -> Terraform {
        let environment = self.environment().into_iter();
        let environment = environment.map(|(k, v)| (OsString::from(k), OsString::from(v)));
        Terraform::new(folder, environment)
            .binary(terraform_binary())
            .patience(Duration::from_secs(300))
    }

    /// What was applied so far, oldest first: what, type, subject.
    pub(crate) fn calls(&self) -> Vec<(String, String, String)> {
        let log = std::fs::read_to_string(self.folder.path().join("calls.jsonl"));
        log.unwrap_or_default()
            .lines()
            .map(|line| {
                let call: Value = serde_json::from_str(line).unwrap();
                let field = |name: &str| call[name].as_str().unwrap_or_default().to_string();
                (field("what"), field("type"), field("subject"))
            })
            .collect()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The schema of the real provider, extracted once from the package that carries it.
fn schema() -> &'static Path {
    static MADE: LazyLock<PathBuf> = LazyLock::new(|| {
        let script = root().join("terraform/tests/provider/make-schema");
        let output = Command::new(&script)
            .arg(python_tool("python"))
            .arg(root().join("tests/.tools"))
            .stderr(Stdio::inherit())
            .output()
            .unwrap_or_else(|error| panic!("{}: {error}", script.display()));
        let path = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success(),
            "the schema of the provider cannot be made; hint: it needs npm and its registry once, run tests/setup"
        );
        PathBuf::from(path.trim())
    });
    &MADE
}
