//! Descriptors: opening a path with rules, closing many at once.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, ResolveFlag};
use nix::sys::stat::Mode;

use crate::error::{flags, octal, plain, quoted};
use crate::explain::Case;
use crate::flags::CloseRangeFlags;
use crate::{Error, Result};

/// How [`openat2`] opens; by default read-only and without rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenHow {
    /// As for open(2): `O_PATH`, `O_DIRECTORY`, ...
    pub flags: OFlag,
    /// The mode of a file that is created; empty otherwise.
    pub mode: Mode,
    /// What the way to the file may not contain.
    pub resolve: ResolveFlag,
}

impl Default for OpenHow {
    fn default() -> OpenHow {
        OpenHow {
            flags: OFlag::empty(),
            mode: Mode::empty(),
            resolve: ResolveFlag::empty(),
        }
    }
}

/// Opens `path`, which begins at `directory`, along no way that `how` forbids.
///
/// For paths into something that you did not make: an image's `/proc` may be a
/// symbolic link to wherever its author likes, and mount(2) would follow it. With
/// `RESOLVE_NO_SYMLINKS` the kernel refuses, and leaves no moment between look and use.
///
/// # Arguments
///
/// * `directory`: where a relative path begins.
/// * `path`: absolute ones begin at the root, unless a rule says otherwise.
/// * `how`: flags and mode as in open(2), and `resolve`:
///
/// | rule | the way there |
/// |---|---|
/// | `RESOLVE_BENEATH` | must not leave `directory`: no absolute path, no `..` or link out of it |
/// | `RESOLVE_IN_ROOT` | treats `directory` as `/`: absolute paths, links and `..` end there |
/// | `RESOLVE_NO_SYMLINKS` | has no symbolic link |
/// | `RESOLVE_NO_MAGICLINKS` | has no /proc/PID/fd/N and the like |
/// | `RESOLVE_NO_XDEV` | does not cross a mount point |
///
/// # Errors
///
/// * `ELOOP`: a symbolic link where none is allowed, or too many.
/// * `EXDEV`: leaves `directory`, or crosses a mount point where that is forbidden.
/// * `EAGAIN`: another process renamed a directory at this moment: try again.
/// * `EINVAL`: flags that contradict each other, or a mode although nothing is created.
/// * `ENOENT`, `ENOTDIR`, `EACCES`, `EEXIST`: as for open(2).
/// * `ENOSYS`: before Linux 5.6.
///
/// # Example
///
/// ```
/// use linux_sys::{Errno, OFlag, OpenHow, ResolveFlag, openat2};
///
/// let proc = std::fs::File::open("/proc")?;
/// let how = OpenHow {
///     flags: OFlag::O_PATH | OFlag::O_CLOEXEC,
///     resolve: ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS,
///     ..OpenHow::default()
/// };
/// let status = openat2(&proc, "1/status", how)?;
/// // /proc/self is a symbolic link.
/// assert_eq!(openat2(&proc, "self/status", how).unwrap_err().errno(), Errno::ELOOP);
/// assert_eq!(openat2(&proc, "../etc", how).unwrap_err().errno(), Errno::EXDEV);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Manual page: openat2(2). Given code, from level 01.
pub fn openat2(directory: impl AsFd, path: impl AsRef<Path>, how: OpenHow) -> Result<OwnedFd> {
    let path = path.as_ref();
    let nix_how = nix::fcntl::OpenHow::new()
        .flags(how.flags)
        .mode(how.mode)
        .resolve(how.resolve);
    nix::fcntl::openat2(directory.as_fd(), path, nix_how).map_err(|errno| {
        let shown = [
            plain(directory.as_fd().as_raw_fd()),
            quoted(path),
            flags!(how.flags),
            octal(how.mode),
            flags!(how.resolve),
        ];
        Error::new("openat2", Case::Any, errno, &shown)
    })
}

/// Closes the descriptors `first` to `last`, both included; those that are not open do not matter.
///
/// A descriptor is a door: one that stays open on a directory of the host leads a
/// container out of every root. So the last thing before exec is to close all but
/// 0, 1 and 2.
///
/// # Arguments
///
/// * `first`, `last`: `u32::MAX` as `last` means all the rest.
/// * `flags`: `CloseRangeFlags::empty()` closes now. `CLOSE_RANGE_CLOEXEC` only marks
///   them, so that a successful exec closes them; what is left of the program goes on
///   using them, for example to report that exec failed.
///
/// # I/O safety
///
/// Closing now also closes what other code in this process owns: a `File` that is used
/// afterwards finds its number closed, or worse, reused. Close now just before exec or
/// exit, when no owner is used again; anywhere else take `CLOSE_RANGE_CLOEXEC`.
///
/// # Errors
///
/// * `EINVAL`: `first` is larger than `last`, or a flag that this kernel does not know.
/// * `EMFILE`: with `CLOSE_RANGE_UNSHARE`, no room for the process's own table.
/// * `ENOSYS`: before Linux 5.9.
///
/// # Example
///
/// ```standalone_crate
/// use linux_sys::{CloseRangeFlags, close_range};
///
/// close_range(3, u32::MAX, CloseRangeFlags::CLOSE_RANGE_CLOEXEC)?;
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: close_range(2). Given code, from level 00.
pub fn close_range(first: u32, last: u32, flags: CloseRangeFlags) -> Result<()> {
    // SAFETY: takes three numbers and touches no memory; "I/O safety" in the
    // documentation says what it means for owners of the descriptors.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, last, flags.bits()) };
    Errno::result(done).map(drop).map_err(|errno| {
        Error::new(
            "close_range",
            Case::Any,
            errno,
            &[plain(first), plain(last), plain(flags)],
        )
    })
}

/// Makes one of the three standard streams another name of an open file.
///
/// # Arguments
///
/// * `file`: what the stream is to be. It stays open under its own number as well.
/// * `stream`: 0, what is read; 1, what is written; 2, errors. What it was is closed.
///
/// # Errors
///
/// * `EINVAL`, from this crate: another number, which somebody else may own.
///
/// # Example
///
/// ```standalone_crate
/// use linux_sys::dup2;
///
/// let nothing = std::fs::File::open("/dev/null")?;
/// dup2(&nothing, 0)?;
/// assert_eq!(std::io::read_to_string(std::io::stdin())?, "");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Manual page: dup2(2). Level 18.
pub fn dup2(file: impl AsFd, stream: i32) -> Result<()> {
    let done = match stream {
        0 => nix::unistd::dup2_stdin(&file),
        1 => nix::unistd::dup2_stdout(&file),
        2 => nix::unistd::dup2_stderr(&file),
        _ => Err(Errno::EINVAL),
    };
    done.map_err(|errno| {
        let shown = [plain(file.as_fd().as_raw_fd()), plain(stream)];
        Error::new("dup2", Case::Any, errno, &shown)
    })
}
