//! A set-up that Terraform holds: what the other commands do, and how it is taken down.

use crate::command::World;
use crate::specs::desired;
use crate::stores::Sandbox;
use provisioner::model::{Documents, Purpose};
use provisioner::plan::{BucketState, DiffOptions, ObservedBucket, Read, diff};
use provisioner::terraform::in_the_way;
use serde_json::json;
use std::os::unix::fs::PermissionsExt;

const VIA: [&str; 4] = ["apply", "--via", "terraform", "--yes"];

#[test]
fn status_and_drift_work_and_say_who_holds_it() {
    let world = World::new();
    assert_eq!(world.run(&VIA).code, Some(0));
    let status = world.run(&["status"]);
    let folder = status.result()["terraform"]["folder"].as_str().unwrap();
    assert!(
        folder.ends_with("state/terraform/byos/prod/acme"),
        "{folder}"
    );
    assert_eq!(status.result()["settled"], true);
    assert_eq!(world.run(&["drift"]).code, Some(0));
    let changed = world.run(&["drift", "--set", "data.versioning=enabled"]);
    assert_eq!(changed.code, Some(2));
}

#[test]
fn no_other_way_changes_what_terraform_holds() {
    let world = World::new();
    assert_eq!(world.run(&["apply", "--yes"]).code, Some(0));
    assert_eq!(world.run(&VIA).code, Some(0));
    let writes = world.sandbox.writes();
    for other in [
        &["apply", "--yes", "--set", "data.versioning=enabled"][..],
        &["destroy", "--yes"],
        &["offboard", "--yes"],
        &["rollback", "--yes"],
    ] {
        let ended = world.run(other);
        assert_eq!(ended.code, Some(1), "{other:?}");
        assert!(
            ended.message().contains("Terraform holds"),
            "{}",
            ended.message()
        );
        assert!(
            ended.message().contains("--via terraform"),
            "{}",
            ended.message()
        );
        let kind = &ended.json["tenants"][0]["error"]["kind"];
        assert_eq!(kind, "held_by_terraform");
    }
    assert_eq!(world.sandbox.writes(), writes);

    // Who deletes the folder has decided otherwise.
    std::fs::remove_dir_all(world.folder.path().join("state/terraform")).unwrap();
    let direct = world.run(&["apply", "--yes", "--set", "data.versioning=enabled"]);
    assert_eq!(direct.code, Some(0), "{}", direct.stderr);
}

#[test]
fn destroy_via_terraform_takes_everything_down() {
    let world = World::new();
    let before = world.sandbox.state();
    assert_eq!(world.run(&VIA).code, Some(0));
    let unasked = world.run(&["destroy", "--via", "terraform"]);
    assert_eq!(unasked.code, Some(1));
    assert!(unasked.message().contains("--yes"), "{}", unasked.message());
    let ended = world.run(&["destroy", "--via", "terraform", "--yes"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(world.sandbox.state(), before);
    assert_eq!(
        world.run(&["status"]).result()["terraform"],
        serde_json::Value::Null
    );
    let again = world.run(&["destroy", "--via", "terraform", "--yes"]);
    assert_eq!(
        (again.code, &again.result()["changes_made"]),
        (Some(0), &0.into())
    );
}

#[test]
fn a_bucket_with_data_stops_it_before_anything_is_taken_away() {
    let world = World::new();
    assert_eq!(world.run(&VIA).code, Some(0));
    world
        .sandbox
        .put_object("byos-prod-acme-results", "orgs/acme/a");
    let writes = world.sandbox.writes();
    let ended = world.run(&["destroy", "--via", "terraform", "--yes"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.message().contains("1 object"), "{}", ended.message());
    assert_eq!(world.sandbox.writes(), writes);

    let empty = ["destroy", "--via", "terraform", "--yes", "--empty-buckets"];
    let unconfirmed = world.run(&empty);
    assert_eq!(unconfirmed.code, Some(1));
    assert_eq!(world.sandbox.writes(), writes);
    let confirmed = world.run(&[&empty[..], &["--confirm", "acme"]].concat());
    assert_eq!(confirmed.code, Some(0), "{}", confirmed.stderr);
}

#[test]
fn destroy_via_terraform_without_its_folder_says_so() {
    let world = World::new();
    assert_eq!(world.run(&["apply", "--yes"]).code, Some(0));
    let ended = world.run(&["destroy", "--via", "terraform", "--yes"]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.message().contains("--terraform-dir"),
        "{}",
        ended.message()
    );
}

/// Terraform would replace what its owner has set, call it made here, and delete it one day.
#[test]
fn what_was_taken_over_is_not_handed_to_terraform() {
    let world = World::new();
    world.sandbox.make_bucket("customers-own");
    let own = ["--set", "data.name=customers-own"];
    let adopted = world.run(&[&["adopt", "--yes", "--leave", "none"][..], &own].concat());
    assert_eq!(adopted.code, Some(0), "{}", adopted.stderr);
    let state = world.sandbox.state();
    let ended = world.run(&[&VIA[..], &own].concat());
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.message().contains("it was taken over"),
        "{}",
        ended.message()
    );
    assert_eq!(world.sandbox.state(), state);
}

#[test]
fn tags_of_others_are_not_lost_to_terraform() {
    let world = World::new();
    assert_eq!(world.run(&["apply", "--yes"]).code, Some(0));
    world
        .sandbox
        .tag_role("byos-prod-acme-gateway", "cost-centre", "seven");
    let ended = world.run(&VIA);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.message().contains("cost-centre"),
        "{}",
        ended.message()
    );
    let named = world.run(&[&VIA[..], &["--set", "role.tags.cost-centre=seven"]].concat());
    assert_eq!(named.code, Some(0), "{}", named.stderr);
}

#[test]
fn denials_and_notifications_of_others_are_not_lost_to_terraform() {
    let desired = desired(
        "data.notifications.entries = [{ id = \"q\", destination = \"arn:aws:sqs:eu-central-1:222222222222:q\", events = [\"s3:ObjectCreated:*\"] }]",
    );
    let store = Sandbox::for_tenant(&desired);
    store.apply(&desired);
    let ways = |change: &dyn Fn(&mut ObservedBucket)| {
        let mut observed = store.observe(&desired);
        let Some(BucketState::Present(bucket)) = observed.buckets.get_mut(&Purpose::Data) else {
            panic!("it was made");
        };
        change(bucket);
        let documents = Documents::render(&desired).unwrap();
        let direct = diff(&desired, &documents, &observed, &DiffOptions::default());
        let blockers = in_the_way(&desired, &observed, &direct, true);
        blockers.into_iter().map(|b| b.message).collect::<Vec<_>>()
    };
    assert_eq!(ways(&|_| {}), [""; 0]);
    let theirs = ways(&|bucket| {
        let Read::Known(there) = &mut bucket.notifications else {
            panic!("it was read");
        };
        let mut entry = there.entries[0].clone();
        entry.id = Some("theirs".to_string());
        there.entries.push(entry);
    });
    assert!(theirs[0].contains("theirs"), "{theirs:?}");
    let on = ways(&|bucket| {
        let Read::Known(there) = &mut bucket.notifications else {
            panic!("it was read");
        };
        there.event_bridge = true;
    });
    assert!(on[0].contains("EventBridge is on"), "{on:?}");
    let denied = ways(&|bucket| {
        let Read::Known(Some(policy)) = &mut bucket.policy else {
            panic!("it was read");
        };
        let statements = policy["Statement"].as_array_mut().unwrap();
        statements.push(json!({
            "Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject",
            "Resource": "*", "Condition": { "Bool": { "aws:MultiFactorAuthPresent": "false" } },
        }));
    });
    assert!(denied[0].contains("Theirs"), "{denied:?}");
}

#[test]
fn settings_of_terraform_that_are_meant_for_others_do_not_reach_it() {
    let world = World::new();
    let stand_in = world.folder.path().join("stand-in");
    std::fs::write(&stand_in, "#!/bin/sh\nenv\nexit 1\n").unwrap();
    std::fs::set_permissions(&stand_in, PermissionsExt::from_mode(0o755)).unwrap();
    let theirs = [
        ("TF_CLI_ARGS", "-destroy"),
        ("TF_CLI_ARGS_plan", "-destroy"),
        ("TF_VAR_region", "us-east-1"),
        ("TF_WORKSPACE", "another"),
        ("TF_DATA_DIR", "elsewhere"),
        ("TF_LOG", "trace"),
        ("TF_PLUGIN_CACHE_DIR", "cache"),
    ];
    let ended = world.run_in(&VIA, &stand_in, &theirs);
    assert_eq!(ended.code, Some(1));
    for (name, _) in theirs {
        let reached = ended.stderr.contains(&format!("{name}="));
        assert_eq!(
            reached,
            name == "TF_PLUGIN_CACHE_DIR",
            "{name}: {}",
            ended.stderr
        );
    }
    assert!(ended.message().contains("hint: "), "{}", ended.message());
}
