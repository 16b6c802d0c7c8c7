//! The container's control group: what it gets of the machine.

use std::path::PathBuf;

use given::{Error, Hierarchy, Version};

use crate::Options;

/// The controllers that we set a limit with.
const CONTROLLERS: [&str; 1] = ["cpu"];

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
    Ok(limits)
}

/// The parent's part: make the group and set its limits, before anybody is in it.
pub fn create(options: &Options) -> Result<(), Error> {
    // TODO(08) 1. mkdir each of the groups, then write each of the limits (`given::write`).
    // Until then we only look where they would be.
    let _ = (groups(options)?, limits(options)?);
    // END TODO(08)
    Ok(())
}

/// The child's part: move into the group.
pub fn join(options: &Options) -> Result<(), Error> {
    // TODO(08) 2. Write "0", which stands for whoever writes, to `cgroup.procs` of each group.
    let _ = options;
    // END TODO(08)
    Ok(())
}

/// The parent's part afterwards, when the group is empty.
pub fn remove(options: &Options) -> Result<(), Error> {
    // TODO(08) 4. rmdir each of the groups. The files in them are the kernel's, and go along.
    let _ = options;
    // END TODO(08)
    Ok(())
}
