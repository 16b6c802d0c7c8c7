//! Which process group a terminal listens to, and what it is told to have heard.

use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::error::plain;
use crate::explain::Case;
use crate::{Error, Result};

/// The process group that a terminal's keyboard, Ctrl-C included, belongs to.
///
/// # Errors
///
/// * `ENOTTY`: not the caller's controlling terminal.
/// * `EBADF`: not an open descriptor.
///
/// # Example
///
/// ```
/// match linux_sys::tcgetpgrp(std::io::stdin()) {
///     Ok(group) => println!("Ctrl-C goes to group {group}"),
///     Err(error) => println!("{error}"),
/// }
/// ```
///
/// Manual page: tcgetpgrp(3). Given code, from level 00.
pub fn tcgetpgrp(terminal: impl AsFd) -> Result<Pid> {
    nix::unistd::tcgetpgrp(terminal.as_fd()).map_err(|errno| {
        Error::new(
            "tcgetpgrp",
            Case::Any,
            errno,
            &[plain(terminal.as_fd().as_raw_fd())],
        )
    })
}

/// Gives a terminal's keyboard to the process group `group`.
///
/// A caller in the background is stopped by SIGTTOU instead, unless it blocks or ignores
/// that signal.
///
/// # Errors
///
/// * `ENOTTY`: not the caller's controlling terminal.
/// * `EPERM`: no such group in the caller's session.
/// * `EINVAL`: not a group's number.
/// * `EBADF`: not an open descriptor.
///
/// # Example
///
/// ```no_run
/// use linux_sys::{Pid, setpgid, tcsetpgrp};
///
/// let own = Pid::this();
/// setpgid(own, own)?;
/// tcsetpgrp(std::io::stdin(), own)?;
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: tcsetpgrp(3). Given code, from level 00.
pub fn tcsetpgrp(terminal: impl AsFd, group: Pid) -> Result<()> {
    nix::unistd::tcsetpgrp(terminal.as_fd(), group).map_err(|errno| {
        let shown = [plain(terminal.as_fd().as_raw_fd()), plain(group)];
        Error::new("tcsetpgrp", Case::Any, errno, &shown)
    })
}

/// Types a byte on a terminal: whoever reads from it next takes it for a key that was
/// struck.
///
/// That may be the shell, when the program that has done it is gone.
///
/// # Errors
///
/// * `EIO`: switched off (`dev.tty.legacy_tiocsti` is 0, since Linux 6.2), and the caller
///   has no CAP_SYS_ADMIN.
/// * `EPERM`: not the caller's controlling terminal, and no CAP_SYS_ADMIN.
/// * `ENOTTY`: no terminal.
///
/// # Example
///
/// ```no_run
/// let terminal = std::fs::File::open("/dev/tty")?;
/// for byte in b"date\n" {
///     linux_sys::tiocsti(&terminal, *byte)?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Manual page: TIOCSTI(2const), in older releases ioctl_tty(2). Checks.
pub fn tiocsti(terminal: impl AsFd, byte: u8) -> Result<()> {
    // SAFETY: this ioctl reads the one byte that it is given the address of.
    let done = unsafe {
        libc::ioctl(
            terminal.as_fd().as_raw_fd(),
            libc::TIOCSTI as _,
            &raw const byte,
        )
    };
    Errno::result(done).map(drop).map_err(|errno| {
        let shown = [
            plain(terminal.as_fd().as_raw_fd()),
            plain(byte.escape_ascii()),
        ];
        Error::new("tiocsti", Case::Any, errno, &shown)
    })
}
