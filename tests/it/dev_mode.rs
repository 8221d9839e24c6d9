//! `proxy dev`: what it prints works as printed, and it remembers.

use std::time::Duration;
use tests::client::{Login, plain, succeed};
use tests::gateway::Gateway;
use tests::place;

/// Long enough for a drain on a busy machine.
const STOPS_WITHIN: Duration = Duration::from_secs(60);

#[test]
fn every_line_that_dev_prints_works_as_printed() {
    let data = tempfile::tempdir().unwrap();
    let (_gateway, block) = Gateway::dev(&data.path().join("data"));
    let clients = place::python_tool("aws").parent().unwrap().to_owned();
    let path = format!("{}:{}", clients.display(), std::env::var("PATH").unwrap());
    let mut shell = plain("bash");
    let said = succeed(
        shell
            .env("PATH", path)
            .args(["-euo", "pipefail", "-c", &block]),
    );
    let lines: Vec<_> = said.lines().collect();
    assert!(lines.iter().any(|line| line.ends_with(" data")), "{said}");
    assert!(
        lines.iter().any(|line| line.ends_with(" results")),
        "{said}"
    );
    assert!(
        lines.iter().any(|line| line.ends_with(" hello.txt")),
        "{said}"
    );
    assert!(
        lines.iter().any(|line| line.contains("X-Amz-Signature=")),
        "{said}"
    );
    // Once by aws and once by curl.
    let welcome = "This object lives in the demo tenant's own bucket.";
    assert_eq!(said.matches(welcome).count(), 2, "{said}");
    assert!(!said.contains("<Error>"), "{said}");
}

fn put(login: &Login, key: &str, text: &str) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let to = format!("s3://results/{key}");
    succeed(&mut login.aws(&["s3", "cp", file.path().to_str().unwrap(), &to]));
}

fn read(login: &Login, key: &str) -> String {
    succeed(&mut login.aws(&["s3", "cp", &format!("s3://results/{key}"), "-"]))
}

#[test]
fn a_second_start_finds_the_same_tenant_and_the_same_objects() {
    let data = tempfile::tempdir().unwrap();
    let (mut first, login) = Gateway::dev_login(data.path());
    put(&login, "kept.txt", "before the end");
    first.server().signal("TERM");
    assert!(
        first.server().ends_within(STOPS_WITHIN),
        "SIGTERM does not end it"
    );
    drop(first);

    let (mut second, again) = Gateway::dev_login(data.path());
    assert_eq!(again.access_key_id, login.access_key_id);
    assert_eq!(again.secret_access_key, login.secret_access_key);
    assert_eq!(read(&again, "kept.txt"), "before the end");
    put(&again, "killed.txt", "before the kill");
    second.server().signal("KILL");
    assert!(second.server().ends_within(STOPS_WITHIN));
    drop(second);

    let (_third, last) = Gateway::dev_login(data.path());
    assert_eq!(last.access_key_id, login.access_key_id);
    assert_eq!(read(&last, "killed.txt"), "before the kill");
}

#[test]
fn dev_on_a_port_that_is_taken_says_so_and_fails() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = tempfile::tempdir().unwrap();
    let mut command = plain(place::proxy());
    command
        .args(["dev", "--listen", &address, "--data"])
        .arg(data.path());
    let outcome = command.output().unwrap();
    assert_eq!(outcome.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&outcome.stderr).contains(&address));
}
