//! The child's recipe: what a process does to itself before it becomes the command.

use std::convert::Infallible;

use given::Error;
use linux_sys::{CloneFlags, MsFlags, clearenv, execvp, mount, setenv, sethostname, unshare};

use crate::{Container, Options, mounts, rootfs};

/// The steps in order, one a level. Returns only if a step has failed: after
/// the last one this program is gone, and the command is in its place.
pub fn contain(options: &Options, container: &Container) -> Result<Infallible, Error> {
    // TODO(06) 2. Take this away once clone has these flags: we are born there.
    // A mount table and a hostname for us alone. First of all, because what we
    // mount from here on is made in it, and goes with it when we end.
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWUTS)?;
    // END TODO(06)

    // A copied mount still belongs to its original's peer group, and what happens
    // below one happens below the other; systemd makes `/` shared. Recursively,
    // since each mount has its own setting (mount_namespaces(7)).
    mount("", "/", "", MsFlags::MS_REC | MsFlags::MS_PRIVATE, "")?;

    // Not before the UTS namespace is ours: it would rename the host.
    sethostname(&options.id)?;

    let root = rootfs::root(&container.directory);

    // The image below, this container's changes above. Before proc, sys and dev:
    // they must be mounted on top of it.
    rootfs::mount_overlay(&container.directory)?;

    // Before we enter the root: the names of the mount points are the host's still.
    mounts::mount_proc_sys_dev(&root)?;
    mounts::enter(&root)?;

    // TODO(06) 3. Die with the parent: no other process would end us, or clean up after us.
    // Until then we only know who it is.
    let _ = &container.parent;
    // END TODO(06)

    // Given: signals as our caller had them, none blocked, no file open but 0, 1 and 2.
    given::reset_signals_and_fds()?;

    // What the caller has in its environment is not the container's. Before exec, which
    // hands on what is in ours, and looks the command up in its PATH (execvp(3)).
    let environment = given::environment(&options.id, &options.env);
    clearenv()?;
    for (name, value) in environment {
        setenv(name, value)?;
    }

    // The first word twice: once to be looked up in PATH, once as the name that
    // the program sees as its own, argv[0] (execvp(3)).
    let never = execvp(&options.command[0], &options.command)?;
    Ok(never)
}
