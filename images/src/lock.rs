//! A file or directory that is being filled is its own lock.
//!
//! Whoever fills it holds it with flock(2). When it is full, it is renamed to
//! its real name, and the lock goes with it, so there is no lock file to clean
//! up. When the one who fills it is killed, the kernel releases the lock and the
//! next one starts again in what is left. Nobody ever finds something half full
//! under the real name.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

/// Waits until `opened` is ours alone. `None` if it is not what `path` names any
/// more: the one before us has finished, so look again.
pub(crate) fn lock(opened: OwnedFd, path: &Path) -> io::Result<Option<Flock<File>>> {
    let mut file = File::from(opened);
    let held = loop {
        match Flock::lock(file, FlockArg::LockExclusive) {
            Ok(held) => break held,
            Err((again, Errno::EINTR)) => file = again,
            Err((_, errno)) => return Err(errno.into()),
        }
    };
    let ours = held.metadata()?;
    match path.symlink_metadata() {
        Ok(there) if (there.dev(), there.ino()) == (ours.dev(), ours.ino()) => Ok(Some(held)),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
