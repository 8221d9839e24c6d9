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

/// Runs at a terminal; `meanwhile` happens when the question stands there, and then it is agreed.
async fn asked(
    aws: &Aws,
    arguments: &[&str],
    meanwhile: impl AsyncFnOnce(),
) -> (Option<i32>, String) {
    use std::io::{Read, Write};
    let program = aws.command(arguments);
    let words = std::iter::once(program.get_program()).chain(program.get_args());
    let words: Vec<String> = words
        .map(|word| format!("'{}'", word.to_str().unwrap()))
        .collect();
    let mut terminal = std::process::Command::new("script");
    terminal
        .args(["-qefc", &words.join(" "), "/dev/null"])
        .env_clear();
    for (name, value) in program.get_envs() {
        terminal.env(name, value.unwrap());
    }
    terminal
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped());
    let mut child = terminal
        .spawn()
        .expect("this test needs script, of util-linux");
    let mut out = child.stdout.take().unwrap();
    let (mut said, mut piece) = (String::new(), [0; 4_096]);
    while !said.contains("[yes/no]") {
        let read = out.read(&mut piece).unwrap();
        assert!(read > 0, "it did not ask: {said}");
        said.push_str(&String::from_utf8_lossy(&piece[..read]));
    }
    meanwhile().await;
    let mut keys = child.stdin.take().unwrap();
    keys.write_all(b"yes\n").unwrap();
    out.read_to_string(&mut said).unwrap();
    (child.wait().unwrap().code(), said)
}

sandboxed! {
    async fn what_somebody_sets_while_a_person_thinks_is_not_overwritten(aws) {
        aws.applied(&[]);
        let arguments = ["apply", "--org", "acme", "--vendor-role", VENDOR_ROLE, "--set", "tags={ team = \"a\" }"];
        aws.sandbox.forget_calls();
        let (code, said) = asked(&aws, &arguments, async || {
            let tag = |key: &str, value: &str| aws_sdk_s3::types::Tag::builder().key(key).value(value).build().unwrap();
            let tags = aws_sdk_s3::types::Tagging::builder()
                .tag_set(tag("byos:owner", "byos/prod/acme"))
                .tag_set(tag("byos:origin", "created"))
                .tag_set(tag("theirs", "new"))
                .build()
                .unwrap();
            let put = aws.s3(&aws.customer).put_bucket_tagging().bucket("byos-prod-acme-data").tagging(tags);
            put.send().await.unwrap();
        })
        .await;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("somebody else changed something since the plan was shown"), "{said}");
        assert_eq!(aws.writes(), ["PutBucketTagging"]);
        let (code, said) = asked(&aws, &arguments, async || {}).await;
        assert_eq!(code, Some(0), "{said}");
        assert!(aws.held().to_string().contains("theirs"));
    }
}
