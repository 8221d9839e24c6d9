//! Runs a sandbox until it is interrupted, for clients that are not written in Rust.
//!
//! ```text
//! cargo run -p sandbox -- --listen 127.0.0.1:9000 --data ./sandbox-data
//! ```
//!
//! One line of JSON says where it listens and which keys the accounts' root users have. With
//! `--shell` it also makes the gateway's role, a user that may become it and an admin of the
//! customer, and prints lines for a shell instead: what `provisioner` wants to know.

use sandbox::{KeyPair, Sandbox, SandboxError, SandboxOptions};
use serde_json::{Value, json};
use std::process::ExitCode;
use types::AccountId;

const USAGE: &str = "example: sandbox --listen 127.0.0.1:9001 --data ./sandbox-data --shell

usage: sandbox [--listen ADDRESS:PORT] [--data DIRECTORY] [--shell]

  --listen  where it listens; a free port of 127.0.0.1 when absent
  --data    keeps everything there; in a folder that goes with it when absent
  --shell   makes the gateway's role and prints what provisioner needs, as lines for a shell";

#[tokio::main]
async fn main() -> ExitCode {
    let (options, shell) = match options(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            say(USAGE);
            return ExitCode::SUCCESS;
        }
        Err(message) => return failed(&format!("{message}\n{USAGE}")),
    };
    match run(options, shell).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            failed(&format!("{error}{}", cause.unwrap_or_default()))
        }
    }
}

async fn run(options: SandboxOptions, shell: bool) -> Result<(), SandboxError> {
    let accounts = options.accounts.clone();
    let sandbox = Sandbox::start(options).await?;
    if shell {
        say(&lines_for_a_shell(&sandbox)?);
    } else {
        say(&line_of_json(&sandbox, &accounts)?);
    }
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!(%error, "cannot hear an interrupt");
    }
    sandbox.shutdown().await;
    Ok(())
}

fn line_of_json(sandbox: &Sandbox, accounts: &[AccountId]) -> Result<String, SandboxError> {
    let mut keys = serde_json::Map::new();
    for account in accounts {
        let pair = sandbox.root_keys(account)?;
        let pair = json!({
            "access_key_id": pair.access_key_id,
            "secret_access_key": pair.secret_access_key.expose(),
        });
        keys.insert(account.to_string(), pair);
    }
    let endpoint = sandbox.endpoint().to_string();
    Ok(json!({ "endpoint": endpoint, "root_keys": keys }).to_string())
}

/// A vendor whose gateway may become any tenant's role that lets it, and a customer.
fn lines_for_a_shell(sandbox: &Sandbox) -> Result<String, SandboxError> {
    let account = |id| AccountId::parse(id).expect("the sandbox's own accounts are well-formed");
    let (vendor, customer) = (
        account(SandboxOptions::VENDOR),
        account(SandboxOptions::CUSTOMER),
    );
    let allow = |action: &str| statement(json!({"Action": action, "Resource": "*"}));
    let root = format!("arn:aws:iam::{vendor}:root");
    let trust = statement(json!({"Action": "sts:AssumeRole", "Principal": {"AWS": root}}));
    let assume = allow("sts:AssumeRole");
    let role = sandbox.create_role(&vendor, "byos-gateway", &trust, &[("assume", &assume)])?;
    let gateway = sandbox.create_user(&vendor, "gateway", &[("assume", &assume)])?;
    let admin = sandbox.create_user(&customer, "admin", &[("everything", &allow("*"))])?;
    let keys = |prefix: &str, pair: &KeyPair| {
        format!(
            "export {prefix}_ACCESS_KEY_ID={}\nexport {prefix}_SECRET_ACCESS_KEY={}\n",
            pair.access_key_id,
            pair.secret_access_key.expose()
        )
    };
    Ok(format!(
        "export AWS_ENDPOINT_URL={}\nexport AWS_REGION=eu-central-1 AWS_DEFAULT_REGION=eu-central-1\n\
         # an admin of the customer, account {customer}\n{}\
         # the vendor, account {vendor}, whose gateway is {role}\n{}",
        sandbox.endpoint(),
        keys("AWS", &admin),
        keys("BYOS_VENDOR", &gateway),
    ))
}

fn statement(mut fields: Value) -> Value {
    fields["Effect"] = json!("Allow");
    json!({"Version": "2012-10-17", "Statement": [fields]})
}

/// The options, and whether the answer is for a shell; nothing when help was asked for.
fn options(
    mut arguments: impl Iterator<Item = String>,
) -> Result<Option<(SandboxOptions, bool)>, String> {
    let (mut options, mut shell) = (SandboxOptions::default(), false);
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
            "--shell" => shell = true,
            "--help" | "-h" => return Ok(None),
            _ => return Err(format!("unknown argument {name}")),
        }
    }
    Ok(Some((options, shell)))
}

#[expect(
    clippy::print_stdout,
    reason = "these lines are what the program is for"
)]
fn say(lines: &str) {
    println!("{}", lines.trim_end());
}

#[expect(clippy::print_stderr, reason = "a program says on stderr why it ends")]
fn failed(message: &str) -> ExitCode {
    eprintln!("{message}");
    ExitCode::FAILURE
}
