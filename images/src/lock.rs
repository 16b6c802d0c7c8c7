//! A file or directory that is being filled is its own lock.
//!
//! The process that fills it holds it with flock(2). When it is full, the process
//! renames it to its real name, and the lock goes with it, so there is no lock file
//! to clean up. When the process is killed, the kernel releases the lock and the
//! next one starts again in what is left. No process ever finds something half full
//! under the real name.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::geteuid;

use crate::interrupt;

/// Opens the file `path` to be filled, making it if it is missing, and waits until it is
/// ours. `None`: look again.
///
/// Where other users may write to the directory, one of them may have put something there: a
/// second name of a file that this user may not write to, or a file of the user's own, which
/// would be the archive that root starts from.
pub(crate) fn lock_file(path: &Path) -> io::Result<Option<Flock<File>>> {
    let flags =
        OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let opened = File::from(open(path, flags, Mode::from_bits_truncate(0o644))?);
    let about = opened.metadata()?;
    if !about.is_file() || about.nlink() > 1 || about.uid() != geteuid().as_raw() {
        return Err(io::Error::other(format!(
            "{} is there already, and is not what we have begun there; remove it",
            path.display()
        )));
    }
    lock(opened.into(), path)
}

/// Waits until `opened` is ours alone. `None` if it is not what `path` names any
/// more: the process before us has finished, so look again.
pub(crate) fn lock(opened: OwnedFd, path: &Path) -> io::Result<Option<Flock<File>>> {
    let mut file = File::from(opened);
    let held = loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(held) => break held,
            Err((again, Errno::EWOULDBLOCK)) => file = again,
            Err((_, errno)) => return Err(errno.into()),
        }
        // Another process may unpack a large image for long, and Ctrl-C has to end our wait.
        interrupt::check()?;
        std::thread::sleep(interrupt::EVERY);
    };
    let ours = held.metadata()?;
    match path.symlink_metadata() {
        Ok(there) if (there.dev(), there.ino()) == (ours.dev(), ours.ino()) => Ok(Some(held)),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
