//! A directory that is ours alone.
//!
//! What was verified must stay as it was, or verifying was for nothing. Therefore the
//! directory belongs to us, is closed to all other users, and is held open: whatever
//! becomes of the path meanwhile, we stay in the directory that was looked at.

use std::env;
use std::fs::{DirBuilder, File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::geteuid;

/// Where this user keeps what can be had again.
pub(crate) fn cache() -> Option<PathBuf> {
    let absolute = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))
}

/// The directory below `cache`, made if need be: ours, and closed to all others.
pub(crate) fn private(cache: &Path) -> Result<File, String> {
    let failed = |error: io::Error| error.to_string();
    // What is missing on the way is closed to others, too.
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(cache)
        .map_err(failed)?;
    let mut directory = File::open(cache).map_err(failed)?;
    // A user who may write to the first directory could put another one in the second's place.
    for (name, closed) in [("rubber-docker", 0o022), ("blobs", 0o077)] {
        directory = below(&directory, name, closed)?;
    }
    Ok(directory)
}

/// The directory `name` in `parent`, with the bits of `closed` taken from its mode.
fn below(parent: &File, name: &str, closed: u32) -> Result<File, String> {
    match mkdirat(parent, name, Mode::S_IRWXU) {
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(errno) => return Err(errno.desc().into()),
    }
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let directory = match openat(parent, name, flags, Mode::empty()) {
        Ok(directory) => File::from(directory),
        Err(Errno::ELOOP | Errno::ENOTDIR) => {
            return Err(format!("{name} is there already, and no directory"));
        }
        Err(errno) => return Err(format!("{name}: {}", errno.desc())),
    };
    let about = directory.metadata().map_err(|error| error.to_string())?;
    if about.uid() != geteuid().as_raw() {
        return Err(format!(
            "{name} belongs to user {} and not to you (user {}), and its owner could change what was verified",
            about.uid(),
            geteuid()
        ));
    }
    if about.mode() & closed != 0 {
        directory
            .set_permissions(Permissions::from_mode(about.mode() & 0o7777 & !closed))
            .map_err(|error| format!("it cannot be closed to others: {error}"))?;
    }
    Ok(directory)
}

/// Whether this is a file that we alone can change.
pub(crate) fn is_ours(about: &Metadata) -> bool {
    about.is_file() && about.uid() == geteuid().as_raw() && about.mode() & 0o022 == 0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn what_is_made_is_closed_to_others() {
        let scratch = tempfile::tempdir().unwrap();
        let cache = scratch.path().join("home/.cache");
        private(&cache).unwrap();
        assert_eq!(mode(&cache), 0o700);
        assert_eq!(mode(&cache.join("rubber-docker")), 0o700);
        assert_eq!(mode(&cache.join("rubber-docker/blobs")), 0o700);
    }

    #[test]
    fn what_is_open_to_others_is_closed() {
        let scratch = tempfile::tempdir().unwrap();
        let blobs = scratch.path().join("rubber-docker/blobs");
        fs::create_dir_all(&blobs).unwrap();
        fs::set_permissions(&blobs, Permissions::from_mode(0o777)).unwrap();
        private(scratch.path()).unwrap();
        assert_eq!(mode(&blobs), 0o700);
    }

    #[test]
    fn a_link_is_not_followed() {
        let scratch = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        fs::create_dir(scratch.path().join("rubber-docker")).unwrap();
        symlink(elsewhere.path(), scratch.path().join("rubber-docker/blobs")).unwrap();
        let why = private(scratch.path()).unwrap_err();
        assert!(why.contains("no directory"), "{why}");
    }
}
