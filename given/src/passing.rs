//! Signals passed on: while the command runs, its parent sleeps until there is one.
//!
//! A command that is PID 1 of its namespace is shielded: the kernel drops what it has no
//! handler for, stops included (pid_namespaces(7)). What an ordinary command would do by
//! itself, the parent does to it, by the two signals that get through: SIGSTOP, SIGKILL.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::{Duration, Instant};

use linux_sys::{
    How, Pid, SI_KERNEL, SignalInfo, SignalSet, WaitOptions, WaitStatus, kill, sigprocmask,
    sigtimedwait, waitid, waitpid,
};
use nix::libc::{
    SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU,
    SIGWINCH, SYS_rt_sigtimedwait,
};

use nix::unistd::getsid;

use crate::Error;
use crate::id_map::is_in_user_namespace;
use crate::relay::{Relay, TerminalSocket};
use crate::report::log;
use crate::signals::{held, stop_by};
use crate::terminal;

/// How long a PID 1 that takes no notice of a request to end is left alone.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often to look at a child that does not hold still.
const GLANCES: u32 = 20;

/// What the terminal sends to a whole process group at once.
const OF_THE_TERMINAL: [i32; 8] = [
    SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGWINCH,
];

/// Whether the terminal has sent it to the whole process group.
pub(crate) fn is_of_terminal(info: &SignalInfo) -> bool {
    info.code == SI_KERNEL && OF_THE_TERMINAL.contains(&info.signal)
}

/// Sleep until `child` has ended, and pass on to it what is sent to us meanwhile.
///
/// The child's exit status stays where it is, for waitpid(2) to collect.
pub fn forward_signals(child: Pid) -> Result<(), Error> {
    forward(child, None)
}

/// The same, and carry between our caller's terminal and the one that `child` makes for itself
/// ([`new_terminal`](crate::new_terminal)); or do no more than that, where it was not asked to.
pub fn relay(child: Pid, socket: &TerminalSocket) -> Result<(), Error> {
    forward(child, Relay::new(socket)?)
}

fn forward(child: Pid, relay: Option<Relay<'_>>) -> Result<(), Error> {
    // A signal that we do not hold back cannot be waited for: we would sleep for ever.
    let held_now = sigprocmask(How::Block, &SignalSet::empty())?;
    let mut passing = Passing {
        child,
        deadline: None,
        wants_terminal: None,
        relay,
    };
    let done = match held_now.contains(SIGCHLD) {
        true => passing.until_end(),
        false => Err(
            "forward_signals: the child's end would go unnoticed, since SIGCHLD is \
                    not held back; call given::block_signals() before the child is made"
                .into(),
        ),
    };
    // After an error its directory and its group are removed: it must not live in them.
    done.inspect_err(|_| {
        let _ = kill(child, SIGKILL);
        terminal::restore(child);
        let _ = waitpid(child, WaitOptions::empty());
    })
}

struct Passing<'a> {
    child: Pid,
    /// When it is time for SIGKILL; set once the child has been asked to end in
    /// vain. Never taken back: a handler installed later has not seen the request.
    deadline: Option<Instant>,
    /// The group that took the terminal in the background, and is to have it when we are in front.
    wants_terminal: Option<Pid>,
    /// Between our caller's terminal and one of its own.
    relay: Option<Relay<'a>>,
}

impl Passing<'_> {
    fn until_end(&mut self) -> Result<(), Error> {
        while !self.has_ended()? {
            match self.next_signal()? {
                // Either the end or a stop; `has_ended` looks which.
                Some(info) if info.signal == SIGCHLD => {}
                Some(info) => self.pass_on(&info)?,
                None if self
                    .deadline
                    .is_some_and(|deadline| deadline <= Instant::now()) =>
                {
                    kill(self.child, SIGKILL)?;
                    self.deadline = None;
                }
                None => self.look_after_the_terminal()?,
            }
        }
        if let Some(relay) = &mut self.relay {
            relay.finish();
        }
        terminal::restore(self.child);
        Ok(())
    }

    fn next_signal(&mut self) -> Result<Option<SignalInfo>, Error> {
        let patience = self.patience();
        match &mut self.relay {
            None => Ok(sigtimedwait(&held(), patience)?),
            Some(relay) => {
                relay.until_signal(patience)?;
                Ok(sigtimedwait(&held(), Some(Duration::ZERO))?)
            }
        }
    }

    /// How long to sleep: `None` for as long as nothing happens.
    fn patience(&self) -> Option<Duration> {
        let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
        let until_kill = self.deadline.map(left);
        [until_kill, terminal::time_to_look()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Hand one signal to the child.
    fn pass_on(&mut self, info: &SignalInfo) -> Result<(), Error> {
        let signal = info.signal;
        if let Some(relay) = &mut self.relay {
            match signal {
                SIGWINCH => {
                    relay.resize();
                    return Ok(());
                }
                SIGCONT => relay.attend(),
                _ => {}
            }
        }
        if signal == SIGCONT {
            terminal::look_who_is_in_front(self.child);
        }
        // Sent by the terminal to the whole process group: the child has it already, if it is in
        // our session. But of a hang-up it tells the leader of the session alone, who is to tell
        // the others.
        let shares_terminal = getsid(Some(self.child)) == getsid(None);
        let of_terminal = shares_terminal && is_of_terminal(info);
        if is_stop(signal) && is_our_program(self.child) {
            if !of_terminal {
                self.have_command_stopped(signal)?;
            }
            return self.stop_child(signal);
        }
        // Before it is sent: a child that waits for it would then be on its way to fetch it.
        let asks_to_end = SignalSet::requests_to_end().contains(signal);
        let is_shielded = (is_stop(signal) || asks_to_end) && is_shielded_from(self.child, signal);
        if is_stop(signal) && is_shielded {
            return self.stop_child(signal);
        }
        let to_us_alone = signal == SIGHUP && getsid(None) == Ok(Pid::this());
        if !of_terminal || to_us_alone {
            kill(self.child, signal)?;
        }
        if asks_to_end && is_shielded {
            self.request_end()?;
        }
        Ok(())
    }

    /// Ctrl-Z, or a child in the background that wants the terminal: neither stops a PID 1,
    /// which would try again and again, as fast as it can. SIGSTOP from outside does.
    fn stop_child(&mut self, signal: i32) -> Result<(), Error> {
        let is_over = self.deadline.is_some() && signal != SIGTSTP;
        // Asked to end, and wants the terminal that it cannot have: it would wait for ever.
        kill(self.child, if is_over { SIGKILL } else { SIGSTOP })?;
        Ok(())
    }

    /// A number 1 of ours stops the command, before it is stopped itself. No other does.
    fn have_command_stopped(&self, signal: i32) -> Result<(), Error> {
        if is_our_program(self.child) {
            kill(self.child, signal)?;
            until_taken(self.child, signal);
        }
        Ok(())
    }

    fn request_end(&mut self) -> Result<(), Error> {
        if self.deadline.is_some() {
            kill(self.child, SIGKILL)?;
            return Ok(());
        }
        log(&format!(
            "the command is PID 1 of its namespace and does not handle this signal, so the \
             kernel drops it. SIGKILL follows in {} seconds, or at the next such signal",
            PATIENCE.as_secs()
        ));
        self.deadline = Some(Instant::now() + PATIENCE);
        Ok(())
    }

    /// Whether the child is dead, waiting to be collected. If it has only stopped,
    /// stop as well, so that the shell that started us takes the terminal back.
    fn has_ended(&mut self) -> Result<bool, Error> {
        // WNOWAIT: look without collecting.
        let look = WaitOptions::WEXITED
            | WaitOptions::WSTOPPED
            | WaitOptions::WNOHANG
            | WaitOptions::WNOWAIT;
        match waitid(self.child, look)? {
            WaitStatus::Exited(_) | WaitStatus::Signaled { .. } => Ok(true),
            WaitStatus::Stopped(signal) => {
                // This one is collected: the same stop must not be seen twice.
                waitid(self.child, WaitOptions::WSTOPPED | WaitOptions::WNOHANG)?;
                self.stop_along(signal)?;
                Ok(false)
            }
            WaitStatus::Continued | WaitStatus::StillRunning => Ok(false),
        }
    }

    /// Stop this process by the signal that has stopped the child, and wake the child when
    /// we are woken. The shell says by it why its job has stopped.
    ///
    /// For a shielded child it is SIGTSTP, whatever the reason was. The shell wakes both at
    /// once; if we let SIGTTIN through, the child's next one could stop us before we have
    /// blocked it again, and the child would go on.
    fn stop_along(&mut self, signal: i32) -> Result<(), Error> {
        let wanted = self.wants_terminal.take();
        let group = wanted.or_else(|| terminal::group_in_front(self.child));
        if let Some(relay) = &mut self.relay {
            relay.rest();
        }
        stop_by(if is_stop(signal) { signal } else { SIGTSTP })?;
        if let Some(relay) = &mut self.relay {
            relay.attend();
        }
        terminal::look_who_is_in_front(self.child);
        if let Some(group) = group {
            // It has not noticed that it ever lost the terminal.
            terminal::give_to(group);
        }
        kill(self.child, SIGCONT)?;
        Ok(())
    }

    /// In the background: a shell in the container may have taken the terminal.
    fn look_after_the_terminal(&mut self) -> Result<(), Error> {
        if let Some(group) = terminal::was_taken_by(self.child) {
            self.have_command_stopped(SIGTTIN)?;
            kill(self.child, SIGSTOP)?;
            self.wants_terminal = Some(group);
        }
        if let Some(relay) = &mut self.relay {
            relay.look_who_is_in_front();
        }
        Ok(())
    }
}

fn is_stop(signal: i32) -> bool {
    matches!(signal, SIGTSTP | SIGTTIN | SIGTTOU)
}

/// Whether the kernel keeps this signal from the child: it is PID 1 of a PID
/// namespace, and has no handler for it (pid_namespaces(7)). A signal that it
/// blocks is kept *for* it: it may be waiting to fetch it, as we do here.
///
/// A stop that it ignores it would ignore anywhere: that is no shield.
fn is_shielded_from(child: Pid, signal: i32) -> bool {
    for _ in 0..GLANCES {
        if !seems_shielded_from(child, signal) {
            return false;
        }
        match waits_for(child, signal) {
            Some(waits) => return !waits,
            // On its way into a call or out of one, or busy without any: look again.
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    }
    true
}

fn seems_shielded_from(child: Pid, signal: i32) -> bool {
    let Ok(status) = fs::read_to_string(format!("/proc/{child}/status")) else {
        return false;
    };
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
    let has = |name: &str| mask(&status, name) & (1 << (signal - 1)) != 0;
    // One number for each namespace that it is in, the innermost last.
    let numbers = field("NSpid:").unwrap_or_default();
    let is_init = numbers.split_whitespace().skip(1).last() == Some("1");
    let ignores_stop = is_stop(signal) && has("SigIgn:");
    is_init && !has("SigCgt:") && !has("SigBlk:") && !ignores_stop
}

/// Whether we are root of a user namespace, and the child is a number 1 of ours: nobody may look
/// into it but the root of the namespace in which it was last executed. That was before we made
/// ours (`mm->user_ns` in `__ptrace_may_access`, kernel/ptrace.c); the command's is ours.
fn is_closed_to_us(child: Pid) -> bool {
    let look = fs::read_link(format!("/proc/{child}/exe"));
    look.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
        && is_in_user_namespace().unwrap_or(false)
}

/// Whether the child has not become the command, and never will: it is a number 1 of ours.
fn is_our_program(child: Pid) -> bool {
    if is_closed_to_us(child) {
        return true;
    }
    let program = |process: &str| fs::metadata(format!("/proc/{process}/exe"));
    match (program("self"), program(&child.to_string())) {
        (Ok(ours), Ok(its)) => (ours.dev(), ours.ino()) == (its.dev(), its.ino()),
        _ => false,
    }
}

/// Until a number 1 of ours has done what a signal asks for, and waits for the next one.
fn until_taken(child: Pid, signal: i32) {
    for _ in 0..GLANCES {
        let status = fs::read_to_string(format!("/proc/{child}/status")).unwrap_or_default();
        let is_pending = ["SigPnd:", "ShdPnd:"]
            .iter()
            .any(|name| mask(&status, name) & (1 << (signal - 1)) != 0);
        if !is_pending && waits_for(child, signal) == Some(true) {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A set of signals out of /proc/PID/status.
fn mask(status: &str, name: &str) -> u64 {
    let field = status.lines().find_map(|line| line.strip_prefix(name));
    let mask = field.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.unwrap_or(0)
}

/// Whether the child is waiting in sigtimedwait(2) for this signal, as we do here. For that
/// time the kernel takes it out of the mask that /proc shows. `None`: it is not asleep.
fn waits_for(child: Pid, signal: i32) -> Option<bool> {
    if is_closed_to_us(child) {
        return Some(true);
    }
    // The number of the call and its arguments, the first of which is where the set is.
    let call = fs::read_to_string(format!("/proc/{child}/syscall")).unwrap_or_default();
    if call.trim_end() == "running" {
        return None;
    }
    let mut words = call.split_whitespace();
    let number = words.next().and_then(|number| number.parse().ok());
    let place = words.next().and_then(|place| place.strip_prefix("0x"));
    let place = place.and_then(|place| u64::from_str_radix(place, 16).ok());
    let Some(place) = place.filter(|_| number == Some(SYS_rt_sigtimedwait)) else {
        return Some(false);
    };
    let mut set = [0; 8];
    let read = File::open(format!("/proc/{child}/mem"))
        .and_then(|memory| memory.read_exact_at(&mut set, place));
    Some(read.is_ok() && u64::from_ne_bytes(set) & (1 << (signal - 1)) != 0)
}
