//! The driver, with programs that stand in for terraform where the real one would be too good.

use crate::harness::folder;
use provisioner::runner::Watch;
use provisioner::terraform::{Terraform, TerraformFailure};
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

/// Keeps what it is told.
#[derive(Default)]
struct Kept(Mutex<Vec<String>>);

impl Watch for Kept {
    fn tell(&self, line: &str) {
        self.0.lock().unwrap().push(line.to_string());
    }
}

fn stand_in(folder: &Path, script: &str) -> Terraform {
    let program = folder.join("stand-in");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    let path = OsString::from("PATH");
    let environment = std::env::var_os("PATH").map(|value| (path, value));
    Terraform::new(folder, environment).binary(program)
}

#[test]
fn a_terraform_that_is_not_there_is_an_error_with_a_hint() {
    let folder = folder(&Default::default());
    let terraform = Terraform::new(folder.path(), []).binary("/nowhere/terraform");
    let error = terraform.init(&Kept::default()).unwrap_err();
    assert!(matches!(error, TerraformFailure::Start { .. }));
    assert!(
        error.to_string().contains("hint: install Terraform"),
        "{error}"
    );
}

#[test]
fn progress_is_told_line_by_line_and_a_failure_keeps_the_last_lines() {
    let folder = folder(&Default::default());
    let terraform = stand_in(folder.path(), "echo one; echo two >&2; exit 3");
    let kept = Kept::default();
    let error = terraform.init(&kept).unwrap_err();
    let TerraformFailure::Failed {
        step, code, output, ..
    } = &error
    else {
        panic!("{error}");
    };
    assert!(error.to_string().contains("hint: "), "{error}");
    assert_eq!((*step, *code), ("init", Some(3)));
    assert!(output.contains("one") && output.contains("two"), "{output}");
    let told = kept.0.lock().unwrap();
    assert!(told.contains(&"terraform: one".to_string()), "{told:?}");
}

#[test]
fn a_terraform_that_never_ends_is_stopped() {
    let folder = folder(&Default::default());
    let terraform = stand_in(folder.path(), "exec sleep 1000").patience(Duration::from_millis(50));
    let error = terraform.init(&Kept::default()).unwrap_err();
    assert!(
        matches!(error, TerraformFailure::TooLong { step: "init", .. }),
        "{error}"
    );
}

#[test]
fn only_the_environment_that_was_given_reaches_terraform() {
    let folder = folder(&Default::default());
    let terraform = stand_in(folder.path(), "env");
    let kept = Kept::default();
    terraform.init(&kept).unwrap();
    let told = kept.0.lock().unwrap();
    for line in told.iter() {
        let name = line
            .trim_start_matches("terraform: ")
            .split('=')
            .next()
            .unwrap();
        assert!(
            ["PATH", "PWD", "TF_IN_AUTOMATION", "_", "SHLVL", "OLDPWD"].contains(&name),
            "{line}"
        );
    }
}

#[test]
fn an_answer_that_is_no_json_is_not_taken_for_outputs() {
    let folder = folder(&Default::default());
    let terraform = stand_in(folder.path(), "echo oops");
    let error = terraform.outputs().unwrap_err();
    assert!(matches!(
        error,
        TerraformFailure::NotUnderstood { step: "output", .. }
    ));
}
