//! Where paths begin: the root and the working directory.

use std::path::Path;

use crate::error::quoted;
use crate::explain::Case;
use crate::{Error, Result};

/// Makes `path` the directory that `/` means, for the calling process and its children.
///
/// It changes one pointer and nothing else: the working directory stays where it
/// was, perhaps outside, and open descriptors keep leading out. So [`chdir`] to `/`
/// comes next; and it is no wall for root, which lesson 03 shows.
///
/// # Errors
///
/// * `EPERM`: needs CAP_SYS_CHROOT.
/// * `ENOENT`: no such directory.
/// * `ENOTDIR`: not a directory.
/// * `EACCES`, `ELOOP`: the way there is not searchable, or goes in circles.
///
/// # Example
///
/// ```standalone_crate
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/mod.rs"));
/// # fn main() { in_private_namespaces(example) }
/// # fn example() -> linux_sys::Result<()> {
/// use linux_sys::{chdir, chroot};
///
/// chroot("/proc")?;
/// chdir("/")?;
/// assert!(std::path::Path::new("/self/status").exists());
/// # Ok(())
/// # }
/// ```
///
/// Manual page: chroot(2). Level 01.
pub fn chroot(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    nix::unistd::chroot(path)
        .map_err(|errno| Error::new("chroot", Case::Any, errno, &[quoted(path)]))
}

/// Makes `path` the directory where relative paths begin.
///
/// # Errors
///
/// * `ENOENT`: no such directory. After [`chroot`] or [`pivot_root`] paths begin at
///   the new root.
/// * `ENOTDIR`: not a directory.
/// * `EACCES`, `ELOOP`: the way there is not searchable, or goes in circles.
///
/// # Example
///
/// ```standalone_crate
/// use linux_sys::{Errno, chdir};
///
/// chdir("/")?;
/// assert_eq!(chdir("/proc/version").unwrap_err().errno(), Errno::ENOTDIR);
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: chdir(2). Level 01.
pub fn chdir(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    nix::unistd::chdir(path).map_err(|errno| Error::new("chdir", Case::Any, errno, &[quoted(path)]))
}

/// Makes `new_root` the root mount of this mount namespace and moves the old one to `put_old`.
///
/// Unlike [`chroot`], it changes the mount table: after
/// [`umount2`](crate::umount2) of `put_old` the old root is not hidden but *gone*
/// from here. The working directory is not changed: [`chdir`] to `/` next.
///
/// # Arguments
///
/// * `new_root`: a mount point. A directory becomes one when it is bound onto itself.
/// * `put_old`: a directory at or below `new_root`. Both may be `"."`: then the old
///   root lies on top of the new one, until it is unmounted.
///
/// # Errors
///
/// * `EINVAL`: `new_root` is no mount point, `put_old` is not below it, the present
///   root is no mount point (after chroot) or sits on no other mount (in an initramfs
///   before Linux 7.0), or the propagation of one of them is shared.
/// * `EBUSY`: `new_root` or `put_old` is on the root's own mount: bind `new_root`
///   onto itself first.
/// * `ENOENT`: one of them does not exist.
/// * `ENOTDIR`: one of them is not a directory.
/// * `EPERM`: needs CAP_SYS_ADMIN in this mount namespace.
///
/// # Example
///
/// ```standalone_crate
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/mod.rs"));
/// # fn main() { in_private_namespaces(example) }
/// # fn example() -> linux_sys::Result<()> {
/// use linux_sys::{MntFlags, MsFlags, chdir, mount, pivot_root, umount2};
///
/// // In a mount namespace of its own, whose mounts are private:
/// mount("tmpfs", "/tmp", "tmpfs", MsFlags::empty(), "")?;
/// chdir("/tmp")?;
/// pivot_root(".", ".")?;
/// umount2(".", MntFlags::MNT_DETACH)?;
/// chdir("/")?;
/// assert!(!std::path::Path::new("/proc").exists()); // the new root is empty
/// # Ok(())
/// # }
/// ```
///
/// Manual page: pivot_root(2). Level 03.
pub fn pivot_root(new_root: impl AsRef<Path>, put_old: impl AsRef<Path>) -> Result<()> {
    let (new_root, put_old) = (new_root.as_ref(), put_old.as_ref());
    nix::unistd::pivot_root(new_root, put_old).map_err(|errno| {
        Error::new(
            "pivot_root",
            Case::Any,
            errno,
            &[quoted(new_root), quoted(put_old)],
        )
    })
}
