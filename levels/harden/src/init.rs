//! A number 1 that is not the command.

use given::Error;
use linux_sys::{Fork, WaitOptions, WaitStatus, exit, fork, set_dumpable, waitpid_any};

/// The child becomes the command. Its parent, number 1 of the namespace, stays: it takes in
/// orphans, and ends when the command does. Returns in the child alone.
pub fn stay_behind() -> Result<(), Error> {
    // Before there is a process that could look into us. The exec takes it back for the command.
    set_dumpable(false)?;
    let command = match fork()? {
        Fork::Child => return Ok(()),
        Fork::Parent { child } => child,
    };
    // Given: signals wait until we look; no file is open but 0, 1 and 2; and what our caller has
    // called us with is forgotten.
    given::begin_init()?;

    loop {
        // Given: sleeps until a child has ended, and hands on to the command what is sent to us.
        given::pass_signals(command)?;
        // One SIGCHLD may stand for several; and a child may be an orphan that was given to us.
        while let Some((child, status)) = waitpid_any(WaitOptions::WNOHANG)? {
            if child == command {
                // With us the kernel ends whatever is left in the namespace.
                exit(status_of(status));
            }
        }
    }
}

/// As the shells have it: 128 and the signal, if one has ended it.
fn status_of(status: WaitStatus) -> u8 {
    match status {
        WaitStatus::Exited(status) => status,
        WaitStatus::Signaled { signal, .. } => 128 + signal as u8,
        _ => 0,
    }
}
