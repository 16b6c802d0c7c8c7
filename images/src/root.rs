//! Whether a tree looks like the root of something.

use std::os::fd::AsFd;

use nix::dir::Dir;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, fstatat};

use crate::error::shown;
use crate::unpack_error::UnpackError;

/// A root file system has one of these; a box of layers has none, nor has an ordinary directory.
pub(crate) const TOP: [&str; 5] = ["bin", "usr", "etc", "lib", "sbin"];

/// Whether `directory` is the root of a file system, by what is in it.
pub(crate) fn is_root(directory: impl AsFd) -> bool {
    TOP.into_iter()
        .any(|name| fstatat(&directory, name, AtFlags::AT_SYMLINK_NOFOLLOW).is_ok())
}

/// Refuses a tree whose only member is a directory that is a root: `tar -cf debian.tar debian`
/// is a slip, and every command would be missing in it.
pub(crate) fn not_one_level_down(directory: impl AsFd) -> Result<(), UnpackError> {
    let Some(only) = only_directory(&directory) else {
        return Ok(());
    };
    Err(one_level_down(&only))
}

pub(crate) fn one_level_down(only: &str) -> UnpackError {
    UnpackError {
        cause: format!("its root file system is one level down, in {only:?}"),
        advice: format!("pack it from within: tar -C {only:?} -cf NAME.tar ."),
    }
}

/// The name of the only entry, if it is a directory that looks like a root.
fn only_directory(directory: impl AsFd) -> Option<String> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mut names = Dir::openat(&directory, ".", flags, Mode::empty())
        .ok()?
        .into_iter()
        .flatten()
        .map(|entry| entry.file_name().to_owned())
        .filter(|name| name.as_bytes() != b"." && name.as_bytes() != b"..");
    let only = names.next().filter(|_| names.next().is_none())?;
    let below = openat(&directory, only.as_c_str(), flags, Mode::empty()).ok()?;
    is_root(&below).then(|| shown(only.as_bytes()))
}
