//! Attaching filesystems to the tree, changing mounts, detaching them.

use std::path::Path;

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags};

use crate::error::{Shown, c_string, flags, plain, quoted};
use crate::explain::Case;
use crate::flags::MountAttrFlags;
use crate::{Error, Result};

const PROPAGATION: MsFlags = MsFlags::MS_SHARED
    .union(MsFlags::MS_PRIVATE)
    .union(MsFlags::MS_SLAVE)
    .union(MsFlags::MS_UNBINDABLE);

/// Attaches a filesystem to the tree, or changes a mount that is there. Six jobs, chosen by `flags`:
///
/// | flags | job |
/// |---|---|
/// | (none of these) | mount a new filesystem of type `fstype` |
/// | `MS_BIND` | show the directory or file `source` at `target` too; `MS_REC`: with the mounts below |
/// | `MS_PRIVATE`, `MS_SHARED`, `MS_SLAVE`, `MS_UNBINDABLE` | change how mounts made here propagate to copies of this mount and back; `MS_REC`: also of all mounts below |
/// | `MS_MOVE` | move the mount at `source` to `target` |
/// | `MS_REMOUNT` | change options; with `MS_BIND` those of this mount only |
///
/// *Propagation* is why a new mount namespace alone is not private: systemd makes
/// `/` shared, so a mount made in the copy appears in the original. `MS_REC |
/// MS_PRIVATE` on `/` ends that.
///
/// # Arguments
///
/// * `source`: a device, a directory to bind, or for filesystems without a source any
///   name: /proc/self/mountinfo shows it.
/// * `target`: where; must exist. Symbolic links in it are followed: in an image that
///   you did not make, open it with [`openat2`](crate::openat2) first and mount on
///   `/proc/self/fd/N`.
/// * `fstype`: `"proc"`, `"tmpfs"`, `"overlay"`, ...; `""` (NULL) where the job has none.
/// * `flags`: besides the jobs `MS_NOSUID`, `MS_NODEV`, `MS_NOEXEC`, `MS_RDONLY`, ...
/// * `data`: the filesystem's own options, separated by commas; `""` for none. The
///   kernel reads one page at most, and silently leaves the rest.
///
/// # Errors
///
/// * `EPERM`: needs CAP_SYS_ADMIN in this mount namespace.
/// * `ENOENT`: `target`, the source, or a directory of an overlay does not exist.
/// * `ENOTDIR`: a file on a directory or the other way round.
/// * `ENODEV`: no filesystem of that type; overlay may need `modprobe overlay`.
/// * `EINVAL`, by job: the filesystem refuses the options (`dmesg` says more); bind:
///   the source is in another mount namespace; propagation: `target` is no mount
///   point; move: the mount around it is shared; overlay: upperdir on a filesystem
///   that cannot serve, workdir on another one.
/// * `EBUSY`: the same thing is mounted there already; overlay: upperdir in use;
///   remount: files are open for writing.
/// * `ELOOP`: too many symbolic links; overlay: its directories overlap; move: a mount
///   into itself.
/// * `EACCES`, `ENOTBLK`, `ENXIO`, `EROFS`: about a block device as source.
/// * `ENOSPC`: too many mounts in this namespace.
///
/// # Example
///
/// ```standalone_crate
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/mod.rs"));
/// # fn main() { in_private_namespaces(example) }
/// # fn example() -> linux_sys::Result<()> {
/// use linux_sys::{MsFlags, mount, umount};
///
/// // In a mount namespace of its own:
/// mount("none", "/", "", MsFlags::MS_REC | MsFlags::MS_PRIVATE, "")?;
/// let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
/// mount("scratch", "/tmp", "tmpfs", flags, "size=1m,mode=1777")?;
/// umount("/tmp")?;
/// # Ok(())
/// # }
/// ```
///
/// Manual page: mount(2), mount_namespaces(7). Level 01; propagation 02, bind 03, overlay 04.
pub fn mount(
    source: impl AsRef<Path>,
    target: impl AsRef<Path>,
    fstype: &str,
    flags: MsFlags,
    data: &str,
) -> Result<()> {
    let (source, target) = (source.as_ref(), target.as_ref());
    let or_null = |text| Some(text).filter(|text: &&str| !text.is_empty());
    nix::mount::mount(Some(source), target, or_null(fstype), flags, or_null(data)).map_err(
        |errno| {
            let shown = [
                quoted(source),
                quoted(target),
                quoted(fstype),
                flags!(flags),
                quoted(data),
            ];
            Error::new("mount", kind_of_mount(fstype, flags), errno, &shown)
        },
    )
}

/// One call, six jobs; the kernel decides by the flags, in this order.
fn kind_of_mount(fstype: &str, flags: MsFlags) -> Case {
    if flags.contains(MsFlags::MS_REMOUNT) {
        Case::Remount
    } else if flags.contains(MsFlags::MS_BIND) {
        Case::Bind
    } else if flags.intersects(PROPAGATION) {
        Case::Propagation
    } else if flags.contains(MsFlags::MS_MOVE) {
        Case::Move
    } else if fstype == "overlay" {
        Case::Overlay
    } else {
        Case::Any
    }
}

/// Unmounts what was mounted on `target` last.
///
/// # Errors
///
/// * `EBUSY`: in use: a working directory, an open file, or a mount below it.
/// * `EINVAL`: nothing is mounted exactly there; or it is locked, because it came from
///   a more privileged user namespace.
/// * `ENOENT`: no such path.
/// * `EPERM`: needs CAP_SYS_ADMIN in this mount namespace.
///
/// # Example
///
/// ```standalone_crate
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/mod.rs"));
/// # fn main() { in_private_namespaces(example) }
/// # fn example() -> linux_sys::Result<()> {
/// use linux_sys::{Errno, MsFlags, mount, umount};
///
/// mount("scratch", "/tmp", "tmpfs", MsFlags::empty(), "")?;
/// umount("/tmp")?;
/// # Ok(())
/// # }
/// ```
///
/// Manual page: umount(2). Level 01.
pub fn umount(target: impl AsRef<Path>) -> Result<()> {
    let target = target.as_ref();
    nix::mount::umount(target)
        .map_err(|errno| Error::new("umount", Case::Any, errno, &[quoted(target)]))
}

/// [`umount`] with flags.
///
/// # Arguments
///
/// * `target`: a mount point.
/// * `flags`: `MNT_DETACH` takes it out of the tree now, with all mounts below, and
///   frees it when its last user is gone; `UMOUNT_NOFOLLOW` does not follow a symbolic
///   link; `MntFlags::empty()` is [`umount`].
///
/// The caller's own root does not go without `MNT_DETACH`: its *file system* is made
/// read-only instead, for every process that has it mounted.
///
/// # Errors
///
/// As [`umount`]; with `MNT_DETACH` there is no `EBUSY`.
///
/// # Example
///
/// ```standalone_crate
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/mod.rs"));
/// # fn main() { in_private_namespaces(example) }
/// # fn example() -> linux_sys::Result<()> {
/// use linux_sys::{MntFlags, MsFlags, chdir, mount, umount2};
///
/// mount("scratch", "/tmp", "tmpfs", MsFlags::empty(), "")?;
/// chdir("/tmp")?; // now it is busy
/// umount2("/tmp", MntFlags::MNT_DETACH)?;
/// # Ok(())
/// # }
/// ```
///
/// Manual page: umount2(2). Level 03.
pub fn umount2(target: impl AsRef<Path>, flags: MntFlags) -> Result<()> {
    let target = target.as_ref();
    nix::mount::umount2(target, flags).map_err(|errno| {
        let shown = [quoted(target), flags!(flags)];
        Error::new("umount2", Case::Any, errno, &shown)
    })
}

/// What [`mount_setattr`] is to change; by default nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MountAttr {
    /// Attributes to switch on.
    pub set: MountAttrFlags,
    /// Attributes to switch off.
    pub clear: MountAttrFlags,
    /// One of `MS_PRIVATE`, `MS_SHARED`, `MS_SLAVE`, `MS_UNBINDABLE`, or empty: leave it.
    pub propagation: MsFlags,
}

impl Default for MountAttr {
    fn default() -> MountAttr {
        MountAttr {
            set: MountAttrFlags::empty(),
            clear: MountAttrFlags::empty(),
            propagation: MsFlags::empty(),
        }
    }
}

/// Changes the attributes of a mount, and if asked of all mounts below it, in one step or not at all.
///
/// `MS_REMOUNT` cannot do that: it changes one mount at a time.
///
/// # Arguments
///
/// * `target`: a mount point.
/// * `recursive`: `AT_RECURSIVE`, whether the mounts below change too.
/// * `attr`: what to set, what to clear, and the new propagation.
///
/// # Errors
///
/// * `EINVAL`: `target` is no mount point, or `attr` contradicts itself.
/// * `EBUSY`: it cannot become read-only while a file is open for writing.
/// * `ENOENT`: no such path.
/// * `ENOSYS`: before Linux 5.12.
/// * `EPERM`: needs CAP_SYS_ADMIN in this mount namespace.
///
/// # Example
///
/// ```standalone_crate
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/mod.rs"));
/// # fn main() { in_private_namespaces(example) }
/// # fn example() -> linux_sys::Result<()> {
/// use linux_sys::{MountAttr, MountAttrFlags, MsFlags, mount, mount_setattr};
///
/// mount("scratch", "/tmp", "tmpfs", MsFlags::empty(), "")?;
/// let attr = MountAttr { set: MountAttrFlags::MOUNT_ATTR_RDONLY, ..MountAttr::default() };
/// mount_setattr("/tmp", true, attr)?;
/// assert!(std::fs::write("/tmp/file", "").is_err());
/// # Ok(())
/// # }
/// ```
///
/// Manual page: mount_setattr(2). Checks; level 16 has its [neighbour](crate::mount_setattr_tree).
pub fn mount_setattr(target: impl AsRef<Path>, recursive: bool, attr: MountAttr) -> Result<()> {
    let directory = (libc::AT_FDCWD, plain("AT_FDCWD"));
    set_attributes(directory.0, directory.1, target.as_ref(), recursive, attr)
}

/// Both of `mount_setattr`: of what is mounted at a path, or on what a descriptor is, if the
/// path is empty.
pub(crate) fn set_attributes(
    directory: i32,
    shown: Shown,
    target: &Path,
    recursive: bool,
    attr: MountAttr,
) -> Result<()> {
    let is_tree = target.as_os_str().is_empty();
    let (bits, names) = match (is_tree, recursive) {
        (false, false) => (0, "0"),
        (false, true) => (libc::AT_RECURSIVE, "AT_RECURSIVE"),
        (true, false) => (libc::AT_EMPTY_PATH, "AT_EMPTY_PATH"),
        (true, true) => (
            libc::AT_EMPTY_PATH | libc::AT_RECURSIVE,
            "AT_EMPTY_PATH|AT_RECURSIVE",
        ),
    };
    let shown = [
        shown,
        quoted(target),
        plain(names),
        plain(format_args!(
            "{{set: {}, clear: {}, propagation: {}}}",
            attr.set,
            attr.clear,
            flags!(attr.propagation)
        )),
    ];
    let path = c_string("mount_setattr", &shown, "the path", target.as_os_str())?;
    let raw = libc::mount_attr {
        attr_set: attr.set.bits().into(),
        attr_clr: attr.clear.bits().into(),
        propagation: attr.propagation.bits(),
        userns_fd: 0,
    };
    // SAFETY: the path is a C string, and the size is that of the structure which
    // the kernel reads; both live across the call.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            directory,
            path.as_ptr(),
            bits,
            &raw const raw,
            size_of_val(&raw),
        )
    };
    Errno::result(done)
        .map(drop)
        .map_err(|errno| Error::new("mount_setattr", Case::Any, errno, &shown))
}
