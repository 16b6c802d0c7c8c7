//! One trial in one sandbox.
//!
//! ```text
//! client               the program that cargo has started: libtest-mimic, a thread a trial
//!  └─ supervisor        this executable again; makes the sandbox, ends it after the deadline
//!      └─ PID 1         of the sandbox: collects orphans, as every machine's does
//!          └─ the trial's function, and below it the programs that it starts
//! ```
//!
//! Nothing outlives PID 1, and the supervisor ends that when the client is gone; so a trial that
//! is killed with SIGKILL leaves nothing either.

use std::ffi::OsString;
use std::io::Read;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use libtest_mimic::{Completion, Failed, Trial};
use linux_sys::{Disposition, Errno, Fork, Pid, WaitStatus};
use nix::sys::wait::{WaitStatus as WaitedFor, wait};
use sandbox::{End, Sandbox};

use crate::machine::{Machine, Verdict};
use crate::program::Program;

/// The first word that makes this executable the supervisor of a sandbox.
const ROLE: &str = "--supervise-a-sandbox-for-one-trial";

/// Many times what the longest takes, on a busy machine as well.
const DEADLINE: Duration = Duration::from_secs(900);

const FAILED: u8 = 1;
/// The machine lacks what the trial needs; the last line says what.
const SKIPPED: u8 = 77;

/// What is looked at when a program is used.
pub(crate) type Look = fn(&Program);

/// What is tried, in a machine made for it.
pub(crate) struct Case {
    name: String,
    run: Box<dyn FnOnce(&Machine)>,
}

impl Case {
    pub(crate) fn new(
        suite: &str,
        name: impl std::fmt::Display,
        run: impl FnOnce(&Machine) + 'static,
    ) -> Case {
        Case {
            name: format!("{suite}::{name}"),
            run: Box::new(run),
        }
    }

    /// Of `rd`, whose image and tree are there. Afterwards all is as before, and a container
    /// still runs.
    pub(crate) fn of_rd(suite: &str, (name, look): &(&str, Look)) -> Case {
        let look = *look;
        Case::new(suite, name, move |machine| {
            let rd = machine.program("rd");
            assert_eq!(rd.run(["true"]).run().status, 0);
            let before = machine.look();
            look(&rd);
            rd.served("after all that", &rd.run(["echo", "served"]));
            machine.is_as_before("after all that", &before);
            rd.nothing_is_left("after all that");
        })
    }

    /// The client's part. Ignored, unless asked for.
    pub(crate) fn into_trial(self) -> Trial {
        let name = self.name;
        let asked = name.clone();
        Trial::ignorable_test(name, move || ask(&asked)).with_ignored_flag(true)
    }
}

fn ask(name: &str) -> Result<Completion, Failed> {
    let (mut output, writer) = std::io::pipe()?;
    let mut supervisor = Command::new("/proc/self/exe");
    supervisor.args([ROLE, &std::process::id().to_string(), name]);
    supervisor.stdin(Stdio::null());
    supervisor.stdout(writer.try_clone()?).stderr(writer);
    let mut child = supervisor.spawn()?;
    // It holds the ends of the pipe for writing, and we would wait for ourselves.
    drop(supervisor);
    let mut said = Vec::new();
    output.read_to_end(&mut said)?;
    let said = String::from_utf8_lossy(&said).into_owned();
    let status = child.wait()?;
    match status.code() {
        Some(0) => Ok(Completion::Completed),
        Some(code) if code == i32::from(SKIPPED) => {
            Ok(Completion::ignored_with(said.lines().last().unwrap_or("")))
        }
        Some(_) => Err(said.into()),
        None => Err(format!("the supervisor of the sandbox ended: {status}\n{said}").into()),
    }
}

/// The supervisor's part, if that is what this process was started for. Before any thread is.
pub(crate) fn supervisor(cases: fn() -> Vec<Case>) -> Option<ExitCode> {
    let words: Vec<OsString> = std::env::args_os().collect();
    let [_, role, client, name] = &words[..] else {
        return None;
    };
    if role != ROLE {
        return None;
    }
    let case = cases().into_iter().find(|case| *name == *case.name)?;
    let client = client.to_str()?.parse().ok()?;
    let kept = sandbox::may_be_made().and_then(|()| supervise(client, case));
    let status = match kept {
        Ok(End::Ended(WaitStatus::Exited(status))) => status,
        Ok(End::DeadlinePassed) => {
            println!("it was ended after {} seconds", DEADLINE.as_secs());
            FAILED
        }
        Ok(End::MachineChanged(what)) => {
            println!("{what}; {}", sandbox::superblocks::USUALLY);
            FAILED
        }
        Ok(end) => {
            println!("the sandbox ended early: {end:?}");
            FAILED
        }
        Err(why) => {
            println!("{why}");
            FAILED
        }
    };
    Some(ExitCode::from(status))
}

fn supervise(client: u32, case: Case) -> Result<End, sandbox::Error> {
    let programs = Machine::programs_of_the_host()
        .map_err(|why| sandbox::Error::new("where this executable is", why))?;
    let sandbox = Sandbox {
        client,
        deadline: Some(DEADLINE),
        needed: &[Path::new("/proc/self/exe"), &programs],
        keeps_terminal: false,
    };
    sandbox.run(|base| match linux_sys::fork() {
        Ok(Fork::Parent { child }) => collect_until_the_end_of(child),
        Ok(Fork::Child) => linux_sys::exit(look(base, &programs, case)),
        Err(why) => {
            println!("{why}");
            FAILED
        }
    })
}

/// PID 1's part: collects the trial's process, and every orphan before it.
fn collect_until_the_end_of(trial: Pid) -> u8 {
    loop {
        match wait() {
            Ok(WaitedFor::Exited(child, status)) if child == trial => {
                return u8::try_from(status).unwrap_or(FAILED);
            }
            Ok(ended) if ended.pid() == Some(trial) => {
                println!("the trial's process ended: {ended:?}");
                return FAILED;
            }
            Err(Errno::ECHILD) => {
                println!("the trial's process ended by a signal without a name");
                return FAILED;
            }
            // An orphan; or it ended by a signal for which nix has no name (EINVAL).
            _ => {}
        }
    }
}

fn look(base: &Path, programs: &Path, case: Case) -> u8 {
    // As every Rust program has it: a pipe without a reader is an error, and no end.
    let _ = linux_sys::signal(nix::libc::SIGPIPE, Disposition::Ignore);
    let machine = Machine::furnish(base, programs);
    (case.run)(&machine);
    match machine.verdict() {
        Verdict::Passed => 0,
        Verdict::Failed => FAILED,
        Verdict::Skipped => SKIPPED,
    }
}
