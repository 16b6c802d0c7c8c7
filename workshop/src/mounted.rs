//! What is mounted below a directory, and how it comes away without harm to anything else.

use std::path::{Path, PathBuf};

use given::Error;
use linux_sys::{MntFlags, MsFlags, mount, umount2};

use crate::mountinfo;

/// Mount points below a directory in our own namespace.
pub(crate) fn below(directory: &Path) -> Vec<PathBuf> {
    let all = mountinfo::of("self").into_iter().map(|mount| mount.point);
    all.filter(|point| point.starts_with(directory)).collect()
}

/// Take away all that is mounted below a directory.
///
/// A recursive bind mount of `/` that a learner has forgotten is a peer of the real `/`, where
/// systemd has made that shared: to unmount its `proc` would unmount the machine's /proc.
/// So every tree of mounts is first made private, and then taken away as a whole
/// (mount_namespaces(7), MNT_DETACH in umount(2)). What it showed stays where it is.
pub(crate) fn detach(directory: &Path) -> Result<(), Error> {
    let outermost = || {
        let points = below(directory).into_iter();
        // The shortest path has no other mount on its way that could hide it.
        points.min_by_key(|point| point.components().count())
    };
    while let Some(point) = outermost() {
        mount("", &point, "", MsFlags::MS_REC | MsFlags::MS_PRIVATE, "")?;
        umount2(&point, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW)?;
    }
    Ok(())
}
