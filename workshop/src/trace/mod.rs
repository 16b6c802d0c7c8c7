//! `cargo workshop trace`: the system calls that make a container, as a short story.
//!
//! | file | holds |
//! |---|---|
//! | `line.rs` | a line of strace's, taken apart |
//! | `story.rs` | which calls matter, and in which chapters they are told |
//! | `words.rs` | what each is for |

mod line;
mod story;
mod words;

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode};

use crate::build::{self, as_root};
use crate::course::Course;
use crate::screen::say;
use crate::{Result, program};

/// What may be said after `trace`.
#[derive(clap::Args)]
#[command(after_help = "\
What stands after the level is given to its `run`, options first. The exit
status is that of the command.

Examples:
  cargo workshop trace 05 -- hostname
  cargo workshop trace 09 -- --memory 20m sh -c 'ls /'")]
pub(crate) struct Arguments {
    /// Which level
    #[arg(value_name = "LEVEL", value_parser = crate::level_word(), hide_possible_values = true)]
    level: String,

    /// The command to run in the container
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "COMMAND"
    )]
    command: Vec<OsString>,
}

/// The calls that make a container, and those that say how it went.
const CALLS: &str = "clone,clone3,?fork,?vfork,unshare,setns,execve,wait4,waitid,kill,\
    pidfd_send_signal,mount,umount2,pivot_root,chroot,chdir,fchdir,?mkdir,mkdirat,?rmdir,unlinkat,\
    ?mknod,mknodat,?symlink,symlinkat,sethostname,ioctl,write,setuid,setgid,setgroups,setresuid,\
    setresgid,capset,prctl";

pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    let course = Course::find()?;
    let level = course.level(&arguments.level)?;
    let Some(strace) = program::find("strace") else {
        return Err(
            "strace is not installed here, and it is strace that sees the calls. \
                    Debian, Ubuntu: `apt install strace`; Fedora: `dnf install strace`"
                .into(),
        );
    };
    let Some(programs) = build::build(&course, level)? else {
        return Ok(ExitCode::FAILURE);
    };
    // Ours, so that what root writes into it is ours as well.
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("calls");
    std::fs::write(&file, "")?;
    let mut command = match level.number {
        Some(0) => Command::new(&strace), // fork and exec need no privilege
        _ => as_root(&course, &strace),
    };
    command
        .args([
            "-f",
            "--seccomp-bpf",
            "-y",
            "-s",
            "96",
            "-e",
            "signal=none",
            "-e",
        ])
        .arg(format!("trace={CALLS}"))
        .arg("-o")
        .arg(&file)
        .arg(&programs.level)
        .arg("run")
        .args(&arguments.command);
    let status = command
        .status()
        .map_err(|error| format!("cannot start strace: {error}"))?;
    let calls = std::fs::read(&file)
        .map_err(|error| format!("cannot read what strace has written: {error}"))?;
    let story = story::tell(&level.package, &String::from_utf8_lossy(&calls));
    if story.is_empty() {
        return Err("strace has seen no call: see above for why".into());
    }
    story.iter().for_each(say);
    let signalled = status.signal().map(|signal| 128 + signal);
    let code = status.code().or(signalled).unwrap_or(125);
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(125)))
}
