//! Where this machine's control groups are, and how they are spoken to.
//!
//! There are two versions (cgroups(7)). In version 2 one hierarchy serves all
//! controllers. In version 1 each controller has a hierarchy of its own. A
//! machine may have both; each controller is then in one or the other.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use linux_sys::mountinfo::{MountInfo, unescape};
use linux_sys::{Errno, Mode, mkdir};

use crate::Error;

pub(crate) mod all;
mod cpuset;
pub(crate) mod own;
mod places;
pub(crate) mod remove;

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

/// What becomes of a limit for which this kernel has no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lacking {
    /// There is no container without it: writing it is the error.
    Refused,
    /// The container goes without. For a limit that its user has not asked for.
    Ignored,
    /// The container goes without, and its user is told this.
    Told(&'static str),
}

/// Where a controller's groups are.
#[derive(Clone, Debug)]
pub struct Hierarchy {
    /// Which files there are depends on it.
    pub version: Version,
    /// The group `rubber-docker`, in which a container's group is made.
    pub parent: PathBuf,
}

/// The group `rubber-docker` at the top of a hierarchy.
fn make_parent(parent: &Path) -> Result<(), Error> {
    match mkdir(parent, Mode::from_bits_truncate(0o755)) {
        Err(error) if error.errno() != Errno::EEXIST => {
            Err(format!("mkdir {}: {}", parent.display(), meaning(error.errno())).into())
        }
        _ => Ok(()),
    }
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

/// The hierarchy that has `controller`, among what is mounted.
fn find<'a>(mounts: &'a str, controller: &str) -> Result<Mounted<'a>, Error> {
    let has = |mounted: &Mounted| {
        let is_there = match mounted.version {
            Version::V1 => mounted.has_option(name_on_version_1(controller)),
            Version::V2 => read(&mounted.top.join("cgroup.controllers"))
                .is_ok_and(|names| names.split_whitespace().any(|name| name == controller)),
        };
        is_there && is_reachable(&mounted.top)
    };
    mounts
        .lines()
        .filter_map(Mounted::parse)
        .find(has)
        .ok_or_else(|| {
            format!(
                "no cgroup hierarchy of this machine has the {controller} controller. Look for it in \
                 /sys/fs/cgroup/cgroup.controllers (version 2) and in /proc/self/cgroup (version 1): it \
                 may be switched off on the kernel's command line, or kept from us by a container that \
                 we are in; `cargo workshop doctor` says what helps"
            )
            .into()
        })
}

/// Controllers go by version 2's names here.
fn name_on_version_1(controller: &str) -> &str {
    match controller {
        "io" => "blkio",
        same => same,
    }
}

/// A cgroup hierarchy, as it is mounted somewhere.
#[derive(Debug, PartialEq, Eq)]
struct Mounted<'a> {
    version: Version,
    top: PathBuf,
    /// The hierarchy's own number, wherever it is mounted.
    device: &'a str,
    /// Which controllers, on version 1.
    options: &'a str,
    is_read_only: bool,
}

impl Mounted<'_> {
    /// Whether the file system was mounted with this option; on version 1 the controllers
    /// are some.
    fn has_option(&self, name: &str) -> bool {
        self.options.split(',').any(|option| option == name)
    }

    /// A line of mountinfo, if it is one of those.
    fn parse(line: &str) -> Option<Mounted<'_>> {
        let mount = MountInfo::parse(line.as_bytes())?;
        let version = match mount.fstype.to_str()? {
            "cgroup" => Version::V1,
            "cgroup2" => Version::V2,
            _ => return None,
        };
        let options = mount.super_options.to_str()?;
        Some(Mounted {
            version,
            top: unescape(mount.point).into(),
            device: mount.device.to_str()?,
            options,
            // Of this mount, or of the file system: a container's runtime has set the first.
            is_read_only: mount.has_option("ro") || options.split(',').any(|it| it == "ro"),
        })
    }
}

/// Whether it is there: something may have been mounted over it since.
fn is_reachable(top: &Path) -> bool {
    top.join("cgroup.procs").exists()
}

/// Docker's shares (2 to 262144, usually 1024) as version 2's weight (1 to 10000,
/// usually 100).
///
/// Both are only ratios, but not of the same kind: a straight line from one range
/// to the other would put 1024 at 39, well below the 100 of a group whose weight was
/// never set. This curve goes through the ends and through (1024, 100).
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
                Errno::ENODEV if is_about_disks(path) => said(Errno::ENODEV, NO_SUCH_DISK),
                errno => meaning(errno),
            };
            format!("write {value:?} to {}: {meaning}", path.display()).into()
        })
}

/// Read a file of the kernel's.
pub fn read(path: &Path) -> Result<String, Error> {
    // Such a file does not say how long it is, and a reader with a small buffer
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

/// Whether the file's limits are for a disk each: `io.max`, `blkio.throttle.write_bps_device`.
fn is_about_disks(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    ["io.", "blkio."].iter().any(|it| name.starts_with(it))
}

const NO_SUCH_DISK: &str = "no disk has these numbers, or they are a partition's, and the kernel limits whole disks alone: `lsblk` shows the disk that a partition is on, and `cat /sys/block/*/dev` the numbers of all";

const NO_SUCH_FILE: &str = "there is no such file here: the kernel lacks it, or the controller is not enabled in the parent's cgroup.subtree_control";

/// What the kernel means when it refuses something in a cgroup file system.
fn meaning(errno: Errno) -> String {
    let meaning = match errno {
        Errno::ENOENT => NO_SUCH_FILE,
        Errno::EACCES | Errno::EPERM => {
            "not allowed: cgroups need root, and in a container the host must have delegated them"
        }
        Errno::EROFS => "the hierarchy is mounted read-only, as in most containers",
        Errno::EBUSY => {
            "the group is in use, by a process or a group in it: a version 2 group that has processes of its own cannot hand controllers down, and a limit below what is used already is refused"
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
    fn a_file_that_names_disks_is_known_by_its_controller() {
        let is_it = |file: &str| is_about_disks(&Path::new("/sys/fs/cgroup/one").join(file));
        assert!(
            ["io.max", "blkio.throttle.write_bps_device"]
                .into_iter()
                .all(is_it)
        );
        assert!(
            !["cpu.max", "pids.max", "cgroup.procs"]
                .into_iter()
                .any(is_it)
        );
    }

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
        let parsed = |line| {
            let it = Mounted::parse(line)?;
            Some((it.version, it.top, it.device, it.options, it.is_read_only))
        };
        let v1 =
            "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory";
        let top = "/sys/fs/cgroup/memory".into();
        assert_eq!(
            parsed(v1),
            Some((Version::V1, top, "0:32", "rw,memory", false))
        );
        let v2 = "41 31 0:38 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup2 rw";
        let top = "/sys/fs/cgroup".into();
        assert_eq!(parsed(v2), Some((Version::V2, top, "0:38", "rw", true)));
        assert_eq!(
            parsed("22 27 0:21 / /proc rw,relatime - proc proc rw"),
            None
        );
    }
}
