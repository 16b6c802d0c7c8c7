//! What becomes of the directories when everything is in them.
//!
//! A mode may forbid writing, writing changes the time, and an attribute can be a
//! list of rights that whatever is made in the directory inherits (the default of
//! acl(5)), though the archive gives it none: so all of them are set at the very end.

use std::collections::BTreeMap;
use std::fs::File;

use nix::errno::Errno;
use nix::sys::stat::{Mode, fchmod, futimens};
use nix::sys::time::TimeSpec;

use crate::error::shown;
use crate::members::Member;
use crate::rooted_path::RootedTree;
use crate::unpack_error::{NO_IMAGE, UnpackError, target};
use crate::xattrs;

/// Paths and attributes of directories are remembered until the end; more than this is no image.
const MEMORY_FOR_DIRECTORIES: usize = 64 << 20;

/// What a directory will be.
pub(crate) struct Directory {
    mode: u32,
    mtime: Option<(i64, i64)>,
    xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl From<&Member> for Directory {
    fn from(member: &Member) -> Self {
        Self {
            mode: member.mode,
            mtime: Some(member.mtime),
            xattrs: member.xattrs.clone(),
        }
    }
}

/// For directories that no member describes.
pub(crate) const PLAIN: Directory = Directory {
    mode: 0o755,
    mtime: None,
    xattrs: Vec::new(),
};

/// The directories of a tree, by their paths in it.
#[derive(Default)]
pub(crate) struct Directories {
    by_path: BTreeMap<Vec<u8>, Directory>,
    /// Bytes that paths and attributes take.
    memory: usize,
}

impl Directories {
    pub(crate) fn remember(&mut self, path: Vec<u8>, directory: Directory) {
        let xattrs = directory.xattrs.iter();
        self.memory += path.len();
        self.memory += xattrs
            .map(|(name, value)| size_of::<(Vec<u8>, Vec<u8>)>() + name.len() + value.len())
            .sum::<usize>();
        self.by_path.insert(path, directory);
    }

    /// A member took the place of this directory.
    pub(crate) fn forget(&mut self, path: &[u8]) {
        self.by_path.remove(path);
        let below = [path, b"/"].concat();
        let gone: Vec<_> = self
            .by_path
            .range(below.clone()..)
            .map(|(path, _)| path)
            .take_while(|path| path.starts_with(&below))
            .cloned()
            .collect();
        for path in gone {
            self.by_path.remove(&path);
        }
    }

    /// To be called after each member: an archive may bring thousands of
    /// directories into being with each of its members.
    pub(crate) fn check(&self) -> Result<(), UnpackError> {
        if self.memory <= MEMORY_FOR_DIRECTORIES {
            return Ok(());
        }
        Err(UnpackError {
            cause: format!(
                "the paths of its directories, with their attributes, take more than {MEMORY_FOR_DIRECTORIES} bytes, which is where we stop unpacking"
            ),
            advice: NO_IMAGE.into(),
        })
    }

    /// Modes and times of directories, the innermost first.
    pub(crate) fn finish(self, tree: &RootedTree) -> Result<(), UnpackError> {
        for (path, directory) in self.by_path.into_iter().rev() {
            let wrong = |errno| target(&format!("setting the mode of {:?}", shown(&path)), errno);
            let open = match tree.directory(&path) {
                Ok(open) => open,
                // A later member replaced it.
                Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => continue,
                Err(errno) => return Err(wrong(errno)),
            };
            let open = File::from(open);
            xattrs::set(&open, &path, &directory.xattrs)?;
            fchmod(&open, Mode::from_bits_truncate(directory.mode)).map_err(wrong)?;
            if let Some(mtime) = directory.mtime {
                let time = time(mtime);
                futimens(&open, &time, &time).map_err(wrong)?;
            }
        }
        Ok(())
    }
}

/// A time as the kernel takes it.
pub(crate) fn time((seconds, nanoseconds): (i64, i64)) -> TimeSpec {
    TimeSpec::new(seconds, nanoseconds)
}
