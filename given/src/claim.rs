//! A container's directory, and the proof that somebody looks after it.
//!
//! A parent that is killed leaves its container's directory behind. Whoever tidies
//! up later has to tell such a directory from one that is in use, and a lock can:
//! the kernel lets go of it when its holder dies, however that happens (flock(2)).

use std::fs::File;
use std::path::Path;
use std::sync::OnceLock;

use linux_sys::{Errno, Mode, mkdir, rmdir};
use nix::fcntl::{Flock, FlockArg};

use crate::Error;

/// Held for as long as this process lives.
static CLAIM: OnceLock<Flock<File>> = OnceLock::new();

/// How many descriptors a container takes at most, this lock and its removal included.
const NEEDED: usize = 8;

/// Make a container's directory, and hold a lock on it from then on.
pub fn claim(directory: &Path) -> Result<(), Error> {
    // Between mkdir and the lock the directory looks abandoned. Whoever tidies up
    // waits for this other lock, on the store, which everybody may share who starts.
    let store = directory.parent().unwrap_or(Path::new("."));
    let starting = lock(store, FlockArg::LockShared)?;
    spare(&starting)?;
    mkdir(directory, Mode::from_bits_truncate(0o755))?;
    // Nobody would know that it is ours to remove.
    let claim = lock(directory, FlockArg::LockExclusive).inspect_err(|_| {
        let _ = rmdir(directory);
    })?;
    CLAIM.get_or_init(|| claim);
    Ok(())
}

/// Removing a directory takes descriptors, so whoever makes one first sees whether
/// there are enough: afterwards it is too late for an error.
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
    let open = File::open(directory)
        .map_err(|error| refused(Errno::from_raw(error.raw_os_error().unwrap_or(0))))?;
    Flock::lock(open, how).map_err(|(_, errno)| refused(errno).into())
}
