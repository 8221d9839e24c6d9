//! The commands: one file each. This one reads the arguments, runs the command for every tenant,
//! and turns the results into output and an exit code.

mod adopt;
mod apply;
mod context;
mod deployer_policy;
mod destroy;
mod drift;
mod error;
mod onboard;
mod plan;
mod prove;
mod render;
mod rollback;
mod signing;
mod status;
mod test;
mod via_terraform;

pub use error::CommandError;

use crate::aws::Environment;
use crate::cli::{Cli, Command};
use crate::output::{Format, Output};
use context::Context;
use serde_json::{Value, json};
use std::sync::Arc;
use types::{Clock, SystemClock};

/// Names the shape of `--json` output; it changes only together with that shape.
pub const SCHEMA: &str = "byos.provisioner/1";

/// What a command found or did for one tenant.
#[derive(Debug)]
pub struct TenantResult {
    /// The value of the ownership tag, or the org id when it got no further.
    pub tenant: String,
    /// For people; empty when `json` says it all.
    pub text: String,
    /// For machines.
    pub json: Value,
    /// 0 or 2.
    pub exit: u8,
}

/// Runs the command and returns the exit code.
pub async fn run(cli: Cli, environment: Environment) -> u8 {
    let format = match cli.output.json {
        true => Format::Json,
        false => Format::Text,
    };
    let colour = !cli.output.no_color && !environment.contains_key("NO_COLOR");
    let out = Arc::new(Output::new(format, colour, cli.output.quiet));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let command = cli
        .command
        .clone()
        .unwrap_or(Command::Plan(Default::default()));
    // Whoever checks a certificate has no tenant and no credentials.
    if let Command::Prove(args) = &command
        && let Some(path) = &args.verify
    {
        return finish(&out, "prove", prove::check(&out, path, args));
    }
    let context = match Context::new(cli, environment, clock, out.clone()) {
        Ok(context) => context,
        Err(error) => return finish(&out, command_name(&command), Err(error)),
    };
    let results = match &command {
        Command::Plan(args) => plan::run(&context, args).await,
        Command::Apply(args) => apply::run(&context, args).await,
        Command::Destroy(args) => destroy::run(&context, args).await,
        Command::Drift => drift::run(&context).await,
        Command::Render(args) => render::run(&context, args),
        Command::Prove(args) => prove::run(&context, args).await,
        Command::Status => status::run(&context).await,
        Command::Rollback(args) => rollback::run(&context, args).await,
        Command::Adopt(args) => adopt::run(&context, args).await,
        Command::DeployerPolicy(args) => deployer_policy::run(&context, args),
        Command::Onboard(args) => onboard::run(&context, args).await,
        Command::Offboard(args) => onboard::off(&context, args).await,
        Command::Test => test::run(&context).await,
    };
    finish(&out, command_name(&command), results)
}

/// Results of all tenants, in the order of the file.
pub(crate) type Results = Result<Vec<(String, Result<TenantResult, CommandError>)>, CommandError>;

fn command_name(command: &Command) -> &'static str {
    match command {
        Command::Plan(_) => "plan",
        Command::Apply(_) => "apply",
        Command::Destroy(_) => "destroy",
        Command::Drift => "drift",
        Command::Adopt(_) => "adopt",
        Command::Render(_) => "render",
        Command::Prove(_) => "prove",
        Command::Test => "test",
        Command::Onboard(_) => "onboard",
        Command::Offboard(_) => "offboard",
        Command::DeployerPolicy(_) => "deployer-policy",
        Command::Status => "status",
        Command::Rollback(_) => "rollback",
    }
}

/// Writes the results and computes the exit code: an error wins over a difference.
fn finish(out: &Output, command: &str, results: Results) -> u8 {
    let results = match results {
        Ok(results) => results,
        Err(error) => {
            if out.format() == Format::Json {
                out.json(&json!({
                    "schema": SCHEMA, "command": command, "exit": 1, "tenants": [],
                    "error": error.to_json(),
                }));
            }
            out.words(&format!("error: {error}"));
            return 1;
        }
    };
    let exit = results
        .iter()
        .map(|(_, result)| match result {
            Ok(result) => result.exit,
            Err(_) => 1,
        })
        .fold(0, worse);
    if out.format() == Format::Json {
        let tenants: Vec<Value> = results.iter().map(tenant_json).collect();
        out.json(&json!({
            "schema": SCHEMA, "command": command, "exit": exit, "tenants": tenants,
        }));
    }
    for (tenant, result) in &results {
        match result {
            Ok(result) if out.format() == Format::Text && !result.text.is_empty() => {
                out.data(&result.text);
            }
            Ok(_) => {}
            Err(error) => out.words(&format!("error: {tenant}: {error}")),
        }
    }
    exit
}

fn worse(a: u8, b: u8) -> u8 {
    let rank = |code: u8| match code {
        1 => 2,
        2 => 1,
        _ => 0,
    };
    if rank(b) > rank(a) { b } else { a }
}

fn tenant_json((tenant, result): &(String, Result<TenantResult, CommandError>)) -> Value {
    match result {
        Ok(result) => json!({
            "tenant": result.tenant, "exit": result.exit, "result": result.json, "error": null,
        }),
        Err(error) => json!({
            "tenant": tenant, "exit": 1, "result": null, "error": error.to_json(),
        }),
    }
}
