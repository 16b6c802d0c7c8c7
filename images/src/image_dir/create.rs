//! The directory that images are in.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use nix::errno::Errno;

use crate::error::{Error, Result, errno_of, io_named};

/// The image directory, made if it is missing.
pub(crate) fn create_image_dir(image_dir: &Path) -> Result<()> {
    make_image_dir(image_dir).map_err(|error| not_writable(image_dir, &error))
}

/// Not with the umask alone: if that is 000, every user could put images there, or other
/// directories in the place of those on the way.
pub(crate) fn make_image_dir(image_dir: &Path) -> io::Result<()> {
    let mut make = DirBuilder::new();
    make.recursive(true).mode(0o755).create(image_dir)
}

/// Why nothing can be put into the image directory.
pub(crate) fn not_writable(image_dir: &Path, error: &io::Error) -> Error {
    let advice = match errno_of(error) {
        Some(Errno::ENOSPC | Errno::EDQUOT) => "make room there",
        _ => "run it as root once",
    };
    Error::new(format!(
        "cannot make the image \"base\" in {}: {}; {advice}, or choose a directory that you may write to with --image-dir or RUBBER_DOCKER_IMAGES",
        image_dir.display(),
        io_named(error)
    ))
}
