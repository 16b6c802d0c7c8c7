//! Signals: held back by the parent, reset for the command.
//!
//! The parent of a container is in an odd place. At a terminal, Ctrl-C goes to
//! every process of the foreground group: to the command, which it is meant
//! for, and to us, who must live on to report how the command ended. Elsewhere
//! a `kill` reaches only us, and is meant for the command.
//!
//! So the parent blocks its signals (signal(7): a blocked signal waits, it is not
//! lost) before there is anything to remove, and takes them out of the queue one at
//! a time (sigwaitinfo(2)) while the command runs: see `passing`. That needs neither
//! handlers nor threads.
//!
//! What was ignored when we were started stays ignored, for us and for the command.
//! That is how `nohup` and `command &` in a script say "this one is not for you":
//! by exec, which keeps it, and so do we.

use linux_sys::{
    Disposition, How, Pid, SignalSet, close_range, ignored_at_start, kill, signal, signal_name,
    sigpending, sigprocmask,
};
use nix::libc::{
    SIGABRT, SIGBUS, SIGCHLD, SIGFPE, SIGILL, SIGKILL, SIGPIPE, SIGSEGV, SIGSTOP, SIGSYS, SIGTRAP,
    SIGTSTP, SIGTTIN, SIGTTOU, SIGXFSZ,
};

use crate::Error;
use crate::image;
use crate::streams;
use crate::terminal;

/// What no process can hold back, and faults: one that is held back ends us all the same,
/// without a word (sigprocmask(2)).
const NEVER: [i32; 9] = [
    SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGTRAP, SIGABRT,
];

/// About our own writing alone, and not the child's: Rust's runtime ignores the first, and
/// [`begin`] the second.
const OUR_OWN: [i32; 2] = [SIGPIPE, SIGXFSZ];

/// What the C library keeps for itself (nptl(7)).
const THE_LIBRARY_S: [i32; 2] = [32, 33];

/// What matters only when there is a child.
const ABOUT_A_CHILD: [i32; 4] = [SIGCHLD, SIGTSTP, SIGTTIN, SIGTTOU];

/// What the parent of a container waits for instead of being interrupted by it: everything
/// else, since whatever ended us would leave a container behind.
pub(crate) fn held() -> SignalSet {
    let never = [&NEVER[..], &OUR_OWN, &THE_LIBRARY_S].concat();
    // A blocked signal is kept even if it is ignored, so these must not be blocked.
    never
        .into_iter()
        .fold(SignalSet::all(), SignalSet::without)
        .difference(ignored())
}

/// What our caller has ignored. Not SIGCHLD: it is about our children, not the caller's.
fn ignored() -> SignalSet {
    ignored_at_start().without(SIGCHLD)
}

/// Before the first step: from here on nothing but SIGKILL ends us in the middle of one.
/// What asks us to end waits until a step looks (`go_on`, and `images` whatever takes long).
pub(crate) fn begin() -> Result<(), Error> {
    // A write beyond the limit of a file's size (`ulimit -f`) is an error like any other,
    // and not our end (setrlimit(2)). Even a message may be one too many.
    signal(SIGXFSZ, Disposition::Ignore)?;
    // Our caller may ignore SIGCHLD, and exec keeps that. The kernel would then
    // bury our children itself, and their exit status with them (waitpid(2)).
    signal(SIGCHLD, Disposition::Default)?;
    let from_the_start: SignalSet = held().difference(ABOUT_A_CHILD.into_iter().collect());
    sigprocmask(How::Block, &from_the_start)?;
    Ok(())
}

/// Hold signals back from now on, those about a child as well. To be called right before
/// the child is made: what arrives between its birth and `forward_signals` then waits.
///
/// An error if we have been asked to end meanwhile.
///
/// The child inherits the blocked signals; [`reset_signals_and_fds`] lets them go.
pub fn block_signals() -> Result<(), Error> {
    terminal::remember();
    sigprocmask(How::Block, &held())?;
    go_on()
}

/// An error if we have been asked to end: then there is no container to be made.
pub(crate) fn go_on() -> Result<(), Error> {
    match end_is_requested() {
        Some(signal) => Err(format!("{} has come before the command", signal_name(signal)).into()),
        None => Ok(()),
    }
}

/// The signal that asks us to end and waits for us to look, if there is one.
pub(crate) fn end_is_requested() -> Option<i32> {
    let pending = sigpending().unwrap_or_default();
    let requests = pending.intersection(SignalSet::requests_to_end());
    requests.iter().next()
}

/// End by the signal that has asked for it, if one has. A shell that waits for us goes by
/// that: at Ctrl-C it ends its script only if its command has ended by it.
///
/// Returns if there is none, or if the kernel keeps it from us, a PID 1.
pub(crate) fn end_as_requested() {
    if let Some(signal) = end_is_requested() {
        let _ = sigprocmask(How::Unblock, &SignalSet::empty().with(signal));
    }
}

/// Stop this process by `signal`, as a shell expects it of its command, until SIGCONT.
///
/// Never SIGSTOP: where no shell is there to continue us, the kernel does not deliver the
/// others (an orphaned process group, setpgid(2)).
pub(crate) fn stop_by(signal: i32) -> Result<(), Error> {
    let stop = SignalSet::empty().with(signal);
    kill(Pid::this(), signal)?;
    sigprocmask(How::Unblock, &stop)?;
    // Here we are stopped, until SIGCONT.
    sigprocmask(How::Block, &stop)?;
    Ok(())
}

/// The command starts clean: signal dispositions as our
/// caller left them, no signal blocked, no open file but the standard three; in the directory that
/// the image names, if it names one.
///
/// exec keeps an *ignored* signal ignored, and Rust's runtime ignores SIGPIPE,
/// so `yes | head -1` would complain. But what was ignored when we were started was
/// meant for the command. A descriptor that stays open is a door: to
/// a directory of the host it leads out of every root (CVE-2024-21626).
pub fn reset_signals_and_fds() -> Result<(), Error> {
    let ignored = ignored();
    for signum in 1..=64 {
        let disposition = match ignored.contains(signum) {
            true => Disposition::Ignore,
            false => Disposition::Default,
        };
        // SIGKILL and SIGSTOP cannot be changed, and need not be.
        let _ = signal(signum, disposition);
    }
    sigprocmask(How::SetMask, &SignalSet::empty())?;
    streams::own_devices();
    close_range(3, u32::MAX, linux_sys::CloseRangeFlags::empty())?;
    // Not before: with an open directory of the host, /proc/self/fd would be a way there.
    image::enter_start()
}
