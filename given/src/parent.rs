//! Whether the parent is still there.
//!
//! A child can ask the kernel for a signal at its parent's death (PR_SET_PDEATHSIG).
//! If the parent has died just before, there is nothing to signal any more, so one
//! has to look afterwards. `getppid` cannot tell: in a PID namespace the parent is
//! outside, and its number is always 0. A pidfd can (pidfd_open(2)).

use std::os::fd::OwnedFd;
use std::sync::OnceLock;

use linux_sys::{Pid, pidfd_open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::Error;

/// The parent, opened before the child was made, and inherited by it.
static PARENT: OnceLock<OwnedFd> = OnceLock::new();

/// To be called by the parent.
pub(crate) fn remember() -> Result<(), Error> {
    let myself = pidfd_open(Pid::this())?;
    PARENT.get_or_init(|| myself);
    Ok(())
}

/// For the child, after `set_pdeathsig`: an error if the parent has died before.
pub fn parent_must_live() -> Result<(), Error> {
    let Some(parent) = PARENT.get() else {
        return Err("hold_signals comes before the child is made".into());
    };
    // A pidfd becomes readable when its process ends.
    let mut ended = [PollFd::new(
        std::os::fd::AsFd::as_fd(parent),
        PollFlags::POLLIN,
    )];
    match poll(&mut ended, PollTimeout::ZERO)? {
        0 => Ok(()),
        _ => Err("our parent has died, and so nobody is left to report to".into()),
    }
}
