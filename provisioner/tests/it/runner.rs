//! Interrupted runs, failed steps, undoing: the journal decides what is known afterwards.

use crate::world::{desired, plan, plan_with, step_into};
use provisioner::aws::Outcome;
use provisioner::failure::{Details, Failure, Fault};
use provisioner::journal::{Journal, JournalError, RunKind, RunState};
use provisioner::model::Desired;
use provisioner::plan::{BucketState, DiffOptions, Observed, Step};
use provisioner::runner::{Execute, RunError, Watch, roll_back, run};
use std::sync::Mutex;
use types::Timestamp;

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

/// A world that stops answering after so many calls, before or after the call takes effect.
struct World<'a> {
    desired: &'a Desired,
    state: Mutex<Observed>,
    calls: Mutex<usize>,
    stop_at: usize,
    stop: Stop,
}

#[derive(Clone, Copy, PartialEq)]
enum Stop {
    BeforeEffect,
    AfterEffect,
    Refuse,
}

impl Execute for World<'_> {
    async fn execute(&self, step: &Step) -> Result<Outcome, Failure> {
        let call = {
            let mut calls = self.calls.lock().unwrap();
            *calls += 1;
            *calls
        };
        if call == self.stop_at && self.stop == Stop::Refuse {
            return Err(refusal(step));
        }
        if call != self.stop_at || self.stop == Stop::AfterEffect {
            step_into(self.desired, &mut self.state.lock().unwrap(), step);
        }
        if call == self.stop_at {
            std::future::pending::<()>().await;
        }
        Ok(Outcome::default())
    }
}

fn refusal(step: &Step) -> Failure {
    Failure::from(Details {
        call: step.call().to_string(),
        resource: "r".to_string(),
        code: Some("AccessDenied".to_string()),
        message: "no".to_string(),
        status: Some(403),
        request_id: Some("R".to_string()),
        fault: Fault::Caller,
        hint: "ask".to_string(),
        bucket_region: None,
    })
}

struct Silence;

impl Watch for Silence {
    fn tell(&self, _line: &str) {}
}

fn world<'a>(desired: &'a Desired, state: Observed, stop_at: usize, stop: Stop) -> World<'a> {
    World {
        desired,
        state: Mutex::new(state),
        calls: Mutex::new(0),
        stop_at,
        stop,
    }
}

/// Runs until the world stops answering, then drops everything, as a killed process does.
async fn killed(
    desired: &Desired,
    directory: &std::path::Path,
    stop_at: usize,
    stop: Stop,
) -> Observed {
    let journal = Journal::open(directory, &desired.owner, "test").unwrap();
    let world = world(desired, Observed::default(), stop_at, stop);
    let first = plan(desired, &Observed::default());
    let this = journal.begin(RunKind::Apply, NOW).unwrap();
    let running = run(&first, &journal, &this, &world, &Silence);
    let ended = tokio::time::timeout(std::time::Duration::from_secs(1), running).await;
    assert!(
        ended.is_err(),
        "the world stops answering at call {stop_at}"
    );
    world.state.into_inner().unwrap()
}

fn options(journal: &Journal) -> DiffOptions {
    DiffOptions {
        claimed: journal.claims().unwrap(),
        unfinished: journal.unfinished().unwrap(),
        ..DiffOptions::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_killed_at_any_call_converges_when_it_is_repeated() {
    let wanted = desired("role.policy = \"managed\"");
    let steps = plan(&wanted, &Observed::default()).changes.len();
    for stop in [Stop::BeforeEffect, Stop::AfterEffect] {
        for stop_at in 1..=steps {
            let directory = tempfile::tempdir().unwrap();
            let mut state = killed(&wanted, directory.path(), stop_at, stop).await;
            // Stores that set no tags at creation leave an untagged bucket after a crash.
            for bucket in state.buckets.values_mut() {
                if let BucketState::Present(bucket) = bucket
                    && bucket.policy == Default::default()
                {
                    bucket.tags = Default::default();
                }
            }
            let journal = Journal::open(directory.path(), &wanted.owner, "test").unwrap();
            let rest = plan_with(&wanted, &state, &options(&journal));
            assert_eq!(rest.blockers, [], "killed at {stop_at}");
            let this = journal.begin(RunKind::Apply, NOW).unwrap();
            assert_eq!(this.id, 1, "the interrupted run is continued");
            let again = world(&wanted, state, 0, Stop::Refuse);
            run(&rest, &journal, &this, &again, &Silence).await.unwrap();
            assert_eq!(
                again.state.into_inner().unwrap(),
                crate::world::applied(&wanted)
            );
            assert_eq!(
                journal.last_run().unwrap().unwrap().state,
                RunState::Finished
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_killed_at_any_call_can_be_undone() {
    let wanted = desired("");
    let steps = plan(&wanted, &Observed::default()).changes.len();
    for stop_at in 1..=steps {
        let directory = tempfile::tempdir().unwrap();
        let state = killed(&wanted, directory.path(), stop_at, Stop::AfterEffect).await;
        let journal = Journal::open(directory.path(), &wanted.owner, "test").unwrap();
        let this = journal.last_run().unwrap().unwrap();
        let again = world(&wanted, state, 0, Stop::Refuse);
        roll_back(&journal, &this, &again, &Silence).await.unwrap();
        let mut left = again.state.into_inner().unwrap();
        left.buckets
            .retain(|_, state| *state != BucketState::Absent);
        assert_eq!(left, Observed::default(), "killed at {stop_at}");
        assert_eq!(journal.claims().unwrap(), Default::default());
    }
}

#[tokio::test(start_paused = true)]
async fn undoing_touches_only_what_this_run_made() {
    let wanted = desired("");
    let before = crate::world::applied(&wanted);
    let changed = desired("data.versioning = \"enabled\"\nresults.abort_incomplete_days = 2");
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::open(directory.path(), &wanted.owner, "test").unwrap();
    let world = world(&changed, before.clone(), 0, Stop::Refuse);
    let this = journal.begin(RunKind::Apply, NOW).unwrap();
    run(&plan(&changed, &before), &journal, &this, &world, &Silence)
        .await
        .unwrap();
    roll_back(&journal, &this, &world, &Silence).await.unwrap();
    let after = world.state.into_inner().unwrap();
    let second = plan(&wanted, &after);
    assert_eq!(second.changes, [], "what was there before stands again");
    assert!(matches!(
        after.buckets.values().next(),
        Some(BucketState::Present(_))
    ));
}

#[tokio::test(start_paused = true)]
async fn a_refused_step_stops_the_run_and_is_not_undone_later() {
    let wanted = desired("");
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::open(directory.path(), &wanted.owner, "test").unwrap();
    let world = world(&wanted, Observed::default(), 3, Stop::Refuse);
    let this = journal.begin(RunKind::Apply, NOW).unwrap();
    let first = plan(&wanted, &Observed::default());
    let error = run(&first, &journal, &this, &world, &Silence)
        .await
        .unwrap_err();
    let RunError::Step {
        done: 2, failure, ..
    } = &error
    else {
        unreachable!("{error}")
    };
    assert!(failure.is_denied());
    let text = error.to_string();
    assert!(
        text.contains("AccessDenied") && text.contains("request id R") && text.contains("hint:"),
        "{text}"
    );
    roll_back(&journal, &this, &world, &Silence).await.unwrap();
    assert_eq!(
        *world.calls.lock().unwrap(),
        4,
        "one inverse: the bucket that was made"
    );
}

#[test]
fn a_second_run_on_the_same_tenant_is_refused_and_told_who_holds_it() {
    let directory = tempfile::tempdir().unwrap();
    let first = Journal::open(directory.path(), "pulse/prod/acme", "process 42").unwrap();
    match Journal::open(directory.path(), "pulse/prod/acme", "process 43") {
        Err(JournalError::Locked { holder }) => assert_eq!(holder, "process 42"),
        other => unreachable!("{other:?}"),
    }
    Journal::open(directory.path(), "pulse/prod/globex", "process 43").unwrap();
    drop(first);
    Journal::open(directory.path(), "pulse/prod/acme", "process 43").unwrap();
}
