//! A run that fails at any call leaves a journal, and undoing takes back what that run made and
//! nothing else, the latest first.

use crate::aws::Aws;
use crate::cycle::sandboxed;
use crate::hands::{DATA, customer};
use sandbox::{Fault, FaultEffect, FaultOn};
use serde_json::Value;

fn fail_at(aws: &Aws, number: usize, times: u32, effect: FaultEffect) {
    aws.sandbox.inject(Fault {
        on: FaultOn::AnyWrite,
        skip: u32::try_from(number - 1).unwrap(),
        times,
        effect,
    });
}

const REFUSED: FaultEffect = FaultEffect::Answer {
    status: 403,
    code: "AccessDenied",
};

fn undo(aws: &Aws, file: &str, why: &str) {
    let undone = aws.run(&["rollback", "--file", file, "--yes"]);
    assert_eq!(undone.code, Some(0), "{why}: {}", undone.stderr);
}

sandboxed! {
    async fn a_first_run_that_failed_at_any_call_is_undone_without_a_trace(aws) {
        let file = aws.rich().await;
        aws.bucket_of(&customer(), "somebody-elses", "eu-central-1");
        let before = aws.held();
        let apply = ["apply", "--file", &file, "--yes"];
        assert_eq!(aws.run(&apply).code, Some(0));
        let calls = aws.writes().len() - 1;
        undo(&aws, &file, "the whole run");
        assert_eq!(aws.held(), before);
        for number in 1..=calls {
            for effect in [REFUSED, FaultEffect::CutAfter] {
                let why = format!("{effect:?} at call {number}");
                fail_at(&aws, number, u32::MAX, effect);
                let failed = aws.run(&apply);
                assert_eq!(failed.code, Some(1), "{why}: {}", failed.stderr);
                assert_eq!(failed.error()["kind"], "stopped", "{why}");
                aws.sandbox.clear_faults();
                undo(&aws, &file, &why);
                assert_eq!(aws.held(), before, "{why}");
            }
        }
    }
}

sandboxed! {
    async fn a_change_that_failed_at_any_call_is_undone_to_what_stood_before(aws) {
        let file = aws.rich().await;
        let apply = ["apply", "--file", &file, "--yes"];
        let change = [&apply[..], &[
            "--set", "data.cors=[]",
            "--set", "results.abort_incomplete_days=3",
            "--set", "tags={ team = \"another\", more = \"1\" }",
            "--set", "role.description=changed",
            "--set", "data.inventory=[{ id = \"daily\", frequency = \"daily\" }]",
            "--base-path", "moved/",
        ]].concat();
        assert_eq!(aws.run(&apply).code, Some(0));
        let before = aws.held();
        aws.sandbox.forget_calls();
        assert_eq!(aws.run(&change).code, Some(0));
        let calls = aws.writes().len();
        undo(&aws, &file, "the whole change");
        assert_eq!(aws.held(), before);
        for number in 1..=calls {
            let why = format!("failed at call {number}");
            fail_at(&aws, number, u32::MAX, REFUSED);
            assert_eq!(aws.run(&change).code, Some(1), "{why}");
            aws.sandbox.clear_faults();
            undo(&aws, &file, &why);
            assert_eq!(aws.held(), before, "{why}");
        }
    }
}

sandboxed! {
    async fn a_bucket_that_somebody_else_made_after_an_interruption_outlives_the_undoing(aws) {
        // The answer to the first creation gets lost, and nothing was created.
        fail_at(&aws, 1, u32::MAX, FaultEffect::CutBefore);
        assert_eq!(aws.acme("apply", &["--yes"]).code, Some(1));
        aws.sandbox.clear_faults();
        aws.bucket_of(&customer(), DATA, "eu-central-1");
        let before = aws.held();
        let undone = aws.acme("rollback", &["--yes"]);
        assert_eq!(undone.code, Some(0), "{}", undone.stderr);
        assert!(undone.stderr.contains("was not made by this run"), "{}", undone.stderr);
        assert_eq!(aws.held(), before);
    }
}

sandboxed! {
    async fn undoing_goes_backwards_and_ends_with_what_was_made_first(aws) {
        let file = aws.rich().await;
        assert_eq!(aws.run(&["apply", "--file", &file, "--yes"]).code, Some(0));
        let made: Vec<String> = made(&aws, "Create");
        aws.sandbox.forget_calls();
        undo(&aws, &file, "the run");
        let mut unmade = made_of(&aws, "Delete");
        unmade.reverse();
        assert_eq!(unmade, made);
    }
}

/// What was made, in order: buckets, role, policy.
fn made(aws: &Aws, verb: &str) -> Vec<String> {
    let mut names = made_of(aws, verb);
    names.retain(|name| !name.ends_with("ceiling"));
    names
}

fn made_of(aws: &Aws, verb: &str) -> Vec<String> {
    let kinds = ["Bucket", "Role", "Policy"].map(|kind| format!("{verb}{kind}"));
    let calls = aws.sandbox.calls();
    let calls = calls.into_iter().filter(|call| kinds.contains(&call.api));
    calls
        .map(|call| call.api.trim_start_matches(verb).to_string() + " " + last(&call.target))
        .collect()
}

fn last(target: &str) -> &str {
    target
        .trim_end_matches('/')
        .rsplit(['/', ':'])
        .next()
        .unwrap_or_default()
}

sandboxed! {
    async fn a_run_that_failed_for_good_is_continued_by_the_next(aws) {
        let file = aws.rich().await;
        let apply = ["apply", "--file", &file, "--yes"];
        fail_at(&aws, 9, u32::MAX, REFUSED);
        assert_eq!(aws.run(&apply).code, Some(1));
        let status = aws.run(&["status", "--file", &file]);
        assert_eq!(status.result()["last_run"]["state"], "open", "{}", status.json);
        aws.sandbox.clear_faults();
        let second = aws.run(&apply);
        assert_eq!(second.code, Some(0), "{}", second.stderr);
        let status = aws.run(&["status", "--file", &file]);
        assert_eq!(status.result()["last_run"]["state"], "finished");
        assert_eq!(status.result()["last_run"]["id"], 1, "it is the same run");
        assert_ne!(*status.result(), Value::Null);
    }
}
