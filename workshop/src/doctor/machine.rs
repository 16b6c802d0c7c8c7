//! The machine that is examined: where its files are, and how they are read.
//!
//! Nearly all that the doctor knows it reads from the kernel's files. They are read
//! below `root`, so that a test can write down a machine that is not at hand.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use linux_sys::mountinfo::MountInfo;

/// Where a program may be that an ordinary user's PATH does not name, and sudo's does.
const MORE_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A machine, and how the workshop is set up on it.
pub(super) struct Machine {
    /// Put before the name of every file of the system's: `/`, except in tests.
    pub(super) root: PathBuf,
    /// The directory that images are in.
    pub(super) images: PathBuf,
    /// The directory that containers live in.
    pub(super) containers: PathBuf,
    /// Where programs are looked for.
    pub(super) path: OsString,
    /// Leave out what takes time or writes into the machine's log: no program is started.
    pub(super) is_quick: bool,
}

impl Machine {
    /// The one we are on.
    pub(super) fn this() -> Machine {
        let directory = |variable, usual: &str| {
            let set = env::var_os(variable).filter(|it| !it.is_empty());
            set.map_or_else(|| PathBuf::from(usual), PathBuf::from)
        };
        Machine {
            root: PathBuf::from("/"),
            images: directory("RUBBER_DOCKER_IMAGES", given::IMAGES),
            containers: directory("RUBBER_DOCKER_CONTAINERS", given::CONTAINERS),
            path: env::var_os("PATH").unwrap_or_default(),
            is_quick: false,
        }
    }

    /// Where a file of the system's is.
    pub(super) fn place(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// A file of the system's, if it is there and may be read.
    pub(super) fn read(&self, path: impl AsRef<Path>) -> Option<String> {
        let bytes = fs::read(self.place(path)).ok()?;
        Some(String::from_utf8_lossy(&bytes).trim_end().to_owned())
    }

    pub(super) fn has(&self, path: impl AsRef<Path>) -> bool {
        self.place(path).exists()
    }

    /// A field of /proc/self/status (proc_pid_status(5)).
    pub(super) fn status(&self, field: &str) -> Option<String> {
        let status = self.read("/proc/self/status")?;
        let value = |line: &str| {
            line.strip_prefix(field)?
                .strip_prefix(':')
                .map(str::to_owned)
        };
        Some(status.lines().find_map(value)?.trim().to_owned())
    }

    /// The effective user.
    pub(super) fn user(&self) -> Option<u32> {
        self.status("Uid")?.split_whitespace().nth(1)?.parse().ok()
    }

    pub(super) fn is_root(&self) -> bool {
        self.user() == Some(0)
    }

    /// A program, where PATH has it.
    pub(super) fn program(&self, name: &str) -> Option<PathBuf> {
        find(name, &self.path)
    }

    /// A program, where PATH has it or root's PATH would.
    pub(super) fn program_of_root(&self, name: &str) -> Option<PathBuf> {
        self.program(name).or_else(|| find(name, &MORE_PATH.into()))
    }

    /// The mounts that we see, in the order of mountinfo.
    pub(super) fn mounts(&self) -> Vec<Mount> {
        let mounts = self.read("/proc/self/mountinfo").unwrap_or_default();
        mounts.lines().filter_map(Mount::parse).collect()
    }

    /// The release of the kernel: "6.1.0-18-amd64".
    pub(super) fn release(&self) -> String {
        self.read("/proc/sys/kernel/osrelease").unwrap_or_default()
    }

    /// Its first two numbers.
    pub(super) fn version(&self) -> Option<(u32, u32)> {
        let release = self.release();
        let mut numbers = release.split(|it: char| !it.is_ascii_digit());
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    }
}

/// A file of this name that may be executed.
fn find(name: &str, path: &OsString) -> Option<PathBuf> {
    let is_program = |path: &PathBuf| {
        fs::metadata(path).is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
    };
    env::split_paths(path)
        .map(|directory| directory.join(name))
        .find(is_program)
}

/// A line of mountinfo (proc_pid_mountinfo(5)).
pub(super) struct Mount {
    /// Where, with the kernel's escapes: of interest here are paths that have none.
    pub(super) point: String,
    /// Whether it sits on no other mount: the kernel numbers it as its own parent then.
    pub(super) is_lowest: bool,
    /// What kind of file system.
    pub(super) kind: String,
    /// The options of this mount.
    flags: String,
    /// The options of the file system.
    pub(super) options: String,
    /// The whole line.
    pub(super) line: String,
}

impl Mount {
    fn parse(line: &str) -> Option<Mount> {
        let it = MountInfo::parse(line.as_bytes())?;
        let text = |field: &OsStr| field.to_string_lossy().into_owned();
        Some(Mount {
            is_lowest: it.id == it.parent,
            point: text(it.point),
            flags: text(it.options),
            kind: text(it.fstype),
            options: text(it.super_options),
            line: line.to_owned(),
        })
    }

    /// Whether nothing can be written there.
    pub(super) fn is_read_only(&self) -> bool {
        let has_ro = |options: &str| options.split(',').any(|option| option == "ro");
        has_ro(&self.flags) || has_ro(&self.options)
    }
}
