//! What the container sees as its file systems.

use std::path::Path;

use given::Error;
use linux_sys::{MntFlags, umount2};

/// The file systems that no archive can hold, because the kernel makes them up.
pub fn mount_proc_sys_dev(root: &Path) -> Result<(), Error> {
    // TODO(01) 3. Mount proc, sysfs and devtmpfs on proc, sys and dev below `root`.
    let _ = root;
    // END TODO(01)
    Ok(())
}

/// Make `root` the place that `/` means for this process and its children.
pub fn enter(root: &Path) -> Result<(), Error> {
    // TODO(01) 2. chroot into `root`, then chdir: the working directory is still outside.
    let _ = root;
    // END TODO(01)
    Ok(())
}

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
