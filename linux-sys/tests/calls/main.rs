//! The system calls, done for real.
//!
//! libtest runs every test in a thread, and `fork` refuses a caller with threads.
//! So this is a runner of our own: one process without threads, and for each test
//! a forked child that may change its root, its namespaces and its capabilities
//! as it likes. Whatever it leaves behind ends with it; a deadline ends it too.
//!
//! Nothing here needs root. What needs it is reported as ignored, with the reason,
//! when an ordinary user runs it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod attack_calls;
mod capabilities;
mod errors;
mod files;
mod identity;
mod mounts;
mod namespaces;
mod processes;
mod programs;
#[path = "../sandbox/mod.rs"]
mod sandbox;
mod signals;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use linux_sys::{
    Disposition, Fork, How, Pid, SignalSet, WaitOptions, WaitStatus, exit, fork, kill,
    set_pdeathsig, signal, sigprocmask, sigtimedwait, waitpid,
};

/// What a test returns: nothing, or why this machine or user cannot run it.
type Outcome = Result<(), Skip>;

struct Skip(String);

type Test = (&'static str, fn() -> Outcome);

const SUBJECTS: &[&[Test]] = &[
    processes::TESTS,
    namespaces::TESTS,
    mounts::TESTS,
    files::TESTS,
    signals::TESTS,
    identity::TESTS,
    capabilities::TESTS,
    errors::TESTS,
    attack_calls::TESTS,
    programs::TESTS,
];

/// How long one test may take.
const DEADLINE: Duration = Duration::from_secs(30);

const SKIPPED: u8 = 77;
const SIGCHLD: i32 = 17;
const SIGKILL: i32 = 9;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // One test starts this program again, to look at it from outside.
    if arguments == ["--panic-in-callback"] {
        return processes::panic_in_callback();
    }
    // cargo test NAME gives a part of the name; of libtest's options only --list matters.
    let filters: Vec<&String> = arguments.iter().filter(|a| !a.starts_with('-')).collect();
    let wanted = |name: &str| filters.is_empty() || filters.iter().any(|f| name.contains(*f));
    let all = || SUBJECTS.iter().copied().flatten();
    let tests: Vec<&Test> = all().filter(|(name, _)| wanted(name)).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        tests.iter().for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }

    println!("\nrunning {} tests", tests.len());
    let started = Instant::now();
    let (mut passed, mut failed, mut ignored) = (0, 0, 0);
    for (name, test) in &tests {
        match run(*test) {
            WaitStatus::Exited(0) => {
                passed += 1;
                println!("test {name} ... ok");
            }
            WaitStatus::Exited(SKIPPED) => {
                ignored += 1;
                println!("test {name} ... ignored (see above)");
            }
            status => {
                failed += 1;
                println!("test {name} ... FAILED ({status:?})");
            }
        }
    }
    println!(
        "\ntest result: {}. {passed} passed; {failed} failed; {ignored} ignored; 0 measured; \
         {} filtered out; finished in {:.2}s\n",
        if failed == 0 { "ok" } else { "FAILED" },
        all().count() - tests.len(),
        started.elapsed().as_secs_f32()
    );
    ExitCode::from(u8::from(failed > 0))
}

/// Runs one test in a child and waits for its end, or ends it.
fn run(test: fn() -> Outcome) -> WaitStatus {
    let sigchld = SignalSet::empty().with(SIGCHLD);
    sigprocmask(How::Block, &sigchld).unwrap();
    let child = match fork().unwrap() {
        Fork::Parent { child } => child,
        Fork::Child => {
            // If the runner is killed, so are its tests.
            set_pdeathsig(SIGKILL).unwrap();
            sigprocmask(How::SetMask, &SignalSet::empty()).unwrap();
            // Our parent may have left some ignored: a shell SIGINT and SIGQUIT of what
            // runs in the background, the C library's posix_spawn 32 and 33.
            (1..=64).for_each(|signum| drop(signal(signum, Disposition::Default)));
            exit(match catch_unwind(AssertUnwindSafe(test)) {
                Ok(Ok(())) => 0,
                Ok(Err(Skip(why))) => {
                    println!("cannot be tried here: {why}");
                    SKIPPED
                }
                Err(_panic) => 101,
            })
        }
    };
    let deadline = Instant::now() + DEADLINE;
    loop {
        match waitpid(child, WaitOptions::WNOHANG).unwrap() {
            WaitStatus::StillRunning => {}
            status => return status,
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if sigtimedwait(&sigchld, Some(left)).unwrap().is_none() {
            println!("not over after {DEADLINE:?}: killed");
            kill(child, SIGKILL).unwrap();
        }
    }
}

/// Runs `what` in a child, which dies with the test, and waits for its end.
fn in_child(what: impl FnOnce()) -> WaitStatus {
    let child = start_child(what);
    waitpid(child, WaitOptions::empty()).unwrap()
}

fn start_child(what: impl FnOnce()) -> Pid {
    match fork().unwrap() {
        Fork::Parent { child } => child,
        Fork::Child => {
            set_pdeathsig(SIGKILL).unwrap();
            exit(match catch_unwind(AssertUnwindSafe(what)) {
                Ok(()) => 0,
                Err(_panic) => 101,
            })
        }
    }
}

/// From here on in private user and mount namespaces, as their root.
fn in_private_namespaces() -> Outcome {
    sandbox::enter(linux_sys::CloneFlags::empty()).map_err(Skip)
}

/// A private, writable /tmp.
fn in_private_tmp() -> Outcome {
    in_private_namespaces()?;
    linux_sys::mount(
        "tmpfs",
        "/tmp",
        "tmpfs",
        linux_sys::MsFlags::empty(),
        "size=4m",
    )
    .unwrap();
    Ok(())
}

fn needs_root() -> Outcome {
    let effective = linux_sys::capget(Pid::from_raw(0)).unwrap().effective;
    match effective.contains(linux_sys::Capability::CAP_SYS_ADMIN) {
        true => Ok(()),
        false => Err(Skip("it needs root".to_owned())),
    }
}

/// The value of a line of /proc/self/status.
fn status_line(name: &str) -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let value = status.lines().find_map(|line| line.strip_prefix(name));
    value.unwrap().trim_start_matches(':').trim().to_owned()
}

/// The error of `result`, which must have the right errno and speak of `words`.
#[track_caller]
fn fails<T>(result: linux_sys::Result<T>, errno: linux_sys::Errno, words: &str) {
    let Err(error) = result else {
        panic!("succeeded, where {errno:?} was expected");
    };
    assert_eq!(error.errno(), errno, "{error}");
    assert!(
        error.to_string().contains(words),
        "{error}\ndoes not speak of {words:?}"
    );
}
