//! The directory that containers live in.
//!
//! It holds root file systems, with setuid programs that any user of the
//! machine could start if they could reach them. Hence mode 0700: outside of a
//! container only root gets in.
//!
//! A mode binds everyone but the owner. A store of another user would stay open to that
//! user, who could open it to all, and exchange what root makes in it. So a store belongs
//! to the user who starts the container, who is root; and `way.rs` sees to it that no
//! other user can put something else in its place.

use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{Gid, Uid, geteuid};

use crate::cache::{self, CACHE};
use crate::error::{Error, Result, errno_of, io_failed};
use crate::way::{Missing, follow};

/// Makes the directory that containers live in, with mode 0700; what is missing
/// above it is made with 0755, or less if the umask says so.
///
/// A store that is already there and lets others in is closed to them. That
/// happens only to a directory which has nothing in it but containers:
/// `--container-dir /tmp` is an error, and not the end of `/tmp` for all other
/// users. A store of another user is an error, too, and nothing in it is touched.
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
    let us = geteuid();
    let Some((store, there)) = follow(directory, us, Missing::Make)? else {
        return Err(Error::new(format!(
            "the container directory {} was removed at this moment; try again",
            directory.display()
        )));
    };
    check_owner(directory, &there, us)?;
    if !is_closed(&there) {
        close(directory, us)?;
    }
    hand_nothing_down(&store)?;
    cache::close(directory)
}

/// For root: the same for another user, who is root in a user namespace of root's making.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use nix::unistd::{getegid, geteuid};
/// # use std::os::unix::fs::MetadataExt;
/// # let scratch = tempfile::tempdir()?;
/// let store = scratch.path().join("containers-100000");
/// # let (user, group) = (geteuid(), getegid());
/// images::create_store_for(&store, user, group)?;
/// assert_eq!(store.metadata()?.uid(), user.as_raw());
/// # Ok(())
/// # }
/// ```
///
/// A store that is there already must be that user's; one that root has just made, or that has
/// nothing in it, becomes so.
pub fn create_store_for(directory: &Path, user: Uid, group: Gid) -> Result<()> {
    let us = geteuid();
    let failed = |error: &io::Error| {
        let directory = directory.display();
        io_failed(
            format_args!("cannot make the container directory {directory} for user {user}"),
            error,
        )
    };
    let Some((store, there)) = follow(directory, us, Missing::Make)? else {
        return Err(failed(&io::ErrorKind::NotFound.into()));
    };
    if there.uid() == user.as_raw() {
        return Ok(());
    }
    check_owner(directory, &there, us)?;
    let mut entries = fs::read_dir(&store).map_err(|error| failed(&error))?;
    if entries.next().is_some() {
        return Err(Error::new(format!(
            "the container directory {} is root's, and has something in it: what is in it would be of no use to user \
             {user}; choose another one with --container-dir or RUBBER_DOCKER_CONTAINERS",
            directory.display()
        )));
    }
    hand_nothing_down(&store)?;
    // Nobody but root can have put a link here since `follow` has looked.
    std::os::unix::fs::lchown(&store, Some(user.as_raw()), Some(group.as_raw()))
        .map_err(|error| failed(&error))
}

/// Removes the default ACL (acl(5)), which a directory hands down to all that is made in it
/// and may itself have inherited: it would open the container's files to a user of the host,
/// and to the user in the container who has the same number.
fn hand_nothing_down(store: &Path) -> Result<()> {
    match xattr::remove(store, "system.posix_acl_default") {
        Ok(()) => Ok(()),
        Err(error) if matches!(errno_of(&error), Some(Errno::ENODATA | Errno::ENOTSUP)) => Ok(()),
        Err(error) => Err(io_failed(
            format_args!("cannot take the default ACL of {} away", store.display()),
            &error,
        )),
    }
}

/// Where the store is, without links; `None` if there is none. Nothing is made or closed.
/// An error if containers cannot be there, or if other users may write to it: then
/// nothing is known of what is in it.
///
/// ```
/// assert_eq!(images::find_store("/no/such/store".as_ref())?, None);
/// # Ok::<(), images::Error>(())
/// ```
pub fn find_store(directory: &Path) -> Result<Option<PathBuf>> {
    let us = geteuid();
    let Some((store, there)) = follow(directory, us, Missing::Leave)? else {
        return Ok(None);
    };
    check_owner(directory, &there, us)?;
    if there.mode() & 0o022 != 0 {
        return Err(Error::new(format!(
            "other users may write to the container directory {0} (mode {1:04o}), and so what is in it may be theirs; \
             close it first: sudo chmod 0700 {0}",
            directory.display(),
            there.mode() & 0o7777
        )));
    }
    Ok(Some(store))
}

/// Whether root can have its containers there, for a program that asks before it becomes
/// root. The directory's mode does not matter: root closes it.
///
/// ```
/// assert!(images::check_store_for_root("/no/such/store".as_ref()).is_ok());
/// ```
pub fn check_store_for_root(directory: &Path) -> Result<()> {
    let root = Uid::from_raw(0);
    match follow(directory, root, Missing::Leave)? {
        Some((_, there)) => check_owner(directory, &there, root),
        None => Ok(()),
    }
}

fn check_owner(directory: &Path, there: &Metadata, us: Uid) -> Result<()> {
    let (owner, directory) = (there.uid(), directory.display());
    if owner == us.as_raw() {
        return Ok(());
    }
    Err(Error::new(if us.is_root() {
        format!(
            "the container directory {directory} belongs to user {owner}, who could walk in and use the setuid programs \
             of containers, or exchange what is made for them; choose another one with --container-dir or \
             RUBBER_DOCKER_CONTAINERS, or, if it is empty, give it to root: sudo chown root:root {directory}"
        )
    } else {
        format!(
            "the container directory {directory} belongs to user {owner}, and we are user {us}; containers need root: start \
             this with sudo, or with `cargo run`, which does that for you"
        )
    }))
}

fn is_closed(there: &Metadata) -> bool {
    there.mode() & 0o7777 & !0o700 == 0
}

/// Takes all other users' permissions away. What they have put there until then shows in
/// the second look, after which nothing more can come.
fn close(directory: &Path, us: Uid) -> Result<()> {
    let failed = |error: &io::Error| {
        io_failed(
            format_args!(
                "cannot close the container directory {} to others",
                directory.display()
            ),
            error,
        )
    };
    check_entries(directory, us)?;
    fs::set_permissions(directory, Permissions::from_mode(0o700))
        .map_err(|error| failed(&error))?;
    if !is_closed(&fs::metadata(directory).map_err(|error| failed(&error))?) {
        return Err(Error::new(format!(
            "the container directory {} cannot be closed to others: its file system knows no modes; choose one on a disk \
             with --container-dir or RUBBER_DOCKER_CONTAINERS",
            directory.display()
        )));
    }
    check_entries(directory, us)
}

/// Nothing is there but containers and the cache of images, and nothing of others.
fn check_entries(directory: &Path, us: Uid) -> Result<()> {
    let failed = |error: &io::Error| {
        io_failed(
            format_args!(
                "cannot look into the container directory {}",
                directory.display()
            ),
            error,
        )
    };
    for entry in fs::read_dir(directory).map_err(|error| failed(&error))? {
        let entry = entry.map_err(|error| failed(&error))?;
        let name = entry.file_name();
        let is_theirs = match entry.metadata() {
            Ok(there) => there.uid() != us.as_raw(),
            // A container that has ended since.
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(failed(&error)),
        };
        if is_theirs || !is_ours(name.as_encoded_bytes()) {
            return Err(Error::new(format!(
                "{directory} cannot be the container directory: it must be closed to other users (mode 0700), and it holds \
                 other things, such as {name:?}, that they may need; choose a directory of its own, for example \
                 {directory}/rubber-docker, with --container-dir or RUBBER_DOCKER_CONTAINERS",
                directory = directory.display(),
            )));
        }
    }
    Ok(())
}

/// Whether an entry is the cache of images or a container, whose names are twelve hexadecimal digits.
fn is_ours(name: &[u8]) -> bool {
    name == CACHE.as_bytes() || (name.len() == 12 && name.iter().all(u8::is_ascii_hexdigit))
}
