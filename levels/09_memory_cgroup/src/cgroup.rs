//! The container's control group: what it gets of the machine.

use std::path::PathBuf;

use given::{Error, Hierarchies, Hierarchy, Lacking, SwapSize, Version};
use linux_sys::{Mode, mkdir, rmdir};

/// The controllers that every container has, with a limit or without.
// TODO(09) 1. And memory.
const CONTROLLERS: [&str; 1] = ["cpu"];
// END TODO(09)

/// Where the container's groups are: a directory `rubber-docker/ID` in every hierarchy there
/// is, on version 2 in one, on version 1 in one for each controller. Where it had none of its
/// own it would be in its caller's, and could kill or freeze all who are in there.
pub struct Cgroup {
    hierarchies: Hierarchies,
    id: String,
}

/// A limit is a row: a controller, a file of it, and what to write there. The two versions
/// have different files for the same wish, and different numbers.
pub struct Limit {
    /// Whose file it is.
    pub controller: &'static str,
    /// The file and the value on version 2 ...
    pub v2: (&'static str, String),
    /// ... and on version 1.
    pub v1: (&'static str, String),
    /// What to do where this kernel has no such file.
    pub lacking: Lacking,
}

/// Given: look for the hierarchies of our controllers, and of those that a limit needs. For
/// the parent: the child cannot see them any more once it has a root of its own.
pub fn find(id: &str, limits: &[Limit]) -> Result<Cgroup, Error> {
    let mut controllers = CONTROLLERS.to_vec();
    controllers.extend(limits.iter().map(|limit| limit.controller));
    Ok(Cgroup {
        hierarchies: given::hierarchies(&controllers)?,
        id: id.to_owned(),
    })
}

/// Given: the row of --cpu-shares.
pub fn cpu_shares(shares: u64) -> Limit {
    Limit {
        controller: "cpu",
        v2: ("cpu.weight", given::cpu_weight(shares).to_string()),
        v1: ("cpu.shares", shares.to_string()),
        lacking: Lacking::Refused,
    }
}

/// Given: the groups themselves.
fn groups(cgroup: &Cgroup) -> Vec<PathBuf> {
    let hierarchies = cgroup.hierarchies.iter();
    hierarchies.map(|it| it.parent.join(&cgroup.id)).collect()
}

/// Given: the file of each limit, and what to write into it. The groups are there by now, and
/// have the files that this kernel knows.
fn files<'a>(cgroup: &Cgroup, limits: &'a [Limit]) -> Result<Vec<(PathBuf, &'a str)>, Error> {
    let mut files = Vec::new();
    for limit in limits {
        let Hierarchy { version, parent } = cgroup.hierarchies.of(limit.controller)?;
        let (name, value) = match version {
            Version::V2 => &limit.v2,
            Version::V1 => &limit.v1,
        };
        let file = parent.join(&cgroup.id).join(name);
        match limit.lacking {
            Lacking::Ignored if !file.exists() => {}
            Lacking::Told(what) if !file.exists() => given::log(what),
            _ => files.push((file, value.as_str())),
        }
    }
    Ok(files)
}

// TODO(09) 2. The row of --memory: memory.max on version 2, memory.limit_in_bytes on version 1.
// TODO(09) 3. The row of swap, below it: see `given::SwapSize`. Not every kernel has the file.
/// The rows of --memory and --memory-swap.
pub fn memory(bytes: u64, swap: Option<SwapSize>) -> Result<Vec<Limit>, Error> {
    // Until then we only see what was asked for.
    let _ = (bytes, swap);
    Ok(Vec::new())
}
// END TODO(09)

// TODO(09) 4. Write `oom_kills`: the number behind `oom_kill` in memory.events on version 2, in
// memory.oom_control on version 1.
// END TODO(09)

/// The parent's part: make the group and set its limits, before a process is in it.
pub fn create(cgroup: &Cgroup, limits: &[Limit]) -> Result<(), Error> {
    // Given: `rubber-docker` above them, which hands the controllers down and stays.
    cgroup.hierarchies.prepare()?;

    for group in groups(cgroup) {
        mkdir(&group, Mode::from_bits_truncate(0o755))?;
    }
    for (file, value) in files(cgroup, limits)? {
        given::write(&file, value)?;
    }
    Ok(())
}

/// The child's part: move into the group.
pub fn join(cgroup: &Cgroup) -> Result<(), Error> {
    for group in groups(cgroup) {
        // Version 1 has a second file, for single threads. A process that moves only
        // itself does not wait, as others do, until no process forks or ends.
        let tasks = group.join("tasks");
        let procs = group.join("cgroup.procs");
        let file = if tasks.exists() { tasks } else { procs };
        // A 0 stands for the process that writes it, in whatever namespace (cgroups(7)).
        given::write(&file, "0")?;
    }
    Ok(())
}

/// The parent's part afterwards, when the group is empty.
pub fn remove(cgroup: &Cgroup) -> Result<(), Error> {
    // All of them are tried; the first error is kept.
    let mut outcome = Ok(());
    for group in groups(cgroup) {
        // Refused if the container has made groups in its own: those go first.
        let removed = rmdir(&group).or_else(|_| given::remove_groups(&group));
        outcome = outcome.and(removed);
    }
    outcome
}
