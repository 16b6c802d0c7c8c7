//! A control group that has outlived its container's directory.
//!
//! A parent that cannot remove the group says so and ends, and then no directory tells of
//! it any more.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use crate::stale_container::{id, parents};

/// Between the making of a group and the first process in it, or the last process and
/// its removal, a container's parent takes some thousandths of this.
const MOMENT: Duration = Duration::from_secs(1);

/// The groups in which nothing runs and that no parent looks after, of whatever store.
pub(crate) fn stale_cgroups() -> Vec<PathBuf> {
    let groups = |parent: PathBuf| fs::read_dir(parent).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = parents()
        .flat_map(groups)
        .map(|entry| entry.path())
        .filter(|group| is_orphan(group))
        .collect();
    // Its parent may be one that we cannot see, in another PID namespace.
    if !found.is_empty() {
        sleep(MOMENT);
        found.retain(|group| is_orphan(group));
    }
    found
}

fn is_orphan(group: &Path) -> bool {
    id(group).is_some_and(|id| is_empty(group) && !is_looked_after(&id))
}

/// Whether no process is in it or in a group below it. What we cannot read is not empty.
fn is_empty(group: &Path) -> bool {
    fs::read_to_string(group.join("cgroup.procs")).is_ok_and(|processes| processes.is_empty())
        && below(group).iter().all(|group| is_empty(group))
}

/// A living parent has its container's directory open, see `given::create_container_dir`.
fn is_looked_after(id: &str) -> bool {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|process| fs::read_dir(process.path().join("fd")).ok())
        .flat_map(|descriptors| descriptors.flatten())
        .filter_map(|descriptor| fs::read_link(descriptor.path()).ok())
        .any(|open| open.file_name().is_some_and(|name| name == id))
}

fn below(group: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(group).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}
