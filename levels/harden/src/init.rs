//! A number 1 that is not the command.

use given::Error;
use linux_sys::{Fork, WaitOptions, WaitStatus, fork, set_dumpable, waitpid_any};

/// The child becomes the command; its parent, number 1 of the namespace, stays, takes in
/// orphans, and ends when the command does. Returns in the child alone.
pub fn stay_behind() -> Result<(), Error> {
    // Before there is somebody who could look into us. The exec of the command takes it back
    // for the command.
    set_dumpable(false)?;
    let command = match fork()? {
        Fork::Child => return Ok(()),
        Fork::Parent { child } => child,
    };
    // Given: no file open but 0, 1 and 2, and nothing of what our caller has called us with.
    given::begin_init()?;

    loop {
        // Given: sleeps until a child has ended, and hands on what is sent to us meanwhile.
        given::pass_signals(command)?;
        // One SIGCHLD may stand for several that have ended.
        while let Some((child, status)) = waitpid_any(WaitOptions::WNOHANG)? {
            // An orphan that was given to us is collected, and that is all.
            if child == command {
                // With us the kernel ends all that is left in the namespace.
                linux_sys::exit(status_of(status));
            }
        }
    }
}

/// As the shells have it.
fn status_of(status: WaitStatus) -> u8 {
    match status {
        WaitStatus::Exited(status) => status,
        WaitStatus::Signaled { signal, .. } => 128 + signal as u8,
        _ => 0,
    }
}
