//! A number 1 that is not the command.

use given::Error;
use linux_sys::WaitStatus;

/// The child becomes the command. Its parent, number 1 of the namespace, stays: it takes in
/// orphans, and ends when the command does. Returns in the child alone.
pub fn stay_behind() -> Result<(), Error> {
    // TODO(19) 2. Nobody is to look into this process. Then fork: the child returns, and becomes
    // the command.
    // END TODO(19)

    // TODO(19) 3. Number 1: `given::begin_init()` first. Then `given::pass_signals(command)` sleeps
    // until a child has ended, again and again: collect all that have, and end as the command did.
    let _ = status_of;
    Ok(())
    // END TODO(19)
}

/// As the shells have it: 128 and the signal, if one has ended it.
fn status_of(status: WaitStatus) -> u8 {
    match status {
        WaitStatus::Exited(status) => status,
        WaitStatus::Signaled { signal, .. } => 128 + signal as u8,
        _ => 0,
    }
}
