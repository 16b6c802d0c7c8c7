//! The sandbox's processes: sent a signal, and waited for.

use std::os::fd::AsFd;
use std::time::Duration;

use linux_sys::{Errno, Pid, WaitOptions};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use sandbox::procfs::first_child;

use crate::finding::Failure;
use crate::procfs;

pub(crate) use sandbox::procfs::is_alive;

/// How long something may take that the kernel does at once, on a machine that is busy.
pub(crate) const AT_ONCE: Duration = Duration::from_secs(2);

/// Sends a signal.
pub(crate) fn send(pid: i32, signal: i32) -> Result<(), Failure> {
    linux_sys::kill(Pid::from_raw(pid), signal)
        .map_err(|why| Failure::seen(why.to_string()).at(format!("process {pid}")))
}

/// Ends a process of the sandbox and collects it.
pub(crate) fn kill(pid: i32) -> Result<(), Failure> {
    send(pid, linux_sys::SIGKILL)?;
    collect(pid);
    Ok(())
}

/// Takes note of the end of a child. Orphans, too, are children of the sandbox's PID 1.
pub(crate) fn collect(pid: i32) {
    // ECHILD means that it is not our child, and then there is nothing to collect.
    let _ = linux_sys::waitpid(Pid::from_raw(pid), WaitOptions::empty());
}

/// Waits for the end of a process, whichever process collects it; false if it goes on living.
pub(crate) fn await_end(pid: i32, patience: Duration) -> Result<bool, Failure> {
    let failed = |why: &dyn std::fmt::Display| {
        Failure::seen(format!("process {pid} cannot be waited for: {why}"))
    };
    let process = match linux_sys::pidfd_open(Pid::from_raw(pid)) {
        Ok(process) => process,
        Err(why) if why.errno() == Errno::ESRCH => return Ok(true),
        Err(why) => return Err(failed(&why)),
    };
    // A pidfd becomes readable when its process ends (pidfd_open(2)).
    let mut ends = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
    let timeout = PollTimeout::try_from(patience).map_err(|why| failed(&why))?;
    match poll(&mut ends, timeout) {
        Ok(count) => Ok(count > 0),
        Err(why) => Err(failed(&why)),
    }
}

/// Whether a process has nothing left to do about the signals that it was sent.
pub(crate) fn is_at_rest(pid: i32) -> bool {
    let waiting = |key| procfs::signals(pid, key).is_ok_and(|signals| !signals.is_empty());
    // In this order: between a look at the state and one at the signals, it could fetch one.
    !waiting("ShdPnd") && !waiting("SigPnd") && procfs::state(pid) == Some('S')
}

/// Waits for the birth of a child of `pid`; none if `pid` has ended before.
pub(crate) fn await_child(pid: i32) -> Option<i32> {
    loop {
        match first_child(pid) {
            None if is_alive(pid) => std::thread::yield_now(),
            child => return child,
        }
    }
}

/// The children of a process.
pub(crate) fn children(pid: i32) -> Vec<i32> {
    let parents = procfs::parents().into_iter();
    parents
        .filter(|(_, parent)| *parent == pid)
        .map(|(child, _)| child)
        .collect()
}
