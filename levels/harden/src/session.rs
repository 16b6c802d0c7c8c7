//! What a process has of its caller, and a container is not to have.

use std::io::{IsTerminal, stdin};
use std::os::fd::OwnedFd;
use std::path::Path;

use given::Error;
use linux_sys::{
    Resource, dup2, getrlimit, keyctl_join_session_keyring, setrlimit, setsid, tiocsctty,
};

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
        // A new session has no terminal, and only its leader can get it one.
        setsid()?;
        tiocsctty(terminal)?;
        for stream in 0..=2 {
            dup2(terminal, stream)?;
        }
    }
    // Not where our caller's terminal is the command's as well: from another session its Ctrl-C
    // would reach nobody.
    if terminal.is_none() && !stdin().is_terminal() {
        setsid()?;
    }
    Ok(())
}

/// Our caller's keys, limits, and rank when memory is short.
pub fn leave_inheritance() -> Result<(), Error> {
    // Before the filter, which has no such call.
    keyctl_join_session_keyring()?;

    for (resource, soft, hard) in LIMITS {
        // Lowering takes no capability.
        let (_, highest) = getrlimit(resource)?;
        let hard = hard.min(highest);
        setrlimit(resource, soft.min(hard), hard)?;
    }
    // With less than 0 others die in its place (proc_pid_oom_score_adj(5)).
    let score = Path::new("/proc/self/oom_score_adj");
    if given::read(score)?.starts_with('-') {
        given::write(score, "0")?;
    }
    Ok(())
}
