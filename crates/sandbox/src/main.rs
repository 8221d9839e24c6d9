//! Runs a sandbox until it is interrupted, for clients that are not written in Rust.
//!
//! ```text
//! cargo run -p sandbox -- --listen 127.0.0.1:9000 --data ./sandbox-data
//! ```
//!
//! One line of JSON says where it listens and which keys the accounts' root users have.

use sandbox::{Sandbox, SandboxError, SandboxOptions};
use std::process::ExitCode;

const USAGE: &str = "usage: sandbox [--listen ADDRESS:PORT] [--data DIRECTORY]
example: sandbox --listen 127.0.0.1:9000 --data ./sandbox-data";

#[tokio::main]
async fn main() -> ExitCode {
    let options = match options(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => return failed(&format!("{message}\n{USAGE}")),
    };
    match run(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            failed(&format!("{error}{}", cause.unwrap_or_default()))
        }
    }
}

async fn run(options: SandboxOptions) -> Result<(), SandboxError> {
    let accounts = options.accounts.clone();
    let sandbox = Sandbox::start(options).await?;
    let mut keys = serde_json::Map::new();
    for account in accounts {
        let pair = sandbox.root_keys(&account)?;
        keys.insert(
            account.to_string(),
            serde_json::json!({
                "access_key_id": pair.access_key_id,
                "secret_access_key": pair.secret_access_key.expose(),
            }),
        );
    }
    say(&serde_json::json!({
        "endpoint": sandbox.endpoint().to_string(),
        "root_keys": keys,
    }));
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!(%error, "cannot hear an interrupt");
    }
    sandbox.shutdown().await;
    Ok(())
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<SandboxOptions, String> {
    let mut options = SandboxOptions::default();
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
        match name.as_str() {
            "--listen" => {
                let address = value()?;
                options.listen = address
                    .parse()
                    .map_err(|_| format!("{address} is not an address and a port"))?;
            }
            "--data" => options.data_dir = Some(value()?.into()),
            _ => return Err(format!("unknown argument {name}")),
        }
    }
    Ok(options)
}

#[expect(clippy::print_stdout, reason = "this line is what the program is for")]
fn say(line: &serde_json::Value) {
    println!("{line}");
}

#[expect(clippy::print_stderr, reason = "a program says on stderr why it ends")]
fn failed(message: &str) -> ExitCode {
    eprintln!("{message}");
    ExitCode::FAILURE
}
