//! One process under the control of another, as under a debugger.

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::error::plain;
use crate::explain::Case;
use crate::{Error, Result};

/// Becomes the tracer of the process `pid`: from now on the caller may stop it, and change
/// its memory and registers.
///
/// The process goes on running until its tracer stops it. It is let go when the tracer ends.
///
/// # Errors
///
/// * `ESRCH`: no such process, as seen from this PID namespace.
/// * `EPERM`: it has more capabilities than the caller, is another user's, or has a
///   tracer; CAP_SYS_PTRACE helps with the first two.
///
/// # Example
///
/// ```no_run
/// use linux_sys::{Pid, ptrace_seize};
///
/// ptrace_seize(Pid::from_raw(4711))?;
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: ptrace(2), `PTRACE_SEIZE`. Checks.
pub fn ptrace_seize(pid: Pid) -> Result<()> {
    let zero: libc::c_long = 0;
    // SAFETY: PTRACE_SEIZE takes an address of zero and options, none here; it changes
    // no memory of ours.
    let done = unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid.as_raw(), zero, zero) };
    Errno::result(done).map(drop).map_err(|errno| {
        let shown = [plain("PTRACE_SEIZE"), plain(pid), plain(0), plain(0)];
        Error::new("ptrace", Case::Any, errno, &shown)
    })
}
