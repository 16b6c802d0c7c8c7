//! What a process has of its caller, and a container is not to have.

use std::os::fd::OwnedFd;

use given::Error;
use linux_sys::Resource;

/// How much each process may use: what holds at first, and what it may raise that to.
const LIMITS: [(Resource, u64, u64); 2] = [
    // No core dump: it would go where the host's core_pattern says.
    (Resource::RLIMIT_CORE, 0, 0),
    // What most programs expect (systemd.exec(5)).
    (Resource::RLIMIT_NOFILE, 1024, 524_288),
];

/// A session of its own, with a terminal of its own or with none.
pub fn begin_session(terminal: Option<OwnedFd>) -> Result<(), Error> {
    if let Some(terminal) = &terminal {
        // TODO(18) 3. A session, whose terminal is this one; and 0, 1 and 2 are it as well.
        let _ = terminal;
        // END TODO(18)
    }
    // TODO(18) 4. Without a terminal of its own the command has its caller's, or no terminal on
    // its input. In which of the two cases may it have a session of its own?
    // END TODO(18)
    Ok(())
}

/// Our caller's keys, limits, and rank when memory is short.
pub fn leave_inheritance() -> Result<(), Error> {
    // TODO(18) 5. A ring of keys that our caller's session does not have; the limits in LIMITS, and
    // none of them above what it is now; in /proc/self/oom_score_adj not less than 0.
    let _ = LIMITS;
    // END TODO(18)
    Ok(())
}
