//! A host of its own for the run: what a wrong level harms is only that.
//!
//! ```text
//! supervisor    writes the record, removes what is left, outlives the others
//!  └─ tracer    PID 1 of new mount, PID, UTS and network namespaces: the host
//!      └─ the level, and below it the container
//! ```
//!
//! The PID namespace is what nothing survives: when the tracer ends, in whichever way, the
//! kernel ends all that was started in it, also what runs without being traced any more.
//! Control groups are the machine's: those that the run has made are removed by the supervisor.
//! An ordinary user, as in level 00, gets no host of their own.

use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};

use given::Error;
use linux_sys::{
    CloneFlags, CloseRangeFlags, Disposition, Fork, How, MntFlags, MsFlags, Pid, SIGKILL,
    SignalSet, WaitOptions, WaitStatus,
};
use serde_json::{Value, json};

use crate::cost::Cost;
use crate::record::{self, Heard, Sender};
use crate::steps::Listener;
use crate::tracer::{Tracer, everything};

const SIGHUP: i32 = 1;
const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;
const SIGCHLD: i32 = 17;
const SIGTSTP: i32 = 20;
const SIGTTOU: i32 = 22;

/// The name of the host, the same on each machine.
const NAME: &str = "host";

/// What it has of its own.
const OWN: CloneFlags = CloneFlags::CLONE_NEWNS
    .union(CloneFlags::CLONE_NEWPID)
    .union(CloneFlags::CLONE_NEWUTS)
    .union(CloneFlags::CLONE_NEWNET);

/// What sees each step before it is written down, while the process that has made it stands
/// still: there a test looks for itself.
pub type Witness<'a> = &'a dyn Fn(&mut Value);

/// What there is of a run.
pub struct Seen {
    /// The record, the same each time.
    pub record: Value,
    /// What it has cost, another one each time; none of a run that was cut.
    pub cost: Option<Cost>,
}

/// Runs a program with its arguments.
pub fn run(words: &[OsString], witness: Witness) -> Result<Seen, Error> {
    let awaited: SignalSet = [SIGCHLD, SIGINT, SIGTERM, SIGHUP].into_iter().collect();
    // Had our parent left SIGCHLD ignored, we would hear nothing of the tracer's end.
    linux_sys::signal(SIGCHLD, Disposition::Default)?;
    let mask = linux_sys::sigprocmask(How::Block, &awaited)?;
    // Ctrl-Z is for the level. When that has stopped we stop, and not before: a shell that lets
    // us go on must find it stopped.
    linux_sys::sigprocmask(How::Block, &[SIGTSTP].into_iter().collect())?;
    let is_root = fs::read_to_string("/proc/self/status").is_ok_and(|it| is_root(&it));
    let namespaces = match is_root {
        true => OWN,
        false => CloneFlags::empty(),
    };
    let (from, to) = UnixStream::pair()?;
    // The child works on a copy of all this, and ends in the closure.
    let tracer = linux_sys::clone(|| trace(words, is_root, &to, &mask, witness), namespaces)?;
    drop(to);
    let heard = supervise(tracer, from, &awaited)?;
    if let Some(error) = heard.error {
        return Err(error.into());
    }
    let argv: Vec<String> = words
        .iter()
        .enumerate()
        .map(|it| shown(it.0, it.1))
        .collect();
    let host = match is_root {
        true => "own",
        false => "the machine",
    };
    let end = heard
        .end
        .unwrap_or_else(|| json!({"cut": "the x-ray was ended"}));
    let cost = heard.cost.filter(|_| end.get("cut").is_none());
    let record = record::put_together(&argv, host, heard.steps, end);
    Ok(Seen { record, cost })
}

/// Follows a process from aside, without a host of its own: where it is, with the parent that it
/// has. `is_traced` lets it become the level; what outlives that is followed to its end. Returns
/// how many steps there were, and how the level has ended.
///
/// The trials run the checks' levels so: what a check sees of a level is not to change.
pub fn follow(
    level: Pid,
    words: &[OsString],
    is_traced: impl FnOnce(),
) -> Result<(usize, Value), Error> {
    let mut steps = Count(0);
    linux_sys::ptrace_seize(level, everything())?;
    is_traced();
    let mut tracer = Tracer::new(level, words, &mut steps);
    let (end, _) = tracer.run()?;
    tracer.outlive()?;
    Ok((steps.0, end))
}

/// Who hears of the steps of a run that is not written down.
struct Count(usize);

impl Listener for Count {
    fn step(&mut self, _step: Value) {
        self.0 += 1;
    }

    fn group(&mut self, _path: &str) {}

    fn commands(&mut self, _count: usize) {}

    fn stopped(&mut self, _signal: i32) {}
}

/// The program's name stands there without its directory.
fn shown(index: usize, word: &OsString) -> String {
    let word = word.to_string_lossy();
    match index {
        0 => word.rsplit('/').next().unwrap_or_default().to_owned(),
        _ => word.into_owned(),
    }
}

fn is_root(status: &str) -> bool {
    let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    uids.is_some_and(|uids| uids.split_whitespace().nth(1) == Some("0"))
}

/// The supervisor's part: listens, ends the run if it is told to, and sees that nothing is left.
fn supervise(tracer: Pid, from: UnixStream, awaited: &SignalSet) -> Result<Heard, Error> {
    let commands = AtomicUsize::new(0);
    let mut why = None;
    let mut heard = std::thread::scope(|scope| {
        let listener = scope.spawn(|| record::listen(from, &commands, stop_too));
        let mut interrupts = 0;
        while linux_sys::waitpid(tracer, WaitOptions::WNOHANG)? == WaitStatus::StillRunning {
            let Some(signal) = linux_sys::sigtimedwait(awaited, None)? else {
                continue;
            };
            match signal.signal {
                SIGINT => {
                    // The terminal has sent it to the level as well. A level that hangs before
                    // there is a command, or after, does not hear it: the second one is for us.
                    interrupts += 1;
                    if commands.load(Ordering::Relaxed) > 0 {
                        interrupts = 0;
                    } else if interrupts > 1 {
                        why = why.or(Some("it was interrupted twice, and did not end"));
                        linux_sys::kill(tracer, SIGKILL)?;
                    }
                }
                SIGTERM | SIGHUP => {
                    why = why.or(Some("the x-ray was told to end"));
                    linux_sys::kill(tracer, SIGKILL)?;
                }
                _ => {}
            }
        }
        let heard = listener.join();
        heard.map_err(|_| Error::from("the x-ray has failed to listen to its tracer"))
    })?;
    if let Some(why) = why {
        heard.end = Some(json!({ "cut": why }));
    }
    // All of its processes are gone: no group has a member. The innermost first; and not the one
    // that all containers have in common, in which another may just begin.
    for group in heard
        .groups
        .iter()
        .rev()
        .filter(|it| !it.ends_with("rubber-docker"))
    {
        let _ = fs::remove_dir(group);
    }
    Ok(heard)
}

/// Stops this process as the level has been stopped, for the shell to see.
fn stop_too(signal: i32) {
    // Not for a SIGSTOP: no shell might be there that lets us go on.
    if !(SIGTSTP..=SIGTTOU).contains(&signal) {
        return;
    }
    let blocked: SignalSet = [SIGTSTP].into_iter().collect();
    // While it is blocked: the terminal's own may wait already, and two that wait are one.
    let _ = linux_sys::kill(Pid::this(), signal);
    let _ = linux_sys::sigprocmask(How::Unblock, &blocked);
    // Here we are stopped, until SIGCONT.
    let _ = linux_sys::sigprocmask(How::Block, &blocked);
}

/// The tracer's part: makes the host, starts the level in it, and follows it to its end.
fn trace(
    words: &[OsString],
    is_root: bool,
    to: &UnixStream,
    mask: &SignalSet,
    witness: Witness,
) -> u8 {
    let mut sender = Sender::new(to, witness);
    let outcome = prepare(is_root)
        .and_then(|()| start(words, mask))
        .and_then(|level| Ok(Tracer::new(level, words, &mut sender).run()?));
    match outcome {
        Ok((end, cost)) => {
            sender.send("cost", &cost.to_json());
            sender.send("end", &end);
        }
        Err(error) => sender.send("error", &error.to_string().into()),
    }
    0
}

fn prepare(is_root: bool) -> Result<(), Error> {
    // Without the supervisor there is no record, and what we trace ends with us.
    linux_sys::set_pdeathsig(SIGKILL)?;
    if !is_root {
        return Ok(());
    }
    linux_sys::sethostname(NAME)?;
    // Private first, so that nothing reaches the machine; then shared among ourselves, as
    // systemd has it: only there does a forgotten MS_PRIVATE show.
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    linux_sys::mount("", "/", "", private, "")?;
    // The machine's /proc has the machine's processes, and ours by other numbers.
    linux_sys::umount2("/proc", MntFlags::MNT_DETACH)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    linux_sys::mount("proc", "/proc", "proc", flags, "")?;
    let shared = MsFlags::MS_REC | MsFlags::MS_SHARED;
    linux_sys::mount("", "/", "", shared, "")?;
    Ok(())
}

/// Starts the level, which waits until it is traced.
fn start(words: &[OsString], mask: &SignalSet) -> Result<Pid, Error> {
    let (mut ours, mut theirs) = UnixStream::pair()?;
    let level = match linux_sys::fork()? {
        Fork::Child => {
            drop(ours);
            let _ = theirs.read_exact(&mut [0]);
            linux_sys::exit(become_level(words, mask))
        }
        Fork::Parent { child } => child,
    };
    linux_sys::ptrace_seize(level, everything())?;
    ours.write_all(&[0])?;
    Ok(level)
}

/// Returns only if that fails.
fn become_level(words: &[OsString], mask: &SignalSet) -> u8 {
    let ignored = linux_sys::ignored_at_start();
    let become_it = || -> linux_sys::Result<std::convert::Infallible> {
        // As our own caller had it: Rust's runtime ignores SIGPIPE, and exec would keep that.
        for signum in (1..=64).filter(|signum| !ignored.contains(*signum)) {
            let _ = linux_sys::signal(signum, Disposition::Default);
        }
        linux_sys::close_range(3, u32::MAX, CloseRangeFlags::CLOSE_RANGE_CLOEXEC)?;
        linux_sys::sigprocmask(How::SetMask, mask)?;
        linux_sys::execvp(&words[0], words)
    };
    let Err(error) = become_it();
    given::log(&error.to_string());
    127
}
