//! `cargo workshop xray`: a container's birth, system call by system call, and what the kernel
//! changed at each.
//!
//! The crate `xray` does it, which is built when it is first asked for. Root's part is to run
//! and to write into a file that is ours; what becomes of that needs no privilege.

use std::ffi::OsString;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};

use crate::build::{self, as_root};
use crate::check;
use crate::course::{Course, word};
use crate::{Result, browser, reference, screen};

/// What may be said after `xray`.
#[derive(clap::Args)]
#[command(after_help = "\
It makes one page for a browser, target/xray-NN.html, which needs no network
and no other file. In it the arrow keys go from step to step.

What stands behind `--` is given to the level's `run`, options first. How the
level has ended is told in the page; our own exit status says whether there is
one.

The run has a host of its own: mounts, hostname, processes and network. What a
wrong level harms there is not this machine's. Level 00 runs as you, without.

With `--against solution` the reference runs as well, unseen, with the same
words and nothing to read. Lines with a - are yours, lines with a + the
reference's; the last sentence says where they first differ.

Examples:
  cargo workshop xray 03 --open
  cargo workshop xray 03 --text
  cargo workshop xray 03 --against solution
  cargo workshop xray 09 -- --memory 20m sh -c 'ls /'
  cargo workshop xray 05 --json >run.json")]
pub(crate) struct Arguments {
    /// Which level [default: that of this directory, or where you are]
    #[arg(value_name = "LEVEL", value_parser = crate::level_word(), hide_possible_values = true)]
    level: Option<String>,

    /// Open the page in a browser
    #[arg(long, conflicts_with_all = ["text", "json", "against"])]
    open: bool,

    /// Where the page is to be [default: target/xray-NN.html]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["text", "json", "against"])]
    output: Option<PathBuf>,

    /// Tell it here, line by line, and make no page
    #[arg(long, conflicts_with = "json")]
    text: bool,

    /// Print all that was seen as JSON; what the command prints goes to standard error
    #[arg(long)]
    json: bool,

    /// Show your run beside the reference's, and where they first differ
    #[arg(long, value_name = "WHAT", value_parser = ["solution"])]
    against: Option<String>,

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
    let reference = match arguments.against {
        Some(_) => match reference::build(&course, level, &programs.level)? {
            Some(reference) => Some(reference),
            None => return Ok(ExitCode::FAILURE),
        },
        None => None,
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
    let reference_file = directory.path().join("reference");
    if let Some(reference) = &reference {
        std::fs::write(&reference_file, "")?;
        record.arg("--reference").arg(&reference.program);
        record.arg("--reference-output").arg(&reference_file);
    }
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
    let verb = match (arguments.json, arguments.text) {
        (true, _) => "json",
        (_, true) => "text",
        _ => "page",
    };
    let _ = std::io::stdout().flush();
    let is_page = verb == "page" && reference.is_none();
    let mut read = Command::new(&programs.xray);
    if let Some(reference) = &reference {
        read.arg("against")
            .arg("--reference-course")
            .arg(&reference.course)
            .args(["--check", &format!("cargo workshop check {}", word(level))])
            .args(arguments.json.then_some("--json"));
    } else {
        read.arg(verb);
    }
    read.arg("--course").arg(&course.root).arg(&file);
    read.args(reference.is_some().then_some(&reference_file));
    if is_page {
        // Held until it is complete: a page of before is not lost for none.
        read.stdout(Stdio::piped());
    }
    let told = read
        .spawn()
        .and_then(Child::wait_with_output)
        .map_err(|error| format!("cannot tell what the x-ray has seen: {error}"))?;
    if !told.status.success() {
        return Ok(failed(told.status));
    }
    if is_page {
        let page = place(&course, &level.package, arguments.output)?;
        std::fs::write(&page, told.stdout).map_err(|error| no_place(&page, &error))?;
        screen::say(page.display());
        if arguments.open {
            browser::open(&page, ON_NO_SCREEN)?;
        }
    }
    // On standard error: it is another one each time, and what was printed is not.
    let cost = std::fs::read_to_string(&cost)?;
    let kilobytes = std::fs::metadata(&file)?.len().div_ceil(1000);
    let size = format!("The record has {kilobytes} kB.");
    screen::note(format!("{} {size}", cost.trim()).trim());
    Ok(ExitCode::SUCCESS)
}

const ON_NO_SCREEN: &str = "copy it to one that has a browser, or ask for the story with `--text`";

/// Where the page is kept, if `--output` does not say: in the directory that cargo has for what is made.
fn place(course: &Course, package: &str, wanted: Option<PathBuf>) -> Result<PathBuf> {
    if let Some(path) = wanted {
        return Ok(std::path::absolute(path)?);
    }
    let target = course.root.join("target");
    std::fs::create_dir_all(&target).map_err(|error| no_place(&target, &error))?;
    let name = package.strip_prefix("level").unwrap_or(package);
    Ok(target.join(format!("xray-{name}.html")))
}

fn no_place(path: &Path, error: &std::io::Error) -> String {
    format!(
        "cannot write the page to {}: {error}; `--output FILE` puts it somewhere else",
        path.display()
    )
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
