//! The processes whose root is a container's, found by identity and never by name: a path
//! can lead anywhere, by a link or by a mount, and at its end may be our own root, which
//! every process of the machine has.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::Path;

use given::Error;
use linux_sys::{
    Errno, Mode, OFlag, OpenHow, Pid, ResolveFlag, SIGKILL, openat2, pidfd_open, pidfd_send_signal,
};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::mountinfo;

/// Device and inode of a directory, by which it is known under any path.
pub(crate) type Identity = (u64, u64);

/// What a container's processes may have as their root.
pub(crate) struct Roots {
    /// The container's directory itself.
    pub(crate) directory: Option<Identity>,
    /// The upper directory of an overlay, which keeps its changes there.
    pub(crate) upper: Option<Identity>,
}

/// The directory `name` of a container's open directory, and not what is mounted on it: a
/// forgotten bind mount of `/` would make every process of the machine one of its own.
pub(crate) fn below(container: &File, directory: &Path, name: &OsStr) -> Option<Identity> {
    let how = OpenHow {
        flags: OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW,
        mode: Mode::empty(),
        resolve: ResolveFlag::RESOLVE_BENEATH
            | ResolveFlag::RESOLVE_NO_SYMLINKS
            | ResolveFlag::RESOLVE_NO_XDEV,
    };
    match openat2(container, name, how) {
        Ok(open) => identity(&File::from(open).metadata().ok()?),
        // Level 03 binds its root onto itself. The entry's own number is that of what
        // lies below all mounts (readdir(3)).
        Err(error) if error.errno() == Errno::EXDEV => {
            let mut entries = fs::read_dir(directory).ok()?.flatten();
            let entry = entries.find(|entry| entry.file_name() == name)?;
            Some((container.metadata().ok()?.dev(), entry.ino()))
        }
        Err(_) => None,
    }
}

fn identity(there: &Metadata) -> Option<Identity> {
    there.is_dir().then(|| (there.dev(), there.ino()))
}

/// The processes that have one of these as their root. Never one whose root is ours: such
/// a process is not contained in anything, whatever a path says.
pub(crate) fn of(roots: &Roots) -> Vec<Pid> {
    let root_of = |process: &str| {
        let root = fs::metadata(Path::new("/proc").join(process).join("root"));
        root.ok().as_ref().and_then(identity)
    };
    // If we do not know it, nothing can be told apart.
    let Some(ours) = root_of("self") else {
        return Vec::new();
    };
    let is_one = |pid: &i32| {
        let process = pid.to_string();
        let root = root_of(&process).filter(|root| *root != ours);
        root.is_some() && (root == roots.directory || has_upper(&process, roots.upper))
    };
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok()?.parse().ok())
        .filter(is_one)
        .map(Pid::from_raw)
        .collect()
}

/// Whether the process's root is an overlay whose changes go there.
fn has_upper(process: &str, upper: Option<Identity>) -> bool {
    upper.is_some()
        && mountinfo::of(process).iter().any(|mount| {
            let mut options = mount.options.as_bytes().split(|byte| *byte == b',');
            mount.kind == "overlay"
                && mount.point == Path::new("/")
                && options.any(|option| {
                    let path = option.strip_prefix(b"upperdir=").map(OsStr::from_bytes);
                    let there = path.and_then(|path| fs::symlink_metadata(path).ok());
                    there.as_ref().and_then(identity) == upper
                })
        })
}

/// SIGKILL, and wait until the process is gone: what it used is free only then.
pub(crate) fn end(pid: Pid) -> Result<(), Error> {
    let process = match pidfd_open(pid) {
        Ok(process) => process,
        // It has ended by itself meanwhile.
        Err(_) => return Ok(()),
    };
    let _ = pidfd_send_signal(&process, SIGKILL);
    await_end(pid, &process)
}

/// Wait for those in a control group, and in the groups in it, that are dying already: they
/// have no root any more by which [`of`] could know them, and as long as they are members
/// the group cannot be removed (EBUSY).
pub(crate) fn await_dying(group: &Path) -> Result<(), Error> {
    let members = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    for pid in members.lines().filter_map(|line| line.parse().ok()) {
        let has_root = fs::metadata(format!("/proc/{pid}/root")).is_ok();
        let pid = Pid::from_raw(pid);
        if !has_root && let Ok(process) = pidfd_open(pid) {
            await_end(pid, &process)?;
        }
    }
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            await_dying(&entry.path())?;
        }
    }
    Ok(())
}

fn await_end(pid: Pid, process: &OwnedFd) -> Result<(), Error> {
    let mut ended = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
    match poll(&mut ended, PollTimeout::from(5000_u16))? {
        0 => Err(format!("process {pid} has not ended 5 seconds after SIGKILL; what is it waiting for? `cat /proc/{pid}/wchan` tells").into()),
        _ => Ok(()),
    }
}
