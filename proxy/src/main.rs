//! The binary: reads the command line, runs one command, chooses the exit code.

use clap::Parser;
use proxy::cli::{Cli, Command};
use proxy::{dev, output, presign, serve};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    upstream::install_crypto_provider();
    let done = match Cli::parse().command {
        Command::Dev(args) => dev::run(args),
        Command::Serve(args) => serve::serve(&args),
        Command::Check(args) => serve::check(&args),
        Command::Presign(args) => presign::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            output::note(&format!("error: {text}"));
            ExitCode::FAILURE
        }
    }
}
