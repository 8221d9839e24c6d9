//! What people read: whose mistake, whose progress, what to type next, and since when.

use crate::aws::{Aws, VENDOR_ROLE, ended};
use crate::cycle::sandboxed;
use std::process::Output;

/// Runs without `--json`: what a person would see.
fn shown(aws: &Aws, arguments: &[&str]) -> (String, String) {
    let Output { stdout, stderr, .. } = aws.command(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(stdout), text(stderr))
}

/// Two tenants in a file whose name needs quotes.
fn two(aws: &Aws) -> String {
    let text = format!(
        "[defaults]\nrole.vendor_role = \"{VENDOR_ROLE}\"\n\
         [[tenants]]\norg_id = \"acme\"\n[[tenants]]\norg_id = \"globex\"\n"
    );
    aws.write("our tenants.toml", &text).display().to_string()
}

sandboxed! {
    async fn every_mistake_names_its_tenant(aws) {
        let text = "[[tenants]]\norg_id = \"acme\"\ndata.abort_incomplete_days = 0\n\
                    [[tenants]]\norg_id = \"Bad Org\"\n";
        let file = aws.write("bad.toml", text).display().to_string();
        let refused = aws.run(&["plan", "--file", &file]);
        assert_eq!(refused.code, Some(1));
        for words in [
            "tenant \"acme\": data.abort_incomplete_days: ",
            "tenant \"acme\": role.vendor_role: ",
            "tenant \"Bad Org\": org_id: ",
        ] {
            assert!(refused.stderr.contains(words), "{words}\n{}", refused.stderr);
        }
        let problems = refused.error()["problems"].as_array().unwrap().clone();
        assert_eq!(problems[0]["tenant"], "acme");
    }
}

sandboxed! {
    async fn progress_names_the_tenant_where_there_are_several(aws) {
        let file = two(&aws);
        let (_, progress) = shown(&aws, &["apply", "--yes", "--file", &file]);
        assert!(progress.contains("\nacme: [1/14] "), "{progress}");
        assert!(progress.contains("\nglobex: [1/14] "), "{progress}");
        let (_, progress) = shown(&aws, &["apply", "--yes", "--org", "alone", "--vendor-role", VENDOR_ROLE]);
        assert!(progress.contains("\n[1/14] "), "{progress}");
    }
}

sandboxed! {
    async fn the_command_that_undoes_a_run_works_as_it_is_printed(aws) {
        let file = two(&aws);
        let (result, _) = shown(&aws, &["apply", "--yes", "--file", &file]);
        let line = result.lines().find(|l| l.contains("undo it with: ") && l.contains("globex")).unwrap();
        let (_, typed) = line.split_once("undo it with: provisioner ").unwrap();
        let mut shell = std::process::Command::new("sh");
        let program = aws.command(&[]);
        shell.env_clear();
        for (name, value) in program.get_envs() {
            shell.env(name, value.unwrap());
        }
        let path = program.get_program().to_str().unwrap();
        shell.arg("-c").arg(format!("'{path}' {typed} --yes --json"));
        let undone = ended(shell.output().unwrap());
        assert_eq!(undone.code, Some(0), "{typed}\n{}", undone.stderr);
        assert_eq!(undone.result()["undone"], 14);
        assert_eq!(aws.run(&["drift", "--file", &file, "--org", "acme"]).code, Some(0));
    }
}

sandboxed! {
    async fn times_are_written_for_people(aws) {
        aws.applied(&[]);
        let (status, _) = shown(&aws, &["status", "--org", "acme", "--vendor-role", VENDOR_ROLE]);
        let line = status.lines().find(|l| l.contains("last run")).unwrap();
        assert!(line.contains("last run: apply of 20") && line.ends_with("Z, finished"), "{line}");
    }
}

sandboxed! {
    async fn onboarding_ends_with_what_has_to_be_entered(aws) {
        let (result, _) = shown(&aws, &["onboard", "--yes", "--org", "acme", "--vendor-role", VENDOR_ROLE]);
        let (_, after) = result.split_once("enter the outputs in Settings > Storage\n").unwrap();
        assert!(after.contains("  role_arn = arn:aws:iam::222222222222:role/byos-prod-acme-gateway\n"), "{after}");
        assert!(after.contains("  results_bucket = byos-prod-acme-results\n"), "{after}");
    }
}

sandboxed! {
    async fn of_a_role_that_may_do_everything_a_few_violations_are_shown_the_statement_first(aws) {
        aws.applied(&[]);
        let everything = serde_json::json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"}]});
        aws.iam(&aws.customer)
            .put_role_policy()
            .role_name("byos-prod-acme-gateway")
            .policy_name("extra")
            .policy_document(everything.to_string())
            .send()
            .await
            .unwrap();
        let (result, _) = shown(&aws, &["prove", "--org", "acme", "--vendor-role", VENDOR_ROLE]);
        let (_, computed) = result.split_once("computed from the documents: [NO]").unwrap();
        let lines: Vec<&str> = computed.lines().skip(1).take(13).collect();
        assert!(lines[0].contains("inline policy \"extra\""), "{lines:?}");
        assert!(lines[12].trim().starts_with("and ") && lines[12].ends_with("--json has all of them"), "{lines:?}");
    }
}

sandboxed! {
    async fn what_cannot_be_proven_is_not_onboarded_and_nothing_is_made(aws) {
        let text = "[[tenants]]\norg_id = \"acme\"\nrole.compute = [\"ec2\"]\n";
        let file = aws.write("compute.toml", text).display().to_string();
        let refused = aws.run(&["onboard", "--yes", "--file", &file]);
        assert_eq!(refused.code, Some(1));
        assert!(refused.stderr.contains("only a cross-account role can be proven"), "{}", refused.stderr);
        assert!(refused.stderr.contains("hint: \"provisioner apply\" sets it up"));
        assert_eq!(aws.writes(), Vec::<String>::new());
    }
}
