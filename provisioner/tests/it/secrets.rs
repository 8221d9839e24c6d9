//! No secret that was put in ever comes out: not on the terminal, not in the state, not in a
//! saved plan, of no command, whether it succeeds or fails.

use crate::aws::{Aws, VENDOR_ROLE};
use crate::cycle::sandboxed;
use sandbox::{Fault, FaultEffect, FaultOn};
use std::path::Path;

/// What must never be seen again, and what it was for.
struct Canaries(Vec<(&'static str, String)>);

impl Canaries {
    #[track_caller]
    fn absent_from(&self, place: &str, bytes: &[u8]) {
        for (what, secret) in &self.0 {
            let found = bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(
                !found,
                "{what} is in {place}: {}",
                String::from_utf8_lossy(bytes)
            );
        }
    }

    fn absent_below(&self, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.absent_below(&path);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                self.absent_from(&path.display().to_string(), &bytes);
            }
        }
    }
}

const TOKEN: &str = "canary-session-token-of-the-customer";
const VENDOR_TOKEN: &str = "canary-session-token-of-the-vendor";

fn canaries(aws: &Aws) -> Canaries {
    Canaries(vec![
        (
            "the customer's secret",
            aws.customer.secret_access_key.expose().clone(),
        ),
        (
            "the vendor's secret",
            aws.vendor.secret_access_key.expose().clone(),
        ),
        ("the customer's token", TOKEN.to_string()),
        ("the vendor's token", VENDOR_TOKEN.to_string()),
        ("a password of an address", "canary-password".to_string()),
        ("a stray secret of a file", "canary-of-the-file".to_string()),
    ])
}

fn look(aws: &Aws, canaries: &Canaries, mut command: std::process::Command, what: &str) {
    let output = command.output().unwrap();
    canaries.absent_from(&format!("stdout of {what}"), &output.stdout);
    canaries.absent_from(&format!("stderr of {what}"), &output.stderr);
    canaries.absent_below(&aws.path("state"));
}

const COMMANDS: [&[&str]; 16] = [
    &["plan", "--out", "PLAN"],
    &["apply", "--plan", "PLAN"],
    &["apply", "--yes"],
    &["status"],
    &["drift"],
    &["adopt"],
    &["prove", "--key", "KEY", "--out", "CERTIFICATE"],
    &["test"],
    &["onboard", "--yes"],
    &["render", "terraform", "--account", "222222222222"],
    &["render", "cloudformation", "--account", "222222222222"],
    &["render", "cli", "--account", "222222222222"],
    &["render", "policy", "--account", "222222222222"],
    &["deployer-policy", "--account", "222222222222"],
    &["rollback", "--yes"],
    &["offboard", "--yes"],
];

fn every_command(
    aws: &Aws,
    canaries: &Canaries,
    why: &str,
    change: impl Fn(&mut std::process::Command),
) {
    let files =
        ["PLAN", "KEY", "CERTIFICATE"].map(|name| (name, aws.path(name).display().to_string()));
    for words in COMMANDS {
        for format in [&["--json"][..], &[]] {
            let mut arguments: Vec<&str> = Vec::new();
            for word in words {
                let file = files.iter().find(|(name, _)| name == word);
                arguments.push(file.map_or(word, |(_, path)| path));
            }
            arguments.extend(["--org", "acme", "--vendor-role", VENDOR_ROLE]);
            arguments.extend(format);
            let mut command = aws.command(&arguments);
            command.env("BYOS_PATIENCE_MILLISECONDS", "50");
            change(&mut command);
            look(aws, canaries, command, &format!("{words:?}, {why}"));
        }
    }
    for name in ["PLAN", "CERTIFICATE"] {
        if let Ok(bytes) = std::fs::read(aws.path(name)) {
            canaries.absent_from(name, &bytes);
        }
    }
}

sandboxed! {
    async fn no_command_shows_or_keeps_a_secret(aws) {
        std::fs::create_dir_all(aws.path("state")).unwrap();
        let canaries = canaries(&aws);
        every_command(&aws, &canaries, "all goes well", |_| {});
        every_command(&aws, &canaries, "tokens that nobody issued", |command| {
            command.env("AWS_SESSION_TOKEN", TOKEN).env("BYOS_VENDOR_SESSION_TOKEN", VENDOR_TOKEN);
        });
        every_command(&aws, &canaries, "another key's secret", |command| {
            command.env("AWS_ACCESS_KEY_ID", "AKIAUNKNOWN0000000000");
        });
    }
}

sandboxed! {
    async fn no_failing_call_gives_a_secret_away(aws) {
        std::fs::create_dir_all(aws.path("state")).unwrap();
        let canaries = canaries(&aws);
        let calls = {
            aws.applied(&[]);
            let calls = aws.sandbox.calls().len();
            assert_eq!(aws.acme("destroy", &["--yes"]).code, Some(0));
            calls
        };
        for number in 1..=calls {
            let effect = FaultEffect::Answer { status: 403, code: "AccessDenied" };
            aws.sandbox.inject(Fault {
                on: FaultOn::Any,
                skip: u32::try_from(number - 1).unwrap(),
                times: u32::MAX,
                effect,
            });
            let mut command = aws.command(&["apply", "--org", "acme", "--vendor-role", VENDOR_ROLE, "--yes", "--json"]);
            command.env("BYOS_PATIENCE_MILLISECONDS", "50");
            look(&aws, &canaries, command, &format!("call {number} fails"));
            aws.sandbox.clear_faults();
        }
    }
}

sandboxed! {
    async fn a_password_in_an_address_is_not_repeated(aws) {
        std::fs::create_dir_all(aws.path("state")).unwrap();
        let canaries = canaries(&aws);
        let address = "http://somebody:canary-password@127.0.0.1:9/";
        let base = ["--org", "acme", "--vendor-role", VENDOR_ROLE, "--json"];
        for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_IAM", "AWS_ENDPOINT_URL_STS"] {
            let mut command = aws.command(&[&["plan"][..], &base].concat());
            command.env(name, address).env("BYOS_PATIENCE_MILLISECONDS", "50");
            look(&aws, &canaries, command, name);
        }
        let mut command = aws.command(&[&["onboard", "--yes"][..], &base].concat());
        command.env("BYOS_ADMIN_URL", address);
        look(&aws, &canaries, command, "BYOS_ADMIN_URL");
        let compatible = format!("compatible={{ endpoint = \"{address}\" }}");
        let command = aws.command(&["plan", "--org", "acme", "--region", "us-east-1", "--set", &compatible]);
        look(&aws, &canaries, command, "compatible.endpoint");
        let url = format!("{address}template.json");
        let command = aws.command(&["render", "cloudformation", "--account", "222222222222", "--template-url", &url,
            "--org", "acme", "--vendor-role", VENDOR_ROLE]);
        look(&aws, &canaries, command, "--template-url");
    }
}

sandboxed! {
    async fn a_secret_in_the_wrong_place_of_a_file_is_refused_and_not_repeated(aws) {
        std::fs::create_dir_all(aws.path("state")).unwrap();
        let canaries = canaries(&aws);
        for (name, text) in [
            ("a.toml", "org_id = \"acme\"\nregion = \"eu-central-1\"\nsecret_access_key = \"canary-of-the-file\"\n"),
            ("b.toml", "org_id = \"acme\"\nregion = \"eu-central-1\"\nsecret = canary-of-the-file\n"),
            ("c.json", "{\"org_id\": \"acme\", \"secret_access_key\": \"canary-of-the-file\"}"),
            ("d.json", "{\"org_id\": \"acme\", canary-of-the-file}"),
        ] {
            let file = aws.write(name, text).display().to_string();
            let command = aws.command(&["plan", "--file", &file, "--json"]);
            let ended = crate::aws::ended({ let mut command = aws.command(&["plan", "--file", &file, "--json"]); command.output().unwrap() });
            assert_eq!(ended.error()["kind"], "specification", "{name}: {}", ended.stderr);
            look(&aws, &canaries, command, name);
        }
        let profile = "[work]\naws_access_key_id = AKIA\nsecret: canary-of-the-file\n";
        let profile = aws.write("credentials", profile);
        let mut command = aws.command(&["plan", "--org", "acme", "--vendor-role", VENDOR_ROLE, "--profile", "work"]);
        command.env("AWS_SHARED_CREDENTIALS_FILE", profile);
        look(&aws, &canaries, command, "a credentials file");
    }
}

sandboxed! {
    async fn the_external_id_stands_in_results_and_never_in_the_words_of_a_failure(aws) {
        for api in ["PutBucketPolicy", "CreateRole", "PutRolePolicy", "GetRole"] {
            aws.refuse(api, 403, "AccessDenied");
            let ended = aws.acme("apply", &["--yes"]);
            assert_eq!(ended.code, Some(1), "{api}");
            let error = ended.error().to_string();
            assert!(!error.contains("pulse-org-acme"), "{api}: {error}");
            aws.sandbox.clear_faults();
        }
        let ended = aws.applied(&[]);
        assert_eq!(ended.result()["outputs"]["external_id"], "pulse-org-acme");
    }
}

sandboxed! {
    async fn nobody_can_choose_another_external_id(aws) {
        for field in ["external_id=\"other\"", "role.external_id=\"other\""] {
            let ended = aws.acme("plan", &["--set", field]);
            assert_eq!(ended.error()["kind"], "specification", "{field}: {}", ended.stderr);
        }
        assert_eq!(aws.sandbox.calls().len(), 0);
    }
}
