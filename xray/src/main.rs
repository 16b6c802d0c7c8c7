//! The command line of the x-ray: what root does, and what everyone may.

#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use given::Error;
use serde_json::Value;
use xray::{host, page, record, text};

/// A container's birth, system call by system call; started by `cargo workshop xray`
#[derive(Parser)]
#[command(name = "xray", max_term_width = 80, arg_required_else_help = true)]
struct CommandLine {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Run a program and write down what it does, as root
    Record {
        /// The file to write into; it must be there
        #[arg(long, value_name = "FILE")]
        output: PathBuf,

        /// The file for one sentence on what that has cost the run; it must be there
        #[arg(long, value_name = "FILE")]
        cost: Option<PathBuf>,

        /// The program and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        #[arg(value_name = "PROGRAM")]
        words: Vec<OsString>,
    },
    /// Tell what a record holds
    Text(Reading),
    /// Make a page of a record, for a browser
    Page(Reading),
    /// Print a record, with the files that it speaks of
    Json(Reading),
}

/// What the readers need.
#[derive(clap::Args)]
struct Reading {
    /// What `record` has written
    record: PathBuf,

    /// The workshop's directory, where the levels' sources are
    #[arg(long, value_name = "DIR")]
    course: PathBuf,
}

fn main() -> ExitCode {
    let action = match CommandLine::try_parse() {
        Ok(CommandLine { action }) => action,
        Err(error) => {
            // A reader that has gone away is no failure.
            let _ = given::print_usage(&error);
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let outcome = match action {
        Action::Record {
            output,
            cost,
            words,
        } => record(&output, cost.as_deref(), &words),
        Action::Text(reading) => with(&reading, text::tell),
        Action::Page(reading) => with(&reading, page::make),
        Action::Json(reading) => with(&reading, |record| record.to_string()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            given::log(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn record(output: &Path, cost: Option<&Path>, words: &[OsString]) -> Result<(), Error> {
    // Before the run, so that none is made in vain.
    let mut file = open(output)?;
    let cost = cost.map(|it| Ok::<_, Error>((it, open(it)?))).transpose()?;
    let seen = host::run(words, &|_| {})?;
    write(output, &mut file, &seen.record)?;
    if let (Some((path, mut file)), Some(measured)) = (cost, seen.cost) {
        write(path, &mut file, &measured.words())?;
    }
    Ok(())
}

/// Not created: it is the companion's.
fn open(path: &Path) -> Result<File, Error> {
    let opened = OpenOptions::new().write(true).truncate(true).open(path);
    opened.map_err(|error| cannot_write(path, &error))
}

fn write(path: &Path, file: &mut File, what: &dyn Display) -> Result<(), Error> {
    writeln!(file, "{what}").map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &Path, error: &io::Error) -> Error {
    format!("cannot write to {}: {error}", path.display()).into()
}

fn with(reading: &Reading, show: impl FnOnce(&Value) -> String) -> Result<(), Error> {
    let record = record::read(&reading.record, &reading.course)?;
    let printed = writeln!(anstream::stdout(), "{}", show(&record));
    match printed {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
