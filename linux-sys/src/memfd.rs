//! Files in memory that nobody can change any more.

use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};

use crate::error::{c_string, flags, plain, quoted};
use crate::explain::Case;
use crate::{Error, MemfdFlags, Result};

/// Makes an empty file that lies in memory and has no path. It is there for as long as
/// somebody has it open or runs it.
///
/// # Arguments
///
/// * `name`: what `/proc/PID/fd` and `/proc/PID/exe` show, after `/memfd:`; any number of files
///   may have the same.
/// * `flags`: `MFD_CLOEXEC`, to close it at exec; `MFD_ALLOW_SEALING`, without which
///   [`fcntl_add_seals`] is refused; `MFD_EXEC`, that it may be run whatever
///   `vm.memfd_noexec` says. Kernels before 6.3 do not know this last flag and let every one be
///   run; there it is left out.
///
/// # Errors
///
/// * `EACCES`: `vm.memfd_noexec` is 2: none may be run here.
/// * `EINVAL`: the name is longer than 249 bytes; a flag that this kernel does not know.
/// * `EINVAL`, from this crate: a NUL byte in the name.
///
/// # Example
///
/// ```
/// use std::fs::File;
/// use std::io::Write;
/// use linux_sys::{Errno, MemfdFlags, SealFlag, fcntl_add_seals, memfd_create};
///
/// let flags = MemfdFlags::MFD_CLOEXEC | MemfdFlags::MFD_ALLOW_SEALING | MemfdFlags::MFD_EXEC;
/// let mut file = File::from(memfd_create("notes", flags)?);
/// file.write_all(b"for good")?;
/// fcntl_add_seals(&file, SealFlag::F_SEAL_WRITE)?;
/// let refused = file.write_all(b"?").unwrap_err();
/// assert_eq!(refused.raw_os_error(), Some(Errno::EPERM as i32));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Manual page: memfd_create(2). Level 17.
pub fn memfd_create(name: impl AsRef<OsStr>, flags: MemfdFlags) -> Result<OwnedFd> {
    let name = name.as_ref();
    let shown = [quoted(name), plain(flags)];
    let c_name = c_string("memfd_create", &shown, "the name", name)?;
    let create = |flags: u32| {
        // SAFETY: a C string that lives across the call, and a number.
        Errno::result(unsafe { libc::memfd_create(c_name.as_ptr(), flags) })
    };
    let made = create(flags.bits()).or_else(|errno| match errno {
        Errno::EINVAL if flags.contains(MemfdFlags::MFD_EXEC) => {
            create(flags.bits() & !MemfdFlags::MFD_EXEC.bits())
        }
        errno => Err(errno),
    });
    match made {
        // SAFETY: the kernel has just opened it for us, and nothing else has it.
        Ok(made) => Ok(unsafe { OwnedFd::from_raw_fd(made) }),
        Err(errno) => Err(Error::new("memfd_create", Case::Any, errno, &shown)),
    }
}

/// Seals a file in memory: what a seal forbids nobody can do any more, through whatever
/// descriptor, and no seal is ever taken off.
///
/// # Arguments
///
/// * `file`: a descriptor that is open for writing.
/// * `seals`: `F_SEAL_WRITE` (its content stays), `F_SEAL_SHRINK` and `F_SEAL_GROW` (so does its
///   size), `F_SEAL_SEAL` (no seal is added any more).
///
/// # Errors
///
/// * `EPERM`: it was made without `MFD_ALLOW_SEALING`, or has `F_SEAL_SEAL`, or is open for
///   reading only.
/// * `EBUSY`: `F_SEAL_WRITE`, and somebody has it mapped for writing.
/// * `EINVAL`: not a file in memory.
///
/// The example is at [`memfd_create`].
///
/// Manual page: fcntl(2), F_ADD_SEALS. Level 17.
pub fn fcntl_add_seals(file: impl AsFd, seals: SealFlag) -> Result<()> {
    fcntl(file.as_fd(), FcntlArg::F_ADD_SEALS(seals))
        .map(drop)
        .map_err(|errno| {
            let shown = [
                plain(file.as_fd().as_raw_fd()),
                plain("F_ADD_SEALS"),
                flags!(seals),
            ];
            Error::new("fcntl", Case::AddSeals, errno, &shown)
        })
}

/// Which seals a file has.
///
/// A file on a tmpfs answers as well, and has `F_SEAL_SEAL` from its birth: no seal can be
/// put on it, and everybody may change it. So ask for all the seals that you mean.
///
/// # Errors
///
/// * `EINVAL`: the file system knows no seals: that is the answer for most files.
///
/// # Example
///
/// ```
/// use linux_sys::{Errno, fcntl_get_seals};
///
/// let program = std::fs::File::open("/proc/self/cmdline")?;
/// assert_eq!(fcntl_get_seals(&program).unwrap_err().errno(), Errno::EINVAL);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Manual page: fcntl(2), F_GET_SEALS. Level 17.
pub fn fcntl_get_seals(file: impl AsFd) -> Result<SealFlag> {
    match fcntl(file.as_fd(), FcntlArg::F_GET_SEALS) {
        Ok(seals) => Ok(SealFlag::from_bits_truncate(seals)),
        Err(errno) => {
            let shown = [plain(file.as_fd().as_raw_fd()), plain("F_GET_SEALS")];
            Err(Error::new("fcntl", Case::Any, errno, &shown))
        }
    }
}
