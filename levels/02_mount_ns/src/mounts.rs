//! What the container sees as its file systems.

use std::path::Path;

use given::Error;
use linux_sys::{MntFlags, MsFlags, chdir, chroot, mount, umount2};

/// The file systems that no archive can hold, because the kernel makes them up.
pub fn mount_proc_sys_dev(root: &Path) -> Result<(), Error> {
    // Nothing in them is a program to run, or a device to open (mount(2)).
    let inert = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;

    mount("proc", given::mount_point(root, "proc")?, "proc", inert, "")?;

    // Read-only: what is in /sys are the knobs of the one kernel that all share.
    mount(
        "sysfs",
        given::mount_point(root, "sys")?,
        "sysfs",
        inert | MsFlags::MS_RDONLY,
        "",
    )?;

    // TODO(02) 3. A /dev of the container's own: a tmpfs, and in it what `make_devices` makes.
    // So far it is the host's, with every disk that the machine has.
    mount(
        "devtmpfs",
        given::mount_point(root, "dev")?,
        "devtmpfs",
        MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC,
        "",
    )?;
    // END TODO(02)
    Ok(())
}

/// Make `root` the place that `/` means for this process and its children.
pub fn enter(root: &Path) -> Result<(), Error> {
    chroot(root)?;
    // chroot changes what `/` means and nothing else. The working directory is
    // still outside, and every relative path would start there.
    chdir("/")?;
    Ok(())
}

// TODO(02) 3. Write `make_devices`: six device nodes, five links, devpts and shm.
// END TODO(02)

// TODO(02) 4. Take this away too: once the mounts are the container's own, they go with it.
/// Given: take out of the host's mount table what this level puts into it.
pub fn unmount_proc_sys_dev(root: &Path) {
    for name in ["dev", "sys", "proc"] {
        // MNT_DETACH: also if a process that the container left behind still
        // uses it. NOFOLLOW: an image's link must not choose what we unmount.
        // An error means that it never was mounted, and is none.
        let _ = umount2(
            root.join(name),
            MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW,
        );
    }
}
// END TODO(02)
