//! This program, in memory and sealed: nobody can write to it, root in a container neither.

use std::fs::File;
use std::io;

use given::Error;
use linux_sys::{MemfdFlags, SealFlag, execveat, fcntl_add_seals, fcntl_get_seals, memfd_create};

/// The parent's part, before there is a container: go on as a copy of this program that nobody
/// can change. Returns in the copy alone.
pub fn seal_self() -> Result<(), Error> {
    // Given: what we are running, opened for reading.
    let mut program = given::this_program()?;

    // All four: a file on a tmpfs has the last one from its birth, and no other.
    let all = SealFlag::F_SEAL_WRITE
        | SealFlag::F_SEAL_SHRINK
        | SealFlag::F_SEAL_GROW
        | SealFlag::F_SEAL_SEAL;
    if fcntl_get_seals(&program).is_ok_and(|seals| seals.contains(all)) {
        return Ok(());
    }

    // No path leads to it. The kernel has read it by the time that exec closes it.
    let flags = MemfdFlags::MFD_CLOEXEC | MemfdFlags::MFD_ALLOW_SEALING | MemfdFlags::MFD_EXEC;
    let mut copy = File::from(memfd_create("runtime", flags)?);
    io::copy(&mut program, &mut copy)?;

    // Before somebody can have a descriptor of it who would write to it later on.
    fcntl_add_seals(&copy, all)?;
    // Given: our signals as our caller had them, and what it has called us with.
    let (arguments, environment) = given::as_started()?;
    execveat(&copy, &arguments, &environment)?;
    Ok(())
}
