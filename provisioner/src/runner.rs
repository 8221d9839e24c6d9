//! Makes the steps of a plan, one after the other, each noted before and after; undoes them in
//! reverse.

use crate::aws::{Cloud, Outcome};
use crate::failure::Failure;
use crate::journal::{Journal, JournalError, Progress, Run, RunState};
use crate::plan::{Change, Plan, Step};
use std::collections::BTreeMap;
use std::future::Future;

/// Something that steps can be made in.
pub trait Execute {
    /// Makes one step.
    fn execute(&self, step: &Step) -> impl Future<Output = Result<Outcome, Failure>> + Send;

    /// Whether what `step` makes, and nobody knows whether it did, is not somebody else's.
    fn may_be_ours(&self, step: &Step) -> impl Future<Output = Result<bool, Failure>> + Send {
        let _ = step;
        std::future::ready(Ok(true))
    }
}

impl Execute for Cloud {
    fn execute(&self, step: &Step) -> impl Future<Output = Result<Outcome, Failure>> + Send {
        Cloud::execute(self, step)
    }

    fn may_be_ours(&self, step: &Step) -> impl Future<Output = Result<bool, Failure>> + Send {
        Cloud::may_be_ours(self, step)
    }
}

/// Hears what is going on.
pub trait Watch: Send + Sync {
    /// One line for people.
    fn tell(&self, line: &str);
}

/// Why a run stopped.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A step failed; what was done before it is done.
    #[error("{done} of {planned} steps are done, then: {failure}")]
    Step {
        /// Steps that succeeded.
        done: usize,
        /// Steps of the plan.
        planned: usize,
        /// What went wrong.
        failure: Failure,
    },
    /// The journal cannot be written, so no further call is made.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// Steps that were made.
    pub done: usize,
    /// What the store does not have, in words.
    pub unsupported: Vec<String>,
    /// The same, by part: what was asked for.
    pub refused: BTreeMap<String, String>,
}

/// Makes every step of `plan`.
///
/// # Errors
/// At the first step that fails for good. The journal then knows what was done.
pub async fn run(
    plan: &Plan,
    journal: &Journal,
    run: &Run,
    world: &impl Execute,
    watch: &dyn Watch,
) -> Result<Report, RunError> {
    let mut report = Report::default();
    let planned = plan.changes.len();
    for (at, change) in plan.changes.iter().enumerate() {
        watch.tell(&format!(
            "[{}/{planned}] {}: {} ({})",
            at + 1,
            change.resource,
            change.part,
            change.step.call()
        ));
        let sequence = journal.intend(run, change)?;
        match world.execute(&change.step).await {
            Ok(outcome) => {
                match &outcome.unsupported {
                    None => report.done += 1,
                    Some(reason) => {
                        let line = format!("{}: {} ({reason})", change.resource, change.part);
                        watch.tell(&format!("this store does not have it: {line}"));
                        report.unsupported.push(line);
                        report.refused.insert(change.key(), change.asked_for());
                    }
                }
                journal.settle(run, sequence, change, Progress::Done { outcome })?;
            }
            Err(failure) => {
                // What may have been done all the same stays noted as intended, and is undone.
                if !failure.is_in_doubt() {
                    let code = failure.code.clone();
                    journal.settle(run, sequence, change, Progress::Failed { code })?;
                }
                return Err(RunError::Step {
                    done: report.done,
                    planned,
                    failure,
                });
            }
        }
    }
    journal.end(run, RunState::Finished)?;
    Ok(report)
}

/// Undoes every step of `run` that was made, or may have been, the latest first.
///
/// # Errors
/// At the first step that cannot be undone; those after it are undone.
pub async fn roll_back(
    journal: &Journal,
    run: &Run,
    world: &impl Execute,
    watch: &dyn Watch,
) -> Result<Report, RunError> {
    let mut report = Report::default();
    let records = journal.records(run)?;
    let planned = records.len();
    for (sequence, record) in records.into_iter().rev() {
        let outcome = match &record.progress {
            Progress::Failed { .. } | Progress::Undone => continue,
            Progress::Intended => Outcome::default(),
            Progress::Done { outcome } => outcome.clone(),
        };
        let done = report.done;
        let stopped = |failure| RunError::Step {
            done,
            planned,
            failure,
        };
        let change = &record.change;
        if record.progress == Progress::Intended
            && !world.may_be_ours(&change.step).await.map_err(stopped)?
        {
            watch.tell(&format!(
                "{} was not made by this run and stays",
                change.resource
            ));
            journal.settle(run, sequence, change, Progress::Undone)?;
            continue;
        }
        watch.tell(&format!("undoing {}: {}", change.resource, change.part));
        for step in undoing(change, &outcome) {
            world.execute(&step).await.map_err(stopped)?;
        }
        report.done += 1;
        journal.settle(run, sequence, change, Progress::Undone)?;
    }
    journal.end(run, RunState::RolledBack)?;
    Ok(report)
}

/// The inverse of a change, with what only its outcome knows.
fn undoing(change: &Change, outcome: &Outcome) -> Vec<Step> {
    if outcome.unsupported.is_some() {
        return Vec::new();
    }
    change
        .inverse
        .iter()
        .filter_map(|step| match step {
            // An interrupted call made a version that nobody knows; the old one counts again.
            Step::DeletePolicyVersion { arn, version: None } => {
                outcome
                    .version
                    .as_ref()
                    .map(|version| Step::DeletePolicyVersion {
                        arn: arn.clone(),
                        version: Some(version.clone()),
                    })
            }
            other => Some(other.clone()),
        })
        .collect()
}
