//! The journal is ahead of the calls on the disk itself, as strace sees it.

use crate::aws::{Aws, VENDOR_ROLE};
use crate::cycle::sandboxed;
use std::process::Command;

/// What a process did, in order.
#[derive(Debug, PartialEq)]
enum Event {
    Synced,
    Asked(String),
}

/// Every fsync, and every request that changes something.
fn events(trace: &str) -> Vec<Event> {
    let lines = trace.lines().filter_map(|line| {
        if line.contains(" fsync(") || line.contains(" fdatasync(") {
            return Some(Event::Synced);
        }
        let (_, sent) = line.split_once('"')?;
        let asks = sent.starts_with("PUT /") || sent.starts_with("DELETE /");
        asks.then(|| Event::Asked(sent.chars().take(60).collect()))
    });
    lines.collect()
}

sandboxed! {
    async fn what_is_about_to_be_called_is_on_the_disk_before_the_call(aws) {
        let trace = aws.path("trace");
        let program = aws.command(&["apply", "--org", "acme", "--vendor-role", VENDOR_ROLE, "--yes"]);
        let mut strace = Command::new("strace");
        strace
            .args(["-f", "-qq", "-s", "64", "-e", "trace=fsync,fdatasync,write,writev,sendto,sendmsg", "-o"])
            .arg(&trace)
            .arg(program.get_program())
            .args(program.get_args())
            .env_clear();
        for (name, value) in program.get_envs() {
            strace.env(name, value.unwrap());
        }
        strace.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        let output = strace.output().expect("this test needs strace: run tests/setup");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

        let events = events(&std::fs::read_to_string(&trace).unwrap());
        let asked = events.iter().filter(|event| **event != Event::Synced).count();
        assert_eq!(asked, 12, "{events:#?}");
        let mut synced = false;
        for event in &events {
            match event {
                Event::Synced => synced = true,
                Event::Asked(request) => {
                    assert!(synced, "{request} was sent before its record was on the disk");
                    synced = false;
                }
            }
        }
        assert!(synced, "the outcome of the last call is not on the disk");
    }
}
