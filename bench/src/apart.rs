//! Measuring in a child process, so that the parent tidies up however the child ends.

use given::Error;
use linux_sys::{Fork, How, SignalSet, WaitOptions, WaitStatus, fork, sigprocmask, waitpid};

/// Runs `measure` in a child and waits for its end. A signal that asks us to end goes on to
/// the child. Returns the child's exit status; what it has left is the caller's to remove.
pub fn measure_apart(measure: impl FnOnce() -> Result<(), Error>) -> Result<u8, Error> {
    given::block_signals()?;
    let child = match fork()? {
        Fork::Parent { child } => child,
        Fork::Child => {
            // The child does not hold signals back as its parent does: Ctrl-C ends it alone.
            sigprocmask(How::SetMask, &SignalSet::empty())?;
            let status = match measure() {
                Ok(()) => 0,
                Err(error) => {
                    given::log(&error.to_string());
                    1
                }
            };
            linux_sys::exit(status)
        }
    };
    given::forward_signals(child)?;
    Ok(match waitpid(child, WaitOptions::empty())? {
        WaitStatus::Exited(status) => status,
        _ => 1,
    })
}
