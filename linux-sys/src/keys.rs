//! Keys that the kernel keeps for a session, on a ring that its processes share.

use std::ffi::OsStr;

use nix::errno::Errno;

use crate::error::{Shown, c_string, plain, quoted};
use crate::explain::Case;
use crate::{Error, Result};

/// Gives this process a new, empty session keyring, and returns the ring's number.
///
/// Children share it, and so do the programs that they become: of all namespaces only that
/// of users divides keyrings. A parent that keeps keys there has the child make this call
/// before it becomes a program that is not to find them.
///
/// # Errors
///
/// * `EDQUOT`: this user has as many keys as it may.
/// * `ENOSYS`: a kernel without keys.
///
/// # Example
///
/// ```no_run
/// use linux_sys::{add_key, keyctl_join_session_keyring, keyctl_search};
///
/// keyctl_join_session_keyring()?;
/// let key = add_key("door", b"open sesame")?;
/// assert_eq!(keyctl_search("door")?, key);
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: keyctl(2), `KEYCTL_JOIN_SESSION_KEYRING`. Level 18.
pub fn keyctl_join_session_keyring() -> Result<i32> {
    let nameless = std::ptr::null::<libc::c_char>();
    // SAFETY: a null pointer asks for a ring without a name; no memory is read.
    let ring = unsafe {
        libc::syscall(
            libc::SYS_keyctl,
            libc::KEYCTL_JOIN_SESSION_KEYRING,
            nameless,
        )
    };
    let shown = [plain("KEYCTL_JOIN_SESSION_KEYRING"), plain("NULL")];
    number("keyctl", ring, &shown)
}

/// Puts a key of the type `user` on the session keyring, and returns the key's number.
///
/// # Arguments
///
/// * `name`: what the key is found by; one of this name that is there already is changed.
/// * `payload`: what the kernel is to keep, 1 to 32767 bytes.
///
/// # Errors
///
/// * `EACCES`: this process may not write to the ring.
/// * `EDQUOT`: this user has as many keys as it may.
/// * `EINVAL`: the payload is empty or too long.
/// * `ENOSYS`: a kernel without keys.
///
/// The example is at [`keyctl_join_session_keyring`].
///
/// Manual page: add_key(2). Checks.
pub fn add_key(name: impl AsRef<OsStr>, payload: &[u8]) -> Result<i32> {
    let name = name.as_ref();
    let shown = [
        quoted("user"),
        quoted(name),
        plain(format_args!("{} bytes", payload.len())),
        plain("KEY_SPEC_SESSION_KEYRING"),
    ];
    let c_name = c_string("add_key", &shown, "the name", name)?;
    // SAFETY: two C strings and `payload.len()` bytes, all alive across the call.
    let key = unsafe {
        libc::syscall(
            libc::SYS_add_key,
            c"user".as_ptr(),
            c_name.as_ptr(),
            payload.as_ptr(),
            payload.len(),
            libc::KEY_SPEC_SESSION_KEYRING,
        )
    };
    number("add_key", key, &shown)
}

/// Looks for a key of the type `user` on the session keyring, and returns its number.
///
/// # Errors
///
/// * `ENOKEY`: there is none of this name.
/// * `EKEYREVOKED`, `EKEYEXPIRED`: there was one.
/// * `EACCES`: this process may not search the ring.
/// * `ENOSYS`: a kernel without keys.
///
/// The example is at [`keyctl_join_session_keyring`].
///
/// Manual page: keyctl(2), `KEYCTL_SEARCH`. Checks.
pub fn keyctl_search(name: impl AsRef<OsStr>) -> Result<i32> {
    let name = name.as_ref();
    let shown = [
        plain("KEYCTL_SEARCH"),
        plain("KEY_SPEC_SESSION_KEYRING"),
        quoted("user"),
        quoted(name),
        plain(0),
    ];
    let c_name = c_string("keyctl", &shown, "the name", name)?;
    // SAFETY: two C strings that live across the call, and numbers.
    let key = unsafe {
        libc::syscall(
            libc::SYS_keyctl,
            libc::KEYCTL_SEARCH,
            libc::KEY_SPEC_SESSION_KEYRING,
            c"user".as_ptr(),
            c_name.as_ptr(),
            0,
        )
    };
    number("keyctl", key, &shown)
}

/// Takes all keys off the session keyring, for all processes that share it.
///
/// # Errors
///
/// * `EACCES`: this process may not write to the ring.
/// * `ENOSYS`: a kernel without keys.
///
/// # Example
///
/// ```no_run
/// use linux_sys::{Errno, add_key, keyctl_clear, keyctl_join_session_keyring, keyctl_search};
///
/// keyctl_join_session_keyring()?;
/// add_key("door", b"open sesame")?;
/// keyctl_clear()?;
/// assert_eq!(keyctl_search("door").unwrap_err().errno(), Errno::ENOKEY);
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: keyctl(2), `KEYCTL_CLEAR`. Checks.
pub fn keyctl_clear() -> Result<()> {
    let shown = [plain("KEYCTL_CLEAR"), plain("KEY_SPEC_SESSION_KEYRING")];
    // SAFETY: two numbers; no memory is read.
    let done = unsafe {
        libc::syscall(
            libc::SYS_keyctl,
            libc::KEYCTL_CLEAR,
            libc::KEY_SPEC_SESSION_KEYRING,
        )
    };
    number("keyctl", done, &shown).map(drop)
}

/// The number of a key: the kernel's are positive ints.
fn number(call: &'static str, answer: libc::c_long, shown: &[Shown]) -> Result<i32> {
    match Errno::result(answer) {
        Ok(number) => Ok(number as i32),
        Err(errno) => Err(Error::new(call, Case::Any, errno, shown)),
    }
}
