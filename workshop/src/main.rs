//! `cargo workshop`: the companion at the learner's side.

mod clean;
mod doctor;
mod leftover;
mod mountinfo;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What went wrong, as a paragraph for people.
pub(crate) type Error = checks::curriculum::Error;

/// The result of everything here that can go wrong.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// The companion at the learner's side
#[derive(Parser)]
#[command(
    name = "cargo workshop",
    bin_name = "cargo workshop",
    arg_required_else_help = true
)]
struct CommandLine {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Say what this machine lacks, and for which level
    Doctor(doctor::Arguments),

    /// Remove what killed containers have left: processes, mounts, groups, directories
    #[command(after_help = "Example: cargo workshop clean --dry-run")]
    Clean {
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,

        /// The directory that containers live in
        #[arg(long, value_name = "DIR", env = "RUBBER_DOCKER_CONTAINERS")]
        #[arg(default_value = given::CONTAINERS, value_parser = given::container_dir())]
        container_dir: PathBuf,
    },
}

fn main() -> ExitCode {
    match run(CommandLine::parse().action) {
        Ok(status) => status,
        Err(error) => {
            given::tell(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn run(action: Action) -> Result<ExitCode> {
    match action {
        Action::Doctor(arguments) => doctor::run(arguments),
        Action::Clean {
            dry_run,
            container_dir,
        } => {
            clean::clean(&container_dir, dry_run).map_err(|error| error.to_string())?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
