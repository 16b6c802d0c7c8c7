//! The maintainers' commands. None of them needs root.

use checks::curriculum::book;
use checks::curriculum::carry::{self, Outcome};
use checks::curriculum::levels::{self, Level};
use checks::curriculum::lock::Lock;
use checks::curriculum::{Result, chain};
use clap::{Parser, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Keeps the levels in step with each other
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Rewrite levels/skeletons.lock: the files as they are now are the skeletons
    Lock,
    /// Carry what changed in a level since git's HEAD into every later level
    Carry {
        /// The level's number
        level: u8,
        /// Only this file, relative to the level's directory
        file: Option<PathBuf>,
    },
    /// Print every line that breaks the chain from a level to the next
    Chain,
    /// Rewrite the book's pages for mdBook, which calls this; see docs/book.toml
    Preprocess {
        /// `supports RENDERER`: mdBook asks whether the pages are for that renderer
        question: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("curriculum: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    let root = levels::workspace_root()?;
    let levels = levels::discover(&root)?;
    match command {
        Command::Lock => {
            let lock = Lock::of(&root, &levels)?;
            lock.write(&root)?;
            println!(
                "{}: {} files of {} levels",
                checks::curriculum::lock::PATH,
                lock.paths().count(),
                levels.len()
            );
            Ok(ExitCode::SUCCESS)
        }
        Command::Carry { level, file } => carry_edit(&root, &levels, level, file.as_deref()),
        Command::Chain => print_chain(&root, &levels),
        // Any renderer may have them.
        Command::Preprocess { question } if !question.is_empty() => Ok(ExitCode::SUCCESS),
        Command::Preprocess { .. } => {
            book::preprocess(&root, &levels)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn carry_edit(root: &Path, levels: &[Level], number: u8, file: Option<&Path>) -> Result<ExitCode> {
    let from = levels
        .iter()
        .position(|level| level.number == Some(number))
        .ok_or_else(|| format!("there is no level {number:02}"))?;
    let stations = carry::carry(root, levels, from, file)?;
    if stations.is_empty() {
        println!(
            "{}: nothing differs from git's HEAD",
            levels[from].path().display()
        );
    }
    let mut status = ExitCode::SUCCESS;
    for station in stations {
        let path = station.path.display();
        match station.outcome {
            Outcome::Carried => println!("{path}: carried"),
            Outcome::Unchanged => println!("{path}: nothing to do"),
            Outcome::Missing => {
                println!("{path}: there is no such file");
                status = ExitCode::FAILURE;
            }
            Outcome::Conflict => {
                println!("{path}: conflict, not written; edit it by hand");
                status = ExitCode::FAILURE;
            }
        }
    }
    Ok(status)
}

fn print_chain(root: &Path, levels: &[Level]) -> Result<ExitCode> {
    let report = chain::report(root, levels)?;
    for (pair, violations) in &report {
        println!("{pair}");
        for violation in violations {
            println!("{violation}\n");
        }
    }
    if report.is_empty() {
        println!("the chain holds over {} levels", levels.len());
    }
    Ok(if report.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
