//! The directory that containers live in.
//!
//! It holds root file systems, with setuid programs that any user of the
//! machine could start if they could reach them. Hence mode 0700: outside of a
//! container nobody but root gets in.

use std::fs::{self, DirBuilder, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;

use nix::unistd::geteuid;

use crate::cache::CACHE;
use crate::error::{Error, Result, io_failed};

/// Makes the directory that containers live in, with mode 0700; what is missing
/// above it is made with 0755.
///
/// A store that is already there and lets others in is closed to them. That
/// happens only to a directory which belongs to us and has nothing in it but
/// containers: `--container-dir /tmp` is an error, and not the end of `/tmp`
/// for everybody else.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::os::unix::fs::PermissionsExt;
/// # let scratch = tempfile::tempdir()?;
/// let store = scratch.path().join("rubber-docker/containers");
/// images::create_store(&store)?;
/// assert_eq!(store.metadata()?.permissions().mode() & 0o777, 0o700);
/// # Ok(())
/// # }
/// ```
pub fn create_store(directory: &Path) -> Result<()> {
    let failed = |error: &io::Error| {
        io_failed(
            format_args!(
                "cannot make the container directory {}",
                directory.display()
            ),
            error,
        )
    };
    if let Some(parent) = directory.parent() {
        fs::create_dir_all(parent).map_err(|error| failed(&error))?;
    }
    match DirBuilder::new().mode(0o700).create(directory) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed(&error)),
    }
    let there = fs::metadata(directory).map_err(|error| failed(&error))?;
    if !there.is_dir() {
        return Err(Error::new(format!(
            "the container directory {} is a file; move it away, or choose another one with RUBBER_DOCKER_CONTAINERS",
            directory.display()
        )));
    }
    let (owner, us) = (there.uid(), geteuid());
    if owner != us.as_raw() && !us.is_root() {
        return Err(Error::new(format!(
            "the container directory {} belongs to user {owner}, and we are user {us}; containers need root: start \
             this with sudo, or with `cargo run`, which does that for you",
            directory.display()
        )));
    }
    close(directory, &there)
}

/// Takes everybody else's permissions away.
fn close(directory: &Path, there: &Metadata) -> Result<()> {
    if there.mode() & 0o7777 & !0o700 == 0 || there.uid() != geteuid().as_raw() {
        return Ok(());
    }
    let failed = |error: &io::Error| {
        io_failed(
            format_args!(
                "cannot close the container directory {} to others",
                directory.display()
            ),
            error,
        )
    };
    for entry in fs::read_dir(directory).map_err(|error| failed(&error))? {
        let name = entry.map_err(|error| failed(&error))?.file_name();
        if !is_ours(name.as_encoded_bytes()) {
            return Err(Error::new(format!(
                "{directory} cannot be the container directory: it must be closed to other users (mode 0700), and it holds \
                 other things, such as {name:?}, that they may need; choose a directory of its own, for example \
                 {directory}/rubber-docker, with --container-dir or RUBBER_DOCKER_CONTAINERS",
                directory = directory.display(),
            )));
        }
    }
    fs::set_permissions(directory, Permissions::from_mode(0o700)).map_err(|error| failed(&error))
}

/// Whether an entry is the cache of images or a container, whose names are twelve hexadecimal digits.
fn is_ours(name: &[u8]) -> bool {
    name == CACHE.as_bytes() || (name.len() == 12 && name.iter().all(u8::is_ascii_hexdigit))
}
