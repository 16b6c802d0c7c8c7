//! The child's recipe: what a process does to itself before it becomes the command.

use std::convert::Infallible;

use given::Error;
use linux_sys::execvp;

use crate::{Container, Options, mounts, rootfs};

/// The steps in order, one a level. Returns only if a step has failed: after
/// the last one this program is gone, and the command is in its place.
pub fn contain(options: &Options, container: &Container) -> Result<Infallible, Error> {
    let root = rootfs::root(&container.directory);

    // Before we enter the root: the names of the mount points are the host's still.
    mounts::mount_proc_sys_dev(&root)?;
    mounts::enter(&root)?;

    // Given: signals as our caller had them, none blocked, no file open but 0, 1 and 2.
    given::reset_signals_and_fds()?;

    // The first word twice: once to be looked up in PATH, once as the name that
    // the program sees as its own, argv[0] (execvp(3)).
    let never = execvp(&options.command[0], &options.command)?;
    Ok(never)
}
