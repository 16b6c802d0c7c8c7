//! Paths inside a tree that is not to be trusted.
//!
//! In an image, `/etc` may be a link to `/`, or to `../../..`. Every path of an
//! image is therefore resolved by the kernel as if the tree were the whole
//! world (`openat2` with `RESOLVE_IN_ROOT`): links work, and none leads out.
//! What we then do, we do to a plain name in the directory that the kernel found.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use linux_sys::{Errno, Mode, OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::mkdirat;

/// The root of such a tree.
pub(crate) struct RootedTree {
    root: OwnedFd,
    /// Members come sorted by directory: the last one is usually the next one, too.
    last: Option<(Vec<u8>, OwnedFd)>,
}

/// A path of an image, split: the directories, and the name in the last of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Split {
    /// Relative to the root, without `.` and doubled slashes; empty for the root.
    pub(crate) parent: Vec<u8>,
    pub(crate) name: OsString,
}

/// Why a path of an image is not one we follow.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BadPath {
    /// It contains `..`.
    Upwards,
    /// It contains a NUL byte, where for the kernel it ends.
    Nul,
}

/// Splits a path of an image. `None` is the root itself.
///
/// A leading slash means the root of the image, as it does inside of it.
pub(crate) fn split(path: &[u8]) -> Result<Option<Split>, BadPath> {
    if path.contains(&0) {
        return Err(BadPath::Nul);
    }
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return Err(BadPath::Upwards),
            _ => parts.push(part),
        }
    }
    Ok(parts.pop().map(|name| Split {
        parent: parts.join(&b'/'),
        name: OsString::from_vec(name.to_vec()),
    }))
}

impl Split {
    /// The whole path again, tidied.
    pub(crate) fn path(&self) -> Vec<u8> {
        let mut path = self.parent.clone();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(self.name.as_bytes());
        path
    }
}

impl RootedTree {
    pub(crate) fn new(root: OwnedFd) -> Self {
        Self { root, last: None }
    }

    pub(crate) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// Opens a directory of the tree for reading.
    pub(crate) fn directory(&self, path: &[u8]) -> nix::Result<OwnedFd> {
        self.open(
            path,
            OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW,
        )
    }

    /// Opens the directory in which something is to be found.
    pub(crate) fn parent(&mut self, path: &[u8]) -> nix::Result<BorrowedFd<'_>> {
        if self.last.as_ref().is_none_or(|(last, _)| last != path) {
            let directory = self.open(path, OFlag::O_PATH | OFlag::O_DIRECTORY)?;
            self.last = Some((path.to_vec(), directory));
        }
        match &self.last {
            Some((_, directory)) => Ok(directory.as_fd()),
            None => Ok(self.root.as_fd()),
        }
    }

    /// Likewise, in which something is to be put: what is missing is made, and
    /// told to `made`.
    pub(crate) fn make_parent(
        &mut self,
        path: &[u8],
        mut made: impl FnMut(&[u8]),
    ) -> nix::Result<BorrowedFd<'_>> {
        if let Err(Errno::ENOENT) = self.parent(path).map(drop) {
            let mut end = 0;
            for part in path.split(|&byte| byte == b'/') {
                let (above, here) = (&path[..end.max(1) - 1], end + part.len());
                match mkdirat(self.parent(above)?, OsStr::from_bytes(part), Mode::S_IRWXU) {
                    Ok(()) => made(&path[..here]),
                    Err(Errno::EEXIST) => {}
                    Err(errno) => return Err(errno),
                }
                end = here + 1;
            }
        }
        self.parent(path)
    }

    /// To be called when something was replaced, which may change where paths lead.
    pub(crate) fn forget(&mut self) {
        self.last = None;
    }

    fn open(&self, path: &[u8], flags: OFlag) -> nix::Result<OwnedFd> {
        let path = if path.is_empty() {
            Path::new(".")
        } else {
            Path::new(OsStr::from_bytes(path))
        };
        open(
            &self.root,
            path,
            flags,
            // No mount belongs to an image, and no link of /proc leads anywhere good.
            ResolveFlag::RESOLVE_IN_ROOT
                | ResolveFlag::RESOLVE_NO_MAGICLINKS
                | ResolveFlag::RESOLVE_NO_XDEV,
        )
    }
}

/// `openat2`, again when a rename elsewhere in the system made the kernel unsure
/// whether a `..` was safe.
pub(crate) fn open(
    directory: impl AsFd,
    path: impl AsRef<Path>,
    flags: OFlag,
    resolve: ResolveFlag,
) -> nix::Result<OwnedFd> {
    let how = OpenHow {
        flags: flags | OFlag::O_CLOEXEC,
        mode: Mode::empty(),
        resolve,
    };
    loop {
        match openat2(&directory, &path, how) {
            Ok(opened) => return Ok(opened),
            Err(error) if matches!(error.errno(), Errno::EAGAIN | Errno::EINTR) => {}
            Err(error) => return Err(error.errno()),
        }
    }
}
