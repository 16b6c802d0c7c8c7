//! `cargo workshop`: the companion at the learner's side.

mod clean;
mod leftover;
mod mountinfo;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
    let outcome = match CommandLine::parse().action {
        Action::Clean {
            dry_run,
            container_dir,
        } => clean::clean(&container_dir, dry_run),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            given::tell(&error.to_string());
            ExitCode::FAILURE
        }
    }
}
