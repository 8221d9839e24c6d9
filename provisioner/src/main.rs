//! The `provisioner` command: reads arguments and environment, and returns the exit code.

use clap::Parser;
use provisioner::cli::Cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let environment = std::env::vars().collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => {
            ExitCode::from(runtime.block_on(provisioner::commands::run(cli, environment)))
        }
        Err(_) => ExitCode::from(1),
    }
}
