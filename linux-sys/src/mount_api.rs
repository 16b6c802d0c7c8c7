//! The newer way to mount: a tree of mounts by descriptor, made ready before anybody sees it.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;

use crate::error::{c_string, plain, quoted};
use crate::explain::Case;
use crate::flags::OpenTreeFlags;
use crate::mount::{MountAttr, set_attributes};
use crate::{Error, Result};

/// Takes hold of what is mounted at `path`. With `OPEN_TREE_CLONE`, of a copy of it that is
/// mounted nowhere yet: nobody sees it until [`move_mount`] gives it a place, and it is gone
/// when its descriptor is closed before that.
///
/// # Arguments
///
/// * `path`: a file or directory; symbolic links are followed, the last one too.
/// * `flags`: `OPEN_TREE_CLONE` for a copy, `AT_RECURSIVE` with all that is mounted below,
///   `OPEN_TREE_CLOEXEC`.
///
/// # Errors
///
/// * `EINVAL`: the mount is not in the caller's mount namespace, or is unbindable.
/// * `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`: as for open(2).
/// * `ENOSYS`: before Linux 5.2.
/// * `EPERM`: a copy needs CAP_SYS_ADMIN in this mount namespace.
///
/// # Example
///
/// ```standalone_crate
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/mod.rs"));
/// # fn main() { in_private_namespaces(example) }
/// # fn example() -> linux_sys::Result<()> {
/// use linux_sys::{
///     MountAttr, MountAttrFlags, MsFlags, OFlag, OpenTreeFlags, mount, mount_setattr_tree,
///     move_mount, open_tree,
/// };
///
/// mount("scratch", "/tmp", "tmpfs", MsFlags::empty(), "")?;
/// let (data, shown) = ("/tmp/data", "/tmp/shown");
/// [data, shown].map(|it| std::fs::create_dir(it).expect("an empty tmpfs"));
/// let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::AT_RECURSIVE;
/// let tree = open_tree(data, flags | OpenTreeFlags::OPEN_TREE_CLOEXEC)?;
/// let attr = MountAttr { set: MountAttrFlags::MOUNT_ATTR_RDONLY, ..MountAttr::default() };
/// mount_setattr_tree(&tree, true, attr)?;
/// let place = std::fs::File::open(shown).expect("it was made above");
/// move_mount(&tree, &place)?;
/// std::fs::write("/tmp/data/file", "").expect("the original is as it was");
/// assert!(std::fs::write("/tmp/shown/file", "").is_err());
/// # Ok(())
/// # }
/// ```
///
/// Manual page: open_tree(2). Level 16.
pub fn open_tree(path: impl AsRef<Path>, flags: OpenTreeFlags) -> Result<OwnedFd> {
    let path = path.as_ref();
    let shown = [plain("AT_FDCWD"), quoted(path), plain(flags)];
    let c_path = c_string("open_tree", &shown, "the path", path.as_os_str())?;
    // SAFETY: the path is a C string that lives across the call; the rest are numbers. What it
    // returns is a new descriptor.
    unsafe {
        let tree = libc::syscall(
            libc::SYS_open_tree,
            libc::AT_FDCWD,
            c_path.as_ptr(),
            flags.bits(),
        );
        match Errno::result(tree) {
            Ok(number) => Ok(OwnedFd::from_raw_fd(number as i32)),
            Err(errno) => Err(Error::new("open_tree", Case::Any, errno, &shown)),
        }
    }
}

/// Gives a tree of [`open_tree`] a place.
///
/// # Arguments
///
/// * `tree`: what to mount.
/// * `target`: where, as a descriptor (`O_PATH` is enough): no path is walked, so no link can
///   lead anywhere else any more. A file goes on a file, a directory on a directory.
///
/// # Errors
///
/// * `EINVAL`: `target` is not in the caller's mount namespace, or the tree sits on a mount
///   that is shared; or it has a place already, from which it may not be moved; or one is a
///   file and the other a directory.
/// * `ELOOP`: the tree would lie in itself.
/// * `ENOENT`: `target` has been removed.
/// * `ENOSYS`: before Linux 5.2.
/// * `EPERM`: needs CAP_SYS_ADMIN in this mount namespace.
///
/// The example is at [`open_tree`].
///
/// Manual page: move_mount(2). Level 16.
pub fn move_mount(tree: impl AsFd, target: impl AsFd) -> Result<()> {
    let [tree, target] = [tree.as_fd().as_raw_fd(), target.as_fd().as_raw_fd()];
    // SAFETY: two descriptors, two empty C strings that live for ever, and a number.
    let done = unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            tree,
            c"".as_ptr(),
            target,
            c"".as_ptr(),
            libc::MOVE_MOUNT_F_EMPTY_PATH | libc::MOVE_MOUNT_T_EMPTY_PATH,
        )
    };
    Errno::result(done).map(drop).map_err(|errno| {
        let shown = [
            plain(tree),
            plain("\"\""),
            plain(target),
            plain("\"\""),
            plain("MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH"),
        ];
        Error::new("move_mount", Case::Any, errno, &shown)
    })
}

/// [`mount_setattr`](crate::mount_setattr) for a tree that has no place yet.
///
/// # Arguments
///
/// * `tree`: from [`open_tree`].
/// * `recursive`: whether all mounts of the tree change, or the topmost alone.
/// * `attr`: what to set, what to clear, and the new propagation.
///
/// # Errors
///
/// As [`mount_setattr`](crate::mount_setattr). The example is at [`open_tree`].
///
/// Manual page: mount_setattr(2), `AT_EMPTY_PATH`. Level 16.
pub fn mount_setattr_tree(tree: impl AsFd, recursive: bool, attr: MountAttr) -> Result<()> {
    let tree = tree.as_fd().as_raw_fd();
    set_attributes(tree, plain(tree), Path::new(""), recursive, attr)
}
