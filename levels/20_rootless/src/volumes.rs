//! What of the host the container is shown, and what it gets in memory.

use std::os::fd::AsRawFd;
use std::path::Path;

use given::{Error, Tmpfs, Volume};
use linux_sys::{
    MountAttr, MountAttrFlags, MsFlags, OpenTreeFlags, mount, mount_setattr_tree, move_mount,
    open_tree,
};

/// The child's part: show a file or directory of the host, with all that is mounted below it.
pub fn attach(root: &Path, volume: &Volume) -> Result<(), Error> {
    // A copy of the mounts, which nobody sees yet. Ours, and not the host's: the tree is
    // private by now, so what the host mounts below later on does not come after.
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::AT_RECURSIVE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let tree = open_tree(&volume.source, flags)?;

    // All mounts of the tree, and not just the first: the remount of level 12 changes one.
    let mut set = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    if volume.is_read_only {
        set |= MountAttrFlags::MOUNT_ATTR_RDONLY;
    }
    let attr = MountAttr {
        set,
        ..MountAttr::default()
    };
    mount_setattr_tree(&tree, true, attr)?;

    // By descriptor: the path is in a stranger's image, and may be a link to anywhere.
    let target = given::mount_target(root, &volume.target, volume.source.is_dir())?;
    move_mount(&tree, &target)?;
    Ok(())
}

/// The child's part: a directory in memory.
pub fn mount_tmpfs(root: &Path, tmpfs: &Tmpfs) -> Result<(), Error> {
    let target = given::mount_target(root, &tmpfs.target, true)?;
    // mount(2) wants a path. This one is the descriptor itself, and no link leads away from it.
    let path = format!("/proc/self/fd/{}", target.as_raw_fd());
    let inert = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount("tmpfs", path, "tmpfs", inert, &tmpfs.options)?;
    Ok(())
}
