//! Who a process is: user, group, further groups.

use nix::unistd::{Gid, Uid};

use crate::error::plain;
use crate::explain::Case;
use crate::{Error, Result};

/// Replaces the list of supplementary groups.
///
/// Call it before [`setgid`] and [`setuid`]: a process that has stopped being root may no
/// longer choose its groups, and the command would keep those of root.
///
/// # Arguments
///
/// * `groups`: all of them, at most 65536; `&[]` for none.
///
/// # Errors
///
/// * `EPERM`: needs CAP_SETGID; in a user namespace /proc/self/setgroups may say deny.
/// * `EINVAL`: too many, or one without a mapping in this user namespace.
///
/// # Example
///
/// ```no_run
/// use linux_sys::{Gid, Uid, setgid, setgroups, setuid};
///
/// // In this order, all as root:
/// setgroups(&[Gid::from_raw(222)])?;
/// setgid(Gid::from_raw(222))?;
/// setuid(Uid::from_raw(2014))?;
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: setgroups(2). Level 10.
pub fn setgroups(groups: &[Gid]) -> Result<()> {
    nix::unistd::setgroups(groups).map_err(|errno| {
        let numbers: Vec<u32> = groups.iter().map(|group| group.as_raw()).collect();
        Error::new(
            "setgroups",
            Case::Any,
            errno,
            &[plain(format_args!("{numbers:?}"))],
        )
    })
}

/// Sets the group; with CAP_SETGID the real, effective and saved one, for good.
///
/// The call clears the signal asked for with [`set_pdeathsig`](crate::set_pdeathsig).
///
/// # Errors
///
/// * `EPERM`: needs CAP_SETGID.
/// * `EINVAL`: no mapping in this user namespace.
///
/// # Example
///
/// ```standalone_crate
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/mod.rs"));
/// # fn main() { in_private_namespaces(example) }
/// # fn example() -> linux_sys::Result<()> {
/// use linux_sys::{Gid, setgid};
///
/// setgid(Gid::from_raw(0))?; // the only group that is mapped here
/// # Ok(())
/// # }
/// ```
///
/// Manual page: setgid(2). Level 10.
pub fn setgid(gid: Gid) -> Result<()> {
    nix::unistd::setgid(gid).map_err(|errno| Error::new("setgid", Case::Any, errno, &[plain(gid)]))
}

/// Sets the user; with CAP_SETUID the real, effective and saved one, for good.
///
/// When the last of the three stops being root, the permitted, effective and ambient
/// capabilities are emptied (unless [`set_keepcaps`](crate::set_keepcaps) says
/// otherwise, and then only permitted stays). The call also clears the signal asked for with
/// [`set_pdeathsig`](crate::set_pdeathsig).
///
/// # Errors
///
/// * `EPERM`: needs CAP_SETUID.
/// * `EINVAL`: no mapping in this user namespace.
/// * `EAGAIN`: before Linux 3.1, that user has too many processes.
///
/// # Example
///
/// ```standalone_crate
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/mod.rs"));
/// # fn main() { in_private_namespaces(example) }
/// # fn example() -> linux_sys::Result<()> {
/// use linux_sys::{Uid, setuid};
///
/// setuid(Uid::from_raw(0))?; // the only user that is mapped here
/// # Ok(())
/// # }
/// ```
///
/// Manual page: setuid(2). Level 10.
pub fn setuid(uid: Uid) -> Result<()> {
    nix::unistd::setuid(uid).map_err(|errno| Error::new("setuid", Case::Any, errno, &[plain(uid)]))
}

/// Sets the real, the effective and the saved group, each by itself.
///
/// # Errors
///
/// As [`setgid`].
///
/// # Example
///
/// ```standalone_crate
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/mod.rs"));
/// # fn main() { in_private_namespaces(example) }
/// # fn example() -> linux_sys::Result<()> {
/// use linux_sys::{Gid, setresgid};
///
/// let root = Gid::from_raw(0);
/// setresgid(root, root, root)?;
/// # Ok(())
/// # }
/// ```
///
/// Manual page: setresgid(2). Level 20.
pub fn setresgid(real: Gid, effective: Gid, saved: Gid) -> Result<()> {
    nix::unistd::setresgid(real, effective, saved).map_err(|errno| {
        let shown = [plain(real), plain(effective), plain(saved)];
        Error::new("setresgid", Case::Any, errno, &shown)
    })
}

/// Sets the real, the effective and the saved user, each by itself.
///
/// # Errors
///
/// As [`setuid`].
///
/// # Example
///
/// ```standalone_crate
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/mod.rs"));
/// # fn main() { in_private_namespaces(example) }
/// # fn example() -> linux_sys::Result<()> {
/// use linux_sys::{Uid, setresuid};
///
/// let root = Uid::from_raw(0);
/// setresuid(root, root, root)?;
/// # Ok(())
/// # }
/// ```
///
/// Manual page: setresuid(2). Level 20.
pub fn setresuid(real: Uid, effective: Uid, saved: Uid) -> Result<()> {
    nix::unistd::setresuid(real, effective, saved).map_err(|errno| {
        let shown = [plain(real), plain(effective), plain(saved)];
        Error::new("setresuid", Case::Any, errno, &shown)
    })
}
