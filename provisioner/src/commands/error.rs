//! Why a command failed, in words that end with a next step.

use crate::aws::CredentialsError;
use crate::failure::Failure;
use crate::journal::JournalError;
use crate::model::{FileError, Problems};
use crate::plan::Blocker;
use crate::runner::RunError;
use policies::RenderError;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The arguments make no sense together.
    #[error("{0}")]
    Usage(String),
    /// A file cannot be read or written.
    #[error("cannot {doing} {path}: {reason}")]
    File {
        /// "read" or "write".
        doing: &'static str,
        /// Which.
        path: String,
        /// As the system says.
        reason: String,
    },
    /// The file of tenants is not one.
    #[error("{path}: {}\nhint: docs/cli.md lists every field with its values", chain(.source))]
    Tenants {
        /// Which file, or "the flags".
        path: String,
        /// What is wrong with it.
        source: FileError,
    },
    /// The specification has mistakes.
    #[error("the specification has mistakes:\n{0}")]
    Specification(Problems),
    /// A document cannot be rendered.
    #[error("cannot render a policy")]
    Render(#[from] RenderError),
    /// A configuration for Terraform cannot be written.
    #[error(transparent)]
    Terraform(#[from] crate::terraform::TerraformError),
    /// The files of that configuration cannot be written.
    #[error("{}", chain(.0))]
    WriteTerraform(#[from] crate::terraform::WriteError),
    /// Terraform did not do it.
    #[error(transparent)]
    TerraformRun(#[from] crate::terraform::TerraformFailure),
    /// A template for CloudFormation cannot be written.
    #[error(transparent)]
    CloudFormation(#[from] crate::cloudformation::CloudFormationError),
    /// No credentials.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The store said no.
    #[error("{0}")]
    Store(Failure),
    /// The vendor's credentials are not the vendor's.
    #[error(
        "the vendor's credentials are those of {caller}, which may not become {role}: {}\nhint: give credentials of the gateway's role, or of somebody in its account who may assume it: --vendor-profile, or BYOS_VENDOR_ACCESS_KEY_ID and the like",
        .failure.evidence()
    )]
    Vendor {
        /// Whom the credentials belong to.
        caller: String,
        /// The gateway's role.
        role: String,
        /// The refusal.
        failure: Failure,
    },
    /// A certificate is not accepted.
    #[error("{0}: {1}")]
    Certificate(String, crate::prove::VerifyError),
    /// The journal is locked or broken.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A run stopped in the middle.
    #[error(
        "{source}\nhint: run it again, it continues where it stopped{}", undo.as_ref().map(|undo| format!("; or \"{undo}\" undoes what was made")).unwrap_or_default()
    )]
    Stopped {
        /// The command that undoes it, where that can be undone.
        undo: Option<String>,
        /// Where, and why.
        source: RunError,
    },
    /// Something is in the way.
    #[error("{}", blocked(.0))]
    Blocked(Vec<Blocker>),
    /// A change is riskier than allowed.
    #[error(
        "the plan has changes of {found} risk, and --max-risk allows {allowed}\nhint: look at them with \"provisioner plan\", then raise --max-risk"
    )]
    TooRisky {
        /// The highest risk of the plan.
        found: &'static str,
        /// What was allowed.
        allowed: &'static str,
    },
    /// Another way has made it and would undo what this one does.
    #[error(
        "Terraform holds this set-up ({}): a change by another way would be undone by its next run\nhint: {advice}", .folder.display()
    )]
    HeldByTerraform {
        /// Where its configuration is.
        folder: PathBuf,
        /// What to do instead.
        advice: String,
    },
    /// Nobody said yes.
    #[error("nothing was changed: {0}")]
    Declined(String),
    /// A saved plan is out of date.
    #[error(
        "the saved plan was made for another state: something has changed since\nhint: make a new plan, look at it, and apply that"
    )]
    Stale,
    /// Somebody changed something while a person was asked.
    #[error(
        "nothing was changed: somebody else changed something since the plan was shown\nhint: run it again, and look at the new plan"
    )]
    Changed,
    /// The role does more than it shall.
    #[error("the role is not safe, so the tenant is not registered:\n{0}")]
    NotProven(String),
    /// Everything was done, and yet it is not as desired.
    #[error("applied, but not as desired afterwards:\n{0}")]
    NotSettled(String),
}

impl From<Failure> for CommandError {
    fn from(failure: Failure) -> Self {
        Self::Store(failure)
    }
}

impl CommandError {
    /// For machines: always the same keys.
    pub fn to_json(&self) -> Value {
        let failure = match self {
            Self::Store(failure)
            | Self::Vendor { failure, .. }
            | Self::Stopped {
                source: RunError::Step { failure, .. },
                ..
            } => Some(failure),
            _ => None,
        };
        let problems = match self {
            Self::Specification(problems) => json!(problems),
            _ => json!([]),
        };
        json!({
            "kind": self.kind(),
            "message": self.to_string(),
            "code": failure.and_then(|f| f.code.clone()),
            "request_id": failure.and_then(|f| f.request_id.clone()),
            "fault": failure.map(|f| f.fault),
            "hint": failure.map(|f| f.hint.clone()),
            "problems": problems,
        })
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Usage(_) => "usage",
            Self::File { .. } | Self::WriteTerraform(_) => "file",
            Self::TerraformRun(_) => "terraform",
            Self::Tenants { .. } | Self::Specification(_) => "specification",
            Self::Render(_) | Self::Terraform(_) | Self::CloudFormation(_) => "render",
            Self::Credentials(_) | Self::Vendor { .. } => "credentials",
            Self::Certificate(..) => "certificate",
            Self::Store(_) => "store",
            Self::Journal(JournalError::Locked { .. }) => "locked",
            Self::Journal(_) => "journal",
            Self::Stopped { .. } => "stopped",
            Self::Blocked(_) => "blocked",
            Self::TooRisky { .. } => "too_risky",
            Self::HeldByTerraform { .. } => "held_by_terraform",
            Self::Declined(_) => "declined",
            Self::Stale | Self::Changed => "stale_plan",
            Self::NotSettled(_) => "not_settled",
            Self::NotProven(_) => "not_proven",
        }
    }
}

fn blocked(blockers: &[Blocker]) -> String {
    blockers
        .iter()
        .map(|b| format!("{}: {}\nhint: {}", b.resource, b.message, b.hint))
        .collect::<Vec<_>>()
        .join("\n")
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(cause.to_string().trim_end());
        next = cause.source();
    }
    text
}
