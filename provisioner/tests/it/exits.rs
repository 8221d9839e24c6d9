//! What every command ends with: its exit code, and for every failure the store's code, the
//! request id, whose fault it is, and a next step.

use crate::aws::Aws;
use crate::cycle::sandboxed;
use sandbox::{Fault, FaultEffect, FaultOn};

sandboxed! {
    async fn every_command_ends_as_the_table_says(aws) {
        let code = |command: &[&str]| {
            let ended = aws.acme(command[0], &command[1..]);
            (ended.code.unwrap(), ended.json["exit"].as_i64(), ended.stderr)
        };
        let expect = |command: &[&str], wanted: i32| {
            let (code, json, stderr) = code(command);
            assert_eq!(code, wanted, "{command:?}: {stderr}");
            assert_eq!(json, Some(i64::from(wanted)), "{command:?}");
        };
        expect(&["plan"], 2);
        expect(&["drift"], 2);
        expect(&["adopt"], 2);
        expect(&["status"], 0);
        expect(&["test"], 1);
        expect(&["rollback", "--yes"], 0);
        expect(&["apply"], 1);
        expect(&["apply", "--yes"], 0);
        expect(&["plan"], 0);
        expect(&["drift"], 0);
        expect(&["test"], 0);
        expect(&["prove"], 0);
        expect(&["onboard", "--yes"], 0);
        expect(&["render", "policy", "--account", "222222222222"], 0);
        expect(&["deployer-policy", "--account", "222222222222"], 0);
        expect(&["destroy"], 1);
        expect(&["offboard", "--yes"], 0);
        expect(&["rollback", "--yes"], 1);
        expect(&["destroy", "--yes"], 0);
    }
}

sandboxed! {
    async fn without_a_command_it_plans_and_changes_nothing(aws) {
        let ended = aws.run(&["--org", "acme", "--vendor-role", crate::aws::VENDOR_ROLE]);
        assert_eq!((ended.code, &ended.json["command"]), (Some(2), &"plan".into()));
        assert_eq!(aws.writes(), Vec::<String>::new());
    }
}

sandboxed! {
    async fn whatever_only_looks_makes_no_writing_call(aws) {
        for set_up in [false, true] {
            if set_up {
                aws.applied(&[]);
                aws.sandbox.forget_calls();
            }
            for command in [
                &["plan"][..], &["drift"], &["status"], &["adopt"], &["apply"], &["destroy"],
                &["render", "terraform", "--account", "222222222222"],
                &["deployer-policy", "--account", "222222222222"],
            ] {
                aws.acme(command[0], &command[1..]);
                assert_eq!(aws.writes(), Vec::<String>::new(), "{command:?}");
            }
        }
    }
}

sandboxed! {
    async fn apply_shows_the_plan_before_it_asks(aws) {
        let ended = aws.acme("apply", &[]);
        assert_eq!(ended.error()["kind"], "declined");
        assert!(ended.stderr.contains("byos-prod-acme-data"), "{}", ended.stderr);
        assert_eq!(aws.writes(), Vec::<String>::new());
    }
}

/// Reads of what this set-up has not: a managed policy, instance profiles.
const NOBODY_ASKS: [&str; 3] = [
    "GetPolicy",
    "GetInstanceProfile",
    "ListInstanceProfilesForRole",
];

/// Every call that a run makes fails for good once: the error says everything about it.
fn each_failure_is_told(aws: &Aws, command: &[&str], prepare: impl Fn(&Aws), calls: usize) {
    for number in 1..=calls {
        prepare(aws);
        aws.sandbox.forget_calls();
        aws.sandbox.inject(Fault {
            on: FaultOn::Any,
            skip: u32::try_from(number - 1).unwrap(),
            times: u32::MAX,
            effect: FaultEffect::Answer {
                status: 403,
                code: "AccessDenied",
            },
        });
        let ended = aws.acme(command[0], &command[1..]);
        aws.sandbox.clear_faults();
        let refused = aws
            .sandbox
            .calls()
            .into_iter()
            .filter(|call| call.status == 403);
        let refused: Vec<String> = refused.map(|call| call.api).collect();
        assert!(!refused.is_empty(), "call {number} was made");
        // Who may not see what nobody asks for does not have to.
        if refused
            .iter()
            .all(|api| NOBODY_ASKS.contains(&api.as_str()))
        {
            continue;
        }
        assert_ne!(
            ended.code,
            Some(0),
            "call {number} of {command:?}: {}",
            ended.stderr
        );
        // The whole answer: a refused read is a finding, a refused write an error.
        let told = format!("{}{}", ended.json, ended.stderr);
        assert!(
            told.contains("AccessDenied"),
            "call {number} of {command:?}: {told}"
        );
        assert!(
            told.contains("request id") || ended.error()["request_id"].is_string(),
            "call {number} of {command:?}: {told}"
        );
        if ended.code == Some(1) {
            assert!(
                ended.error()["message"].as_str().unwrap().contains("hint:"),
                "call {number}: {}",
                ended.error()
            );
        }
    }
}

fn calls_of(aws: &Aws, command: &[&str]) -> usize {
    aws.sandbox.forget_calls();
    assert_eq!(
        aws.acme(command[0], &command[1..]).code,
        Some(0),
        "{command:?}"
    );
    aws.sandbox.calls().len()
}

sandboxed! {
    async fn no_refused_call_of_an_apply_is_swallowed(aws) {
        let apply = ["apply", "--yes"];
        let calls = calls_of(&aws, &apply);
        let clear = |aws: &Aws| assert_eq!(aws.acme("destroy", &["--yes"]).code, Some(0));
        each_failure_is_told(&aws, &apply, clear, calls);
    }
}

sandboxed! {
    async fn no_refused_call_of_a_take_down_is_swallowed(aws) {
        let destroy = ["destroy", "--yes"];
        aws.applied(&[]);
        let calls = calls_of(&aws, &destroy);
        let again = |aws: &Aws| drop(aws.applied(&[]));
        each_failure_is_told(&aws, &destroy, again, calls);
    }
}

sandboxed! {
    async fn no_refused_call_of_a_look_for_drift_is_swallowed(aws) {
        aws.applied(&[]);
        let calls = calls_of(&aws, &["drift"]);
        each_failure_is_told(&aws, &["drift"], |_| {}, calls);
    }
}

sandboxed! {
    async fn the_json_of_results_and_errors_has_always_the_same_members(aws) {
        let names = |value: &serde_json::Value| {
            let mut names: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
            names.sort();
            names.join(" ")
        };
        let good = aws.applied(&[]);
        assert_eq!(names(&good.json), "command exit schema tenants");
        assert_eq!(names(&good.json["tenants"][0]), "error exit result tenant");
        assert_eq!(names(good.result()), "changes_made findings outputs unsupported");
        aws.refuse("GetRole", 403, "AccessDenied");
        let bad = aws.acme("apply", &["--yes"]);
        assert_eq!(names(&bad.json["tenants"][0]), "error exit result tenant");
        assert_eq!(names(bad.error()), "code fault hint kind message problems request_id");
        let wrong = aws.run(&["apply", "--yes"]);
        assert_eq!(names(&wrong.json), "command error exit schema tenants");
        assert_eq!(names(wrong.error()), "code fault hint kind message problems request_id");
        let plan = aws.acme("plan", &["--org", "other"]);
        assert!(plan.json["schema"] == "byos.provisioner/1");
    }
}
