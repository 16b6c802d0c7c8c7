//! A process by descriptor instead of by number.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::error::plain;
use crate::explain::Case;
use crate::signal::signal_name;
use crate::{Error, Result};

/// A descriptor that stands for the process `pid`.
///
/// The kernel may give a number to another process once its owner has ended and was
/// waited for; a descriptor keeps its process. It becomes readable (poll(2)) when the
/// process ends. It is closed on exec.
///
/// # Arguments
///
/// * `pid`: a process, as seen from the caller's PID namespace.
///
/// # Errors
///
/// * `ESRCH`: no such process.
/// * `EINVAL`: not positive, or not a process but one of its further threads.
/// * `EMFILE`, `ENFILE`: too many open descriptors.
/// * `ENOSYS`: before Linux 5.3.
///
/// # Example
///
/// ```
/// use linux_sys::{Pid, pidfd_open, pidfd_send_signal};
///
/// let myself = pidfd_open(Pid::this())?;
/// pidfd_send_signal(&myself, 0)?;
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: pidfd_open(2). Level 06.
pub fn pidfd_open(pid: Pid) -> Result<OwnedFd> {
    // SAFETY: takes two numbers.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
    let fd = Errno::result(fd)
        .map_err(|errno| Error::new("pidfd_open", Case::Any, errno, &[plain(pid), plain(0)]))?;
    // SAFETY: the kernel just made this descriptor for us alone; descriptors are ints.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// Sends a signal to the process behind `pidfd`, and never to another one that got its number.
///
/// # Arguments
///
/// * `pidfd`: from [`pidfd_open`].
/// * `signum`: as for [`kill`](crate::kill).
///
/// # Errors
///
/// * `ESRCH`: the process has ended and was waited for.
/// * `EPERM`: another user's, and no CAP_KILL.
/// * `EINVAL`: no such signal, or not a pidfd.
/// * `EBADF`: not an open descriptor.
///
/// # Example
///
/// See [`pidfd_open`].
///
/// Manual page: pidfd_send_signal(2). Level 06.
pub fn pidfd_send_signal(pidfd: impl AsFd, signum: i32) -> Result<()> {
    let raw = pidfd.as_fd().as_raw_fd();
    let no_info = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: without a siginfo the kernel fills in its own, as for kill.
    let done = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, raw, signum, no_info, 0) };
    Errno::result(done).map(drop).map_err(|errno| {
        let shown = [plain(raw), plain(signal_name(signum))];
        Error::new("pidfd_send_signal", Case::Any, errno, &shown)
    })
}
