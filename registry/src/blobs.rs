//! Blobs that were downloaded and verified.
//!
//! While it comes, a blob has no name: the kernel removes it when we end, however we
//! end. When all of it is there and has its digest, it gets that as its name, so that
//! the next attempt need not download it again should a later one fail. When the
//! image is complete, they go.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use given::Error;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag};
use nix::unistd::linkat;

use crate::manifest::{Expected, Hasher};

/// The directory of the blobs.
pub(crate) struct Blobs {
    directory: PathBuf,
}

impl Blobs {
    pub(crate) fn open() -> Result<Self, Error> {
        let cache = env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))
            .unwrap_or_else(env::temp_dir);
        let directory = cache.join("rubber-docker/blobs");
        fs::create_dir_all(&directory).map_err(|error| {
            format!(
                "cannot make {}, where downloads are kept until they are complete: {error}; name another cache directory with XDG_CACHE_HOME",
                directory.display()
            )
        })?;
        Ok(Self { directory })
    }

    /// A file without a name.
    pub(crate) fn new_file(&self) -> Result<File, Error> {
        tempfile::tempfile_in(&self.directory).map_err(|error| {
            format!("cannot write in {}: {error}", self.directory.display()).into()
        })
    }

    /// The blob, if an earlier attempt has left it, and it is what it should be.
    pub(crate) fn find(&self, expected: &Expected) -> Option<File> {
        let path = self.path(expected);
        let mut file = OpenOptions::new()
            .read(true)
            .custom_flags(OFlag::O_NOFOLLOW.bits())
            .open(&path)
            .ok()?;
        if is(&mut file, expected).unwrap_or(false) {
            return Some(file);
        }
        // Damaged on the disk. Best effort: it is not used in any case.
        let _ = fs::remove_file(&path);
        None
    }

    /// Gives a verified blob its name. Best effort: what has none is only downloaded again.
    pub(crate) fn keep(&self, file: &File, expected: &Expected) {
        let path = self.path(expected);
        let _ = linkat(
            AT_FDCWD,
            Path::new(&format!("/proc/self/fd/{}", file.as_raw_fd())),
            AT_FDCWD,
            &path,
            AtFlags::AT_SYMLINK_FOLLOW,
        );
    }

    /// The image is complete. Whoever else is at it has the files open.
    pub(crate) fn forget(&self, layers: &[Expected]) {
        for path in layers.iter().map(|layer| self.path(layer)) {
            let _ = fs::remove_file(path);
        }
        // Only if it is empty.
        let _ = fs::remove_dir(&self.directory);
    }

    fn path(&self, expected: &Expected) -> PathBuf {
        self.directory.join(expected.digest.replace(':', "-"))
    }
}

/// Whether a file has the size and the digest.
fn is(file: &mut File, expected: &Expected) -> io::Result<bool> {
    if file.metadata()?.len() != expected.size {
        return Ok(false);
    }
    let mut hasher = Hasher::like(&expected.digest).map_err(io::Error::other)?;
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            count => hasher.update(&buffer[..count]),
        }
    }
    file.rewind()?;
    Ok(hasher.finish() == expected.digest)
}
