//! The machine's file systems, which a level must not change either.
//!
//! A mount namespace gives the sandbox *mounts* of its own, and nothing else: what is
//! mounted, the superblock, stays the one that the whole machine uses. Two calls that a
//! level easily gets wrong reach it: mount(2) with MS_REMOUNT and without MS_BIND, and
//! umount2(2) of a process's own root without MNT_DETACH, which makes the file system
//! read-only instead. The machine could then not write to its disk any more.
//!
//! The kernel has a rule against that: a file system on which a process has a file open
//! for writing is not made read-only (EBUSY). So the supervisor has one open on each, as long
//! as the sandbox lives (PID 1 inherits it, should the supervisor be killed): a file without a
//! name (O_TMPFILE in open(2)), which leaves no trace, or where there are none, one of the
//! kernel's own. PID 1 takes a file system that has neither (/proc, devpts) out of the
//! sandbox's tree, unless a program that will be run is on it.
//!
//! This is simpler than to show the machine through overlays, which have superblocks of
//! their own: those cannot be stacked in a machine that is itself a container, and hide
//! what is mounted below. It costs one open(2) a file system.
//!
//! A level can still do what leaves a file system writable: change another option of it,
//! or make one writable that was not. The supervisor reports that afterwards.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use linux_sys::{MntFlags, MsFlags};
use nix::libc::{EOPNOTSUPP, O_TMPFILE};

use crate::error::Error;
use crate::mount::Mount;

/// Another machine, or a program, may keep us waiting for these: PID 1 takes them out unasked.
const FOREIGN: [&str; 5] = ["autofs", "nfs", "nfs4", "cifs", "smb3"];

/// What the kernel's own file systems have in every machine. It is opened and never written.
/// All mounts of a hierarchy of control groups, the sandbox's as well, are one superblock.
const OWN_FILES: [(&str, &str); 3] = [
    ("sysfs", "devices/virtual/mem/null/uevent"),
    ("cgroup", "cgroup.procs"),
    ("cgroup2", "cgroup.procs"),
];

/// What a level has usually done when one of them has changed.
pub const USUALLY: &str = "MS_REMOUNT without MS_BIND reaches the whole file system, and so every mount of it on this \
     machine; with MS_BIND it changes the one mount (mount(2))";

/// The machine's file systems, held as they are.
pub(crate) struct Superblocks {
    before: BTreeMap<String, Mount>,
    /// Mounts of file systems on which no file can be held.
    unheld: Vec<PathBuf>,
    _held: Vec<File>,
}

impl Superblocks {
    /// The supervisor's part, before there is a sandbox.
    pub(crate) fn hold() -> Result<Superblocks, Error> {
        let mounts = mounts()?;
        let before = by_device(mounts.iter().cloned());
        let (mut held, mut unheld) = (Vec::new(), Vec::new());
        for mount in &mounts {
            let here = mounts.iter().filter(|it| it.point == mount.point);
            match hold(mount) {
                // A path leads to the last of them, and the others would come to light.
                _ if here.count() > 1 => unheld.push(mount.point.clone()),
                Ok(file) => held.push(file),
                Err(why) if why.raw_os_error() == Some(EOPNOTSUPP) => {
                    unheld.push(mount.point.clone());
                }
                // Read-only already, or full: left as it is.
                Err(_) => {}
            }
        }
        Ok(Superblocks {
            before,
            unheld,
            _held: held,
        })
    }

    /// PID 1's part, in its own mount namespace: takes out what cannot be held, but for
    /// what has one of the `needed` files. The last mount first: it may lie on another.
    pub(crate) fn hide(&self, needed: &[PathBuf]) {
        let is_needed = |point: &Path| needed.iter().any(|path| path.starts_with(point));
        for point in self.unheld.iter().rev().filter(|point| !is_needed(point)) {
            // One that another mount hides has gone with it.
            let _ = linux_sys::umount2(point, MntFlags::MNT_DETACH);
        }
    }

    /// The supervisor's part, when all is over: what has become of the machine's file systems.
    pub(crate) fn changes(&self) -> Option<String> {
        let now = by_device(mounts().ok()?.into_iter());
        let changed = self.before.iter().find_map(|(device, before)| {
            let now = now.get(device)?;
            (now.super_options != before.super_options).then_some((before, now))
        });
        let (before, now) = changed?;
        Some(format!(
            "the machine's {} on {} had the options {} and has {}; `mount -o remount,{} {}` asks \
             for the old ones",
            before.fstype,
            before.point.display(),
            before.super_options,
            now.super_options,
            before.super_options,
            before.point.display(),
        ))
    }
}

/// A file open for writing on this file system.
fn hold(mount: &Mount) -> io::Result<File> {
    let is_foreign = FOREIGN.contains(&&*mount.fstype) || mount.fstype.starts_with("fuse");
    if is_foreign {
        return Err(io::Error::from_raw_os_error(EOPNOTSUPP));
    }
    let own = OWN_FILES.iter().find(|(fstype, _)| mount.fstype == *fstype);
    match own {
        Some((_, name)) => OpenOptions::new().write(true).open(mount.point.join(name)),
        None => OpenOptions::new()
            .write(true)
            .custom_flags(O_TMPFILE)
            .open(&mount.point),
    }
}

/// Terminals of its own, in place of the machine's, whose file system cannot be held.
pub(crate) fn mount_terminals() -> Result<(), Error> {
    let point = Path::new("/dev/pts");
    if point.is_dir() {
        let options = "newinstance,ptmxmode=0666,mode=0620,gid=5";
        linux_sys::mount("devpts", point, "devpts", MsFlags::empty(), options)?;
    }
    Ok(())
}

fn by_device(mounts: impl Iterator<Item = Mount>) -> BTreeMap<String, Mount> {
    let mut all = BTreeMap::new();
    for mount in mounts {
        all.entry(mount.device.clone()).or_insert(mount);
    }
    all
}

fn mounts() -> Result<Vec<Mount>, Error> {
    let path = "/proc/self/mountinfo";
    let text = fs::read_to_string(path).map_err(|why| Error::new(path, why))?;
    Ok(text.lines().filter_map(Mount::parse).collect())
}
