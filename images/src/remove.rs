//! Removing a tree, and nothing but that tree.
//!
//! `rm -rf` of a container in which `/dev` is still mounted would empty the
//! machine's own `/dev`. So: never across a mount point, never through a link,
//! and always by open directories, so that no other process can swap a directory
//! for a link between our look and our step.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::{OFlag, ResolveFlag, open, openat};
use nix::sys::stat::{Mode, fstat};
use nix::unistd::{UnlinkatFlags, dup, unlinkat};

use crate::error::{Error, Result, failed};
use crate::rooted_path;

/// Removes `path` and everything below it. A path that does not exist is fine.
///
/// A mount point is never crossed: meeting one is an error that names it and
/// says how to unmount it, and nothing behind it is touched. Symbolic links are
/// removed, never followed. Trees of any depth are fine.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let scratch = tempfile::tempdir()?;
/// let tree = scratch.path().join("container");
/// std::fs::create_dir_all(tree.join("rootfs/etc"))?;
/// images::remove_tree(&tree)?;
/// assert!(!tree.exists());
/// # Ok(())
/// # }
/// ```
pub fn remove_tree(path: &Path) -> Result<()> {
    let Some(name) = path.file_name() else {
        return Err(Error::new(format!(
            "cannot remove {}: it does not end in the name of a directory; give the path of one",
            path.display()
        )));
    };
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match open(
        parent,
        OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC,
        Mode::empty(),
    ) {
        Ok(parent) => Ok(entry(parent, name, path)?),
        Err(Errno::ENOENT) => Ok(()),
        Err(errno) => Err(failed(
            format_args!("cannot remove {}", path.display()),
            errno,
        )),
    }
}

/// What could not be removed, and why.
#[derive(Debug)]
pub(crate) struct Stuck {
    path: PathBuf,
    pub(crate) errno: Errno,
}

impl From<Stuck> for Error {
    fn from(Stuck { path, errno }: Stuck) -> Self {
        let path = path.display();
        match errno {
            // EXDEV is openat2's word for a mount point on the way, EBUSY that of
            // unlink and rmdir for one at the end.
            Errno::EXDEV | Errno::EBUSY => Self::new(format!(
                "cannot remove {path}: something is still mounted there, and removal never crosses a mount point, \
                 so nothing behind it was touched; unmount it with `umount -R {path}` and try again"
            )),
            Errno::ESTALE => Self::new(format!(
                "stopped removing {path}: another process moved it meanwhile; see which one uses it (`fuser -v {path}`), then try again"
            )),
            _ => failed(format_args!("cannot remove {path}"), errno),
        }
    }
}

/// Removes the entry `name` of `directory`, whatever it is. `shown` is its path in errors.
pub(crate) fn entry(
    directory: impl AsFd,
    name: &OsStr,
    shown: &Path,
) -> std::result::Result<(), Stuck> {
    let stuck = |errno| Stuck {
        path: shown.to_owned(),
        errno,
    };
    if unlink(&directory, name, None).map_err(stuck)? == Unlinked::Gone {
        return Ok(());
    }
    empty(enter(&directory, name).map_err(stuck)?, shown)?;
    match unlinkat(&directory, name, UnlinkatFlags::RemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(errno) => Err(stuck(errno)),
    }
}

/// A directory that we have gone below.
struct Above {
    /// The name, in this directory, of the one we went into.
    name: OsString,
    /// Device and inode, by which we know it again.
    identity: (u64, u64),
    /// What else is to be done here.
    pending: Vec<OsString>,
}

/// Removes everything in a directory, which itself stays.
///
/// One descriptor is open at a time and no function calls itself, so the depth
/// of a tree costs memory only: `..` leads back up, and must lead to where we
/// came from.
pub(crate) fn empty(directory: OwnedFd, shown: &Path) -> std::result::Result<(), Stuck> {
    let mut above: Vec<Above> = Vec::new();
    let stuck = |above: &[Above], name: &OsStr, errno| {
        let mut path = shown.to_owned();
        path.extend(above.iter().map(|above| &above.name));
        path.push(name);
        Stuck { path, errno }
    };

    let mut here = directory;
    let mut pending = sweep(&here).map_err(|(name, errno)| stuck(&above, &name, errno))?;
    loop {
        if let Some(name) = pending.pop() {
            let inner = enter(&here, &name).map_err(|errno| stuck(&above, &name, errno))?;
            let identity = identity(&here).map_err(|errno| stuck(&above, &name, errno))?;
            above.push(Above {
                name,
                identity,
                pending,
            });
            here = inner;
            pending = sweep(&here).map_err(|(name, errno)| stuck(&above, &name, errno))?;
        } else if let Some(Above {
            name,
            identity,
            pending: rest,
        }) = above.pop()
        {
            here = leave(&here, identity, &name).map_err(|errno| stuck(&above, &name, errno))?;
            pending = rest;
        } else {
            return Ok(());
        }
    }
}

/// Goes up from the directory `name`, which is empty now, and removes it.
fn leave(here: &OwnedFd, expected: (u64, u64), name: &OsStr) -> nix::Result<OwnedFd> {
    let above = openat(
        here,
        "..",
        OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC,
        Mode::empty(),
    )?;
    if identity(&above)? != expected {
        return Err(Errno::ESTALE);
    }
    match unlinkat(&above, name, UnlinkatFlags::RemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(above),
        Err(errno) => Err(errno),
    }
}

/// Removes from one directory whatever can go at once, and returns the names of
/// the directories that are not empty.
fn sweep(directory: &OwnedFd) -> std::result::Result<Vec<OsString>, (OsString, Errno)> {
    let whole = |errno| (OsString::new(), errno);
    // Listing takes a descriptor of its own; a copy costs less than opening `.` again.
    let copy = dup(directory).map_err(whole)?;
    let mut list = Dir::from_fd(copy).map_err(whole)?;
    let mut full = Vec::new();
    for entry in list.iter() {
        let entry = entry.map_err(whole)?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name == "." || name == ".." {
            continue;
        }
        match unlink(directory, name, entry.file_type()) {
            Ok(Unlinked::Gone) => {}
            Ok(Unlinked::FullDirectory) => full.push(name.to_owned()),
            Err(errno) => return Err((name.to_owned(), errno)),
        }
    }
    Ok(full)
}

#[derive(PartialEq, Eq)]
enum Unlinked {
    Gone,
    FullDirectory,
}

fn unlink(directory: impl AsFd, name: &OsStr, kind: Option<Type>) -> nix::Result<Unlinked> {
    if kind != Some(Type::Directory) {
        match unlinkat(&directory, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => return Ok(Unlinked::Gone),
            Err(Errno::EISDIR) => {}
            Err(errno) => return Err(errno),
        }
    }
    match unlinkat(&directory, name, UnlinkatFlags::RemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(Unlinked::Gone),
        Err(Errno::ENOTEMPTY | Errno::EEXIST) => Ok(Unlinked::FullDirectory),
        Err(errno) => Err(errno),
    }
}

/// Opens a directory that is an entry of `directory` and neither a link nor a mount point.
fn enter(directory: impl AsFd, name: &OsStr) -> nix::Result<OwnedFd> {
    rooted_path::open(
        directory,
        name,
        OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW,
        // rmdir was tried before, and refuses a mount point; this is for one that
        // appears in between. The kernel compares mounts. Comparing device
        // numbers, as `rm --one-file-system` does, would walk into a bind mount,
        // which has the number of what it shows.
        ResolveFlag::RESOLVE_NO_XDEV
            | ResolveFlag::RESOLVE_BENEATH
            | ResolveFlag::RESOLVE_NO_SYMLINKS,
    )
}

fn identity(directory: &OwnedFd) -> nix::Result<(u64, u64)> {
    let stat = fstat(directory)?;
    Ok((stat.st_dev, stat.st_ino))
}
