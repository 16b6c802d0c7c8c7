//! A container's directory, and the proof that somebody looks after it.
//!
//! A parent that is killed leaves its container's directory behind. Whoever tidies
//! up later has to tell such a directory from one that is in use, and a lock can:
//! the kernel lets go of it when its holder dies, however that happens (flock(2)).

use std::fs::File;
use std::path::Path;
use std::sync::OnceLock;

use linux_sys::{Mode, mkdir};
use nix::fcntl::{Flock, FlockArg};

use crate::Error;

/// Held for as long as this process lives.
static CLAIM: OnceLock<Flock<File>> = OnceLock::new();

/// Make a container's directory, and hold a lock on it from then on.
pub fn claim(directory: &Path) -> Result<(), Error> {
    // Between mkdir and the lock the directory looks abandoned. Whoever tidies up
    // waits for this other lock, on the store, which everybody may share who starts.
    let store = directory.parent().unwrap_or(Path::new("."));
    let _starting = lock(store, FlockArg::LockShared)?;
    mkdir(directory, Mode::from_bits_truncate(0o755))?;
    let claim = lock(directory, FlockArg::LockExclusive)?;
    CLAIM.get_or_init(|| claim);
    Ok(())
}

fn lock(directory: &Path, how: FlockArg) -> Result<Flock<File>, Error> {
    let refused =
        |why: &dyn std::fmt::Display| format!("cannot lock {}: {why}", directory.display());
    let open = File::open(directory).map_err(|error| refused(&error))?;
    Flock::lock(open, how).map_err(|(_, errno)| refused(&errno.desc()).into())
}
