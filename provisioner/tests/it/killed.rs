//! kill -9 of the real process at every writing call: of a first set-up, of a change, of a
//! take-down, of an undoing. The next run converges, and nothing is left over.

use crate::aws::{Aws, wait};
use crate::cycle::sandboxed;
use crate::hands::COMPUTE;
use sandbox::{Call, Fault, FaultEffect, FaultOn};
use serde_json::{Value, json};
use std::process::Command;
use std::sync::{Arc, Mutex};

/// When the process dies: the call has had its effect and the answer never comes, or neither.
#[derive(Debug, Clone, Copy)]
enum Death {
    After,
    Before,
}

/// Runs the command and kills it at its `number`th writing call.
fn killed(aws: &Aws, arguments: &[&str], number: usize, death: Death) {
    let running: Arc<Mutex<Option<u32>>> = Arc::default();
    let victim = running.clone();
    let kill = Arc::new(move |_: &Call| {
        // The process may knock before its number is written down.
        loop {
            if let Some(id) = *victim.lock().unwrap() {
                let status = Command::new("kill").args(["-9", &id.to_string()]).status();
                assert!(status.unwrap().success());
                return;
            }
            std::thread::yield_now();
        }
    });
    let effect = match death {
        Death::After => FaultEffect::RunAfter(kill),
        Death::Before => FaultEffect::RunInstead(kill),
    };
    let number = u32::try_from(number).unwrap();
    aws.sandbox
        .inject(Fault::once(FaultOn::AnyWrite, number, effect));
    let child = aws.command(arguments).spawn().unwrap();
    *running.lock().unwrap() = Some(child.id());
    let ended = wait(child);
    assert_eq!(ended.code, None, "killed at {number}: {}", ended.stderr);
    aws.sandbox.clear_faults();
    aws.sandbox.forget_calls();
}

#[track_caller]
fn good(aws: &Aws, arguments: &[&str], why: &str) -> Value {
    let ended = aws.run(arguments);
    assert_eq!(ended.code, Some(0), "{why}: {}", ended.stderr);
    ended.result().clone()
}

/// Calls that no run may ever make.
#[track_caller]
fn nothing_was_opened(aws: &Aws) {
    for call in aws.writes() {
        let opens = [
            "DeletePublicAccessBlock",
            "DeleteBucketEncryption",
            "DeleteBucketOwnershipControls",
        ];
        assert!(
            !opens.contains(&call.as_str()) && !call.contains("Acl"),
            "{call}"
        );
    }
}

/// What stands after an undisturbed run, and how many writing calls it took.
fn undisturbed(aws: &Aws, arguments: &[&str]) -> (Value, usize) {
    aws.sandbox.forget_calls();
    good(aws, arguments, "undisturbed");
    let calls = aws.writes().len();
    (aws.held(), calls)
}

async fn a_set_up_survives(file: impl AsyncFn(&Aws) -> String) {
    let (wanted, calls) = {
        let aws = Aws::start().await;
        let file = file(&aws).await;
        let (held, calls) = undisturbed(&aws, &["apply", "--file", &file, "--yes"]);
        (without_key(&held, &file), calls)
    };
    for number in 1..=calls {
        for death in [Death::After, Death::Before] {
            let why = format!("{death:?} call {number}");
            let aws = Aws::start().await;
            let file = file(&aws).await;
            let apply = ["apply", "--file", &file, "--yes", "--json"];
            killed(&aws, &apply, number, death);
            good(&aws, &apply[..4], &why);
            let held = without_key(&aws.held(), &file);
            assert_eq!(held, wanted, "{why}");
            nothing_was_opened(&aws);
            aws.sandbox.forget_calls();
            let second = good(&aws, &apply[..4], &why);
            assert_eq!(aws.writes(), Vec::<String>::new(), "{why}");
            assert_eq!(second["changes_made"], 0, "{why}");
        }
    }
}

/// Every sandbox has a key of its own, which the file names; and SSE-S3 that somebody asked for is
/// the same as SSE-S3 that AWS gives by itself.
fn without_key(held: &Value, file: &str) -> Value {
    let file = std::fs::read_to_string(file).unwrap();
    let key = file
        .split('"')
        .find(|text| text.starts_with("arn:aws:kms:"));
    let text = held.to_string().replace(key.unwrap_or("no key"), "the key");
    let mut held: Value = serde_json::from_str(&text).unwrap();
    for bucket in held["buckets"].as_object_mut().unwrap().values_mut() {
        let settings = bucket["settings"].as_object_mut().unwrap();
        settings
            .retain(|name, value| name != "encryption" || !value.to_string().contains("AES256"));
    }
    held
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rich_set_up_that_was_killed_at_any_call_converges_and_then_writes_nothing() {
    a_set_up_survives(async |aws| aws.rich().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_profile_survives_a_kill_at_any_call() {
    a_set_up_survives(async |aws| aws.write("compute.toml", COMPUTE).display().to_string()).await;
}

sandboxed! {
    async fn a_change_that_was_killed_at_any_call_converges(aws) {
        let file = aws.rich().await;
        let before = ["apply", "--file", &file, "--yes"];
        let after = [&before[..], &[
            "--set", "data.cors=[]",
            "--set", "results.abort_incomplete_days=3",
            "--set", "tags={ team = \"another\", more = \"1\" }",
            "--set", "role.description=changed",
            "--set", "role.max_session_seconds=3600",
            "--set", "data.inventory=[{ id = \"daily\", frequency = \"daily\" }]",
            "--base-path", "moved/",
        ]].concat();
        good(&aws, &before, "before");
        let (wanted, calls) = undisturbed(&aws, &after);
        assert!(calls > 6, "{:?}", aws.writes());
        for number in 1..=calls {
            let why = format!("call {number}");
            good(&aws, &before, &why);
            let command = [&after[..], &["--json"]].concat();
            killed(&aws, &command, number, Death::After);
            good(&aws, &after, &why);
            assert_eq!(aws.held(), wanted, "{why}");
            aws.sandbox.forget_calls();
            good(&aws, &after, &why);
            assert_eq!(aws.writes(), Vec::<String>::new(), "{why}");
        }
    }
}

sandboxed! {
    async fn a_take_down_that_was_killed_at_any_call_is_finished_by_the_next(aws) {
        let file = aws.rich().await;
        let empty = aws.held();
        let apply = ["apply", "--file", &file, "--yes"];
        let destroy = ["destroy", "--file", &file, "--yes", "--json"];
        good(&aws, &apply, "first");
        let (left, calls) = undisturbed(&aws, &destroy[..4]);
        assert_eq!(left, empty);
        for number in 1..=calls {
            for death in [Death::After, Death::Before] {
                let why = format!("{death:?} call {number}");
                good(&aws, &apply, &why);
                aws.sandbox.forget_calls();
                killed(&aws, &destroy, number, death);
                nothing_was_opened(&aws);
                good(&aws, &destroy[..4], &why);
                assert_eq!(aws.held(), empty, "{why}");
            }
        }
    }
}

sandboxed! {
    async fn an_undoing_that_was_killed_at_any_call_is_finished_by_the_next(aws) {
        let file = aws.rich().await;
        let empty = aws.held();
        let apply = ["apply", "--file", &file, "--yes"];
        let undo = ["rollback", "--file", &file, "--yes", "--json"];
        good(&aws, &apply, "first");
        let (left, calls) = undisturbed(&aws, &undo[..4]);
        assert_eq!(left, empty);
        for number in 1..=calls {
            let why = format!("call {number}");
            good(&aws, &apply, &why);
            aws.sandbox.forget_calls();
            killed(&aws, &undo, number, Death::After);
            nothing_was_opened(&aws);
            good(&aws, &undo[..4], &why);
            assert_eq!(aws.held(), empty, "{why}");
            let again = good(&aws, &undo[..4], &why);
            assert_eq!(again["undone"], json!(0), "{why}");
        }
    }
}
