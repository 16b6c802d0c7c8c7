//! A container's directory, and the proof that its parent looks after it.
//!
//! A parent that is killed leaves its container's directory behind. `cargo workshop clean`
//! has to tell such a directory from one that is in use, and a lock can: the kernel lets
//! go of it when its holder dies, however that happens (flock(2)).
//!
//! Nor may it take other people's directories for a container's: twelve hexadecimal
//! digits are a name that a commit or a photograph may have, too. So ours have a mark,
//! the sticky bit. mkdir(2) sets it together with the name, and it goes with the rmdir:
//! wherever we are killed in between, what is left says whose it is. And a container
//! that was started with `--keep` says so from its first moment on.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use linux_sys::{Errno, Mode, mkdir, rmdir};
use nix::fcntl::{Flock, FlockArg};

use crate::Error;
use crate::signals::go_on;

/// The lock on a container's directory, held for as long as this value lives. A child
/// inherits it and must not drop it: the lock is the parent's, too.
#[must_use]
#[derive(Debug)]
pub struct ContainerLock {
    _lock: Flock<File>,
}

/// How often to look for a lock that another process has.
const EVERY: Duration = Duration::from_millis(20);

/// How many descriptors a container takes at most, this lock and its removal included.
const NEEDED: usize = 8;

/// The mode of a container's directory: closed to others, as the store above it is, and
/// with the sticky bit, the mark by which it is known as ours.
pub const MARKED: u32 = 0o1700;

/// The file in it that says: to be kept, also when its parent is dead.
pub const KEPT: &str = ".kept";

/// Make a container's directory with a lock on it. If `keep`, it is marked as one that
/// stays.
pub fn create_container_dir(directory: &Path, keep: bool) -> Result<ContainerLock, Error> {
    // Between mkdir and the lock the directory looks abandoned. `clean` waits for this
    // other lock, on the store, which all parents share that are starting a container.
    let store = directory.parent().unwrap_or(Path::new("."));
    let starting = lock(store, FlockArg::LockShared)?;
    spare(&starting)?;
    mkdir(directory, Mode::from_bits_truncate(MARKED))?;
    let locked = lock(directory, FlockArg::LockExclusive).and_then(|lock| {
        if keep {
            mark_as_kept(directory)?;
        }
        Ok(ContainerLock { _lock: lock })
    });
    // `clean` could not know that it is ours to remove.
    locked.inspect_err(|_| {
        let _ = rmdir(directory);
    })
}

/// Empty: its name says it all, and so there is no moment at which it is half written.
fn mark_as_kept(directory: &Path) -> Result<(), Error> {
    let mark = directory.join(KEPT);
    File::create_new(&mark).map(drop).map_err(|error| {
        let advice = "is there room for files (`df -i`)?";
        format!("cannot make {}: {error}; {advice}", mark.display()).into()
    })
}

/// Removing a directory takes descriptors, so the parent first sees whether there are
/// enough: afterwards it is too late for an error.
fn spare(any: &File) -> Result<(), Error> {
    let all: std::io::Result<Vec<File>> = (0..NEEDED).map(|_| any.try_clone()).collect();
    all.map(drop).map_err(|error| {
        format!(
            "a container takes {NEEDED} open files, and there is no room for so many: {error}; \
             close some, or raise the limit (ulimit -n)"
        )
        .into()
    })
}

fn lock(directory: &Path, how: FlockArg) -> Result<Flock<File>, Error> {
    let refused = |errno: Errno| {
        let advice = match errno {
            Errno::EMFILE | Errno::ENFILE => "; close some, or raise the limit (ulimit -n)",
            _ => "",
        };
        let why = errno.desc();
        format!(
            "cannot lock {}: {errno:?} ({why}){advice}",
            directory.display()
        )
    };
    let mut open = File::open(directory)
        .map_err(|error| refused(Errno::from_raw(error.raw_os_error().unwrap_or(0))))?;
    let at_once = match how {
        FlockArg::LockShared => FlockArg::LockSharedNonblock,
        _ => FlockArg::LockExclusiveNonblock,
    };
    // No call waits for a lock or a signal, and signals are held back: so we look for both.
    loop {
        match Flock::lock(open, at_once) {
            Ok(held) => return Ok(held),
            Err((again, Errno::EWOULDBLOCK)) => open = again,
            Err((_, errno)) => return Err(refused(errno).into()),
        }
        go_on()?;
        std::thread::sleep(EVERY);
    }
}
