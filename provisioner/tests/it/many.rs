//! Many tenants in one run, many calls at once, two runs of one tenant.

use crate::aws::{Aws, Ended, VENDOR_ROLE, wait};
use crate::cycle::sandboxed;
use sandbox::{Call, CallKind, Fault, FaultEffect, FaultOn};
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};

fn tenants(aws: &Aws, count: usize) -> String {
    let mut text =
        format!("[defaults]\nregion = \"eu-central-1\"\nrole.vendor_role = \"{VENDOR_ROLE}\"\n");
    for number in 0..count {
        text.push_str(&format!("[[tenants]]\norg_id = \"org{number}\"\n"));
    }
    aws.write("tenants.toml", &text).display().to_string()
}

sandboxed! {
    async fn a_hundred_tenants_all_succeed_although_every_tenth_call_is_throttled(aws) {
        let file = tenants(&aws, 100);
        for (api, status, code) in [
            ("CreateRole", 429, "TooManyRequestsException"),
            ("PutRolePolicy", 400, "Throttling"),
            ("PutBucketPolicy", 503, "SlowDown"),
            ("GetRole", 400, "Throttling"),
        ] {
            for turn in 0..10 {
                let effect = FaultEffect::Answer { status, code };
                let on = FaultOn::Api(api.to_string());
                aws.sandbox.inject(Fault::once(on, 1 + turn * 10, effect));
            }
        }
        let arguments = ["apply", "--file", &file, "--yes", "--parallel", "16", "--json"];
        let child = aws.command(&arguments).env_remove("BYOS_PATIENCE_MILLISECONDS").spawn().unwrap();
        let ended = wait(child);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let tenants = ended.json["tenants"].as_array().unwrap();
        assert_eq!(tenants.len(), 100);
        assert!(tenants.iter().all(|tenant| tenant["exit"] == 0));
        let held = aws.held();
        assert_eq!(held["roles"].as_object().unwrap().len(), 100);
        assert_eq!(held["buckets"].as_object().unwrap().len(), 200);
        let throttled = aws.sandbox.calls().iter().filter(|c| matches!(c.status, 400 | 429 | 503)).count();
        assert_eq!(throttled, 40, "every ordered refusal was met, and waited out");
        for number in [0, 42, 99] {
            assert!(ended.stderr.contains(&format!("byos/prod/org{number}: ")), "org{number} is seen");
        }
        assert!(ended.stderr.contains("[100/100]"), "{}", ended.stderr);
        aws.sandbox.forget_calls();
        let again = aws.run(&["apply", "--file", &file, "--yes", "--parallel", "16", "--quiet"]);
        assert_eq!(again.code, Some(0), "{}", again.stderr);
        assert_eq!(aws.writes(), Vec::<String>::new());
    }
}

sandboxed! {
    async fn one_tenant_that_fails_does_not_stop_the_others(aws) {
        let file = tenants(&aws, 6);
        let vendor = crate::hands::vendor();
        aws.bucket_of(&vendor, "byos-prod-org3-data", "eu-central-1");
        let ended = aws.run(&["apply", "--file", &file, "--yes"]);
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        let exits: Vec<u64> = ended.json["tenants"].as_array().unwrap().iter().map(|t| t["exit"].as_u64().unwrap()).collect();
        assert_eq!(exits, [0, 0, 0, 1, 0, 0], "in the order of the file");
    }
}

/// Writing calls under way on each bucket, and the most there ever were.
#[derive(Default)]
struct UnderWay(Mutex<(BTreeMap<String, u32>, u32)>);

sandboxed! {
    async fn no_bucket_ever_has_two_writing_calls_under_way(aws) {
        let file = tenants(&aws, 8);
        let seen = Arc::new(UnderWay::default());
        let watched = seen.clone();
        let watch = move |call: &Call| {
            if call.service != "s3" || call.kind != CallKind::Write {
                return;
            }
            let bucket = call.target.trim_matches('/').to_string();
            {
                let mut state = watched.0.lock().unwrap();
                let now = state.0.entry(bucket.clone()).or_default();
                *now += 1;
                state.1 = state.1.max(state.0[&bucket]);
            }
            // Time for a second call to arrive, if there were one.
            for _ in 0..200 {
                std::thread::yield_now();
            }
            *watched.0.lock().unwrap().0.entry(bucket).or_default() -= 1;
        };
        aws.sandbox.inject(Fault {
            on: FaultOn::AnyWrite,
            skip: 0,
            times: u32::MAX,
            effect: FaultEffect::RunAfter(Arc::new(watch)),
        });
        let ended = aws.run(&["apply", "--file", &file, "--yes", "--parallel", "8", "--quiet"]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(seen.0.lock().unwrap().1, 1);
    }
}

/// Holds the first run at its first writing call until it is let go.
struct Gate(Mutex<(bool, bool)>, Condvar);

/// Opens the gate however the test ends: a run that waits for ever would hang it.
struct Opener(Arc<Gate>);

impl Drop for Opener {
    fn drop(&mut self) {
        self.0.0.lock().unwrap().1 = true;
        self.0.1.notify_all();
    }
}

fn held_at_the_first_write(aws: &Aws) -> Arc<Gate> {
    let gate = Arc::new(Gate(Mutex::new((false, false)), Condvar::new()));
    let inside = gate.clone();
    let hold = move |_: &Call| {
        let mut state = inside.0.lock().unwrap();
        state.0 = true;
        inside.1.notify_all();
        while !state.1 {
            state = inside.1.wait(state).unwrap();
        }
    };
    let effect = FaultEffect::RunAfter(Arc::new(hold));
    aws.sandbox
        .inject(Fault::once(FaultOn::AnyWrite, 1, effect));
    gate
}

fn arguments(timeout: &'static str) -> [&'static str; 8] {
    [
        "apply",
        "--org",
        "acme",
        "--vendor-role",
        VENDOR_ROLE,
        "--yes",
        "--json",
        timeout,
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_second_process_is_refused_and_told_who_holds_the_lock_or_waits_for_it() {
    let aws = Aws::start().await;
    let gate = held_at_the_first_write(&aws);
    let opener = Opener(gate.clone());
    let first = aws.command(&arguments("--quiet")).spawn().unwrap();
    let holder = format!("process {}", first.id());
    {
        let mut state = gate.0.lock().unwrap();
        while !state.0 {
            state = gate.1.wait(state).unwrap();
        }
    }
    let refused = wait(aws.command(&arguments("--quiet")).spawn().unwrap());
    assert_eq!(refused.code, Some(1));
    assert_eq!(refused.error()["kind"], "locked", "{}", refused.stderr);
    let message = refused.error()["message"].as_str().unwrap();
    assert!(
        message.contains(&holder) && message.contains("hint:"),
        "{message}"
    );
    let second = aws
        .command(&arguments("--lock-timeout=120"))
        .spawn()
        .unwrap();
    drop(opener);
    let (first, second) = (wait(first), wait(second));
    assert_eq!(
        (first.code, second.code),
        (Some(0), Some(0)),
        "{}{}",
        first.stderr,
        second.stderr
    );
    let made = |ended: &Ended| ended.result()["changes_made"].as_u64().unwrap();
    assert!(made(&first) > 0 && made(&second) == 0);
    assert_eq!(aws.calls_of("CreateBucket").len(), 2);
}
