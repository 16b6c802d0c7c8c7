//! prctl(2), one function an operation.

use nix::errno::Errno;

use crate::capability::Capability;
use crate::error::{Shown, plain};
use crate::explain::Case;
use crate::signal::signal_name;
use crate::{Error, Result};

fn prctl(
    name: &'static str,
    operation: libc::c_int,
    arguments: [libc::c_ulong; 2],
    case: Case,
    shown: Vec<Shown>,
) -> Result<i32> {
    let [second, third] = arguments;
    let zero: libc::c_ulong = 0;
    // SAFETY: none of the operations in this file takes a pointer; unused arguments
    // are zero, of the width that the kernel reads.
    let value = unsafe { libc::prctl(operation, second, third, zero, zero) };
    Errno::result(value).map_err(|errno| {
        let shown: Vec<Shown> = std::iter::once(plain(name)).chain(shown).collect();
        Error::new("prctl", case, errno, &shown)
    })
}

/// Asks the kernel for `signum` when the parent dies; 0 takes the request back.
///
/// The *parent* is the thread that made us. Three traps: fork does not pass it on;
/// setuid, setgid and an exec with set-user-ID clear it (so it comes after them); and a
/// parent that is dead already sends nothing (so make sure, by a pipe or a pidfd, that
/// it lives).
///
/// # Errors
///
/// * `EINVAL`: no such signal.
///
/// # Example
///
/// ```standalone_crate
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/mod.rs"));
/// # fn main() { in_private_namespaces(example) }
/// # fn example() -> linux_sys::Result<()> {
/// use linux_sys::set_pdeathsig;
///
/// set_pdeathsig(9)?; // SIGKILL: do not outlive my parent
/// # Ok(())
/// # }
/// ```
///
/// Manual page: prctl(2), PR_SET_PDEATHSIG. Level 06.
pub fn set_pdeathsig(signum: i32) -> Result<()> {
    // A negative number wraps into one that is no signal, and the kernel says so.
    let arguments = [signum as libc::c_ulong, 0];
    let shown = vec![plain(signal_name(signum))];
    prctl(
        "PR_SET_PDEATHSIG",
        libc::PR_SET_PDEATHSIG,
        arguments,
        Case::DeathSignal,
        shown,
    )
    .map(drop)
}

/// Whether other processes of the same user may look into this one: trace it, read its memory,
/// open its program and its descriptors by `/proc`. Its files there belong to root if not; and
/// it leaves no core dump.
///
/// fork hands this on; an exec makes the process one that may be looked into again, unless the
/// program gains rights by it. Who has CAP_SYS_PTRACE in the process's user namespace may look
/// in any case.
///
/// # Errors
///
/// None.
///
/// # Example
///
/// ```standalone_crate
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/mod.rs"));
/// # fn main() { in_private_namespaces(example) }
/// # fn example() -> linux_sys::Result<()> {
/// use linux_sys::set_dumpable;
///
/// set_dumpable(false)?;
/// # Ok(())
/// # }
/// ```
///
/// Manual page: prctl(2), PR_SET_DUMPABLE. Level 19.
pub fn set_dumpable(is_dumpable: bool) -> Result<()> {
    let arguments = [is_dumpable.into(), 0];
    let shown = vec![plain(u8::from(is_dumpable))];
    prctl(
        "PR_SET_DUMPABLE",
        libc::PR_SET_DUMPABLE,
        arguments,
        Case::Any,
        shown,
    )
    .map(drop)
}

/// From now on no exec gives this process (or its children) more power than it has: set-user-ID
/// bits and file capabilities have no effect. There is no way back.
///
/// # Errors
///
/// None on kernels since 3.5; `EINVAL` before.
///
/// # Example
///
/// ```standalone_crate
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/mod.rs"));
/// # fn main() { in_private_namespaces(example) }
/// # fn example() -> linux_sys::Result<()> {
/// use linux_sys::set_no_new_privs;
///
/// set_no_new_privs()?;
/// # Ok(())
/// # }
/// ```
///
/// Manual page: prctl(2), PR_SET_NO_NEW_PRIVS. Level 11.
pub fn set_no_new_privs() -> Result<()> {
    prctl(
        "PR_SET_NO_NEW_PRIVS",
        libc::PR_SET_NO_NEW_PRIVS,
        [1, 0],
        Case::Any,
        vec![plain(1)],
    )
    .map(drop)
}

/// Whether the *permitted* capabilities survive the moment when the user stops being root.
///
/// The effective ones do not; [`capset`](crate::capset) raises them again. exec clears
/// this wish.
///
/// # Errors
///
/// * `EPERM`: the securebits are locked.
///
/// # Example
///
/// ```standalone_crate
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/mod.rs"));
/// # fn main() { in_private_namespaces(example) }
/// # fn example() -> linux_sys::Result<()> {
/// use linux_sys::set_keepcaps;
///
/// set_keepcaps(true)?; // before setuid
/// # Ok(())
/// # }
/// ```
///
/// Manual page: prctl(2), PR_SET_KEEPCAPS. Level 11.
pub fn set_keepcaps(keep: bool) -> Result<()> {
    let shown = vec![plain(u8::from(keep))];
    prctl(
        "PR_SET_KEEPCAPS",
        libc::PR_SET_KEEPCAPS,
        [keep.into(), 0],
        Case::KeepCapabilities,
        shown,
    )
    .map(drop)
}

/// Whether `capability` is in the bounding set: the limit of what an exec can give.
///
/// # Errors
///
/// * `EINVAL`: this kernel has no such capability. (/proc/sys/kernel/cap_last_cap is the last.)
///
/// # Example
///
/// ```
/// use linux_sys::{Capability, capbset_read};
///
/// println!("could an exec give me CAP_CHOWN? {}", capbset_read(Capability::CAP_CHOWN)?);
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: prctl(2), PR_CAPBSET_READ. Level 11.
pub fn capbset_read(capability: Capability) -> Result<bool> {
    let arguments = [capability.number().into(), 0];
    let shown = vec![plain(capability)];
    prctl(
        "PR_CAPBSET_READ",
        libc::PR_CAPBSET_READ,
        arguments,
        Case::BoundingSet,
        shown,
    )
    .map(|value| value == 1)
}

/// Takes `capability` out of the bounding set, for good.
///
/// What the process *has* stays; what any later exec can give shrinks.
///
/// # Errors
///
/// * `EPERM`: needs CAP_SETPCAP.
/// * `EINVAL`: this kernel has no such capability.
///
/// # Example
///
/// ```standalone_crate
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/mod.rs"));
/// # fn main() { in_private_namespaces(example) }
/// # fn example() -> linux_sys::Result<()> {
/// use linux_sys::{Capability, capbset_drop, capbset_read};
///
/// capbset_drop(Capability::CAP_SYS_MODULE)?;
/// assert!(!capbset_read(Capability::CAP_SYS_MODULE)?);
/// # Ok(())
/// # }
/// ```
///
/// Manual page: prctl(2), PR_CAPBSET_DROP. Level 11.
pub fn capbset_drop(capability: Capability) -> Result<()> {
    let arguments = [capability.number().into(), 0];
    let shown = vec![plain(capability)];
    prctl(
        "PR_CAPBSET_DROP",
        libc::PR_CAPBSET_DROP,
        arguments,
        Case::BoundingSet,
        shown,
    )
    .map(drop)
}

/// Whether `capability` is in the ambient set: what an exec keeps although the user is not root.
///
/// # Errors
///
/// * `EINVAL`: this kernel has no such capability.
///
/// # Example
///
/// ```
/// use linux_sys::{Capability, cap_ambient_is_set};
///
/// println!("{}", cap_ambient_is_set(Capability::CAP_CHOWN)?);
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: prctl(2), PR_CAP_AMBIENT. Level 11.
pub fn cap_ambient_is_set(capability: Capability) -> Result<bool> {
    ambient(
        "PR_CAP_AMBIENT_IS_SET",
        libc::PR_CAP_AMBIENT_IS_SET,
        Some(capability),
    )
    .map(|value| value == 1)
}

/// Adds `capability` to the ambient set.
///
/// # Errors
///
/// * `EPERM`: it is not both permitted and inheritable.
/// * `EINVAL`: this kernel has no such capability.
///
/// # Example
///
/// ```standalone_crate
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/mod.rs"));
/// # fn main() { in_private_namespaces(example) }
/// # fn example() -> linux_sys::Result<()> {
/// use linux_sys::{Capability, Pid, cap_ambient_raise, capget, capset};
///
/// let mut mine = capget(Pid::from_raw(0))?;
/// mine.inheritable = mine.inheritable.with(Capability::CAP_CHOWN);
/// capset(&mine)?;
/// cap_ambient_raise(Capability::CAP_CHOWN)?;
/// # Ok(())
/// # }
/// ```
///
/// Manual page: prctl(2), PR_CAP_AMBIENT. Level 11.
pub fn cap_ambient_raise(capability: Capability) -> Result<()> {
    ambient(
        "PR_CAP_AMBIENT_RAISE",
        libc::PR_CAP_AMBIENT_RAISE,
        Some(capability),
    )
    .map(drop)
}

/// Takes `capability` out of the ambient set.
///
/// # Errors
///
/// * `EINVAL`: this kernel has no such capability.
///
/// # Example
///
/// ```standalone_crate
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/mod.rs"));
/// # fn main() { in_private_namespaces(example) }
/// # fn example() -> linux_sys::Result<()> {
/// use linux_sys::{Capability, cap_ambient_is_set, cap_ambient_lower};
///
/// cap_ambient_lower(Capability::CAP_CHOWN)?;
/// assert!(!cap_ambient_is_set(Capability::CAP_CHOWN)?);
/// # Ok(())
/// # }
/// ```
///
/// Manual page: prctl(2), PR_CAP_AMBIENT. Level 11.
pub fn cap_ambient_lower(capability: Capability) -> Result<()> {
    ambient(
        "PR_CAP_AMBIENT_LOWER",
        libc::PR_CAP_AMBIENT_LOWER,
        Some(capability),
    )
    .map(drop)
}

/// Empties the ambient set.
///
/// # Errors
///
/// * `EINVAL`: before Linux 4.3.
///
/// # Example
///
/// ```standalone_crate
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/mod.rs"));
/// # fn main() { in_private_namespaces(example) }
/// # fn example() -> linux_sys::Result<()> {
/// use linux_sys::cap_ambient_clear_all;
///
/// cap_ambient_clear_all()?;
/// # Ok(())
/// # }
/// ```
///
/// Manual page: prctl(2), PR_CAP_AMBIENT. Level 11.
pub fn cap_ambient_clear_all() -> Result<()> {
    ambient(
        "PR_CAP_AMBIENT_CLEAR_ALL",
        libc::PR_CAP_AMBIENT_CLEAR_ALL,
        None,
    )
    .map(drop)
}

fn ambient(
    name: &'static str,
    operation: libc::c_int,
    capability: Option<Capability>,
) -> Result<i32> {
    let number = capability.map_or(0, |capability| capability.number().into());
    let shown = std::iter::once(plain(name))
        .chain(capability.map(plain))
        .collect();
    // The operation's constants are small and positive.
    let arguments = [operation as libc::c_ulong, number];
    prctl(
        "PR_CAP_AMBIENT",
        libc::PR_CAP_AMBIENT,
        arguments,
        Case::AmbientSet,
        shown,
    )
}
