//! waitid: waiting for a child, with a choice of what to wait for.

use std::mem::zeroed;

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::error::{flags, plain};
use crate::explain::Case;
use crate::{Error, Result, WaitOptions, WaitStatus};

/// Waits for a child, or only looks at it.
///
/// Where [`waitpid`](crate::waitpid) always collects what it reports, this call
/// can leave it where it is: with `WNOWAIT` a dead child stays a zombie, and a
/// later `waitpid` still gets its status.
///
/// # Arguments
///
/// * `child`: a child of the calling process.
/// * `options`: at least one of `WEXITED`, `WSTOPPED` and `WCONTINUED`, which say
///   what to wait for; `WNOHANG` to return at once; `WNOWAIT` to leave it.
///
/// # Errors
///
/// * `ECHILD`: `child` is no child of ours, or was collected already.
/// * `EINVAL`: none of the three that say what to wait for; or `child` is not positive.
///
/// # Example
///
/// ```standalone_crate
/// use linux_sys::{Fork, WaitOptions, WaitStatus, exit, fork, waitid, waitpid};
///
/// let child = match fork()? {
///     Fork::Child => exit(7),
///     Fork::Parent { child } => child,
/// };
/// let look = WaitOptions::WEXITED | WaitOptions::WNOWAIT;
/// assert_eq!(waitid(child, look)?, WaitStatus::Exited(7));
/// assert_eq!(waitpid(child, WaitOptions::empty())?, WaitStatus::Exited(7));
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: waitid(2). Used by the parent's signal plumbing, from level 00.
pub fn waitid(child: Pid, options: WaitOptions) -> Result<WaitStatus> {
    let failed = |errno| {
        let shown = [plain("P_PID"), plain(child), flags!(options)];
        Error::new("waitid", Case::Any, errno, &shown)
    };
    // The type is unsigned, but the kernel reads it as a process number again and
    // refuses a negative one.
    let id = child.as_raw() as libc::id_t;
    // SAFETY: siginfo_t is numbers and a union of numbers; zero is a value of it.
    let mut info: libc::siginfo_t = unsafe { zeroed() };
    loop {
        // SAFETY: `info` lives across the call, which fills it in.
        let done = unsafe { libc::waitid(libc::P_PID, id, &mut info, options.bits()) };
        match Errno::result(done) {
            Ok(_) => break,
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(failed(errno)),
        }
    }
    // SAFETY: waitid fills in the fields of SIGCHLD, or nothing at all; both
    // fields are numbers, zero if untouched.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    Ok(match info.si_code {
        _ if pid == 0 => WaitStatus::StillRunning,
        libc::CLD_EXITED => WaitStatus::Exited((status & 0xff) as u8),
        libc::CLD_KILLED => WaitStatus::Signaled {
            signal: status,
            core_dumped: false,
        },
        libc::CLD_DUMPED => WaitStatus::Signaled {
            signal: status,
            core_dumped: true,
        },
        libc::CLD_CONTINUED => WaitStatus::Continued,
        _ => WaitStatus::Stopped(status),
    })
}
