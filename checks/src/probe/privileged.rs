//! What a container's command should get no more of than it was given: memory, and
//! what only an almighty root may do.

use std::ffi::OsStr;
use std::path::Path;

use linux_sys::MsFlags;

use super::failure::Failure;

pub(super) fn hog(megabytes: u32) -> Result<(), Failure> {
    // Piece by piece: the kernel books a page when it is written to, and a single large
    // request could be refused at once, which kills nobody.
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
