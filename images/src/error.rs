//! What went wrong, in one paragraph that ends with what to do next.

use std::fmt;
use std::io;

use nix::errno::Errno;

/// The result of everything in this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an image could not be found, made, unpacked or removed.
///
/// Its [`Display`](fmt::Display) is one paragraph for the person at the
/// keyboard: what was being done, on which path, why it failed there, and what
/// to do next. Nothing in it is meant to be picked apart by a program, so the
/// cause is part of the text and not a [`source`](std::error::Error::source),
/// which a caller that prints the chain would show a second time.
#[derive(Debug)]
pub struct Error {
    text: String,
}

impl Error {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}

/// An errno as a person reads it: `ENOSPC (No space left on device)`.
pub(crate) fn named(errno: Errno) -> String {
    format!("{errno:?} ({})", errno.desc())
}

/// The errno inside an [`io::Error`], where the kernel was the one that refused.
pub(crate) fn errno_of(error: &io::Error) -> Option<Errno> {
    error.raw_os_error().map(Errno::from_raw)
}

/// An [`io::Error`] as a person reads it.
pub(crate) fn io_named(error: &io::Error) -> String {
    errno_of(error).map_or_else(|| error.to_string(), named)
}

/// What to do about an errno of the file system, whatever the call was.
pub(crate) fn advice(errno: Errno) -> &'static str {
    match errno {
        Errno::EPERM | Errno::EACCES => {
            "run it as root, or choose directories of your own with RUBBER_DOCKER_IMAGES and RUBBER_DOCKER_CONTAINERS"
        }
        Errno::ENOSPC | Errno::EDQUOT => {
            "make room there, or choose a bigger file system with RUBBER_DOCKER_IMAGES and RUBBER_DOCKER_CONTAINERS"
        }
        Errno::EROFS => {
            "that file system is mounted read-only: choose other directories with RUBBER_DOCKER_IMAGES and RUBBER_DOCKER_CONTAINERS"
        }
        Errno::EMFILE | Errno::ENFILE => {
            "no file descriptor is left: close some, or raise the limit (ulimit -n)"
        }
        Errno::EFBIG => "a file may not be as large as that: raise the limit (ulimit -f)",
        Errno::ENOTDIR | Errno::ELOOP => {
            "something on that path is not a directory: move it away or choose another path"
        }
        Errno::ENOENT => "something on that path is missing: check its spelling",
        _ => "look at that path with `ls -ld`, and at the end of `dmesg` if the disk is to blame",
    }
}

/// The error of one call on one path.
pub(crate) fn failed(what: impl fmt::Display, errno: Errno) -> Error {
    Error::new(format!("{what}: {}; {}", named(errno), advice(errno)))
}

/// Likewise, for calls made through the standard library.
pub(crate) fn io_failed(what: impl fmt::Display, error: &io::Error) -> Error {
    match errno_of(error) {
        Some(errno) => failed(what, errno),
        None => Error::new(format!("{what}: {error}")),
    }
}

/// A name for an error: as much of it as a person wants to read.
pub(crate) fn shown(bytes: &[u8]) -> String {
    const ENOUGH: usize = 200;
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(ENOUGH)]).into_owned();
    if bytes.len() > ENOUGH {
        start + "..."
    } else {
        start
    }
}
