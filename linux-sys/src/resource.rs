//! What a process may use, by itself: its resource limits.

use crate::error::plain;
use crate::explain::Case;
use crate::{Error, Resource, Result};

/// What a process may use of a resource: the soft limit, which holds now, and the hard one, up
/// to which the process may raise it. The highest number of all stands for no limit.
///
/// # Errors
///
/// None.
///
/// # Example
///
/// ```
/// let (soft, hard) = linux_sys::getrlimit(linux_sys::Resource::RLIMIT_NOFILE)?;
/// assert!(soft <= hard);
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: getrlimit(2). Level 18.
pub fn getrlimit(resource: Resource) -> Result<(u64, u64)> {
    nix::sys::resource::getrlimit(resource).map_err(|errno| {
        let shown = [plain(format_args!("{resource:?}"))];
        Error::new("getrlimit", Case::Any, errno, &shown)
    })
}

/// Limits what this process, and each of its children, may use of a resource.
///
/// # Arguments
///
/// * `resource`: for instance `RLIMIT_NOFILE`, descriptors; `RLIMIT_CORE`, the bytes of a core
///   dump; `RLIMIT_MEMLOCK`, bytes that stay in memory.
/// * `soft`: what holds now. The process may raise it, up to `hard`.
/// * `hard`: what it may raise it to. To raise this one takes CAP_SYS_RESOURCE.
///
/// # Errors
///
/// * `EINVAL`: `soft` is above `hard`.
/// * `EPERM`: `hard` would be raised, without CAP_SYS_RESOURCE; or `RLIMIT_NOFILE` above
///   `/proc/sys/fs/nr_open`.
///
/// # Example
///
/// ```standalone_crate
/// use linux_sys::{Resource, setrlimit};
///
/// setrlimit(Resource::RLIMIT_CORE, 0, 0)?; // no core dump, for good
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: setrlimit(2). Level 18.
pub fn setrlimit(resource: Resource, soft: u64, hard: u64) -> Result<()> {
    nix::sys::resource::setrlimit(resource, soft, hard).map_err(|errno| {
        let shown = [
            plain(format_args!("{resource:?}")),
            plain(soft),
            plain(hard),
        ];
        Error::new("setrlimit", Case::Any, errno, &shown)
    })
}
