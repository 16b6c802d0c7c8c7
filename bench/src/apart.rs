//! Measuring in a process of its own, so that somebody tidies up however it ends.

use given::Error;
use linux_sys::{Fork, How, SignalSet, WaitOptions, WaitStatus, fork, sigprocmask, waitpid};

/// Runs `measure` in a child and waits for its end, also when we are told to end: then it
/// is told. Returns its exit status; what it has left is the caller's to remove.
pub fn measure_apart(measure: impl FnOnce() -> Result<(), Error>) -> Result<u8, Error> {
    given::hold_signals()?;
    let child = match fork()? {
        Fork::Parent { child } => child,
        Fork::Child => {
            // Not the parent's signals: Ctrl-C ends us, and only us.
            sigprocmask(How::SetMask, &SignalSet::empty())?;
            let status = match measure() {
                Ok(()) => 0,
                Err(error) => {
                    given::tell(&error.to_string());
                    1
                }
            };
            linux_sys::exit(status)
        }
    };
    given::pass_signals_until_end(child)?;
    Ok(match waitpid(child, WaitOptions::empty())? {
        WaitStatus::Exited(status) => status,
        _ => 1,
    })
}
