//! Runs the user's own `terraform` in a folder.
//!
//! Nothing secret goes through here: credentials are in the environment, which terraform and its
//! provider read by themselves, and the configuration has none.

use crate::runner::Watch;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How many of terraform's last lines go into an error.
const LAST_LINES: usize = 40;
/// How long an interrupted terraform may take to put its state away.
const GRACE: Duration = Duration::from_secs(30);
/// The file in which a plan waits to be applied.
const PLAN: &str = "byos.tfplan";

/// A `terraform` and the folder that it works in.
#[derive(Debug, Clone)]
pub struct Terraform {
    binary: PathBuf,
    folder: PathBuf,
    environment: BTreeMap<OsString, OsString>,
    patience: Duration,
}

/// Why terraform did not do it.
#[derive(Debug, thiserror::Error)]
pub enum TerraformFailure {
    /// It is not there, or is not a program.
    #[error(
        "cannot start {}\nhint: install Terraform 1.5.7 or later, or say where it is with --terraform or BYOS_TERRAFORM", .binary.display()
    )]
    Start {
        /// What was to be started.
        binary: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It ended with an error.
    #[error(
        "terraform {step} failed{}:\n{output}\nhint: the last lines say why; put that right, then run it again. To look closer: terraform -chdir={} {step}",
        with_code(*.code), .folder.display()
    )]
    Failed {
        /// Where it worked.
        folder: PathBuf,
        /// `init`, `plan`, ...
        step: &'static str,
        /// Its exit code; none when it was killed.
        code: Option<i32>,
        /// Its last lines.
        output: String,
    },
    /// It was still running after this time, and was stopped.
    #[error(
        "terraform {step} was still running after {} minutes and was stopped\nhint: look whether the state is locked by another run, then run it again", .after.as_secs() / 60
    )]
    TooLong {
        /// `init`, `plan`, ...
        step: &'static str,
        /// How long.
        after: Duration,
    },
    /// It said something else than expected.
    #[error("terraform {step} said something that is not understood")]
    NotUnderstood {
        /// `output`, `show`.
        step: &'static str,
        /// Where the reading stopped.
        #[source]
        source: serde_json::Error,
    },
}

fn with_code(code: Option<i32>) -> String {
    match code {
        Some(code) => format!(" with exit code {code}"),
        None => " by a signal".to_string(),
    }
}

/// A plan that waits to be applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Planned {
    /// What it would change; empty when nothing.
    pub changes: Vec<PlannedChange>,
}

/// What a plan would do to one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedChange {
    /// `module.storage.aws_s3_bucket.this["data"]`.
    pub address: String,
    /// `create`, `update`, `delete`; two of them for a replacement.
    pub actions: Vec<String>,
}

impl PlannedChange {
    /// Whether something that is there goes away.
    pub fn deletes(&self) -> bool {
        self.actions.iter().any(|action| action == "delete")
    }
}

impl Terraform {
    /// `terraform` from the search path, in `folder`, with exactly this environment, for at most an
    /// hour per step.
    pub fn new(
        folder: impl Into<PathBuf>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        Self {
            binary: PathBuf::from("terraform"),
            folder: folder.into(),
            environment: environment.into_iter().collect(),
            patience: Duration::from_secs(3_600),
        }
    }

    /// Another program than `terraform` from the search path.
    pub fn binary(self, binary: impl Into<PathBuf>) -> Self {
        let binary = binary.into();
        // It runs in its folder, and a relative path is meant from here.
        let binary = match binary.components().count() {
            0 | 1 => binary,
            _ => std::path::absolute(&binary).unwrap_or(binary),
        };
        Self { binary, ..self }
    }

    /// How long one step may take.
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Fetches the provider.
    ///
    /// # Errors
    /// When terraform cannot be started, fails, or takes too long.
    pub fn init(&self, watch: &dyn Watch) -> Result<(), TerraformFailure> {
        self.watched("init", &["init", "-input=false", "-no-color"], watch)
    }

    /// Plans, and keeps the plan to be applied.
    ///
    /// # Errors
    /// As [`Self::init`].
    pub fn plan(&self, watch: &dyn Watch) -> Result<Planned, TerraformFailure> {
        self.plan_with(&[], watch)
    }

    /// Plans to delete everything in the state, and keeps the plan to be applied.
    ///
    /// # Errors
    /// As [`Self::init`].
    pub fn plan_destroy(&self, watch: &dyn Watch) -> Result<Planned, TerraformFailure> {
        self.plan_with(&["-destroy"], watch)
    }

    fn plan_with(&self, more: &[&str], watch: &dyn Watch) -> Result<Planned, TerraformFailure> {
        let out = format!("-out={PLAN}");
        let arguments = [&["plan", "-input=false", "-no-color", &out], more].concat();
        self.watched("plan", &arguments, watch)?;
        let shown = self.quiet("show", &["show", "-json", "-no-color", PLAN])?;
        let plan: PlanFile =
            serde_json::from_str(&shown).map_err(|source| TerraformFailure::NotUnderstood {
                step: "show",
                source,
            })?;
        let changes = plan.resource_changes.into_iter();
        Ok(Planned {
            changes: changes
                .filter(|resource| resource.change.actions.iter().any(|a| is_write(a)))
                .map(|resource| PlannedChange {
                    address: resource.address,
                    actions: resource.change.actions,
                })
                .collect(),
        })
    }

    /// Applies the plan that was made last; terraform refuses it when the state has changed since.
    ///
    /// # Errors
    /// As [`Self::init`].
    pub fn apply(&self, watch: &dyn Watch) -> Result<(), TerraformFailure> {
        let outcome = self.watched(
            "apply",
            &["apply", "-input=false", "-no-color", PLAN],
            watch,
        );
        // A plan can be applied once.
        let _ = std::fs::remove_file(self.folder.join(PLAN));
        outcome
    }

    /// The outputs of the last apply.
    ///
    /// # Errors
    /// As [`Self::init`].
    pub fn outputs(&self) -> Result<BTreeMap<String, Value>, TerraformFailure> {
        let text = self.quiet("output", &["output", "-json", "-no-color"])?;
        let outputs: BTreeMap<String, Output> =
            serde_json::from_str(&text).map_err(|source| TerraformFailure::NotUnderstood {
                step: "output",
                source,
            })?;
        Ok(outputs.into_iter().map(|(k, v)| (k, v.value)).collect())
    }

    fn watched(
        &self,
        step: &'static str,
        arguments: &[&str],
        watch: &dyn Watch,
    ) -> Result<(), TerraformFailure> {
        self.run(step, arguments, &mut |line| {
            watch.tell(&format!("terraform: {line}"))
        })
        .map(drop)
    }

    fn quiet(&self, step: &'static str, arguments: &[&str]) -> Result<String, TerraformFailure> {
        self.run(step, arguments, &mut |_| {})
    }

    /// Runs a step to its end and returns its stdout.
    fn run(
        &self,
        step: &'static str,
        arguments: &[&str],
        tell: &mut dyn FnMut(&str),
    ) -> Result<String, TerraformFailure> {
        let mut child = self.start(arguments)?;
        let lines = lines_of(&mut child);
        let deadline = Instant::now() + self.patience;
        let mut stdout = String::new();
        let mut last = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match lines.recv_timeout(left) {
                Ok((from, line)) => {
                    tell(&line);
                    if from == Stream::Stdout {
                        stdout.push_str(&line);
                        stdout.push('\n');
                    }
                    last.push(line);
                    if last.len() > LAST_LINES {
                        last.remove(0);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    stop(&mut child, &lines);
                    return Err(TerraformFailure::TooLong {
                        step,
                        after: self.patience,
                    });
                }
            }
        }
        match child.wait() {
            Ok(status) if status.success() => Ok(stdout),
            status => Err(TerraformFailure::Failed {
                folder: self.folder.clone(),
                step,
                code: status.ok().as_ref().and_then(ExitStatus::code),
                output: last.join("\n"),
            }),
        }
    }

    fn start(&self, arguments: &[&str]) -> Result<Child, TerraformFailure> {
        Command::new(&self.binary)
            .current_dir(&self.folder)
            .args(arguments)
            .env_clear()
            .envs(&self.environment)
            .env("TF_IN_AUTOMATION", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| TerraformFailure::Start {
                binary: self.binary.clone(),
                source,
            })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Stdout,
    Stderr,
}

/// The lines of both streams as they come; it closes when both have ended.
fn lines_of(child: &mut Child) -> Receiver<(Stream, String)> {
    let (sender, receiver) = channel();
    let stdout = child
        .stdout
        .take()
        .map(|s| Box::new(s) as Box<dyn Read + Send>);
    let stderr = child
        .stderr
        .take()
        .map(|s| Box::new(s) as Box<dyn Read + Send>);
    for (from, stream) in [(Stream::Stdout, stdout), (Stream::Stderr, stderr)] {
        let (Some(stream), sender) = (stream, sender.clone()) else {
            continue;
        };
        std::thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                if sender.send((from, line)).is_err() {
                    break;
                }
            }
        });
    }
    receiver
}

/// It has had its time. An interrupt lets it write its state and give its lock back; if it does not
/// end then, it is killed.
fn stop(child: &mut Child, lines: &Receiver<(Stream, String)>) {
    let interrupted = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .is_ok_and(|status| status.success());
    let deadline = Instant::now() + GRACE;
    let left = || deadline.saturating_duration_since(Instant::now());
    while interrupted && lines.recv_timeout(left()).is_ok() {}
    let _ = child.kill();
    let _ = child.wait();
}

fn is_write(action: &str) -> bool {
    matches!(action, "create" | "update" | "delete")
}

#[derive(Deserialize)]
struct PlanFile {
    #[serde(default)]
    resource_changes: Vec<ResourceChange>,
}

#[derive(Deserialize)]
struct ResourceChange {
    address: String,
    change: Change,
}

#[derive(Deserialize)]
struct Change {
    actions: Vec<String>,
}

#[derive(Deserialize)]
struct Output {
    value: Value,
}
