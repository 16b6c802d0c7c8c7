//! `cargo workshop doctor`: what this machine can do, and what it lacks for which level.

use std::process::ExitCode;

use crate::Result;

/// What may be said after `doctor`.
#[derive(clap::Args)]
#[command(after_help = "Example: cargo workshop doctor --json")]
pub(crate) struct Arguments {
    /// One JSON object, for programs
    #[arg(long)]
    json: bool,
}

/// The whole examination.
pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    let _ = arguments.json;
    Ok(ExitCode::SUCCESS)
}

/// A few lines for the welcome if something is missing, each at most 78 columns wide.
pub(crate) fn short() -> Option<String> {
    None
}

/// All findings without colour, for the report to an instructor.
pub(crate) fn text() -> String {
    String::new()
}
