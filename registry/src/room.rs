//! Room on the disk: a size that comes out of the network is compared with what is there.

use std::fs::File;
use std::io;

use given::Error;
use nix::sys::statvfs::fstatvfs;

use crate::show;

/// The largest layer that any of the large registries takes has 200 GiB.
pub(crate) const LARGEST_LAYER: u64 = 256 << 30;

/// How many bytes can be written to the file system of `file`, or `None` if it does not
/// tell: some of those that are not on a disk say zero of zero.
fn left(file: &File) -> io::Result<Option<u64>> {
    let about = fstatvfs(file)?;
    // Not `blocks_free`: some of those are root's alone.
    let left = about
        .fragment_size()
        .saturating_mul(about.blocks_available());
    Ok((about.blocks() > 0).then_some(left))
}

/// Checks, before we ask for `bytes` more, that the file system of `file` has room for them:
/// a full disk harms more programs than this one.
pub(crate) fn check(file: &File, bytes: u64, what: &str) -> Result<(), Error> {
    let left = left(file).map_err(|error| format!("cannot see how much room is left: {error}"))?;
    match left {
        Some(left) if left < bytes => Err(format!(
            "there is no room for {what}: {} ({bytes} bytes) are to come, and {} are left where downloads are kept; \
             make room there, or name another cache directory with XDG_CACHE_HOME",
            show::size(bytes),
            show::size(left)
        )
        .into()),
        _ => Ok(()),
    }
}
