//! Set-ups with keys of KMS: proven, and provable by somebody with the deployer's policy alone.

use crate::aws::{Aws, Ended, VENDOR_ROLE};
use crate::cycle::sandboxed;
use sandbox::SandboxOptions;
use types::{AccountId, Region};

/// A file of one tenant with a key of its own for each bucket.
fn with_keys(aws: &Aws) -> String {
    let account = AccountId::parse(SandboxOptions::CUSTOMER).unwrap();
    let region = Region::parse("eu-central-1").unwrap();
    let make = || aws.sandbox.create_kms_key(&account, &region, None).unwrap();
    let [data, results] = [make(), make()];
    let text = format!(
        r#"
            org_id = "acme"
            region = "eu-central-1"
            account = "{account}"
            role.vendor_role = "{VENDOR_ROLE}"
            role.policy = "managed"
            data.encryption = {{ kind = "sse_kms", key = "{data}" }}
            results.encryption = {{ kind = "sse_kms", key = "{results}", bucket_key = false }}
        "#
    );
    aws.write("keys.toml", &text).display().to_string()
}

fn assert_proven(ended: &Ended) {
    let certificate = &ended.result()["certificate"];
    assert_eq!(
        certificate["verdict"], "proven",
        "{certificate:#} {}",
        ended.stderr
    );
    assert_eq!(ended.code, Some(0));
}

sandboxed! {
    async fn a_role_that_uses_keys_is_proven(aws) {
        let file = with_keys(&aws);
        let made = aws.run(&["apply", "--file", &file, "--yes"]);
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        assert_proven(&aws.run(&["prove", "--file", &file]));
    }
}

sandboxed! {
    async fn the_deployers_policy_is_enough_to_prove_a_role_that_uses_keys(aws) {
        let file = with_keys(&aws);
        let flags = ["deployer-policy", "--file", &file, "--with-destroy", "--with-prove"];
        let policy = aws.run(&flags).result().clone();
        let account = AccountId::parse(SandboxOptions::CUSTOMER).unwrap();
        let keys = aws.sandbox.create_user(&account, "deployer", &[("deployer", &policy)]).unwrap();
        let made = aws.run_as(&keys, &["apply", "--file", &file, "--yes"]);
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        assert_proven(&aws.run_as(&keys, &["prove", "--file", &file]));
        let down = aws.run_as(&keys, &["destroy", "--file", &file, "--yes"]);
        assert_eq!(down.code, Some(0), "{}", down.stderr);
    }
}

sandboxed! {
    async fn a_key_that_is_not_there_is_named_as_the_cause(aws) {
        let file = with_keys(&aws);
        let gone = "arn:aws:kms:eu-central-1:222222222222:key/00000000-0000-0000-0000-000000000000";
        let set = format!("data.encryption={{ kind = \"sse_kms\", key = \"{gone}\" }}");
        let settings = ["--file", &file, "--set", &set];
        let made = aws.run(&[&["apply", "--yes"], &settings[..]].concat());
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        let ended = aws.run(&[&["prove"], &settings[..]].concat());
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        let said = ended.result()["certificate"].to_string();
        assert!(said.contains("KMS.NotFoundException") && said.contains("the key cannot be used"), "{said}");
    }
}
