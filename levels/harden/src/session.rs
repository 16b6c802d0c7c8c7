//! What a process has of its caller, and a container is not to have.

use std::io::{IsTerminal, stdin};
use std::os::fd::OwnedFd;
use std::path::Path;

use given::Error;
use linux_sys::{
    Resource, dup2, getrlimit, keyctl_join_session_keyring, setrlimit, setsid, tiocsctty,
};

/// How much a process may use, by itself: what holds at first, and what it may raise that to.
const LIMITS: [(Resource, u64, u64); 2] = [
    // No core dump: the host's core_pattern would say who gets it.
    (Resource::RLIMIT_CORE, 0, 0),
    // As programs expect it (systemd's own).
    (Resource::RLIMIT_NOFILE, 1024, 524_288),
];

/// A session of its own: which terminal it has, and whom `kill 0` and Ctrl-C reach.
pub fn begin(terminal: Option<OwnedFd>) -> Result<(), Error> {
    let Some(terminal) = terminal else {
        // Never where our caller's terminal is the container's as well: in another session
        // Ctrl-C would reach nobody.
        if !stdin().is_terminal() {
            setsid()?;
        }
        return Ok(());
    };
    // A session begins without a terminal, and only one that has none can be given one.
    setsid()?;
    tiocsctty(&terminal)?;
    for stream in 0..=2 {
        dup2(&terminal, stream)?;
    }
    Ok(())
}

/// Our caller's keys, limits and rank when memory is short.
pub fn leave_inheritance() -> Result<(), Error> {
    // Before the filter, which refuses this call.
    keyctl_join_session_keyring()?;

    for (resource, soft, hard) in LIMITS {
        // To lower one takes no capability.
        let (_, highest) = getrlimit(resource)?;
        let hard = hard.min(highest);
        setrlimit(resource, soft.min(hard), hard)?;
    }

    // Below 0 others would be killed in its place (proc_pid_oom_score_adj(5)).
    let score = Path::new("/proc/self/oom_score_adj");
    if given::read(score)?.starts_with('-') {
        given::write(score, "0")?;
    }
    Ok(())
}
