//! Which process group a terminal listens to.

use std::os::fd::{AsFd, AsRawFd};

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
