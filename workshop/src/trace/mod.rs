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

use nix::sys::resource::{Resource, UsageWho, getrusage, setrlimit};
use nix::sys::signal::Signal;

use crate::build::{self, as_root};
use crate::course::Course;
use crate::screen::{self, note, say};
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

/// How many seconds of a processor one traced program may take.
///
/// A program that may make no call cannot even end: it runs into an instruction that is not
/// its to use, and the kernel ends it by SIGSEGV. But not number 1 of a PID namespace as long as
/// it is traced (pid_namespaces(7), ptrace(2)): that one runs into it again, for ever. strace is
/// root's then, and hears of no Ctrl-C. This limit it cannot be spared.
const PROCESSOR_TIME: u64 = 5;

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
    // Inherited by all that it starts, each of which has as much (getrlimit(2)). It holds for us
    // as well, who have only to tell the story after that.
    setrlimit(Resource::RLIMIT_CPU, PROCESSOR_TIME, PROCESSOR_TIME)?;
    let before = processor_time()?;
    let status = command
        .status()
        .map_err(|error| format!("cannot start strace: {error}"))?;
    let taken = processor_time()? - before;
    let calls = std::fs::read(&file)
        .map_err(|error| format!("cannot read what strace has written: {error}"))?;
    let story = story::tell(&level.package, &String::from_utf8_lossy(&calls));
    let signalled = status.signal().map(|signal| 128 + signal);
    let code = status.code().or(signalled).unwrap_or(125);
    let was_killed = code == 128 + Signal::SIGKILL as i32;
    let has_taken_all = was_killed && taken >= i64::try_from(PROCESSOR_TIME)?;
    if story.is_empty() && !has_taken_all {
        return Err("strace has seen no call: see above for why".into());
    }
    story.iter().for_each(say);
    if has_taken_all {
        let text = format!(
            "A traced program may take {PROCESSOR_TIME} seconds of a processor, and one of these was \
             ended because it had. If it should not have taken so long: does what you have written let \
             a program end at all? exit_group(2) is a system call as well."
        );
        note(screen::wrap(&text, screen::width()));
    }
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(125)))
}

/// Seconds of a processor that those have taken who were started by us and have ended.
fn processor_time() -> Result<i64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    Ok(usage.user_time().tv_sec() + usage.system_time().tv_sec())
}
