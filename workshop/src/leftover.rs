//! One container that nobody looks after any more.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use given::Error;
use linux_sys::{MntFlags, Pid, SIGKILL, pidfd_open, pidfd_send_signal, umount2};
use nix::fcntl::{Flock, FlockArg};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::mountinfo;
use crate::orphan::remove_group;

/// A container's directory, locked by us: its parent is dead.
pub(crate) struct Leftover {
    directory: PathBuf,
    id: String,
    _lock: Flock<File>,
}

/// Where cgroup hierarchies are usually mounted: the one of version 2, or below it
/// one for each controller.
const CGROUPS: &str = "/sys/fs/cgroup";

impl Leftover {
    /// The container in `directory`, if that is one and nobody holds its lock.
    pub(crate) fn find(directory: PathBuf) -> Result<Option<Leftover>, Error> {
        let Some(id) = id(&directory) else {
            return Ok(None);
        };
        let open = match File::open(&directory) {
            // Removed by its own parent since we read its name.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            open => {
                open.map_err(|error| format!("cannot open {}: {error}", directory.display()))?
            }
        };
        match Flock::lock(open, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(Some(Leftover {
                directory,
                id,
                _lock: lock,
            })),
            Err(_) => Ok(None),
        }
    }

    /// The container's name.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The processes that have its root as theirs. Those of level 06 and later die
    /// with their parent; before that nobody ends them.
    pub(crate) fn processes(&self) -> Vec<Pid> {
        let Ok(entries) = fs::read_dir("/proc") else {
            return Vec::new();
        };
        entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok()?.parse().ok())
            .filter(|pid| self.is_root_of(*pid))
            .map(Pid::from_raw)
            .collect()
    }

    fn is_root_of(&self, pid: i32) -> bool {
        // Levels 01 to 03: the very directory, entered or bound onto itself.
        let identity = |path: &Path| fs::metadata(path).map(|it| (it.dev(), it.ino())).ok();
        let root = identity(Path::new(&format!("/proc/{pid}/root")));
        if root.is_some() && root == identity(&self.directory.join("rootfs")) {
            return true;
        }
        // From level 04 on: the overlay whose changes are kept here.
        let mut upper = b"upperdir=".to_vec();
        upper.extend(self.directory.join("upper").as_os_str().as_bytes());
        mountinfo::of(&pid.to_string()).iter().any(|mount| {
            let mut options = mount.options.as_bytes().split(|byte| *byte == b',');
            mount.kind == "overlay"
                && mount.point == Path::new("/")
                && options.any(|option| option == upper)
        })
    }

    /// What is mounted below it in our own namespace, innermost first.
    pub(crate) fn mounts(&self) -> Vec<PathBuf> {
        let all = mountinfo::of("self").into_iter().map(|mount| mount.point);
        let mut below: Vec<PathBuf> = all
            .filter(|point| point.starts_with(&self.directory))
            .collect();
        below.reverse();
        below
    }

    /// Its control groups.
    pub(crate) fn groups(&self) -> Vec<PathBuf> {
        parents()
            .map(|parent| parent.join(&self.id))
            .filter(|group| group.is_dir())
            .collect()
    }

    /// Remove all of it: first what uses it, last the directory.
    pub(crate) fn remove(&self) -> Result<(), Error> {
        for pid in self.processes() {
            end(pid)?;
        }
        for point in self.mounts() {
            umount2(&point, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW)?;
        }
        for group in self.groups() {
            remove_group(&group)?;
        }
        images::remove_tree(&self.directory)?;
        Ok(())
    }
}

/// The name of the container that `directory` is the directory of, if it is one.
pub(crate) fn id(directory: &Path) -> Option<String> {
    let name = directory.file_name()?.to_str()?;
    let is_id = name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| name.to_owned())
}

/// The groups called `rubber-docker`, which all containers' groups are in.
pub(crate) fn parents() -> impl Iterator<Item = PathBuf> {
    let hierarchies = fs::read_dir(CGROUPS).into_iter().flatten().flatten();
    std::iter::once(PathBuf::from(CGROUPS))
        .chain(hierarchies.map(|entry| entry.path()))
        .map(|top| top.join("rubber-docker"))
        .filter(|parent| parent.is_dir())
}

/// SIGKILL, and wait until the process is gone: what it used is free only then.
fn end(pid: Pid) -> Result<(), Error> {
    let process = match pidfd_open(pid) {
        Ok(process) => process,
        // It has ended by itself meanwhile.
        Err(_) => return Ok(()),
    };
    let _ = pidfd_send_signal(&process, SIGKILL);
    let mut ended = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
    match poll(&mut ended, PollTimeout::from(5000_u16))? {
        0 => Err(format!("process {pid} has not ended 5 seconds after SIGKILL; what is it waiting for? `cat /proc/{pid}/wchan` tells").into()),
        _ => Ok(()),
    }
}
