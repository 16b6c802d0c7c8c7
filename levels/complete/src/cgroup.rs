//! The container's control group: what it gets of the machine.

use std::path::PathBuf;

use given::{Error, Hierarchies, Hierarchy, Version};
use linux_sys::{Mode, mkdir, rmdir};

use crate::Options;

/// The controllers that we set a limit with.
const CONTROLLERS: [&str; 2] = ["cpu", "memory"];

/// Where the container's groups are: a directory `rubber-docker/ID` in every hierarchy there
/// is, on version 2 in one, on version 1 in one for each controller. Where it had none of its
/// own it would be in its caller's, and could kill or freeze all who are in there.
pub struct Cgroup {
    hierarchies: Hierarchies,
    id: String,
}

/// Given: look for the hierarchies. For the parent: the child cannot see them any more
/// once it has a root of its own.
pub fn find(options: &Options) -> Result<Cgroup, Error> {
    Ok(Cgroup {
        hierarchies: given::hierarchies(&CONTROLLERS)?,
        id: options.id.clone(),
    })
}

/// Given: the groups themselves.
fn groups(cgroup: &Cgroup) -> Vec<PathBuf> {
    let hierarchies = cgroup.hierarchies.iter();
    hierarchies.map(|it| it.parent.join(&cgroup.id)).collect()
}

/// Given: the file of a limit and what to write into it. The two versions have
/// different names for the same wish, and different numbers.
fn limit(
    cgroup: &Cgroup,
    controller: &str,
    v2: (&str, String),
    v1: (&str, String),
) -> Result<(PathBuf, String), Error> {
    let Hierarchy { version, parent } = cgroup.hierarchies.of(controller)?;
    let (file, value) = match version {
        Version::V2 => v2,
        Version::V1 => v1,
    };
    Ok((parent.join(&cgroup.id).join(file), value))
}

/// Given: what the options ask for.
fn limits(options: &Options, cgroup: &Cgroup) -> Result<Vec<(PathBuf, String)>, Error> {
    let mut limits = Vec::new();
    if let Some(shares) = options.cpu_shares {
        let weight = given::cpu_weight(shares).to_string();
        let shares = shares.to_string();
        limits.push(limit(
            cgroup,
            "cpu",
            ("cpu.weight", weight),
            ("cpu.shares", shares),
        )?);
    }
    if let Some(memory) = options.memory {
        let bytes = memory.to_string();
        let v2 = ("memory.max", bytes.clone());
        limits.push(limit(
            cgroup,
            "memory",
            v2,
            ("memory.limit_in_bytes", bytes),
        )?);

        // Without this the rest is only swapped out. Version 2 counts swap alone,
        // version 1 memory and swap together, and only if that is not below the
        // limit of memory: so this one is written second.
        let swap = options.memory_swap.unwrap_or_default().beside(memory)?;
        let v2 = ("memory.swap.max", swap.alone);
        let swap_limit = limit(
            cgroup,
            "memory",
            v2,
            ("memory.memsw.limit_in_bytes", swap.together),
        )?;
        // The group is there by now, and has the file if the kernel counts swap.
        if swap_limit.0.exists() {
            limits.push(swap_limit);
        } else if options.memory_swap.is_some() {
            given::tell("this kernel does not account for swap, so --memory-swap has no effect");
        }
    }
    Ok(limits)
}

/// How many of the container's processes the kernel has killed for want of memory.
pub fn oom_kills(cgroup: &Cgroup) -> Result<u64, Error> {
    let Hierarchy { version, parent } = cgroup.hierarchies.of("memory")?;
    let file = match version {
        Version::V2 => "memory.events",
        Version::V1 => "memory.oom_control",
    };
    let events = given::read(&parent.join(&cgroup.id).join(file))?;
    let kills = events
        .lines()
        .find_map(|line| line.strip_prefix("oom_kill "));
    Ok(kills.and_then(|number| number.parse().ok()).unwrap_or(0))
}

/// The parent's part: make the group and set its limits, before anybody is in it.
pub fn create(options: &Options, cgroup: &Cgroup) -> Result<(), Error> {
    // Given: `rubber-docker` above them, which hands the controllers down and stays.
    cgroup.hierarchies.prepare()?;

    for group in groups(cgroup) {
        mkdir(&group, Mode::from_bits_truncate(0o755))?;
    }
    for (file, value) in limits(options, cgroup)? {
        given::write(&file, &value)?;
    }
    Ok(())
}

/// The child's part: move into the group.
pub fn join(cgroup: &Cgroup) -> Result<(), Error> {
    for group in groups(cgroup) {
        // Version 1 has a second file, for single threads. Whoever moves nothing but
        // itself does not wait, as others do, until no process forks or ends.
        let tasks = group.join("tasks");
        let procs = group.join("cgroup.procs");
        let file = if tasks.exists() { tasks } else { procs };
        // Whoever writes a 0 means itself, in whatever namespace (cgroups(7)).
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
