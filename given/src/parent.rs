//! Whether the parent is still there.
//!
//! A child can ask the kernel for a signal at its parent's death (PR_SET_PDEATHSIG).
//! If the parent has died just before, there is nothing to signal any more, so one
//! has to look afterwards. `getppid` cannot tell: in a PID namespace the parent is
//! outside, and its number is always 0. A pidfd can (pidfd_open(2)).

use std::os::fd::{AsFd, OwnedFd};

use linux_sys::{Pid, pidfd_open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::Error;

/// A parent, opened before its child is made, and inherited by it.
#[derive(Debug)]
pub struct Parent(OwnedFd);

/// To be called by the parent: itself.
pub fn this_process() -> Result<Parent, Error> {
    Ok(Parent(pidfd_open(Pid::this())?))
}

/// For the child, after `set_pdeathsig`: an error if the parent has died before.
pub fn check_parent_alive(parent: &Parent) -> Result<(), Error> {
    // A pidfd becomes readable when its process ends.
    let mut ended = [PollFd::new(parent.0.as_fd(), PollFlags::POLLIN)];
    match poll(&mut ended, PollTimeout::ZERO)? {
        0 => Ok(()),
        _ => Err("our parent has died, and so no process is left to report to".into()),
    }
}
