//! The child's recipe: what a process does to itself before it becomes the command.

use std::convert::Infallible;

use given::{Error, SecurityOption};
use linux_sys::{
    CloneFlags, MsFlags, SIGKILL, clearenv, execvp, mount, seccomp_set_mode_filter,
    set_no_new_privs, set_pdeathsig, setenv, sethostname, unshare,
};

use crate::{
    Container, Options, capabilities, cgroup, init, masks, mounts, network, rootfs, seccomp,
    session, user, volumes,
};

/// The steps in order, one a level. Returns only if a step has failed: after
/// the last one this program is gone, and the command is in its place.
pub fn contain(options: &Options, container: &Container) -> Result<Infallible, Error> {
    // First of all: what is done from here on is on the container's own account.
    cgroup::join(&container.cgroup)?;
    // The group that we are in at this moment becomes the namespace's `/`: so
    // after joining, and not as a flag of clone (cgroup_namespaces(7)).
    unshare(CloneFlags::CLONE_NEWCGROUP)?;

    // A copied mount still belongs to its original's peer group, and what happens
    // below one happens below the other; systemd makes `/` shared. Recursively,
    // since each mount has its own setting (mount_namespaces(7)).
    mount("", "/", "", MsFlags::MS_REC | MsFlags::MS_PRIVATE, "")?;

    // Not before the UTS namespace is ours: it would rename the host.
    sethostname(&options.id)?;

    network::bring_up("lo")?;

    let root = rootfs::root(&container.directory);

    // The image below, this container's changes above. Before proc, sys and dev:
    // they must be mounted on top of it.
    rootfs::mount_overlay(&container.directory)?;

    // Before we enter the root: the names of the mount points are the host's still.
    mounts::mount_proc_sys_dev(&root)?;
    // What is the host's has its name there: so before `enter`.
    for volume in &options.volume {
        volumes::attach(&root, volume)?;
    }
    for tmpfs in &options.tmpfs {
        volumes::mount_tmpfs(&root, tmpfs)?;
    }
    mounts::enter(&root)?;

    // What the kernel shows of the whole machine. The paths are the container's own by now, and
    // we still may mount.
    masks::cover()?;
    // Last: all that comes before may have to make a directory in it.
    if options.read_only {
        masks::make_root_read_only()?;
    }

    // No exec gives more than its caller has: no setuid program, no file capability
    // (PR_SET_NO_NEW_PRIVS in prctl(2)). Nothing takes it back, and each child has it too: so
    // before there is one.
    let no_new_privileges = SecurityOption::NoNewPrivileges;
    if options.security_opt.contains(&no_new_privileges) {
        set_no_new_privs()?;
    }

    // In the container's root, where its /dev/pts is, and while the calls are still allowed.
    // Given: a new terminal in the container's own /dev/pts, with `-t`.
    session::begin_session(given::new_terminal(&container.terminal, options.user)?)?;
    session::leave_inheritance()?;

    let kept = capabilities::kept(&options.cap_add, &options.cap_drop);
    // While we have CAP_SYS_ADMIN. Without it the kernel takes a filter only from who has
    // promised never to gain rights by an exec (seccomp(2)). All calls below are on the list.
    let unconfined = SecurityOption::SeccompUnconfined;
    if !options.security_opt.contains(&unconfined) {
        seccomp_set_mode_filter(&seccomp::filter(kept))?;
    }
    // Dropping from the bounding set takes a capability, which setuid takes away.
    capabilities::drop_bounding(kept)?;
    // Root no more: after all that only root may do.
    user::become_user(options.user)?;
    // setuid and setgid took capabilities of their own, so the last go last.
    capabilities::drop_capabilities(kept)?;

    // Without the parent no process ends us, or cleans up after us. If it has
    // died before we asked for the signal, the signal never comes: so we look.
    set_pdeathsig(SIGKILL)?;
    given::check_parent_alive(&container.parent)?;

    // Behind all that takes something from us: number 1 stays, and is to be as confined as the
    // command.
    if options.init {
        init::stay_behind()?;
    }

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
