//! Device nodes, and the umask that their modes pass through.

use std::path::Path;

use nix::sys::stat::{Mode, SFlag};

use crate::error::{octal, plain, quoted};
use crate::explain::Case;
use crate::{Error, Result};

/// Makes a device node: a name for a driver of the kernel. (Or a FIFO, a socket, an empty file.)
///
/// The node is only a name with two numbers in it. A process that may make one for the
/// disk can read the whole disk, whatever its root directory: that is why level 11 takes
/// CAP_MKNOD away, and why mounts have MS_NODEV.
///
/// # Arguments
///
/// * `path`: must not exist.
/// * `kind`: `S_IFCHR`, `S_IFBLK`, `S_IFIFO`, `S_IFSOCK` or `S_IFREG`.
/// * `mode`: the permission bits, *less the [`umask`]*: for a /dev/null that everyone
///   can write to, set the umask to 0 first.
/// * `device`: from [`makedev`]; 0 for what is no device. /dev/null is 1:3, zero 1:5,
///   full 1:7, random 1:8, urandom 1:9, tty 5:0.
///
/// # Errors
///
/// * `EPERM`: devices need CAP_MKNOD in the machine's first user namespace.
/// * `EEXIST`: something is there already.
/// * `ENOENT`, `ENOTDIR`: the directory does not exist or is none.
/// * `EACCES`, `EROFS`, `ENOSPC`: it cannot be written to.
/// * `EINVAL`: another `kind`.
///
/// # Example
///
/// ```standalone_crate
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/mod.rs"));
/// # fn main() { in_private_namespaces(example) }
/// # fn example() -> linux_sys::Result<()> {
/// use linux_sys::{Errno, Mode, MsFlags, SFlag, makedev, mknod, mount};
///
/// mount("dev", "/tmp", "tmpfs", MsFlags::empty(), "")?;
/// let everyone = Mode::from_bits_truncate(0o666);
/// // A FIFO anyone may make; a device not even the root of a user namespace.
/// mknod("/tmp/fifo", SFlag::S_IFIFO, everyone, 0)?;
/// let error = mknod("/tmp/null", SFlag::S_IFCHR, everyone, makedev(1, 3)).unwrap_err();
/// assert_eq!(error.errno(), Errno::EPERM);
/// # Ok(())
/// # }
/// ```
///
/// Manual page: mknod(2). Level 02.
pub fn mknod(path: impl AsRef<Path>, kind: SFlag, mode: Mode, device: u64) -> Result<()> {
    let path = path.as_ref();
    nix::sys::stat::mknod(path, kind, mode, device).map_err(|errno| {
        let (major, minor) = (nix::sys::stat::major(device), nix::sys::stat::minor(device));
        let shown = [
            quoted(path),
            plain(kind_name(kind)),
            octal(mode),
            plain(format_args!("makedev({major}, {minor})")),
        ];
        Error::new("mknod", Case::Any, errno, &shown)
    })
}

// The kinds are numbers and not bits of their own, so nix's Debug cannot name them.
fn kind_name(kind: SFlag) -> &'static str {
    match kind {
        SFlag::S_IFCHR => "S_IFCHR",
        SFlag::S_IFBLK => "S_IFBLK",
        SFlag::S_IFIFO => "S_IFIFO",
        SFlag::S_IFSOCK => "S_IFSOCK",
        SFlag::S_IFREG => "S_IFREG",
        SFlag::S_IFDIR => "S_IFDIR",
        _ => "(no kind of file)",
    }
}

/// The device number of a major number (which driver) and a minor one (which of its devices).
///
/// # Example
///
/// ```
/// assert_eq!(linux_sys::makedev(1, 3), 0x103); // /dev/null
/// ```
///
/// Manual page: makedev(3). Level 02.
pub const fn makedev(major: u64, minor: u64) -> u64 {
    nix::sys::stat::makedev(major, minor)
}

/// Sets the permission bits that new files are *not* to have; returns the former ones.
///
/// The mask belongs to the process; fork and exec pass it on. The call cannot fail. [`mknod`],
/// [`mkdir`](crate::mkdir) and open obey the mask, [`chmod`](crate::chmod) does not.
///
/// # Example
///
/// ```standalone_crate
/// use linux_sys::{Mode, umask};
///
/// let before = umask(Mode::empty());
/// // ... make nodes with exactly the mode that one says ...
/// assert_eq!(umask(before), Mode::empty());
/// ```
///
/// Manual page: umask(2). Level 02.
pub fn umask(mode: Mode) -> Mode {
    nix::sys::stat::umask(mode)
}
