//! The disk, in a state that is known.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use given::Error;

/// Wait until everything is on the disk that `directory` is on.
pub fn sync(directory: &Path) -> Result<(), Error> {
    nix::unistd::syncfs(File::open(directory)?)?;
    Ok(())
}

/// The same, and then forget all that the kernel keeps of it in memory.
pub fn forget(directory: &Path) -> Result<(), Error> {
    sync(directory)?;
    fs::write("/proc/sys/vm/drop_caches", "3")
        .map_err(|error| format!("cannot drop the machine's caches: {error}"))?;
    Ok(())
}

/// Have `file` in memory.
pub fn remember(file: &Path) -> Result<(), Error> {
    io::copy(&mut File::open(file)?, &mut io::sink())?;
    Ok(())
}
