//! What nobody can switch off, what is refused for its size, and what is the same everywhere.

use crate::aws::Aws;
use crate::cycle::sandboxed;
use crate::world::{applied, bucket, desired, plan};
use clap::CommandFactory;
use provisioner::model::{Encryption, Purpose, TransitionMinimum};
use provisioner::plan::Read;
use std::collections::BTreeSet;

sandboxed! {
    async fn no_flag_no_field_and_no_variable_opens_a_bucket(aws) {
        let command = provisioner::cli::Cli::command();
        let all = command.get_subcommands().flat_map(clap::Command::get_arguments).chain(command.get_arguments());
        for argument in all {
            let name = argument.get_id().as_str();
            let opens = ["public_a", "public_block", "block_public", "acl", "unblock"];
            assert!(!opens.iter().any(|part| name.contains(part)), "{name}");
        }
        for field in [
            "data.public_access=true", "data.public_access_block=false", "data.block_public_acls=false",
            "data.acl=\"public-read\"", "public_access=true", "results.public_access_block={}",
        ] {
            let ended = aws.acme("plan", &["--set", field]);
            assert_eq!(ended.error()["kind"], "specification", "{field}: {}", ended.stderr);
        }
        let mut command = aws.command(&["apply", "--org", "acme", "--vendor-role", crate::aws::VENDOR_ROLE, "--yes", "--json"]);
        for name in ["BYOS_PUBLIC_ACCESS", "BYOS_PUBLIC_ACCESS_BLOCK", "PUBLIC_ACCESS_BLOCK"] {
            command.env(name, "false");
        }
        assert_eq!(crate::aws::wait(command.spawn().unwrap()).code, Some(0));
        let blocked = aws.held()["buckets"]["byos-prod-acme-data"]["settings"]["publicAccessBlock"].to_string();
        assert_eq!(blocked.matches("\"true\"").count(), 4, "{blocked}");
    }
}

sandboxed! {
    async fn nothing_that_is_rendered_for_another_partition_names_the_first(aws) {
        for (partition, region) in [("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")] {
            let vendor = format!("arn:{partition}:iam::111111111111:role/byos-gateway");
            for kind in ["terraform", "cloudformation", "cli", "policy"] {
                let ended = aws.run(&["render", kind, "--org", "acme", "--region", region, "--account", "222222222222",
                    "--vendor-role", &vendor, "--set", "data.logging={}"]);
                assert_eq!(ended.code, Some(0), "{kind}: {}", ended.stderr);
                let files = ended.result()["files"].as_array().unwrap();
                for file in files {
                    let text = file["text"].as_str().unwrap();
                    // Modules are the same for everybody and take the partition as a value.
                    let ours = !file["name"].as_str().unwrap().contains("modules/");
                    assert!(!ours || !text.contains("arn:aws:"), "{kind} {partition}: {}", file["name"]);
                }
            }
        }
        assert_eq!(aws.sandbox.calls().len(), 0, "rendering calls nothing");
    }
}

#[test]
fn a_transition_minimum_that_a_store_does_not_report_is_no_difference() {
    let wanted = desired("data.transition_minimum = \"varies_by_storage_class\"");
    let mut world = applied(&wanted);
    let Read::Known(Some(lifecycle)) = &mut bucket(&mut world, Purpose::Data).lifecycle else {
        unreachable!("the lifecycle was applied")
    };
    lifecycle.transition_minimum = None;
    assert_eq!(plan(&wanted, &world).changes, []);
    let Read::Known(Some(lifecycle)) = &mut bucket(&mut world, Purpose::Data).lifecycle else {
        unreachable!("the lifecycle was applied")
    };
    lifecycle.transition_minimum = Some(TransitionMinimum::AllStorageClasses128K);
    assert_eq!(plan(&wanted, &world).changes.len(), 1, "another one is");
}

#[test]
fn names_that_do_not_fit_are_shortened_without_meeting() {
    let long = "x".repeat(40);
    let mut seen = BTreeSet::new();
    for number in 0..500 {
        let mut spec = crate::world::spec("");
        spec.org_id = format!("{long}{number:03}");
        spec.project = "p".repeat(20);
        let desired = provisioner::model::compile(&spec, None).unwrap();
        let again = provisioner::model::compile(&spec, None).unwrap();
        let role = desired.role.as_ref().unwrap().arn.name().to_string();
        assert!(role.len() <= 64, "{role}");
        assert_eq!(role, again.role.unwrap().arn.name(), "the same each time");
        for name in [
            role,
            desired.data().name.to_string(),
            desired.results().name.to_string(),
        ] {
            assert!(seen.insert(name.clone()), "{name} twice");
        }
        assert_eq!(desired.data().encryption, Encryption::AwsDefault);
    }
}

sandboxed! {
    async fn a_session_longer_than_chained_ones_last_is_refused_before_any_call(aws) {
        let ended = aws.acme("apply", &["--yes", "--set", "role.max_session_seconds=7200"]);
        assert_eq!(ended.error()["kind"], "specification", "{}", ended.stderr);
        assert_eq!(aws.writes(), Vec::<String>::new());
    }
}
