//! Names in directories: mkdir, rmdir, symlink, chmod.
//!
//! The standard library has them as well; here their errors carry the path.

use std::path::Path;

use nix::sys::stat::{FchmodatFlags, fchmodat};
use nix::unistd::symlinkat;

use nix::fcntl::AT_FDCWD;
use nix::sys::stat::Mode;

use crate::error::{octal, quoted};
use crate::explain::Case;
use crate::{Error, Result};

/// Makes an empty directory.
///
/// # Arguments
///
/// * `path`: must not exist; the directory above it must.
/// * `mode`: its permission bits, less the [`umask`](crate::umask).
///
/// # Errors
///
/// * `EEXIST`: something is there already.
/// * `ENOENT`, `ENOTDIR`: the directory above does not exist or is none.
/// * `EACCES`, `EROFS`, `ENOSPC`: it cannot be written to.
/// * `EPERM`: a filesystem in which processes cannot make directories, like /proc.
///
/// # Example
///
/// ```standalone_crate
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/mod.rs"));
/// # fn main() { in_private_namespaces(example) }
/// # fn example() -> linux_sys::Result<()> {
/// use linux_sys::{Mode, MsFlags, mkdir, mount};
///
/// mount("scratch", "/tmp", "tmpfs", MsFlags::empty(), "")?;
/// mkdir("/tmp/store", Mode::from_bits_truncate(0o700))?;
/// # Ok(())
/// # }
/// ```
///
/// Manual page: mkdir(2). Level 04 (upper, work, merged).
pub fn mkdir(path: impl AsRef<Path>, mode: Mode) -> Result<()> {
    let path = path.as_ref();
    nix::unistd::mkdir(path, mode)
        .map_err(|errno| Error::new("mkdir", Case::Any, errno, &[quoted(path), octal(mode)]))
}

/// Removes an empty directory.
///
/// # Errors
///
/// * `ENOTEMPTY`: it is not empty.
/// * `EBUSY`: something is mounted there.
/// * `ENOENT`, `ENOTDIR`: no such directory, or not a directory.
/// * `EACCES`, `EPERM`, `EROFS`: the directory above cannot be written to.
/// * `EINVAL`: the path ends in `.`.
///
/// # Example
///
/// ```standalone_crate
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/mod.rs"));
/// # fn main() { in_private_namespaces(example) }
/// # fn example() -> linux_sys::Result<()> {
/// use linux_sys::{Mode, MsFlags, mkdir, mount, rmdir};
///
/// mount("scratch", "/tmp", "tmpfs", MsFlags::empty(), "")?;
/// mkdir("/tmp/old-root", Mode::from_bits_truncate(0o700))?;
/// rmdir("/tmp/old-root")?;
/// # Ok(())
/// # }
/// ```
///
/// Manual page: rmdir(2). Level 03 (where the old root was).
pub fn rmdir(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    nix::unistd::unlinkat(AT_FDCWD, path, nix::unistd::UnlinkatFlags::RemoveDir)
        .map_err(|errno| Error::new("rmdir", Case::Any, errno, &[quoted(path)]))
}

/// Makes a symbolic link called `path` whose text is `target`.
///
/// The kernel does not look at the text now: it may lead nowhere. It is resolved when a
/// process follows the link, from the root of that process.
///
/// # Errors
///
/// * `EEXIST`: something called `path` is there already.
/// * `ENOENT`, `ENOTDIR`: the directory above does not exist or is none.
/// * `EACCES`, `EROFS`, `ENOSPC`: it cannot be written to.
/// * `EPERM`: a filesystem without symbolic links.
///
/// # Example
///
/// ```standalone_crate
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/mod.rs"));
/// # fn main() { in_private_namespaces(example) }
/// # fn example() -> linux_sys::Result<()> {
/// use linux_sys::{MsFlags, mount, symlink};
///
/// mount("dev", "/tmp", "tmpfs", MsFlags::empty(), "")?;
/// symlink("/proc/self/fd", "/tmp/fd")?; // what /dev/fd is
/// # Ok(())
/// # }
/// ```
///
/// Manual page: symlink(2). Level 02 (the links in /dev).
pub fn symlink(target: impl AsRef<Path>, path: impl AsRef<Path>) -> Result<()> {
    let (target, path) = (target.as_ref(), path.as_ref());
    symlinkat(target, AT_FDCWD, path)
        .map_err(|errno| Error::new("symlink", Case::Any, errno, &[quoted(target), quoted(path)]))
}

/// Sets a file's permission bits to exactly `mode`; the umask has no say here.
///
/// Symbolic links are followed: in an image that you did not make, do not.
///
/// # Errors
///
/// * `EPERM`: neither its owner nor CAP_FOWNER.
/// * `ENOENT`, `ENOTDIR`: no such file.
/// * `EACCES`, `ELOOP`: the way there is not searchable, or goes in circles.
/// * `EROFS`: mounted read-only.
///
/// # Example
///
/// ```standalone_crate
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/mod.rs"));
/// # fn main() { in_private_namespaces(example) }
/// # fn example() -> linux_sys::Result<()> {
/// use linux_sys::{Mode, MsFlags, chmod, mount};
///
/// mount("scratch", "/tmp", "tmpfs", MsFlags::empty(), "")?;
/// chmod("/tmp", Mode::from_bits_truncate(0o755))?;
/// # Ok(())
/// # }
/// ```
///
/// Manual page: chmod(2). Level 04 (the mode of upper is the mode of the container's root).
pub fn chmod(path: impl AsRef<Path>, mode: Mode) -> Result<()> {
    let path = path.as_ref();
    fchmodat(AT_FDCWD, path, mode, FchmodatFlags::FollowSymlink)
        .map_err(|errno| Error::new("chmod", Case::Any, errno, &[quoted(path), octal(mode)]))
}
