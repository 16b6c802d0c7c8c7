//! Files by what their file system calls them, without a path.

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;

use crate::error::{has_nul, plain, quoted};
use crate::explain::Case;
use crate::{Error, Result};

/// As many bytes as a handle may have: `MAX_HANDLE_SZ`.
const SIZE: usize = 128;

/// A file's name within its file system: an inode and its generation, usually.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileHandle {
    /// How the bytes are to be read; only the file system knows.
    pub kind: i32,
    /// The bytes, 128 at most.
    pub bytes: Vec<u8>,
}

/// What the kernel reads and writes: `struct file_handle` of open_by_handle_at(2).
#[repr(C)]
struct Raw {
    length: libc::c_uint,
    kind: libc::c_int,
    bytes: [u8; SIZE],
}

/// What its file system calls the file at `path`. Symbolic links are not followed.
///
/// # Errors
///
/// * `EOPNOTSUPP`: the file system has no such names.
/// * `ENOENT`, `ENOTDIR`, `EACCES`: as for open(2).
///
/// # Example
///
/// ```
/// match linux_sys::name_to_handle_at("/etc/passwd") {
///     Ok(handle) => println!("{handle:?}"),
///     Err(error) => println!("{error}"),
/// }
/// ```
///
/// Manual page: name_to_handle_at(2). Checks.
pub fn name_to_handle_at(path: impl AsRef<Path>) -> Result<FileHandle> {
    let path = path.as_ref();
    let shown = [plain("AT_FDCWD"), quoted(path)];
    let Ok(c_path) = CString::new(path.as_os_str().as_bytes()) else {
        let why = has_nul(2);
        return Err(Error::refused(
            "name_to_handle_at",
            Errno::EINVAL,
            &shown,
            why,
        ));
    };
    let mut raw = Raw {
        length: SIZE as libc::c_uint,
        kind: 0,
        bytes: [0; SIZE],
    };
    let mut mount: libc::c_int = 0;
    // SAFETY: `c_path` is a C string; `raw` is the struct that the call fills, with room
    // for as many bytes as its length says; `mount` is the int that it writes to.
    let done = unsafe {
        libc::syscall(
            libc::SYS_name_to_handle_at,
            libc::AT_FDCWD,
            c_path.as_ptr(),
            &raw mut raw,
            &raw mut mount,
            0,
        )
    };
    Errno::result(done)
        .map_err(|errno| Error::new("name_to_handle_at", Case::Any, errno, &shown))?;
    Ok(FileHandle {
        kind: raw.kind,
        bytes: raw
            .bytes
            .iter()
            .copied()
            .take(raw.length as usize)
            .collect(),
    })
}

/// Opens a file for reading by its handle, wherever in its file system it is.
///
/// The kernel walks no path, so no root and no directory's mode stops the caller: which is
/// why the call needs CAP_DAC_READ_SEARCH.
///
/// # Arguments
///
/// * `mount`: anything on a mount of the file system that the handle is from.
/// * `handle`: from [`name_to_handle_at`], or made up.
///
/// # Errors
///
/// * `EPERM`: it needs CAP_DAC_READ_SEARCH.
/// * `ESTALE`: that file system has no such file.
/// * `EINVAL`: that is no handle.
///
/// # Example
///
/// ```no_run
/// use linux_sys::{name_to_handle_at, open_by_handle_at};
///
/// let handle = name_to_handle_at("/etc/passwd")?;
/// let passwd = open_by_handle_at(std::fs::File::open("/")?, &handle)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Manual page: open_by_handle_at(2). Checks.
pub fn open_by_handle_at(mount: impl AsFd, handle: &FileHandle) -> Result<OwnedFd> {
    let shown = [
        plain(mount.as_fd().as_raw_fd()),
        plain(format_args!("{handle:?}")),
        plain("O_RDONLY|O_CLOEXEC"),
    ];
    let mut raw = Raw {
        length: handle.bytes.len() as libc::c_uint,
        kind: handle.kind,
        bytes: [0; SIZE],
    };
    let Some(room) = raw.bytes.get_mut(..handle.bytes.len()) else {
        let why = "a handle has 128 bytes at most";
        return Err(Error::refused(
            "open_by_handle_at",
            Errno::EINVAL,
            &shown,
            why,
        ));
    };
    room.copy_from_slice(&handle.bytes);
    // SAFETY: `raw` is the struct that the call reads, with as many bytes as its length
    // says; the rest are numbers.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_open_by_handle_at,
            mount.as_fd().as_raw_fd(),
            &raw const raw,
            libc::O_RDONLY | libc::O_CLOEXEC,
        )
    };
    let fd = Errno::result(fd)
        .map_err(|errno| Error::new("open_by_handle_at", Case::Any, errno, &shown))?;
    // SAFETY: the kernel just made this descriptor for us alone; descriptors are ints.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}
