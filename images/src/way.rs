//! The way to a directory, and in whose hands it is.
//!
//! Root makes directories, changes modes and mounts by path. Such a path is worth as
//! much as the directories that it passes through: their owner, and everyone who may
//! write to them, can put a link to another place where the store was, between two of
//! our steps. No mode of the store itself helps against that, since renaming takes
//! rights to the directory *above* (rename(2)).
//!
//! Hence one rule for every directory on the way, up to `/`: it belongs to root or to
//! us, and others may not write to it, unless it is sticky as /tmp is, where only an
//! owner can rename (inode(7)). For links on the way the owner counts as well. We look
//! from `/` downwards: what lies in a directory that obeys the rule stays what it was
//! when we looked, and so no other user can win a race against us.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Component, Path, PathBuf};

use nix::unistd::Uid;

use crate::error::{Error, Result, io_failed};
use crate::id_map::is_outsider;

/// What becomes of directories that are not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// They are made: the last one closed to others.
    Make,
    /// They are not: then there is no such directory.
    Leave,
}

/// As many as the kernel follows, see path_resolution(7).
const LINKS: usize = 40;

/// Mode bits: the group or others may write; only owners may rename and remove.
const WRITABLE_BY_OTHERS: u32 = 0o022;
const STICKY: u32 = 0o1000;

/// Follows `path`, which only root and `us` may control. Returns where it leads, without
/// links, and what is there; `None` if something is missing.
pub(crate) fn follow(
    path: &Path,
    us: Uid,
    missing: Missing,
) -> Result<Option<(PathBuf, Metadata)>> {
    let failed = |error: &io::Error| {
        io_failed(
            format_args!("cannot make the container directory {}", path.display()),
            error,
        )
    };
    let absolute = std::path::absolute(path).map_err(|error| failed(&error))?;
    let mut ahead = names(&absolute);
    let mut here = PathBuf::from("/");
    let mut there = fs::symlink_metadata(&here).map_err(|error| failed(&error))?;
    let mut links = 0;
    while let Some(name) = ahead.pop_front() {
        if name == ".." {
            here.pop();
            there = fs::symlink_metadata(&here).map_err(|error| failed(&error))?;
            continue;
        }
        check_directory(path, &here, &there, us)?;
        let next = here.join(&name);
        let mut found = look(&next).map_err(|error| failed(&error))?;
        if found.is_none() && missing == Missing::Make {
            make(&next, ahead.is_empty()).map_err(|error| failed(&error))?;
            found = look(&next).map_err(|error| failed(&error))?;
        }
        let Some(found) = found else {
            return Ok(None);
        };
        there = found;
        if there.is_symlink() {
            check_owner(path, &next, &there, us)?;
            links += 1;
            if links > LINKS {
                return Err(in_a_circle(path));
            }
            let target = fs::read_link(&next).map_err(|error| failed(&error))?;
            if target.is_absolute() {
                here = PathBuf::from("/");
            }
            let mut further = names(&target);
            further.append(&mut ahead);
            ahead = further;
            there = fs::symlink_metadata(&here).map_err(|error| failed(&error))?;
        } else if there.is_dir() {
            here = next;
        } else {
            return Err(no_directory(path, &next));
        }
    }
    Ok(Some((here, there)))
}

/// The names in a path, in order; `.` is none, and `/` is where every way begins.
fn names(path: &Path) -> VecDeque<OsString> {
    let parts = path.components();
    parts
        .filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir))
        .map(|part| part.as_os_str().to_owned())
        .collect()
}

fn look(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(there) => Ok(Some(there)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// With its mode from the start, whatever the umask leaves to others: between a mkdir
/// and a chmod another user could walk in.
fn make(directory: &Path, is_last: bool) -> io::Result<()> {
    let mode = if is_last { 0o700 } else { 0o755 };
    match DirBuilder::new().mode(mode).create(directory) {
        // Another process that starts a container was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// What is in `directory` must be safe from others.
fn check_directory(path: &Path, directory: &Path, there: &Metadata, us: Uid) -> Result<()> {
    check_owner(path, directory, there, us)?;
    if there.mode() & WRITABLE_BY_OTHERS == 0 || there.mode() & STICKY != 0 {
        return Ok(());
    }
    Err(Error::new(format!(
        "{path} cannot be the container directory: other users may write to {directory} (mode {mode:04o}), and so put \
         something else in its place while containers are made; choose another one with --container-dir or \
         RUBBER_DOCKER_CONTAINERS, or take that right away: sudo chmod go-w {directory}",
        path = path.display(),
        directory = directory.display(),
        mode = there.mode() & 0o7777,
    )))
}

fn check_owner(path: &Path, on_the_way: &Path, there: &Metadata, us: Uid) -> Result<()> {
    if there.uid() == 0 || there.uid() == us.as_raw() {
        return Ok(());
    }
    // In a user namespace, what is the host's root's belongs to nobody. As an ordinary user we
    // have been here before, and have seen whose it is.
    if is_outsider(there.uid()) {
        return Ok(());
    }
    Err(Error::new(format!(
        "{path} cannot be the container directory: {on_the_way} on the way there belongs to user {owner}, who could put \
         something else in its place while containers are made; choose another one with --container-dir or \
         RUBBER_DOCKER_CONTAINERS, for example below /var/lib or /var/tmp",
        path = path.display(),
        on_the_way = on_the_way.display(),
        owner = there.uid(),
    )))
}

fn in_a_circle(path: &Path) -> Error {
    Error::new(format!(
        "the container directory {} lies behind more than {LINKS} links, perhaps in a circle (ELOOP); look at them with \
         `namei`, or choose another directory with --container-dir or RUBBER_DOCKER_CONTAINERS",
        path.display()
    ))
}

fn no_directory(path: &Path, file: &Path) -> Error {
    Error::new(format!(
        "the container directory {} is a file, or lies below one: {} is no directory (ENOTDIR); look at it with \
         `ls -ld`, then move it away, or choose another directory with --container-dir or RUBBER_DOCKER_CONTAINERS",
        path.display(),
        file.display()
    ))
}
