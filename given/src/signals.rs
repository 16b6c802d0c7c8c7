//! Signals: held back by the parent, passed on to the container, reset for the command.
//!
//! The parent of a container is in an odd place. At a terminal, Ctrl-C goes to
//! every process of the foreground group: to the command, which it is meant
//! for, and to us, who must live on to report how the command ended. Elsewhere
//! a `kill` reaches only us, and is meant for the command.
//!
//! So the parent blocks its signals before it forks (signal(7): a blocked signal
//! waits, it is not lost) and then takes them out of the queue one at a time
//! (sigwaitinfo(2)), which needs neither handlers nor threads.

use std::fs;
use std::time::{Duration, Instant};

use linux_sys::{
    Disposition, How, Pid, SignalInfo, SignalSet, WaitOptions, WaitStatus, close_range, kill,
    signal, sigprocmask, sigtimedwait, waitid, waitpid,
};
use nix::libc::{
    SI_KERNEL, SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGSTOP, SIGTERM, SIGTSTP,
    SIGTTOU, SIGUSR1, SIGUSR2, SIGWINCH, SIGXFSZ,
};

use crate::Error;
use crate::parent;
use crate::report::tell;
use crate::terminal;

/// How long a PID 1 that takes no notice of a request to end is left alone.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the parent waits for instead of being interrupted by it.
const HELD: [i32; 11] = [
    SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGTSTP, SIGCONT,
    SIGTTOU,
];

fn held() -> SignalSet {
    HELD.into_iter().collect()
}

/// From the first step on: a write beyond the limit of a file's size (`ulimit -f`) is
/// an error like any other, and not our end (setrlimit(2)). Even a message may be one
/// too many, and the container is to be removed all the same.
pub(crate) fn outlive_full_files() -> Result<(), Error> {
    signal(SIGXFSZ, Disposition::Ignore)?;
    Ok(())
}

/// Hold signals back from now on. To be called right before the child is made:
/// what arrives between its birth and [`pass_signals_until_end`] then waits.
///
/// The child inherits the blocked signals; [`clean_start`] lets them go.
pub fn hold_signals() -> Result<(), Error> {
    terminal::remember();
    parent::remember()?;
    // Whoever started us may ignore SIGCHLD, and exec keeps that. The kernel
    // would then bury our child itself, and its exit status with it (waitpid(2)).
    signal(SIGCHLD, Disposition::Default)?;
    sigprocmask(How::Block, &held())?;
    Ok(())
}

/// Sleep until `child` has ended, and pass on to it what is sent to us meanwhile.
///
/// The child's exit status stays where it is, for waitpid(2) to collect.
pub fn pass_signals_until_end(child: Pid) -> Result<(), Error> {
    // After an error its directory and its group are removed: it must not live in them.
    pass_on_until_end(child).inspect_err(|_| {
        let _ = kill(child, SIGKILL);
        let _ = waitpid(child, WaitOptions::empty());
    })
}

fn pass_on_until_end(child: Pid) -> Result<(), Error> {
    // Signals that nobody holds back cannot be waited for: we would sleep for ever.
    if !sigprocmask(How::Block, &SignalSet::empty())?.contains(SIGCHLD) {
        return Err(
            "pass_signals_until_end: the child's end would go unnoticed, since SIGCHLD is \
                    not held back; call given::hold_signals() before the child is made"
                .into(),
        );
    }
    // When it is time for SIGKILL; set once the child has been asked to end in
    // vain. Never taken back: a handler installed later has not seen the request.
    let mut deadline: Option<Instant> = None;

    while !has_ended(child)? {
        let patience = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        match sigtimedwait(&held(), patience)? {
            // Either the end or a stop; `has_ended` looks which.
            Some(info) if info.signal == SIGCHLD => {}
            Some(info) => {
                pass_on(child, &info)?;
                if asks_to_end(info.signal) && is_shielded_from(child, info.signal) {
                    if deadline.is_some() {
                        kill(child, SIGKILL)?;
                    } else {
                        tell(&format!(
                            "the command is PID 1 of its namespace and does not handle this signal, so the \
                             kernel drops it. SIGKILL follows in {} seconds, or at the next such signal",
                            PATIENCE.as_secs()
                        ));
                        deadline = Some(Instant::now() + PATIENCE);
                    }
                }
            }
            None => {
                kill(child, SIGKILL)?;
                deadline = None;
            }
        }
    }
    terminal::restore(child);
    Ok(())
}

/// Hand one signal to the child.
fn pass_on(child: Pid, info: &SignalInfo) -> Result<(), Error> {
    match info.signal {
        // Ctrl-Z does not stop a PID 1 (see `is_shielded_from`); SIGSTOP from outside does.
        SIGTSTP if is_shielded_from(child, SIGTSTP) => kill(child, SIGSTOP)?,
        // Sent by the terminal to the whole foreground group: the child has it already.
        _ if info.code == SI_KERNEL => {}
        signal => kill(child, signal)?,
    }
    Ok(())
}

fn asks_to_end(signal: i32) -> bool {
    matches!(signal, SIGHUP | SIGINT | SIGQUIT | SIGTERM)
}

/// Whether the child is dead, waiting to be collected. If it has only stopped,
/// stop as well, so that the shell that started us takes the terminal back.
fn has_ended(child: Pid) -> Result<bool, Error> {
    // WNOWAIT: look without collecting.
    let look =
        WaitOptions::WEXITED | WaitOptions::WSTOPPED | WaitOptions::WNOHANG | WaitOptions::WNOWAIT;
    match waitid(child, look)? {
        WaitStatus::Exited(_) | WaitStatus::Signaled { .. } => Ok(true),
        WaitStatus::Stopped(_) => {
            // This one is collected: the same stop must not be seen twice.
            waitid(child, WaitOptions::WSTOPPED | WaitOptions::WNOHANG)?;
            stop_along(child)?;
            Ok(false)
        }
        WaitStatus::Continued | WaitStatus::StillRunning => Ok(false),
    }
}

/// Stop this process as Ctrl-Z would, and wake the child when we are woken.
///
/// SIGTSTP and not SIGSTOP: where no shell is there to continue us, the kernel
/// does not deliver it (an orphaned process group, setpgid(2)).
fn stop_along(child: Pid) -> Result<(), Error> {
    let stop = SignalSet::empty().with(SIGTSTP);
    kill(Pid::this(), SIGTSTP)?;
    sigprocmask(How::Unblock, &stop)?;
    // Here we are stopped, until SIGCONT.
    sigprocmask(How::Block, &stop)?;
    kill(child, SIGCONT)?;
    Ok(())
}

/// Whether the kernel keeps this signal from the child: it is PID 1 of a PID
/// namespace, and has no handler for it (pid_namespaces(7)). A signal that it
/// blocks is kept *for* it: it may be waiting to fetch it, as we do here.
fn is_shielded_from(child: Pid, signal: i32) -> bool {
    let Ok(status) = fs::read_to_string(format!("/proc/{child}/status")) else {
        return false;
    };
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
    let has = |mask: &str| {
        let mask = field(mask).and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        mask.unwrap_or(0) & (1 << (signal - 1)) != 0
    };
    // One number for each namespace that it is in, the innermost last.
    let numbers = field("NSpid:").unwrap_or_default();
    let is_init = numbers.split_whitespace().skip(1).last() == Some("1");
    is_init && !has("SigCgt:") && !has("SigBlk:")
}

/// The command starts as if nobody had been here before it: default signal
/// dispositions, no signal blocked, no open file but the standard three.
///
/// exec keeps an *ignored* signal ignored, and Rust's runtime ignores SIGPIPE,
/// so `yes | head -1` would complain. A descriptor that stays open is a door: to
/// a directory of the host it leads out of every root (CVE-2024-21626).
pub fn clean_start() -> Result<(), Error> {
    for signum in 1..=64 {
        // SIGKILL and SIGSTOP cannot be changed, and need not be.
        let _ = signal(signum, Disposition::Default);
    }
    sigprocmask(How::SetMask, &SignalSet::empty())?;
    close_range(3, u32::MAX, linux_sys::CloseRangeFlags::empty())?;
    Ok(())
}
