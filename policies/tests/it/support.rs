//! Where the judges are: programs that we did not write and do not ship.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A file or folder of the repository, from its root.
pub(crate) fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// A tool that the test set-up installs: what `variable` names, or `default` in the repository.
pub(crate) fn tool(variable: &str, default: &str, what: &str) -> PathBuf {
    let path = std::env::var_os(variable).map_or_else(|| in_repository(default), PathBuf::from);
    assert!(
        path.exists(),
        "{what} is not at {}: run tests/setup, or point {variable} at it",
        path.display()
    );
    path
}

/// Runs `command` with `input` and returns what it prints; its failure fails the test.
pub(crate) fn run(command: &mut Command, input: &str) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|err| {
            panic!("could not start {command:?}, which tests/setup should have found: {err}")
        });
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_string();
    let feeder = std::thread::spawn(move || {
        // A judge that dies early shows in its exit status below.
        let _ = stdin.write_all(input.as_bytes());
    });
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(&output.stdout)
    );
    String::from_utf8(output.stdout).unwrap()
}
