//! The command against the sandbox: an AWS of its own for every test.

use sandbox::{Call, CallKind, KeyPair, Sandbox, SandboxOptions};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use types::AccountId;

/// The gateway's role.
pub(crate) const VENDOR_ROLE: &str = "arn:aws:iam::111111111111:role/byos-gateway";

/// A sandbox with a vendor and a customer, and a place for state.
pub(crate) struct Aws {
    pub(crate) sandbox: Sandbox,
    pub(crate) customer: KeyPair,
    pub(crate) vendor: KeyPair,
    pub(crate) folder: tempfile::TempDir,
}

/// How a command ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) json: Value,
    pub(crate) stderr: String,
}

impl Aws {
    pub(crate) async fn start() -> Self {
        Self::start_with(SandboxOptions::default()).await
    }

    pub(crate) async fn start_with(options: SandboxOptions) -> Self {
        let sandbox = Sandbox::start(options).await.unwrap();
        let account = |id| AccountId::parse(id).unwrap();
        let everything = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"}]});
        let customer = sandbox
            .create_user(
                &account(SandboxOptions::CUSTOMER),
                "admin",
                &[("all", &everything)],
            )
            .unwrap();
        let vendor_account = account(SandboxOptions::VENDOR);
        let vendor = sandbox
            .create_user(&vendor_account, "gateway", &[("all", &everything)])
            .unwrap();
        let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "sts:AssumeRole"}]});
        sandbox
            .create_role(
                &vendor_account,
                "byos-gateway",
                &trust,
                &[("all", &everything)],
            )
            .unwrap();
        Self {
            sandbox,
            customer,
            vendor,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A command that is ready to be started, as the customer's admin.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_as(&self.customer, arguments)
    }

    pub(crate) fn command_as(&self, keys: &KeyPair, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_provisioner"));
        command
            .args(arguments)
            .env_clear()
            .env("AWS_ACCESS_KEY_ID", &keys.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", keys.secret_access_key.expose())
            .env("BYOS_VENDOR_ACCESS_KEY_ID", &self.vendor.access_key_id)
            .env(
                "BYOS_VENDOR_SECRET_ACCESS_KEY",
                self.vendor.secret_access_key.expose(),
            )
            .env("AWS_ENDPOINT_URL", self.sandbox.endpoint().to_string())
            .env("AWS_REGION", "eu-central-1")
            .env("BYOS_STATE_DIR", self.path("state"))
            .env("BYOS_PATIENCE_MILLISECONDS", "2000")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a command with `--json` to its end. The sandbox answers meanwhile on other threads.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.run_as(&self.customer, arguments)
    }

    pub(crate) fn run_as(&self, keys: &KeyPair, arguments: &[&str]) -> Ended {
        let arguments = [arguments, &["--json"]].concat();
        let child = self.command_as(keys, &arguments).spawn().unwrap();
        wait(child)
    }

    /// The set-up of `acme` with these further arguments.
    pub(crate) fn acme(&self, command: &str, arguments: &[&str]) -> Ended {
        let base = [command, "--org", "acme", "--vendor-role", VENDOR_ROLE];
        self.run(&[&base, arguments].concat())
    }

    /// `apply` of `acme` that must succeed.
    pub(crate) fn applied(&self, arguments: &[&str]) -> Ended {
        let ended = self.acme("apply", &[&["--yes"], arguments].concat());
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        ended
    }

    /// Names of the writing calls since the log was emptied.
    pub(crate) fn writes(&self) -> Vec<String> {
        self.sandbox
            .calls()
            .iter()
            .filter(|call| call.kind == CallKind::Write)
            .map(|call| call.api.clone())
            .collect()
    }

    pub(crate) fn calls_of(&self, api: &str) -> Vec<Call> {
        let calls = self.sandbox.calls();
        calls.into_iter().filter(|call| call.api == api).collect()
    }
}

impl Aws {
    /// IAM as somebody who works on it by hand.
    pub(crate) fn iam(&self, keys: &KeyPair) -> aws_sdk_iam::Client {
        let credentials = aws_credential_types::Credentials::new(
            &keys.access_key_id,
            keys.secret_access_key.expose(),
            None,
            None,
            "test",
        );
        let config = aws_sdk_iam::config::Builder::new()
            .behavior_version(aws_sdk_iam::config::BehaviorVersion::latest())
            .region(aws_sdk_iam::config::Region::new("eu-central-1"))
            .credentials_provider(credentials)
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(self.sandbox.endpoint().to_string())
            .build();
        aws_sdk_iam::Client::from_conf(config)
    }

    /// S3 as somebody who works on it by hand.
    pub(crate) fn s3(&self, keys: &KeyPair) -> aws_sdk_s3::Client {
        let credentials = aws_credential_types::Credentials::new(
            &keys.access_key_id,
            keys.secret_access_key.expose(),
            None,
            None,
            "test",
        );
        let config = aws_sdk_s3::config::Builder::new()
            .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
            .region(aws_sdk_s3::config::Region::new("eu-central-1"))
            .credentials_provider(credentials)
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(self.sandbox.endpoint().to_string())
            .force_path_style(true)
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }
}

pub(crate) fn wait(child: Child) -> Ended {
    ended(child.wait_with_output().unwrap())
}

pub(crate) fn ended(output: Output) -> Ended {
    let stdout = String::from_utf8(output.stdout).unwrap();
    Ended {
        code: output.status.code(),
        json: serde_json::from_str(&stdout).unwrap_or(Value::Null),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Ended {
    /// The result of the only tenant.
    pub(crate) fn result(&self) -> &Value {
        &self.json["tenants"][0]["result"]
    }

    /// The error of the only tenant, or of the command.
    pub(crate) fn error(&self) -> &Value {
        match &self.json["tenants"][0]["error"] {
            Value::Null => &self.json["error"],
            error => error,
        }
    }
}
