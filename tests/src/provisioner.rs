//! The provisioner under test, as the process that a customer's admin would start.

use crate::client::{Login, plain, run};
use crate::place;
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

/// Somebody who runs the provisioner, with a place of its own for journals and files.
#[derive(Debug)]
pub struct Provisioner {
    login: Login,
    vendor: Option<Login>,
    folder: tempfile::TempDir,
}

impl Provisioner {
    /// As `login`, against the place that it names.
    pub fn of(login: &Login) -> Self {
        Self {
            login: login.clone(),
            vendor: None,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// With the vendor's keys beside its own: what `prove`, `test` and `onboard` need.
    #[must_use]
    pub fn with_vendor(mut self, vendor: &Login) -> Self {
        self.vendor = Some(vendor.clone());
        self
    }

    /// The same journals, as somebody else.
    #[must_use]
    pub fn becoming(mut self, login: &Login) -> Self {
        self.login = login.clone();
        self
    }

    /// Where a file of that name lies.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of tenants; its path.
    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Runs to the end, for machines: one JSON document.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        let output = run(self.command(arguments).arg("--json"));
        Ended {
            code: output.status.code(),
            json: serde_json::from_slice(&output.stdout).unwrap_or_default(),
            said: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs to the end, for people: everything that it said, the result and the words beside it.
    pub fn read(&self, arguments: &[&str]) -> String {
        let output = run(&mut self.command(arguments));
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        text(&output.stdout) + &text(&output.stderr)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = plain(place::provisioner());
        command
            .args(arguments)
            .env("AWS_ENDPOINT_URL", &self.login.endpoint)
            .env("AWS_ACCESS_KEY_ID", &self.login.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", &self.login.secret_access_key)
            .env("BYOS_STATE_DIR", self.path("state"))
            // Nothing settles late here, so waiting helps nobody.
            .env("BYOS_PATIENCE_MILLISECONDS", "3000");
        if let Some(authority) = &self.login.authority {
            command.arg("--ca-file").arg(authority);
        }
        if let Some(vendor) = &self.vendor {
            command
                .env("BYOS_VENDOR_ACCESS_KEY_ID", &vendor.access_key_id)
                .env("BYOS_VENDOR_SECRET_ACCESS_KEY", &vendor.secret_access_key);
        }
        command
    }
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit code.
    pub code: Option<i32>,
    /// What it printed; null when that was no JSON.
    pub json: Value,
    /// Its words beside it.
    pub said: String,
}

impl Ended {
    /// Fails the test unless the exit code is `code`.
    #[track_caller]
    #[must_use]
    pub fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{:#}", self.said, self.json);
        self
    }

    /// The result of the tenant at `position` in the file.
    pub fn result_of(&self, position: usize) -> &Value {
        &self.json["tenants"][position]["result"]
    }

    /// The result of the only tenant.
    pub fn result(&self) -> &Value {
        self.result_of(0)
    }

    /// The error of the only tenant, or of the command.
    pub fn error(&self) -> &Value {
        match &self.json["tenants"][0]["error"] {
            Value::Null => &self.json["error"],
            error => error,
        }
    }

    /// `resource part cause` of every change of the only tenant's plan, sorted.
    pub fn changes(&self) -> Vec<String> {
        let changes = self.result()["plan"]["changes"].as_array();
        let mut lines: Vec<_> = changes.into_iter().flatten().map(line).collect();
        lines.sort();
        lines
    }
}

fn line(change: &Value) -> String {
    let resource = &change["resource"];
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let what = match word(&resource["purpose"]) {
        purpose if purpose.is_empty() => word(&resource["kind"]),
        purpose => purpose,
    };
    format!(
        "{what} {} {}",
        word(&change["part"]),
        word(&change["cause"])
    )
}
