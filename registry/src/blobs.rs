//! Blobs that were downloaded and verified.
//!
//! While a blob is coming, its file is called by its digest and `.partial`: if the
//! connection breaks, or the user presses Ctrl-C, the next attempt goes on where this
//! one stopped. When all of it is there and has its digest, the file gets that as its
//! name, so that it need not be downloaded again should a later one fail. When the image
//! is complete, the pull removes its blobs.
//!
//! A user without a home has no place for them, since every user writes to /tmp; then
//! nothing is kept.

use std::env;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::ops::{Deref, DerefMut};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use given::Error;
use nix::fcntl::{AT_FDCWD, AtFlags, Flock, FlockArg, OFlag, openat, renameat};
use nix::sys::stat::{Mode, fstatat};
use nix::unistd::{UnlinkatFlags, linkat, unlinkat};

use crate::manifest::{Expected, Hasher};
use crate::private::{cache, is_ours, private};

/// Where blobs are.
pub(crate) struct Blobs {
    /// The directory in which they are kept, if we have one.
    kept: Option<File>,
    /// Its path, for messages.
    path: PathBuf,
}

impl Blobs {
    pub(crate) fn open() -> Result<Self, Error> {
        let Some(cache) = cache() else {
            return Ok(Self {
                kept: None,
                path: env::temp_dir(),
            });
        };
        let path = cache.join("rubber-docker/blobs");
        let kept = private(&cache).map_err(|why| {
            format!(
                "cannot keep downloads in {}: {why}; name another cache directory with XDG_CACHE_HOME",
                path.display()
            )
        })?;
        Ok(Self {
            kept: Some(kept),
            path,
        })
    }

    /// A file without a name.
    pub(crate) fn new_file(&self) -> Result<File, Error> {
        let made = match &self.kept {
            Some(directory) => tempfile::tempfile_in(handle(directory)),
            None => tempfile::tempfile_in(&self.path),
        };
        made.map_err(|error| format!("cannot write in {}: {error}", self.path.display()).into())
    }

    /// The blob, if an earlier attempt has left it, and it is what it should be.
    pub(crate) fn find(&self, expected: &Expected) -> Option<File> {
        let directory = self.kept.as_ref()?;
        let name = name(expected);
        // A FIFO would make us wait for a writer.
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let mut file = File::from(openat(directory, &*name, flags, Mode::empty()).ok()?);
        if is(&mut file, expected).unwrap_or(false) {
            return Some(file);
        }
        // Damaged on the disk. Best effort: it is not used in any case.
        let _ = unlinkat(directory, &*name, UnlinkatFlags::NoRemoveDir);
        None
    }

    /// A file for a blob that is to come; what an earlier attempt has left of it is in it.
    pub(crate) fn begin(&self, expected: &Expected) -> Result<Partial, Error> {
        let named = self.kept.as_ref().and_then(|directory| {
            let file = open_partial(directory, &partial(expected))?;
            // Another pull is at the same blob: then this one is ours alone, without a name.
            let file = Flock::lock(file, FlockArg::LockExclusiveNonblock).ok()?;
            // The other pull may just have finished, and given the file another name.
            is_called(&file, directory, &partial(expected)).then_some(file)
        });
        Ok(match named {
            Some(file) => Partial::Named(file),
            None => Partial::Nameless(self.new_file()?),
        })
    }

    /// How many bytes of a blob an earlier attempt has left.
    pub(crate) fn begun(&self, expected: &Expected) -> u64 {
        let nofollow = AtFlags::AT_SYMLINK_NOFOLLOW;
        let about = |directory| fstatat(directory, &*partial(expected), nofollow);
        let about = self.kept.as_ref().map(about);
        about.map_or(0, |about| about.map_or(0, |about| about.st_size as u64))
    }

    /// Gives a verified blob its name. Best effort: what has none is only downloaded again.
    pub(crate) fn keep(&self, blob: Partial, expected: &Expected) -> Result<File, Error> {
        let name = name(expected);
        match (blob, &self.kept) {
            (Partial::Named(file), Some(directory)) => {
                let _ = renameat(directory, &*partial(expected), directory, &*name);
                Ok(file.unlock().map_err(|(_, errno)| errno)?)
            }
            (Partial::Named(file), None) => Ok(file.unlock().map_err(|(_, errno)| errno)?),
            (Partial::Nameless(file), Some(directory)) => {
                let follow = AtFlags::AT_SYMLINK_FOLLOW;
                let _ = linkat(AT_FDCWD, &handle(&file), directory, &*name, follow);
                Ok(file)
            }
            (Partial::Nameless(file), None) => Ok(file),
        }
    }

    /// Removes what came of a blob, as it is of no use.
    pub(crate) fn drop(&self, blob: &Partial, expected: &Expected) {
        if let (Partial::Named(_), Some(directory)) = (blob, &self.kept) {
            let _ = unlinkat(directory, &*partial(expected), UnlinkatFlags::NoRemoveDir);
        }
    }

    /// Removes the blobs of a complete image. Another pull that uses them has the files open.
    pub(crate) fn forget(&self, layers: &[Expected]) {
        let Some(directory) = &self.kept else { return };
        for layer in layers {
            let _ = unlinkat(directory, &*name(layer), UnlinkatFlags::NoRemoveDir);
        }
    }
}

/// A file for a blob that is coming, locked for us if it has a name.
pub(crate) enum Partial {
    Named(Flock<File>),
    Nameless(File),
}

impl DerefMut for Partial {
    fn deref_mut(&mut self) -> &mut File {
        match self {
            Self::Named(file) => file,
            Self::Nameless(file) => file,
        }
    }
}

impl Deref for Partial {
    type Target = File;

    fn deref(&self) -> &File {
        match self {
            Self::Named(file) => file,
            Self::Nameless(file) => file,
        }
    }
}

fn open_partial(directory: &File, name: &str) -> Option<File> {
    let flags =
        OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let mode = Mode::S_IRUSR | Mode::S_IWUSR;
    let file = File::from(openat(directory, name, flags, mode).ok()?);
    is_ours(&file.metadata().ok()?).then_some(file)
}

/// Whether a name still is that of an open file.
fn is_called(file: &File, directory: &File, name: &str) -> bool {
    let about = fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW);
    let ours = file.metadata();
    matches!((about, ours), (Ok(about), Ok(ours)) if about.st_ino == ours.ino() && about.st_dev == ours.dev())
}

/// A path to an open file or directory, whatever its names are now.
fn handle(file: &File) -> PathBuf {
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

/// The name of a blob while it is coming.
fn partial(expected: &Expected) -> String {
    format!("{}.partial", name(expected))
}

fn name(expected: &Expected) -> String {
    expected.digest.replace(':', "-")
}

/// Whether a file can be changed by us alone, and has the size and the digest.
fn is(file: &mut File, expected: &Expected) -> io::Result<bool> {
    let about = file.metadata()?;
    if !is_ours(&about) || about.len() != expected.size {
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
