//! Clients that we did not write, with nothing of this machine's own settings in their way.

use crate::place;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What a client needs to know: where, and as whom.
#[derive(Debug, Clone)]
pub struct Login {
    /// Scheme, host and port.
    pub endpoint: String,
    /// The region that signatures name.
    pub region: String,
    /// The key's id.
    pub access_key_id: String,
    /// The key's secret.
    pub secret_access_key: String,
    /// Whom to trust on `https`.
    pub authority: Option<PathBuf>,
}

impl Login {
    /// The same place, as someone else.
    pub fn with_keys(&self, access_key_id: &str, secret_access_key: &str) -> Self {
        Self {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: secret_access_key.to_owned(),
            ..self.clone()
        }
    }

    /// `program` with this login in its environment, and with hardly anything else there.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = plain(program);
        command
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_DEFAULT_REGION", &self.region)
            .env("AWS_REGION", &self.region)
            .env("AWS_ACCESS_KEY_ID", &self.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", &self.secret_access_key)
            .env("AWS_EC2_METADATA_DISABLED", "true");
        if let Some(authority) = &self.authority {
            command.env("AWS_CA_BUNDLE", authority);
        }
        command
    }

    /// A script of `tests/clients` with its arguments; fails the test when the script fails.
    pub fn python(&self, script: &str, arguments: &[&str]) -> String {
        let mut command = self.command(place::python_tool("python"));
        command
            .arg("-W")
            .arg("ignore")
            .arg(place::tests_folder().join("clients").join(script))
            .args(arguments);
        succeed(&mut command)
    }

    /// The `aws` command line.
    pub fn aws(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(place::python_tool("aws"));
        command.args(arguments);
        command
    }

    /// `rclone`, with this login as the remote `s3:`.
    pub fn rclone(&self, arguments: &[&str]) -> Command {
        let mut command = plain(place::system_tool("rclone"));
        command
            .env("RCLONE_CONFIG", "/dev/null")
            .env("RCLONE_CONFIG_S3_TYPE", "s3")
            .env("RCLONE_CONFIG_S3_PROVIDER", "Other")
            .env("RCLONE_CONFIG_S3_ENDPOINT", &self.endpoint)
            .env("RCLONE_CONFIG_S3_REGION", &self.region)
            .env("RCLONE_CONFIG_S3_ACCESS_KEY_ID", &self.access_key_id)
            .env(
                "RCLONE_CONFIG_S3_SECRET_ACCESS_KEY",
                &self.secret_access_key,
            )
            .args(["--retries=1", "--low-level-retries=1"])
            .args(arguments);
        if let Some(authority) = &self.authority {
            command.arg("--ca-cert").arg(authority);
        }
        command
    }
}

/// `curl`, quiet but for errors.
pub fn curl(arguments: &[&str]) -> Command {
    let mut command = plain(place::system_tool("curl"));
    command.args(["--silent", "--show-error", "--max-time", "60"]);
    command.args(arguments);
    command
}

/// A command without the environment of whoever runs the tests.
pub fn plain(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", Path::new("/nonexistent"))
        .env("LANG", "C.UTF-8")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(std::process::Stdio::null());
    command
}

/// Runs to the end; the standard output of a success, and a failed test with everything that was
/// said otherwise.
pub fn succeed(command: &mut Command) -> String {
    let output = run(command);
    assert!(
        output.status.success(),
        "{command:?} failed with {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs to the end, whatever the outcome.
pub fn run(command: &mut Command) -> Output {
    command
        .output()
        .unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"))
}
