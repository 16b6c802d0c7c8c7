//! The environment: what exec hands to the next program, and where `PATH` is.

use std::ffi::OsStr;

use crate::error::{c_string, quoted};
use crate::explain::Case;
use crate::threads::only_one_thread;
use crate::{Errno, Error, Result};

/// Forgets every variable of this process.
///
/// The environment is a list in the process's own memory: the kernel copied it there at
/// exec, and does not look at it any more. [`execvp`](crate::execvp) hands the list on,
/// and looks a command up in the `PATH` that it finds there.
///
/// # Errors
///
/// * `EINVAL`, from this crate: the caller has more than one thread. The C library has no
///   lock on the list, and another thread might be reading it.
///
/// # Example
///
/// ```standalone_crate
/// linux_sys::clearenv()?;
/// assert_eq!(std::env::vars_os().count(), 0);
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: clearenv(3). Level 05.
pub fn clearenv() -> Result<()> {
    only_one_thread("clearenv", &[])?;
    // SAFETY: takes no pointer. It replaces `environ`, which has no lock: no other thread may
    // read it meanwhile, and there is none, as the caller is the only thread.
    match unsafe { libc::clearenv() } {
        0 => Ok(()),
        _ => Err(Error::new("clearenv", Case::Any, Errno::ENOMEM, &[])),
    }
}

/// Gives this process a variable, in place of one that has the same name.
///
/// # Arguments
///
/// * `name`: not empty, and without a `=`.
/// * `value`: anything, also nothing; no text has to be in it. (C has a third argument,
///   whether to replace a variable that is there. This always does.)
///
/// # Errors
///
/// * `EINVAL`: the name is empty or has a `=` in it. From this crate: a NUL byte in one of
///   the two; or the caller has more than one thread, see [`clearenv`].
///
/// # Example
///
/// ```standalone_crate
/// use linux_sys::{clearenv, setenv};
///
/// clearenv()?;
/// setenv("PATH", "/usr/bin:/bin")?;
/// assert_eq!(std::env::var("PATH").as_deref(), Ok("/usr/bin:/bin"));
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: setenv(3). Level 05.
pub fn setenv(name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Result<()> {
    let (name, value) = (name.as_ref(), value.as_ref());
    let shown = [quoted(name), quoted(value)];
    let c_name = c_string("setenv", &shown, "the name", name)?;
    let c_value = c_string("setenv", &shown, "the value", value)?;
    only_one_thread("setenv", &shown)?;
    // SAFETY: both strings end in NUL and live for the call, which copies them. `environ`
    // has no lock, but the caller is the only thread, so no other one reads it meanwhile.
    let result = unsafe { libc::setenv(c_name.as_ptr(), c_value.as_ptr(), 1) };
    Errno::result(result).map_or_else(
        |errno| Err(Error::new("setenv", Case::Any, errno, &shown)),
        |_| Ok(()),
    )
}
