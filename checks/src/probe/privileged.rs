//! What the runtime should keep a command from: more memory than its limit, and what only a
//! root with all capabilities may do.

use std::ffi::OsStr;
use std::path::Path;

use linux_sys::MsFlags;

use super::failure::Failure;

pub(super) fn hog(megabytes: u32) -> Result<(), Failure> {
    // Piece by piece: the kernel charges a page when a process writes to it, and could refuse a
    // single large request at once, and then would kill no process.
    let mut taken = Vec::new();
    for number in 0..megabytes {
        taken.push(vec![(number % 255) as u8 + 1; 1 << 20]);
    }
    let sum: usize = taken.iter().map(|piece| piece.len()).sum();
    println!("took {sum} bytes");
    Ok(())
}

pub(super) fn mount(fstype: &str, directory: &Path) -> Result<(), Failure> {
    linux_sys::mount("none", directory, fstype, MsFlags::empty(), "")?;
    println!("mounted a {fstype} on {}", directory.display());
    Ok(())
}

pub(super) fn hostname(name: &OsStr) -> Result<(), Failure> {
    linux_sys::sethostname(name)?;
    println!("the machine is called {}", name.display());
    Ok(())
}
