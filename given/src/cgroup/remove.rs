//! Removing a group in which there are others.
//!
//! A container that can mount a cgroup file system may make groups in its own. Their
//! processes have died with its PID namespace; the groups stay, and rmdir(2) takes only
//! one that has none in it.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use linux_sys::{Errno, rmdir};
use nix::dir::{Dir, Type};
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::meaning;
use crate::Error;

/// Remove `group` and the groups in it, the innermost first. One that is not there is fine.
pub fn remove_groups(group: &Path) -> Result<(), Error> {
    let inside = |errno| {
        format!(
            "rmdir of a group in {}: {}",
            group.display(),
            meaning(errno)
        )
    };
    match open(AT_FDCWD, group.as_os_str()) {
        Err(Errno::ENOENT) => return Ok(()),
        opened => opened.and_then(empty).map_err(inside)?,
    }
    Ok(rmdir(group)?)
}

/// Remove the groups in an open one. One descriptor is open at a time and no path is
/// put together, so they may lie deeper than a path is long.
fn empty(group: OwnedFd) -> nix::Result<()> {
    let mut here = group;
    let mut above: Vec<OsString> = Vec::new();
    loop {
        if let Some(name) = a_group_in(&here)? {
            here = open(&here, &name)?;
            above.push(name);
        } else if let Some(name) = above.pop() {
            here = open(&here, OsStr::new(".."))?;
            unlinkat(&here, name.as_os_str(), UnlinkatFlags::RemoveDir)?;
        } else {
            return Ok(());
        }
    }
}

fn a_group_in(group: &OwnedFd) -> nix::Result<Option<OsString>> {
    // A description of its own: a list goes on where the last one has stopped.
    let mut list = Dir::from_fd(open(group, OsStr::new("."))?)?;
    for entry in list.iter() {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if entry.file_type() == Some(Type::Directory) && name != "." && name != ".." {
            return Ok(Some(name.to_owned()));
        }
    }
    Ok(None)
}

/// A cgroup file system has no links; whatever else may lie there is not followed.
fn open(at: impl AsFd, name: &OsStr) -> nix::Result<OwnedFd> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    openat(at, name, flags, Mode::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    // Without files in them, directories behave as groups do.
    fn scratch(name: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("given-{name}-{}", std::process::id()))
    }

    #[test]
    fn groups_go_from_the_leaves_up() -> Result<(), Error> {
        let group = scratch("tree");
        for below in ["a/b/c", "a/d", "e"] {
            std::fs::create_dir_all(group.join(below))?;
        }
        remove_groups(&group)?;
        assert!(!group.exists());
        Ok(())
    }

    #[test]
    fn one_that_is_not_there_is_fine() -> Result<(), Error> {
        remove_groups(&scratch("none"))
    }

    #[test]
    fn groups_may_lie_deeper_than_a_path_is_long() -> Result<(), Error> {
        let group = scratch("deep");
        std::fs::create_dir(&group)?;
        let name = "x".repeat(200);
        let mut here = open(AT_FDCWD, group.as_os_str())?;
        for _ in 0..30 {
            nix::sys::stat::mkdirat(&here, name.as_str(), Mode::S_IRWXU)?;
            here = open(&here, OsStr::new(&name))?;
        }
        remove_groups(&group)?;
        assert!(!group.exists());
        Ok(())
    }

    #[test]
    fn a_link_is_not_followed_and_what_stays_is_told() -> Result<(), Error> {
        let (group, other) = (scratch("link"), scratch("other"));
        std::fs::create_dir_all(other.join("kept"))?;
        std::fs::create_dir(&group)?;
        std::os::unix::fs::symlink(&other, group.join("link"))?;
        let said = remove_groups(&group).map_err(|error| error.to_string());
        assert!(said.is_err_and(|said| said.contains("ENOTEMPTY")));
        assert!(other.join("kept").exists());
        std::fs::remove_dir_all(&group)?;
        std::fs::remove_dir_all(&other)?;
        Ok(())
    }
}
