//! The program of a made-up level that has two verbs, one with a COMMAND and one without.
//!
//! This executable is also that program, when it is called `level99`: `given::main` reads the
//! command line of its process, and ends in a status of it.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitCode, Stdio};

use clap::{Args, Subcommand};
use given::Error;
use libtest_mimic::{Arguments, Failed, Trial};
use linux_sys::{Pid, execveat, kill};
use nix::libc::SIGTERM;

/// What its program is called.
const LEVEL: &str = "level99";
/// What is at the top of its `main.rs`.
const SOURCE: &str =
    "//! level99: made up\n//!\n//! Try:\n//!   level99 stop ID\n\nmod container;\n";

#[derive(Subcommand)]
enum Action {
    /// Run a command
    Run(Options),
    /// End a container
    Stop(Stop),
}

#[derive(Args)]
struct Options {
    #[arg(long)]
    keep: bool,
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

#[derive(Args)]
struct Stop {
    #[arg(long)]
    force: bool,
    id: String,
}

/// As many words as COMMAND has are the status. Of `again` it never comes so far: that begins
/// anew for ever, as a program does that does not recognise its copy.
fn run(options: &Options) -> Result<u8, Error> {
    if options.command == ["again"] {
        let _ = writeln!(std::io::stdout(), "again");
        let (arguments, environment) = given::as_started()?;
        execveat(given::this_program()?, &arguments, &environment)?;
    }
    let _ = writeln!(std::io::stdout(), "run {:?}", options.command);
    Ok(options.command.len() as u8 + u8::from(options.keep) * 100)
}

fn stop(stop: &Stop) -> Result<u8, Error> {
    match stop.force {
        true => Ok(0),
        false => Err(format!("there is no container {}", stop.id).into()),
    }
}

fn main() -> ExitCode {
    if std::env::args_os().next().is_some_and(|name| name == LEVEL) {
        return given::main(SOURCE, |action| match action {
            Action::Run(options) => run(&options),
            Action::Stop(options) => stop(&options),
        });
    }
    let tests = [
        ("a_usage_error_of_any_verb_is_125", usage_errors as Test),
        ("help_of_any_verb_is_0", help),
        ("what_a_verb_returns_is_the_status", statuses),
        ("without_a_verb_it_is_the_screen", screen),
        ("who_begins_again_and_again_can_be_ended", endless),
    ];
    let trials = tests.map(|(name, test)| {
        Trial::test(name, move || {
            test();
            Ok::<(), Failed>(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit_code()
}

type Test = fn();

/// What it prints, what it says on stderr, and its status.
fn level(line: &str) -> (String, String, Option<i32>) {
    let mut command = Command::new("/proc/self/exe");
    let output = command
        .arg0(LEVEL)
        .args(line.split_whitespace())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        text(&output.stdout),
        text(&output.stderr),
        output.status.code(),
    )
}

fn usage_errors() {
    let run = "level99 run [OPTIONS] [--] COMMAND [ARG]...";
    let stop = "level99 stop [OPTIONS] ID";
    for (line, told) in [
        ("run", run),
        ("run --kep ls", run),
        ("run --force ls", run),
        ("stop", stop),
        ("stop --keep ID", stop),
        ("stop ID another", stop),
    ] {
        let (printed, said, status) = level(line);
        assert_eq!(
            (printed.as_str(), status),
            ("", Some(125)),
            "{line}: {said}"
        );
        assert!(said.contains(&format!("Usage: {told}\n")), "{line}: {said}");
    }
    let (_, said, status) = level("strat");
    assert_eq!(status, Some(125), "{said}");
    assert!(said.contains("unrecognized subcommand 'strat'"), "{said}");
    // What people know of Docker's run is no news of another verb.
    assert!(
        level("run --rm ls")
            .1
            .contains("--rm is an option of Docker's")
    );
    assert!(!level("stop --rm ID").1.contains("Docker"));
    let (printed, said, status) = level("run -it sh");
    assert_eq!((printed.as_str(), status), ("", Some(125)), "{said}");
}

fn help() {
    for (line, told) in [
        ("--help", "stop  End a container\n"),
        (
            "run --help",
            "Usage: level99 run [OPTIONS] [--] COMMAND [ARG]...\n",
        ),
        ("help stop", "Usage: level99 stop [OPTIONS] ID\n"),
        ("stop -h", "End a container\n"),
        ("stop ID -h", "--force"),
    ] {
        let (printed, said, status) = level(line);
        assert_eq!((said.as_str(), status), ("", Some(0)), "{line}: {printed}");
        assert!(printed.contains(told), "{line}: {printed}");
    }
}

fn statuses() {
    for (line, expected) in [
        ("run ls -l --help", 3),
        ("run --keep ls", 101),
        ("run -- ls -l", 2),
        ("stop --force ID", 0),
        ("stop run", 125),
    ] {
        let (printed, said, status) = level(line);
        assert_eq!(status, Some(expected), "{line}: {printed}{said}");
    }
    assert_eq!(level("run echo run").0, "run [\"echo\", \"run\"]\n");
    assert_eq!(level("stop run").1, "level99: there is no container run\n");
}

fn endless() {
    let mut command = Command::new("/proc/self/exe");
    command.arg0(LEVEL).args(["run", "again"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut rounds = BufReader::new(child.stdout.take().unwrap()).lines();
    // It is in the loop, and holds signals back: before, it could be ended by any.
    assert!(rounds.nth(2).is_some());
    kill(Pid::from_raw(child.id().cast_signed()), SIGTERM).unwrap();
    let is_deaf = rounds.nth(1000).is_some();
    if is_deaf {
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    assert!(!is_deaf, "a thousand rounds later it goes on");
    assert_eq!(status.signal(), Some(SIGTERM));
}

fn screen() {
    let shown = "level99: made up\n\nTry:\n  level99 stop ID\n".to_owned();
    assert_eq!(level(""), (shown, String::new(), Some(0)));
}
