//! This program, in memory and sealed: nobody can write to it, a container's root neither.

use std::fs::File;
use std::io;

use given::Error;
use linux_sys::{
    MemfdFlags, SealFlag, execveat, fcntl_add_seals, fcntl_get_seals, memfd_create,
};

/// The parent's part, before there is a container: go on as a copy of this program that nobody
/// can change. Returns when we are the copy.
pub fn seal_self() -> Result<(), Error> {
    // The last one, or another seal could be added; a file on a tmpfs has that one alone.
    let all = SealFlag::F_SEAL_WRITE
        | SealFlag::F_SEAL_SHRINK
        | SealFlag::F_SEAL_GROW
        | SealFlag::F_SEAL_SEAL;
    // Given: what we are running, opened.
    let mut program = given::this_program()?;
    if fcntl_get_seals(&program).is_ok_and(|seals| seals.contains(all)) {
        return Ok(());
    }

    // No path leads to it. It closes itself at the exec, which has read it by then.
    let flags =
        MemfdFlags::MFD_CLOEXEC | MemfdFlags::MFD_ALLOW_SEALING | MemfdFlags::MFD_EXEC;
    let mut copy = File::from(memfd_create("rd", flags)?);
    io::copy(&mut program, &mut copy)?;
    fcntl_add_seals(&copy, all)?;

    // Given: our signals as our caller had them, and what it has called us with.
    let (arguments, environment) = given::as_started()?;
    let never = execveat(&copy, &arguments, &environment)?;
    match never {}
}
