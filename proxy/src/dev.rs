//! `proxy dev`: everything on this machine, with embedded defaults.

use crate::cli::DevArgs;

/// Starts everything and prints a block to paste.
///
/// # Errors
/// When the sandbox is not built in.
pub fn run(_args: DevArgs) -> Result<(), String> {
    Err("the sandbox is not built in yet: use proxy serve".into())
}
