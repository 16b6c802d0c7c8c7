//! What each level must show, and the machinery that looks.
//!
//! A check is a sentence about a level that the kernel can confirm, such as "the
//! command's root directory is the image". Each is looked at in a fresh sandbox, in
//! `/proc` and in the mount table, never in what the level prints.
//!
//! | module | holds |
//! |---|---|
//! | `levels` | the checks themselves, one file a level: start reading there |
//! | `check` | what a check is, and which others it needs |
//! | `finding` | what it says when its sentence is not true |
//! | `host` | how a check starts the level's program |
//! | `container` | how it finds the container that the level made |
//! | `namespace` | the container's namespaces, compared and entered |
//! | `mount_tree` | its mounts, also those beneath its root, and whose they are |
//! | `stopped` | what to say where a level did not come as far as its command |
//! | `process` | processes, sent signals and waited for |
//! | `seccomp_supervisor` | a level whose system calls wait until a check has decided about them |
//! | `calls` | those calls: what each is about, and which step makes it |
//! | `surroundings` | all that isolates a process, as it is at one moment |
//! | `procfs` | what the kernel says of processes and mounts |
//! | `system_call_filter` | what a process's filters answer to any system call |
//! | `sides` | the host before a run and after it |
//! | `told` | the one report that tells what a run has changed of it |
//! | `own_program` | the file that the level's process runs, and who can change it |
//! | `names` | what the checks call their things, drawn anew for each run |
//! | `group_limits` | a control group's limits, beside those of a new one |
//! | `probe` | the program that runs inside the containers |
//! | `probe_image` | the image that has it |
//! | `verdict` | what a check's finding means for the level, and which step is to blame |
//! | `asked_with` | options that all containers are started with, as `-t` |
//! | `ordinary` | a user who is not root, and how a level is started as one |
//! | `execution` | one question answered in one sandbox: the client's part, and the supervisor's |
//! | `patience` | how long the answer may take, on which kind of machine |
//! | `run_check` | the question whether a check's sentence is true |
//! | [`escapes`] | ways out of a container, and which level closes each |
//! | `shell` | a shell in such a sandbox, for the transcripts of the lessons |
//! | `runner` | the command line: which checks, in which order |
//! | `queue` | several of them at once, told in that order |
//! | `report` | how verdicts are shown |
//! | `again` | what a learner types to have the same run told |
//!
//! The small machine in which a level runs is the crate `sandbox`; the levels as text are
//! `curriculum`, which stands above this crate.
//!
//! Admitted omissions: the sandbox holds mistakes and not attackers, and a mistake
//! that changes what the whole machine has only one of (a node in a `devtmpfs`, a setting
//! in `/proc/sys/kernel`) reaches the machine.

mod again;
mod asked_with;
mod calls;
mod check;
mod container;
pub mod escapes;
mod execution;
mod finding;
mod group_limits;
mod host;
mod levels;
mod mount_tree;
mod names;
mod namespace;
mod ordinary;
mod own_program;
mod patience;
mod probe;
mod probe_image;
mod process;
mod procfs;
mod queue;
mod report;
mod run_check;
mod runner;
mod seccomp_supervisor;
pub mod shell;
mod sides;
mod stopped;
mod surroundings;
mod system_call_filter;
mod told;
mod verdict;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

pub use again::{Again, again};
pub use check::{Check, LevelChecks};
pub use levels::{LEVELS, choice};
pub use probe_image::write_to as write_probe_image;
pub use report::{End, Printer, Style};
pub use runner::{judge_command, judge_with, test_command};
pub use verdict::{Blamed, Report, Verdict};

/// The whole of a level's `tests/check.rs`: runs the checks of the levels up to
/// `package`'s against its binary.
///
/// ```no_run
/// # const PACKAGE: &str = "level03";
/// # const BINARY: &str = "target/debug/level03";
/// // In a level: checks::main(env!("CARGO_PKG_NAME"), env!("CARGO_BIN_EXE_level03"))
/// std::process::exit(match checks::main(PACKAGE, BINARY) {
///     code if code == std::process::ExitCode::SUCCESS => 0,
///     _ => 1,
/// });
/// ```
pub fn main(package: &str, binary: &str) -> ExitCode {
    if let Some(code) = other_roles() {
        return code;
    }
    runner::check_level(package, Path::new(binary), std::env::args_os())
}

/// The executable that runs checks has two more roles: under the name `probe` it is
/// the program in the containers, and with a first argument that only the client gives it
/// is the process around one sandbox. The caller must ask before it does anything else,
/// above all before it starts a thread.
pub fn other_roles() -> Option<ExitCode> {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let name = arguments
        .first()
        .and_then(|path| Path::new(path).file_name()?.to_str());
    // A level that gets argv[0] wrong must not make us run checks inside its container.
    if name.is_some_and(names::is_program) || names::has_variable() {
        return Some(probe::main());
    }
    match arguments.get(1) {
        Some(first) if first == run_check::ARGUMENT => Some(run_check::supervisor(&arguments[2..])),
        Some(first) if first == escapes::ARGUMENT => Some(escapes::supervisor(&arguments[2..])),
        _ => None,
    }
}
