//! The child's recipe: what a process does to itself before it becomes the command.

use std::convert::Infallible;

use given::Error;
use linux_sys::{CloneFlags, MsFlags, execvp, mount, unshare};

use crate::{Container, Options, mounts, rootfs};

/// The steps in order, one a level. Returns only if a step has failed: after
/// the last one this program is gone, and the command is in its place.
pub fn contain(options: &Options, container: &Container) -> Result<Infallible, Error> {
    // TODO(05) 1. Leave the host's UTS namespace too, in the same call.
    // A copy of the mount table, for us alone. First of all, because every mount
    // from here on is made in it, and goes with it when we end.
    unshare(CloneFlags::CLONE_NEWNS)?;
    // END TODO(05)

    // A copied mount still belongs to its original's peer group, and what happens
    // below one happens below the other; systemd makes `/` shared. Recursively,
    // since each mount has its own setting (mount_namespaces(7)).
    mount("", "/", "", MsFlags::MS_REC | MsFlags::MS_PRIVATE, "")?;

    // TODO(05) 2. Call the new machine by the container's id.
    // END TODO(05)

    let root = rootfs::root(&container.directory);

    // The image below, this container's changes above. Before proc, sys and dev:
    // they must be mounted on top of it.
    rootfs::mount_overlay(&container.directory)?;

    // Before we enter the root: the names of the mount points are the host's still.
    mounts::mount_proc_sys_dev(&root)?;
    mounts::enter(&root)?;

    // Given: signals as our caller had them, none blocked, no file open but 0, 1 and 2.
    given::reset_signals_and_fds()?;

    // TODO(05) 3. Forget the caller's environment, and set the container's.
    let _ = &options.env;
    // END TODO(05)

    // The first word twice: once to be looked up in PATH, once as the name that
    // the program sees as its own, argv[0] (execvp(3)).
    let never = execvp(&options.command[0], &options.command)?;
    Ok(never)
}
