//! The file that a level's process runs: which one it is, and what keeps it from being changed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use linux_sys::{SealFlag, fcntl_get_seals};
use nix::sys::statvfs::{FsFlags, fstatvfs};

use crate::finding::Failure;
use crate::procfs;

/// What a process runs, opened for reading: the file stays, also when the process has ended.
pub(crate) struct Program {
    file: File,
    pub(crate) path: PathBuf,
}

impl Program {
    pub(crate) fn of(pid: i32) -> Result<Program, Failure> {
        let path = procfs::path(pid, "exe");
        match File::open(&path) {
            Ok(file) => Ok(Program { file, path }),
            Err(why) => Err(Failure::unreadable(path, why)),
        }
    }

    /// The seals of a file in memory; none of others, which have none.
    fn in_force(&self) -> SealFlag {
        fcntl_get_seals(&self.file).unwrap_or(SealFlag::empty())
    }

    /// The same as text.
    pub(crate) fn seals(&self) -> String {
        let names: Vec<_> = self.in_force().iter_names().map(|it| it.0).collect();
        match names.is_empty() {
            true => "none".to_owned(),
            false => names.join(", "),
        }
    }

    /// Whether nobody can change it: it has all four seals, or was found by a mount that is
    /// read-only and at no path. The name of such a mount's root is `/`.
    pub(crate) fn is_protected(&self) -> bool {
        let is_at_no_path = || fs::read_link(&self.path).is_ok_and(|name| name == Path::new("/"));
        self.missing().is_empty() || self.is_read_only() && is_at_no_path()
    }

    /// The same as text, which does not tell the two ways apart.
    pub(crate) fn protection(&self) -> String {
        match self.is_protected() {
            true => "nobody can change it".to_owned(),
            false => format!("its seals are {}", self.seals()),
        }
    }

    /// Those of the four that it has not, without which it can be changed, or may be one day.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        let all = [
            ("F_SEAL_WRITE", SealFlag::F_SEAL_WRITE),
            ("F_SEAL_SHRINK", SealFlag::F_SEAL_SHRINK),
            ("F_SEAL_GROW", SealFlag::F_SEAL_GROW),
            ("F_SEAL_SEAL", SealFlag::F_SEAL_SEAL),
        ];
        let in_force = self.in_force();
        let missing = all
            .into_iter()
            .filter(|(_, seal)| !in_force.contains(*seal));
        missing.map(|(name, _)| name).collect()
    }

    /// Whether the mount by which its process has found it lets nobody write.
    pub(crate) fn is_read_only(&self) -> bool {
        fstatvfs(&self.file).is_ok_and(|it| it.flags().contains(FsFlags::ST_RDONLY))
    }

    /// Device and inode.
    pub(crate) fn identity(&self) -> Result<(u64, u64), Failure> {
        procfs::identity(&self.path)
    }
}
