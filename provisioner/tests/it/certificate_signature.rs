//! The signed certificate, and whoever checks it: this program, and others that only know the
//! canonical form from the manual.

use crate::aws::{Aws, Ended, wait};
use crate::cycle::sandboxed;
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};

/// As the security team of a customer: no tenant, no credentials, nothing in the environment.
fn check(arguments: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_provisioner"));
    command
        .args(["prove", "--json"])
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    wait(command.spawn().unwrap())
}

struct Made {
    key: String,
    file: String,
    public_key: String,
}

fn made(aws: &Aws) -> Made {
    aws.applied(&[]);
    let key = aws.path("key.pem").display().to_string();
    let file = aws.path("certificate.json").display().to_string();
    let ended = aws.acme("prove", &["--key", &key, "--out", &file]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let public_key = ended.result()["signature"]["public_key"].as_str().unwrap();
    assert!(
        ended.stderr.contains(public_key),
        "the new key is announced: {}",
        ended.stderr
    );
    Made {
        public_key: public_key.to_string(),
        key,
        file,
    }
}

sandboxed! {
    async fn who_signed_is_said_and_only_the_expected_key_satisfies(aws) {
        let made = made(&aws);
        let pem = aws.path("public.pem").display().to_string();
        let out = Command::new("openssl").args(["pkey", "-in", &made.key, "-pubout", "-out", &pem]).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let digits = aws.write("public.hex", &format!("{}\n", made.public_key)).display().to_string();
        for expected in [["--public-key", &made.public_key], ["--public-key", &pem], ["--public-key", &digits], ["--key", &made.key]] {
            let ended = check(&[&["--verify", &made.file][..], &expected].concat());
            assert_eq!(ended.code, Some(0), "{expected:?}: {}", ended.stderr);
            assert_eq!(ended.result()["signer"], "expected");
        }
        let unknown = check(&["--verify", &made.file]);
        assert_eq!(unknown.code, Some(2), "a signature by anybody is no proof: {}", unknown.stderr);
        assert_eq!(unknown.result()["signer"], "unknown");
        let other = "00".repeat(32);
        let ended = check(&["--verify", &made.file, "--public-key", &other]);
        assert_eq!(ended.code, Some(1));
        let message = ended.error()["message"].as_str().unwrap();
        assert!(message.contains(&made.public_key) && message.contains(&other), "{message}");
    }
}

sandboxed! {
    async fn checking_never_makes_a_key(aws) {
        let made = made(&aws);
        let absent = aws.path("absent.pem");
        let ended = check(&["--verify", &made.file, "--key", &absent.display().to_string()]);
        assert_eq!(ended.code, Some(1));
        assert_eq!(ended.error()["kind"], "file");
        assert!(!absent.exists());
        let ended = check(&["--verify", &made.file, "--public-key", &absent.display().to_string()]);
        assert_eq!(ended.error()["kind"], "file");
        assert!(!absent.exists());
    }
}

#[cfg(unix)]
sandboxed! {
    async fn a_private_key_that_others_can_read_is_refused(aws) {
        use std::os::unix::fs::PermissionsExt;
        let made = made(&aws);
        let mode = |mode| std::fs::set_permissions(&made.key, std::fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(std::fs::metadata(&made.key).unwrap().permissions().mode() & 0o777, 0o600);
        for open in [0o640, 0o604, 0o660, 0o644] {
            mode(open);
            for ended in [aws.acme("prove", &["--key", &made.key]), check(&["--verify", &made.file, "--key", &made.key])] {
                assert_eq!(ended.code, Some(1), "{open:o}");
                assert!(ended.stderr.contains("chmod 600"), "{}", ended.stderr);
            }
        }
        mode(0o400);
        assert_eq!(check(&["--verify", &made.file, "--key", &made.key]).code, Some(0));
    }
}

sandboxed! {
    async fn what_is_not_the_original_is_refused_with_its_reason(aws) {
        let made = made(&aws);
        let original: Value = serde_json::from_str(&std::fs::read_to_string(&made.file).unwrap()).unwrap();
        let with = |pointer: &str, value: Value| {
            let mut changed = original.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            changed.to_string()
        };
        let mut added = original.clone();
        added["certificate"]["approved_by"] = json!("everybody");
        for (text, reason) in [
            (with("/certificate/external_id", json!("pulse-org-evil")), "was changed"),
            (with("/certificate/live/0/verdict", json!("violated")), "was changed"),
            (with("/certificate/issued", json!(0)), "was changed"),
            (with("/signature", Value::Null), "not signed"),
            (with("/signature/signature", json!("00")), "was changed"),
            (with("/certificate/schema", json!("byos.certificate/2")), "newer"),
            (with("/certificate/schema", json!("something")), "not a certificate"),
            (added.to_string(), "approved_by"),
            ("{".to_string(), "not a certificate"),
            (json!({"tenants": []}).to_string(), "the output of --json"),
        ] {
            let file = aws.write("changed.json", &text).display().to_string();
            let ended = check(&["--verify", &file, "--public-key", &made.public_key]);
            assert_eq!(ended.code, Some(1), "{reason}");
            assert_eq!(ended.error()["kind"], "certificate", "{reason}: {}", ended.stderr);
            assert!(ended.stderr.contains(reason), "{reason}: {}", ended.stderr);
            assert!(ended.stderr.contains("hint: "), "{}", ended.stderr);
        }
    }
}

/// From the manual alone, in another language.
const JUDGE: &str = r#"
import json, sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
document = json.load(open(sys.argv[1], encoding="utf-8"))
form = json.dumps(document["certificate"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
open(sys.argv[3], "wb").write(form.encode("utf-8"))
open(sys.argv[4], "wb").write(bytes.fromhex(document["signature"]["signature"]))
key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(sys.argv[2]))
key.verify(bytes.fromhex(document["signature"]["signature"]), form.encode("utf-8"))
print("good", document["certificate"]["verdict"])
"#;

fn python() -> String {
    std::env::var("BYOS_PYTHON").unwrap_or_else(|_| {
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/.tools/venv/bin/python");
        tools.display().to_string()
    })
}

sandboxed! {
    async fn two_other_implementations_find_the_signature_good_and_a_change_bad(aws) {
        let made = made(&aws);
        let script = aws.write("judge.py", JUDGE).display().to_string();
        let form = aws.path("form").display().to_string();
        let signature = aws.path("signature").display().to_string();
        let judge = |file: &str| {
            Command::new(python()).args([&script, file, &made.public_key, &form, &signature]).output().unwrap()
        };
        let out = judge(&made.file);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        assert_eq!(String::from_utf8_lossy(&out.stdout), "good proven\n");
        let openssl = || {
            Command::new("openssl")
                .args(["pkeyutl", "-verify", "-inkey", &made.key, "-rawin", "-in", &form, "-sigfile", &signature])
                .output()
                .unwrap()
        };
        let out = openssl();
        assert!(out.status.success(), "{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        let text = std::fs::read_to_string(&made.file).unwrap().replace("acme", "acne");
        let changed = aws.write("changed.json", &text).display().to_string();
        assert!(!judge(&changed).status.success());
        assert!(!openssl().status.success(), "the judge wrote the changed form");
    }
}

// A key that openssl made signs as well as one of ours.
sandboxed! {
    async fn a_key_of_openssl_signs(aws) {
        aws.applied(&[]);
        let key = aws.path("theirs.pem").display().to_string();
        let out = Command::new("openssl").args(["genpkey", "-algorithm", "ed25519", "-out", &key]).output().unwrap();
        assert!(out.status.success());
        let file = aws.path("certificate.json").display().to_string();
        let ended = aws.acme("prove", &["--key", &key, "--out", &file]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(check(&["--verify", &file, "--key", &key]).code, Some(0));
    }
}

sandboxed! {
    async fn onboarding_keeps_the_signed_certificate(aws) {
        let key = aws.path("key.pem").display().to_string();
        let file = aws.path("certificate.json").display().to_string();
        let ended = aws.acme("onboard", &["--yes", "--key", &key, "--out", &file]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(check(&["--verify", &file, "--key", &key]).code, Some(0));
    }
}
