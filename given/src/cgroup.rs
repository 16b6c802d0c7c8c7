//! Where this machine's control groups are, and how they are spoken to.
//!
//! There are two versions (cgroups(7)). In version 2 one hierarchy serves all
//! controllers. In version 1 each controller has a hierarchy of its own. A
//! machine may have both; each controller is then in one or the other.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use linux_sys::{Errno, Mode, mkdir};

use crate::Error;

/// The group at the top of a hierarchy that all of our containers' groups are in.
/// It stays: removing it would race with a container that is just starting.
const PARENT: &str = "rubber-docker";

/// The version of cgroups that a controller is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// One hierarchy for each controller.
    V1,
    /// One hierarchy for all.
    V2,
}

/// Where a controller's groups are.
#[derive(Clone, Debug)]
pub struct Hierarchy {
    /// Which files there are depends on it.
    pub version: Version,
    /// The group `rubber-docker`, in which a container's group is made.
    pub parent: PathBuf,
}

/// The hierarchy of `controller`, ready for use: the group `rubber-docker` is there,
/// and groups in it have the controller's files.
///
/// Looked for once: several steps ask, in the parent and in the child, which inherits
/// what the parent has found.
pub fn hierarchy(controller: &str) -> Result<Hierarchy, Error> {
    static FOUND: Mutex<BTreeMap<String, Hierarchy>> = Mutex::new(BTreeMap::new());
    // A thread that has panicked has left nothing half-done in there.
    let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(hierarchy) = found.get(controller) {
        return Ok(hierarchy.clone());
    }
    let hierarchy = prepare(controller)?;
    found.insert(controller.to_owned(), hierarchy.clone());
    Ok(hierarchy)
}

fn prepare(controller: &str) -> Result<Hierarchy, Error> {
    let (version, top) = find(controller)?;
    let parent = top.join(PARENT);
    match mkdir(&parent, Mode::from_bits_truncate(0o755)) {
        Err(error) if error.errno() != Errno::EEXIST => {
            return Err(format!("mkdir {}: {}", parent.display(), meaning(error.errno())).into());
        }
        _ => {}
    }
    if version == Version::V2 {
        // A group has the files of the controllers that its parent hands down.
        enable(&top, controller)?;
        enable(&parent, controller)?;
    }
    Ok(Hierarchy { version, parent })
}

/// Hand `controller` down from `group` to the groups in it (version 2).
fn enable(group: &Path, controller: &str) -> Result<(), Error> {
    let file = group.join("cgroup.subtree_control");
    let enabled = read(&file)?;
    if enabled.split_whitespace().any(|name| name == controller) {
        return Ok(());
    }
    write(&file, &format!("+{controller}"))
}

/// The version and the top of the hierarchy that has `controller`.
fn find(controller: &str) -> Result<(Version, PathBuf), Error> {
    // Read once: in the container this file shows the container's mounts.
    static MOUNTS: OnceLock<String> = OnceLock::new();
    let mounts = match MOUNTS.get() {
        Some(mounts) => mounts,
        None => {
            let mounts = read(Path::new("/proc/self/mountinfo"))?;
            MOUNTS.get_or_init(|| mounts)
        }
    };
    let has = |(version, top): &(Version, PathBuf), options: &str| {
        let is_there = match version {
            Version::V1 => options.split(',').any(|option| option == controller),
            Version::V2 => read(&top.join("cgroup.controllers"))
                .is_ok_and(|names| names.split_whitespace().any(|name| name == controller)),
        };
        // Listed and yet out of reach, if something has been mounted over it since.
        is_there && top.join("cgroup.procs").exists()
    };
    mounts
        .lines()
        .filter_map(cgroup_mount)
        .find(|(place, options)| has(place, options))
        .map(|(place, _)| place)
        .ok_or_else(|| {
            format!(
                "no cgroup hierarchy of this machine has the {controller} controller. Look for it in \
                 /proc/cgroups and in /sys/fs/cgroup/cgroup.controllers: it may be switched off on the \
                 kernel's command line, or kept from us by a container that we are in"
            )
            .into()
        })
}

/// A line of mountinfo, if it is a cgroup hierarchy: version, mount point, options.
fn cgroup_mount(line: &str) -> Option<((Version, PathBuf), &str)> {
    // proc_pid_mountinfo(5): ID PARENT DEVICE ROOT MOUNTPOINT OPTIONS... - TYPE SOURCE OPTIONS
    let (mount, filesystem) = line.split_once(" - ")?;
    let mut filesystem = filesystem.split(' ');
    let version = match filesystem.next()? {
        "cgroup" => Version::V1,
        "cgroup2" => Version::V2,
        _ => return None,
    };
    let top = mount.split(' ').nth(4)?;
    Some(((version, PathBuf::from(top)), filesystem.nth(1)?))
}

/// Docker's shares (2 to 262144, usually 1024) as version 2's weight (1 to 10000,
/// usually 100).
///
/// Both are only ratios, but not of the same kind: a straight line from one range
/// to the other would put 1024 at 39, well below the 100 of a group that nobody
/// has set anything for. This curve goes through the ends and through (1024, 100).
/// It is the one of runc since 1.3.2 and of crun since 1.23.
pub fn cpu_weight(shares: u64) -> u64 {
    let l = (shares.max(2) as f64).log2();
    let weight = 10_f64.powf((l * l + 125.0 * l) / 612.0 - 7.0 / 34.0).ceil();
    (weight as u64).clamp(1, 10_000)
}

/// Write to a file of the kernel's: the whole value in one go.
pub fn write(path: &Path, value: &str) -> Result<(), Error> {
    // Never made: what is not there is a file that this kernel does not have.
    let file = fs::OpenOptions::new().write(true).open(path);
    file.and_then(|mut file| file.write_all(value.as_bytes()))
        .map_err(|error| {
            let meaning = match errno_of(&error) {
                Errno::ENOENT => said(Errno::ENOENT, missing(path)),
                errno => meaning(errno),
            };
            format!("write {value:?} to {}: {meaning}", path.display()).into()
        })
}

/// Read a file of the kernel's.
pub fn read(path: &Path) -> Result<String, Error> {
    // Such a file does not say how long it is, and whoever begins with a small buffer
    // asks many times. A page has room for nearly all of them.
    let mut text = String::with_capacity(4096);
    fs::File::open(path)
        .and_then(|mut file| file.read_to_string(&mut text))
        .map_err(|error| format!("read {}: {}", path.display(), meaning(errno_of(&error))))?;
    Ok(text)
}

fn errno_of(error: &std::io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}

/// What is not there when a write has ended with ENOENT.
fn missing(path: &Path) -> &'static str {
    let has_group = path.parent().is_some_and(Path::exists);
    if path.exists() {
        // Version 2 hides from a namespace what is not below its root (nsdelegate).
        "the file is there, but its group is outside of this process's cgroup namespace: join before unshare(CLONE_NEWCGROUP)"
    } else if has_group {
        NO_SUCH_FILE
    } else {
        "there is no such group: mkdir makes it"
    }
}

const NO_SUCH_FILE: &str = "there is no such file here: the kernel lacks it, or the controller is not enabled in the parent's cgroup.subtree_control";

/// What the kernel means when it refuses something in a cgroup file system.
fn meaning(errno: Errno) -> String {
    let meaning = match errno {
        Errno::ENOENT => NO_SUCH_FILE,
        Errno::EACCES | Errno::EPERM => {
            "not allowed: cgroups need root, and in a container somebody who has delegated them"
        }
        Errno::EROFS => "the hierarchy is mounted read-only, as in most containers",
        Errno::EBUSY => {
            "the group is in use: a version 2 group that has processes of its own cannot hand controllers down, and a limit below what is used already is refused"
        }
        Errno::EINVAL => "the kernel does not take this value",
        Errno::ENODEV => "the group has been removed",
        Errno::EOPNOTSUPP => "the group is of a kind that cannot do this (see cgroup.type)",
        _ => "",
    };
    said(errno, meaning)
}

fn said(errno: Errno, meaning: &str) -> String {
    format!("{errno:?} ({}): {meaning}; man 7 cgroups", errno.desc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_goes_through_its_fixed_points() {
        assert_eq!(
            [2, 256, 1024, 262_144].map(cpu_weight),
            [1, 35, 100, 10_000]
        );
    }

    #[test]
    fn the_curve_never_falls() {
        let weights: Vec<u64> = (2..=4096).map(cpu_weight).collect();
        assert!(weights.is_sorted());
    }

    #[test]
    fn a_hierarchy_is_recognised_in_mountinfo() {
        let v1 =
            "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory";
        let expected = ((Version::V1, "/sys/fs/cgroup/memory".into()), "rw,memory");
        assert_eq!(cgroup_mount(v1), Some(expected));
        let v2 = "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw";
        assert_eq!(
            cgroup_mount(v2),
            Some(((Version::V2, "/sys/fs/cgroup".into()), "rw"))
        );
        assert_eq!(
            cgroup_mount("22 27 0:21 / /proc rw,relatime - proc proc rw"),
            None
        );
    }
}
