//! A number 1 that is not the command: what it needs to get on with signals.
//!
//! The kernel drops what PID 1 has no handler for, so the number 1 that passes signals on is
//! one that waits for them (sigtimedwait(2)), as the parent outside does.

use std::fs;
use std::io::IoSlice;

use linux_sys::{CloseRangeFlags, How, Pid, close_range, kill, sigprocmask, sigtimedwait};
use nix::libc::{SIGCHLD, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
use nix::sys::uio::{RemoteIoVec, process_vm_writev};

use crate::Error;
use crate::again::keep_name;
use crate::passing::is_of_terminal;
use crate::signals::held;

/// To be called by the number 1 when it has its child: it keeps nothing open but 0, 1 and 2,
/// and nothing of what our caller has called us with.
///
/// Never an exec since then: `/proc/1/environ` and `/proc/1/cmdline` show the memory where the
/// kernel once put them, so that is where they are overwritten.
pub fn begin_init() -> Result<(), Error> {
    sigprocmask(How::SetMask, &held())?;
    close_range(3, u32::MAX, CloseRangeFlags::empty())?;
    forget().map_err(|why| format!("what is in /proc/self/environ cannot be forgotten: {why}"))?;
    keep_name("init");
    Ok(())
}

fn forget() -> std::io::Result<()> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // Fields from the third on stand behind the name, which may have spaces (proc_pid_stat(5)).
    let fields: Vec<u64> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .map(|field| field.parse().unwrap_or(0))
        .collect();
    let field = |number: usize| fields.get(number - 3).copied().unwrap_or(0);
    let name = b"init\0";
    for (start, end, text) in [
        (field(48), field(49), &name[..]),
        (field(50), field(51), &[]),
    ] {
        let mut zeros = vec![0; end.saturating_sub(start) as usize];
        let length = text.len().min(zeros.len());
        zeros[..length].copy_from_slice(&text[..length]);
        // Not through /proc/self/mem: that is root's file, since we are not to be looked into.
        let place = RemoteIoVec {
            base: start as usize,
            len: zeros.len(),
        };
        process_vm_writev(Pid::this(), &[IoSlice::new(&zeros)], &[place])?;
    }
    Ok(())
}

/// Sleep until a child has ended, and hand on to `command` what is sent to us meanwhile.
pub fn pass_signals(command: Pid) -> Result<(), Error> {
    loop {
        match sigtimedwait(&held(), None)? {
            Some(info) if info.signal == SIGCHLD => return Ok(()),
            Some(info) if !is_of_terminal(&info) => {
                // A process group that no shell looks after is not stopped by any other. Us the
                // parent stops next: from within nobody can.
                let signal = match info.signal {
                    SIGTSTP | SIGTTIN | SIGTTOU => SIGSTOP,
                    other => other,
                };
                // It may have ended a moment ago: then SIGCHLD is next.
                drop(kill(command, signal));
            }
            _ => {}
        }
    }
}
