//! `cargo workshop xray`: a container's birth, system call by system call, and what the kernel
//! changed at each.
//!
//! The crate `xray` does it, which is built when it is first asked for. Root's part is to run
//! and to write into a file that is ours; what becomes of that needs no privilege.

use std::ffi::OsString;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use crate::build::{self, as_root};
use crate::check;
use crate::course::Course;
use crate::{Result, screen};

/// What may be said after `xray`.
#[derive(clap::Args)]
#[command(after_help = "\
What stands behind `--` is given to the level's `run`, options first. How the
level has ended is told at the end of the story; our own exit status says
whether there is one.

The run has a host of its own: mounts, hostname, processes and network. What a
wrong level harms there is not this machine's. Level 00 runs as you, without.

Examples:
  cargo workshop xray 03
  cargo workshop xray 09 -- --memory 20m sh -c 'ls /'
  cargo workshop xray 05 --json >run.json")]
pub(crate) struct Arguments {
    /// Which level [default: that of this directory, or where you are]
    #[arg(value_name = "LEVEL", value_parser = crate::level_word(), hide_possible_values = true)]
    level: Option<String>,

    /// Tell it here, line by line; this is the default
    #[arg(long, conflicts_with = "json")]
    text: bool,

    /// Print all that was seen as JSON; what the command prints goes to standard error
    #[arg(long)]
    json: bool,

    /// The command to run in the container [default: true]
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    let course = Course::find()?;
    let level = match &arguments.level {
        Some(word) => course.level(word)?,
        None => check::current(&course)?,
    };
    let Some(programs) = build::build_for_xray(&course, level)? else {
        return Ok(ExitCode::FAILURE);
    };
    // Ours, so that what root writes into it is ours as well.
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("record");
    let cost = directory.path().join("cost");
    for file in [&file, &cost] {
        std::fs::write(file, "")?;
    }
    let mut record = match level.number {
        Some(0) => Command::new(&programs.xray), // fork and exec need no privilege
        _ => as_root(&course, &programs.xray),
    };
    let command = match arguments.command.is_empty() {
        true => vec!["true".into()],
        false => arguments.command,
    };
    record.args(["record", "--output"]).arg(&file);
    record.arg("--cost").arg(&cost);
    record.arg(&programs.level).arg("run").args(command);
    if arguments.json {
        // Standard output is the record's.
        record.stdout(Stdio::from(std::io::stderr().as_fd().try_clone_to_owned()?));
    }
    let status = record
        .status()
        .map_err(|error| format!("cannot start the x-ray: {error}"))?;
    if !status.success() {
        return Ok(failed(status));
    }
    // With a page this is where it is made; the story stays for those who ask for `--text`.
    let verb = match arguments.json {
        true => "json",
        false => "text",
    };
    let _ = std::io::stdout().flush();
    let status = Command::new(&programs.xray)
        .arg(verb)
        .arg("--course")
        .arg(&course.root)
        .arg(&file)
        .status()
        .map_err(|error| format!("cannot tell what the x-ray has seen: {error}"))?;
    if !status.success() {
        return Ok(failed(status));
    }
    // On standard error: it is another one each time, and what was printed is not.
    let cost = std::fs::read_to_string(&cost)?;
    let kilobytes = std::fs::metadata(&file)?.len().div_ceil(1000);
    let size = format!("The record has {kilobytes} kB.");
    screen::note(format!("{} {size}", cost.trim()).trim());
    Ok(ExitCode::SUCCESS)
}

/// It has said why itself, unless a signal has ended it.
fn failed(status: ExitStatus) -> ExitCode {
    if let Some(signal) = status.signal() {
        let name = linux_sys::signal_name(signal);
        screen::note(format!("{name} has ended the x-ray; there is no record"));
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(125))
}
