//! The container's control group: what it gets of the machine.

use std::path::PathBuf;

use given::{Error, Hierarchy, Version};
use linux_sys::{Mode, mkdir, rmdir};

use crate::Options;

/// The controllers that we set a limit with.
// TODO(09) 1. And memory.
const CONTROLLERS: [&str; 1] = ["cpu"];
// END TODO(09)

/// Given: the container's group, a directory `rubber-docker/ID`: one in all on
/// version 2, one for each controller on version 1.
fn groups(options: &Options) -> Result<Vec<PathBuf>, Error> {
    let mut groups = Vec::new();
    for controller in CONTROLLERS {
        groups.push(given::hierarchy(controller)?.parent.join(&options.id));
    }
    // On version 2 they are all the same.
    groups.dedup();
    Ok(groups)
}

/// Given: the file of a limit and what to write into it. The two versions have
/// different names for the same wish, and different numbers.
fn limit(
    options: &Options,
    controller: &str,
    v2: (&str, String),
    v1: (&str, String),
) -> Result<(PathBuf, String), Error> {
    let Hierarchy { version, parent } = given::hierarchy(controller)?;
    let (file, value) = match version {
        Version::V2 => v2,
        Version::V1 => v1,
    };
    Ok((parent.join(&options.id).join(file), value))
}

/// Given: what the options ask for.
fn limits(options: &Options) -> Result<Vec<(PathBuf, String)>, Error> {
    let mut limits = Vec::new();
    if let Some(shares) = options.cpu_shares {
        let weight = given::cpu_weight(shares).to_string();
        let shares = shares.to_string();
        limits.push(limit(
            options,
            "cpu",
            ("cpu.weight", weight),
            ("cpu.shares", shares),
        )?);
    }
    // TODO(09) 2. The limit of --memory: memory.max on version 2, memory.limit_in_bytes on version 1.
    // TODO(09) 3. The limit of swap, beside it: see `given::SwapSize`. Not every kernel has the file.
    // Until then we only see what was asked for.
    let _ = (options.memory, options.memory_swap);
    // END TODO(09)
    Ok(limits)
}

// TODO(09) 4. Write `oom_kills`: the number behind `oom_kill` in memory.events on version 2, in
// memory.oom_control on version 1.
// END TODO(09)

/// The parent's part: make the group and set its limits, before anybody is in it.
pub fn create(options: &Options) -> Result<(), Error> {
    for group in groups(options)? {
        mkdir(&group, Mode::from_bits_truncate(0o755))?;
    }
    for (file, value) in limits(options)? {
        given::write(&file, &value)?;
    }
    Ok(())
}

/// The child's part: move into the group.
pub fn join(options: &Options) -> Result<(), Error> {
    for group in groups(options)? {
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
pub fn remove(options: &Options) -> Result<(), Error> {
    // All of them are tried; the first error is kept.
    let mut outcome = Ok(());
    for group in groups(options)? {
        outcome = outcome.and(rmdir(&group));
    }
    outcome?;
    Ok(())
}
