//! The command line of the x-ray: what root does, and what everyone may.

#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use clap::{Parser, Subcommand};
use given::Error;
use serde_json::Value;
use xray::{against, beside, host, page, record, text};

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
        /// Before that, run this program with the same words, unseen
        #[arg(long, value_name = "PROGRAM", requires = "reference_output")]
        reference: Option<PathBuf>,

        /// The file to write what that does into; it must be there
        #[arg(long, value_name = "FILE", requires = "reference")]
        reference_output: Option<PathBuf>,

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
    /// Tell where two records first differ
    Against(Comparing),
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

#[derive(clap::Args)]
struct Comparing {
    /// What `record` has written of my run
    mine: PathBuf,

    /// And of the reference's
    reference: PathBuf,

    /// The workshop's directory, where the levels' sources are
    #[arg(long, value_name = "DIR")]
    course: PathBuf,

    /// Where the reference's sources are, if they are elsewhere
    #[arg(long, value_name = "DIR")]
    reference_course: Option<PathBuf>,

    /// The command that judges the level
    #[arg(long, value_name = "COMMAND", default_value = "cargo workshop check")]
    check: String,

    /// Print both records and what was found
    #[arg(long)]
    json: bool,
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
            reference,
            reference_output,
            words,
        } => reference
            .zip(reference_output)
            .map_or(Ok(()), |it| record_reference(&it.0, &it.1, &words))
            .and_then(|()| record(&output, cost.as_deref(), &words)),
        Action::Text(reading) => with(&reading, text::tell),
        Action::Page(reading) => with(&reading, page::make),
        Action::Json(reading) => with(&reading, |record| record.to_string()),
        Action::Against(comparing) => compare(&comparing),
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

/// Twice: what the first run leaves, such as an image that is unpacked now, the next two find.
/// By processes of our own, which see no terminal, and say nothing unless they fail.
fn record_reference(program: &Path, output: &Path, words: &[OsString]) -> Result<(), Error> {
    for _ in 0..2 {
        let mut command = Command::new("/proc/self/exe");
        command
            .args(["record", "--output"])
            .arg(output)
            .arg(program);
        let run = command
            .args(&words[1..])
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("cannot start the x-ray of the reference: {error}"))?;
        if !run.status.success() {
            let said = String::from_utf8_lossy(&run.stderr);
            return Err(format!("there is no record of the reference: {}", said.trim()).into());
        }
    }
    Ok(())
}

fn with(reading: &Reading, show: impl FnOnce(&Value) -> String) -> Result<(), Error> {
    let record = record::read(&reading.record, &reading.course)?;
    print(&show(&record))
}

fn compare(comparing: &Comparing) -> Result<(), Error> {
    let course = &comparing.course;
    let mine = record::read(&comparing.mine, course)?;
    let course = comparing.reference_course.as_ref().unwrap_or(course);
    let reference = record::read(&comparing.reference, course)?;
    print(&match comparing.json {
        true => against::json(&mine, &reference).to_string(),
        false => beside::tell(&mine, &reference, &comparing.check),
    })
}

fn print(text: &str) -> Result<(), Error> {
    match writeln!(anstream::stdout(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
