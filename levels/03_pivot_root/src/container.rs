//! The child's recipe: what a process does to itself before it becomes the command.

use std::convert::Infallible;

use given::Error;
use linux_sys::{CloneFlags, MsFlags, execvp, mount, unshare};

use crate::{Container, Options, mounts, rootfs};

/// The steps in order, one a level. Returns only if a step has failed: after
/// the last one this program is gone, and the command is in its place.
pub fn contain(options: &Options, container: &Container) -> Result<Infallible, Error> {
    // A copy of the mount table, for us alone. First of all, because every mount
    // from here on is made in it, and goes with it when we end.
    unshare(CloneFlags::CLONE_NEWNS)?;

    // A copied mount still belongs to its original's peer group, and what happens
    // below one happens below the other; systemd makes `/` shared. Recursively,
    // since each mount has its own setting (mount_namespaces(7)).
    mount("", "/", "", MsFlags::MS_REC | MsFlags::MS_PRIVATE, "")?;

    let root = rootfs::root(&container.directory);

    // TODO(03) 1. Make `root` a mount point: bind it onto itself.
    // END TODO(03)

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
