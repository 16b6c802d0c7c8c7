//! The sandbox's own control groups.
//!
//! The supervisor makes one group at the top of each hierarchy that counts; what the level
//! does below it touches no other group of the machine:
//!
//! ```text
//! /sys/fs/cgroup[/memory]              the machine's
//!  └─ rubber-docker-check-KEEPER       the `/` of the sandbox's cgroup namespace, and
//!      │                               what is mounted at /sys/fs/cgroup[/memory] inside
//!      ├─ checks                       version 2 only: PID 1 and the level's process
//!      └─ rubber-docker/ID             the level's containers
//! ```
//!
//! Version 2 wants processes to live in the leaves. The machine's root is exempt from
//! that, the root of a cgroup namespace is not: hence `checks`.
//!
//! The supervisor removes what it made when everything inside is dead. It holds a lock on
//! each of its groups; a group whose lock is free has lost its supervisor, and the next
//! supervisor removes it. Enabling a controller at the machine's root, where it was not,
//! is the one thing that stays: switching it off again would race with a program that
//! relies on it meanwhile. It changes no group's share.

mod further;
mod hierarchy;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use linux_sys::{MntFlags, MsFlags};
use nix::fcntl::{Flock, FlockArg};

use crate::error::Error;
use crate::mount::Mount;
use crate::wait::await_that;
use hierarchy::NEEDED;

pub use hierarchy::{Hierarchy, Version};

/// What our groups are called; the supervisor's process number follows, for a user who looks.
const PREFIX: &str = "rubber-docker-check-";
/// Where the sandbox's processes live on version 2.
const LEAF: &str = "checks";

/// More than any check needs, and less than any machine has: the sandbox's tmpfs full,
/// and as much again.
const MEMORY: &str = "1073741824";
const PROCESSES: &str = "1000";

/// The hierarchies with a controller that concerns us, as this process sees them; of
/// two that have the same one the first.
pub fn hierarchies() -> Result<Vec<Hierarchy>, Error> {
    let own_groups = read(Path::new("/proc/self/cgroup"))?;
    Ok(hierarchies_in(&mounts()?, &own_groups))
}

fn hierarchies_in(mounts: &[Mount], own_groups: &str) -> Vec<Hierarchy> {
    let in_v1 = controllers_in_v1(own_groups);
    let mut found: Vec<Hierarchy> = Vec::new();
    for mount in mounts {
        let Some(mut hierarchy) = Hierarchy::from_mount(mount, &in_v1) else {
            continue;
        };
        let is_new = |name: &String| !found.iter().any(|earlier| earlier.has(name));
        hierarchy.controllers.retain(is_new);
        if !hierarchy.controllers.is_empty() {
            found.push(hierarchy);
        }
    }
    found
}

/// The controllers of version 1 in /proc/PID/cgroup, whose lines are `1:cpu,cpuacct:/`,
/// `2:name=systemd:/` and, of version 2, `0::/` (cgroups(7)).
///
/// Not those of /proc/cgroups: from Linux 6.12 on that may leave out what a kernel has
/// in version 2 alone, which is often so of the memory controller (CONFIG_MEMCG_V1).
fn controllers_in_v1(own_groups: &str) -> Vec<&str> {
    let fields = own_groups.lines().filter_map(|line| line.split(':').nth(1));
    let names = fields.flat_map(|field| field.split(','));
    names
        .filter(|name| !name.is_empty() && !name.starts_with("name="))
        .collect()
}

/// All hierarchies that this process can make groups in.
pub fn all() -> Result<Vec<Hierarchy>, Error> {
    let mut all = hierarchies()?;
    all.extend(further::further(&mounts()?, &all));
    Ok(all)
}

/// The version that the machine limits processors and memory with.
pub fn version() -> Option<Version> {
    let all = hierarchies().ok()?;
    let found = all.iter().find(|it| it.has("memory"))?;
    Some(found.version)
}

static PROBLEM: OnceLock<String> = OnceLock::new();

/// Why the sandbox has no groups, if it has none.
pub fn problem() -> Option<&'static str> {
    PROBLEM.get().map(String::as_str)
}

/// The groups of one sandbox. To be dropped by the supervisor, and after the sandbox's end.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    made: Vec<Group>,
}

#[derive(Debug)]
struct Group {
    hierarchy: Hierarchy,
    path: PathBuf,
    /// Held as long as the supervisor lives, so that no other supervisor sweeps the group away.
    _lock: Flock<File>,
}

impl Groups {
    /// The supervisor's part: a group in each hierarchy. Where there can be none, the
    /// sandbox does without, and [`problem`] says why.
    pub(crate) fn make() -> Groups {
        match Groups::try_make() {
            Ok(groups) => groups,
            Err(why) => {
                PROBLEM.get_or_init(|| format!("no cgroups for the sandbox: {why}"));
                Groups::default()
            }
        }
    }

    fn try_make() -> Result<Groups, Error> {
        let hierarchies = hierarchies()?;
        for name in NEEDED {
            if !hierarchies.iter().any(|it| it.has(name)) {
                return Err(Error::new(
                    format_args!("the {name} controller"),
                    "no mounted hierarchy has it; `cargo workshop doctor` says what helps",
                ));
            }
        }
        let mut groups = Groups::default();
        for hierarchy in hierarchies {
            sweep(&hierarchy.top);
            if hierarchy.version == Version::V2 {
                for name in NEEDED.into_iter().filter(|name| hierarchy.has(name)) {
                    enable(&hierarchy.top, name)?;
                }
                // A controller that the machine does not hand down is one we can do without.
                for name in ["pids", "io"] {
                    let _ = enable(&hierarchy.top, name);
                }
            }
            let (path, lock) = match make_group(&hierarchy.top) {
                Err(_) if !hierarchy.is_needed() => continue,
                made => made?,
            };
            groups.made.push(Group {
                hierarchy,
                path,
                _lock: lock,
            });
        }
        for group in &groups.made {
            group.limit();
        }
        groups.make_further()?;
        Ok(groups)
    }

    /// In the hierarchies that no limit is set in, where the machine allows it.
    fn make_further(&mut self) -> Result<(), Error> {
        let known: Vec<Hierarchy> = self.made.iter().map(|it| it.hierarchy.clone()).collect();
        for hierarchy in further::further(&mounts()?, &known) {
            sweep(&hierarchy.top);
            let Ok((path, lock)) = make_group(&hierarchy.top) else {
                continue;
            };
            // Version 1's cpuset takes no process into a group without a processor.
            for file in ["cpuset.cpus", "cpuset.mems"] {
                if let Ok(all) = read(&hierarchy.top.join(file)) {
                    write(&path.join(file), all.trim())?;
                }
            }
            self.made.push(Group {
                hierarchy,
                path,
                _lock: lock,
            });
        }
        Ok(())
    }

    /// PID 1's part, as long as it can write to the hierarchies: move in. The group that it
    /// is in when it unshares its cgroup namespace becomes the root of that.
    pub(crate) fn join(&self) -> Result<(), Error> {
        self.made.iter().try_for_each(|group| {
            let file = match group.hierarchy.version {
                // Moves the one thread that we have, and waits for no fork or exit on the machine.
                Version::V1 => "tasks",
                Version::V2 => "cgroup.procs",
            };
            write(&group.path.join(file), "0")
        })
    }

    /// PID 1's part, in its own mount and cgroup namespaces: in place of the machine's
    /// hierarchies those that begin at its own groups.
    pub(crate) fn mount(&self) -> Result<(), Error> {
        for mount in mounts()?.iter().rev() {
            if mount.fstype.starts_with("cgroup") {
                // One that another mount hides cannot be named; read-only it is anyway.
                let _ = linux_sys::umount2(&mount.point, MntFlags::MNT_DETACH);
            }
        }
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        for Group { hierarchy, .. } in &self.made {
            let top = &hierarchy.top;
            match hierarchy.version {
                Version::V1 => {
                    linux_sys::mount("cgroup", top, "cgroup", flags, &hierarchy.options)?;
                }
                Version::V2 => {
                    linux_sys::mount("cgroup2", top, "cgroup2", flags, "")?;
                    let leaf = top.join(LEAF);
                    fs::create_dir(&leaf).map_err(|why| Error::new(leaf.display(), why))?;
                    write(&leaf.join("cgroup.procs"), "0")?;
                    // As systemd has it at the root of the machine.
                    let offered = read(&top.join("cgroup.controllers"))?;
                    for name in &hierarchy.controllers {
                        if offered.split_whitespace().any(|offered| offered == name) {
                            enable(top, name)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        for group in &self.made {
            // The last process has been reaped; the kernel may need a moment to let go.
            if !await_that(|| remove(&group.path)) {
                eprintln!(
                    "the sandbox's group {} is still in use and stays; the next checks remove it",
                    group.path.display()
                );
            }
        }
    }
}

impl Group {
    /// Best effort: a limit that is missing is no reason not to judge.
    fn limit(&self) {
        let set = |file: &str, value: &str| drop(fs::write(self.path.join(file), value));
        // Swap after memory: version 1 refuses a sum below its part.
        match self.hierarchy.version {
            Version::V1 if self.hierarchy.has("memory") => {
                set("memory.limit_in_bytes", MEMORY);
                set("memory.memsw.limit_in_bytes", MEMORY);
            }
            Version::V2 if self.hierarchy.has("memory") => {
                set("memory.max", MEMORY);
                set("memory.swap.max", "0");
            }
            _ => {}
        }
        if self.hierarchy.has("pids") {
            set("pids.max", PROCESSES);
        }
    }
}

/// A new, locked group below `top`.
fn make_group(top: &Path) -> Result<(PathBuf, Flock<File>), Error> {
    let supervisor = std::process::id();
    // Another PID namespace of this machine may have a supervisor of the same number.
    for attempt in 0..100 {
        let path = match attempt {
            0 => top.join(format!("{PREFIX}{supervisor}")),
            _ => top.join(format!("{PREFIX}{supervisor}-{attempt}")),
        };
        match fs::create_dir(&path) {
            Err(why) if why.kind() == io::ErrorKind::AlreadyExists => continue,
            made => {
                made.map_err(|why| Error::new(format_args!("mkdir {}", path.display()), why))?
            }
        }
        // Between mkdir and lock it looked like a leftover, which another supervisor may have swept.
        if let Some(lock) = lock(&path) {
            return Ok((path, lock));
        }
    }
    Err(Error::new(
        top.display(),
        format_args!("there are a hundred groups {PREFIX}{supervisor} already"),
    ))
}

/// The lock of the group that is there now under this name; `None` if a supervisor holds it.
fn lock(path: &Path) -> Option<Flock<File>> {
    let lock = Flock::lock(File::open(path).ok()?, FlockArg::LockExclusiveNonblock).ok()?;
    let (locked, named) = (lock.metadata().ok()?, fs::metadata(path).ok()?);
    ((locked.dev(), locked.ino()) == (named.dev(), named.ino())).then_some(lock)
}

/// Removes the groups of supervisors that were killed. One that has processes stays.
fn sweep(top: &Path) {
    for entry in fs::read_dir(top).into_iter().flatten().flatten() {
        let is_ours = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(PREFIX));
        // Held until it is gone: its supervisor may be just about to lock it.
        if is_ours && let Some(_held) = lock(&entry.path()) {
            remove(&entry.path());
        }
    }
}

/// Removes a group and those below it, innermost first. Whether it is gone.
fn remove(group: &Path) -> bool {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove(&entry.path());
        }
    }
    match fs::remove_dir(group) {
        Ok(()) => true,
        Err(why) => why.kind() == io::ErrorKind::NotFound,
    }
}

/// Hands a controller down from a group to those below it (version 2).
fn enable(group: &Path, controller: &str) -> Result<(), Error> {
    let file = group.join("cgroup.subtree_control");
    if read(&file)?
        .split_whitespace()
        .any(|name| name == controller)
    {
        return Ok(());
    }
    write(&file, &format!("+{controller}"))
}

fn write(file: &Path, value: &str) -> Result<(), Error> {
    fs::write(file, value)
        .map_err(|why| Error::new(format_args!("write {value:?} to {}", file.display()), why))
}

fn read(file: &Path) -> Result<String, Error> {
    fs::read_to_string(file).map_err(|why| Error::new(file.display(), why))
}

fn mounts() -> Result<Vec<Mount>, Error> {
    let text = read(Path::new("/proc/self/mountinfo"))?;
    Ok(text.lines().filter_map(Mount::parse).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;

    fn hierarchy(line: &str) -> Option<Hierarchy> {
        let in_v1 = ["cpu", "cpuacct", "memory", "freezer", "blkio"];
        Hierarchy::from_mount(&Mount::parse(line)?, &in_v1)
    }

    /// A hierarchy as "VERSION CONTROLLER... (OPTIONS)".
    fn shown(mountinfo: &str, own_groups: &str) -> Vec<String> {
        let mounts: Vec<Mount> = mountinfo.lines().filter_map(Mount::parse).collect();
        let show = |it: Hierarchy| {
            let names = it.controllers.join(" ");
            format!("{}: {names} ({})", it.version, it.options)
        };
        let found = hierarchies_in(&mounts, own_groups);
        found.into_iter().map(show).collect()
    }

    /// A directory in the place of a hierarchy of version 2, and the line of its mount.
    fn version_2(controllers: &str) -> (tempfile::TempDir, String) {
        let top = tempfile::tempdir().unwrap();
        fs::write(top.path().join("cgroup.controllers"), controllers).unwrap();
        let point = top.path().display();
        let line = format!("27 2 0:24 / {point} rw,relatime - cgroup2 cgroup2 rw\n");
        (top, line)
    }

    // Debian's 7.2, WSL's 6.18 and the Raspberry Pi's: /proc/cgroups has no `memory` there.
    #[test]
    fn version_2_has_what_it_says_and_no_other_file_is_asked() {
        let (_top, mount) = version_2("cpuset cpu io memory hugetlb pids rdma misc\n");
        assert_eq!(
            shown(&mount, "0::/\n"),
            ["version 2: cpu io memory pids ()"]
        );
    }

    #[test]
    fn a_controller_that_only_version_2_has_beside_one_that_version_1_has_taken() {
        let (_top, unified) = version_2("cpuset io memory hugetlb pids\n");
        let mounts = format!(
            "{unified}\
            28 2 0:25 / /c1 rw,relatime - cgroup none rw,cpu,cpuacct,xattr,release_agent=/cpu,clone_children\n\
            29 2 0:26 / /c2 rw,relatime - cgroup none rw,xattr,name=systemd\n"
        );
        let own_groups = "2:name=systemd:/\n1:cpu,cpuacct:/\n0::/\n";
        assert_eq!(
            shown(&mounts, own_groups),
            [
                "version 2: io memory pids ()",
                "version 1: cpu cpuacct (cpu,cpuacct)"
            ]
        );
    }

    #[test]
    fn only_controllers_are_handed_to_mount_again() {
        let mounts = "\
            30 2 0:27 / /c3 rw - cgroup none rw,seclabel,cpuset,memory,noprefix,cpuset_v2_mode,favordynmods\n\
            31 2 0:28 / /c4 ro - cgroup none ro,lazytime,pids,name=memory\n";
        let own_groups = "5:pids,name=memory:/\n4:cpuset,memory:/\n";
        assert_eq!(
            shown(mounts, own_groups),
            [
                "version 1: memory (cpuset,memory)",
                "version 1: pids (pids)"
            ]
        );
    }

    #[test]
    fn controllers_of_version_1_that_are_mounted_together_stay_together() {
        let found = hierarchy(
            "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,xattr,cpu,cpuacct",
        );
        let found = found.map(|it| (it.version, it.top, it.controllers, it.options));
        let expected = (
            Version::V1,
            PathBuf::from("/sys/fs/cgroup/cpu,cpuacct"),
            vec!["cpu".to_owned(), "cpuacct".to_owned()],
            "cpu,cpuacct".to_owned(),
        );
        assert_eq!(found, Some(expected));
    }

    #[test]
    fn what_we_set_no_limit_with_is_only_mounted_along() {
        let found = hierarchy("32 31 0:29 / /cg rw - cgroup cgroup rw,memory,freezer");
        let found = found.map(|it| (it.controllers, it.options));
        assert_eq!(
            found,
            Some((vec!["memory".to_owned()], "memory,freezer".to_owned()))
        );
    }

    #[test]
    fn a_controller_of_version_1_goes_by_the_name_of_version_2() {
        let found = hierarchy("32 31 0:29 / /cg rw - cgroup cgroup rw,blkio");
        let found = found.map(|it| (it.controllers, it.options));
        assert_eq!(found, Some((vec!["io".to_owned()], "blkio".to_owned())));
    }

    #[test]
    fn a_named_hierarchy_has_no_controllers() {
        let found = hierarchy("40 31 0:37 / /cg/systemd rw - cgroup cgroup rw,name=systemd");
        assert_eq!(found.map(|it| it.controllers), Some(vec![]));
        assert_eq!(hierarchy("22 27 0:21 / /proc rw - proc proc rw"), None);
    }
}
