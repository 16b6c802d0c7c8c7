//! Leaving and joining namespaces, and the hostname, which is in one.

use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd};

use nix::sched::CloneFlags;

use crate::error::{flags, plain, quoted};
use crate::explain::Case;
use crate::{Error, Result};

/// Moves the calling process into new namespaces, copies of (or empty versions of) its old ones.
///
/// # Arguments
///
/// * `flags`: the kinds, joined by `|`:
///
/// | flag | what becomes private |
/// |---|---|
/// | `CLONE_NEWNS` | the mount table (a copy; its mounts still *propagate*, see [`mount`](crate::mount())) |
/// | `CLONE_NEWUTS` | hostname and domain name |
/// | `CLONE_NEWIPC` | System V IPC, POSIX message queues |
/// | `CLONE_NEWPID` | process numbers, for the *children*: the next one is PID 1 |
/// | `CLONE_NEWNET` | interfaces, addresses, routes, ports, abstract unix sockets |
/// | `CLONE_NEWCGROUP` | the root of what /proc/PID/cgroup shows |
/// | `CLONE_NEWUSER` | users, groups, capabilities |
///
/// # Errors
///
/// * `EPERM`: needs CAP_SYS_ADMIN, unless CLONE_NEWUSER is among the flags.
/// * `EINVAL`: an unknown flag, a kind that this kernel lacks, or CLONE_NEWUSER in a
///   process with more than one thread.
/// * `ENOSPC` (before Linux 4.9 `EUSERS`): the limit of namespaces is reached.
/// * `ENOMEM`: no memory.
///
/// # Example
///
/// ```standalone_crate
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/mod.rs"));
/// # fn main() { in_private_namespaces(example) }
/// # fn example() -> linux_sys::Result<()> {
/// use linux_sys::{CloneFlags, sethostname, unshare};
///
/// unshare(CloneFlags::CLONE_NEWUTS)?;
/// sethostname("container")?; // the machine keeps its name
/// # Ok(())
/// # }
/// ```
///
/// Manual page: unshare(2), namespaces(7). Level 02.
pub fn unshare(flags: CloneFlags) -> Result<()> {
    nix::sched::unshare(flags).map_err(|errno| {
        let case = match flags.contains(CloneFlags::CLONE_NEWUSER) {
            true => Case::NewUser,
            false => Case::Any,
        };
        Error::new("unshare", case, errno, &[flags!(flags)])
    })
}

/// Joins an existing namespace.
///
/// # Arguments
///
/// * `fd`: an open `/proc/PID/ns/KIND`, or a pidfd of a process that is in it.
/// * `nstype`: the kind that it must be (`CLONE_NEWNET`, ...); `CloneFlags::empty()`
///   takes any, but not with a pidfd.
///
/// # Errors
///
/// * `EBADF`: not an open descriptor.
/// * `EINVAL`: not a namespace of that kind; or a user namespace and several threads.
/// * `EPERM`: needs CAP_SYS_ADMIN in the caller's user namespace and in the one that owns
///   the namespace; a mount namespace needs CAP_SYS_CHROOT as well.
/// * `ESRCH`: the pidfd's process has ended.
///
/// # Example
///
/// ```standalone_crate
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/mod.rs"));
/// # fn main() { in_private_namespaces(example) }
/// # fn example() -> linux_sys::Result<()> {
/// use linux_sys::{CloneFlags, setns, unshare};
///
/// let before = std::fs::File::open("/proc/self/ns/uts").expect("every process has one");
/// unshare(CloneFlags::CLONE_NEWUTS)?;
/// setns(&before, CloneFlags::CLONE_NEWUTS)?; // and back again
/// # Ok(())
/// # }
/// ```
///
/// Manual page: setns(2). Level 05 (the bonus that looks into a container's network).
pub fn setns(fd: impl AsFd, nstype: CloneFlags) -> Result<()> {
    nix::sched::setns(fd.as_fd(), nstype).map_err(|errno| {
        let shown = [plain(fd.as_fd().as_raw_fd()), flags!(nstype)];
        Error::new("setns", Case::Any, errno, &shown)
    })
}

/// Sets the hostname that every process in this UTS namespace sees.
///
/// # Arguments
///
/// * `name`: at most 64 bytes. The kernel takes any; keep to letters, digits, `-`.
///
/// # Errors
///
/// * `EPERM`: needs CAP_SYS_ADMIN. In the machine's own UTS namespace it succeeds for
///   root, and renames the machine: [`unshare`] CLONE_NEWUTS first.
/// * `EINVAL`: too long.
///
/// # Example
///
/// ```standalone_crate
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/mod.rs"));
/// # fn main() { in_private_namespaces(example) }
/// # fn example() -> linux_sys::Result<()> {
/// use linux_sys::sethostname;
///
/// sethostname("4f1c2d3e4a5b")?; // in a UTS namespace of its own
/// let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
/// assert_eq!(name.trim(), "4f1c2d3e4a5b");
/// # Ok(())
/// # }
/// ```
///
/// Manual page: sethostname(2). Level 05.
pub fn sethostname(name: impl AsRef<OsStr>) -> Result<()> {
    nix::unistd::sethostname(&name)
        .map_err(|errno| Error::new("sethostname", Case::Any, errno, &[quoted(&name)]))
}
