//! The container's control group: what it gets of the machine.

use std::path::PathBuf;

use given::{Error, Hierarchies, Hierarchy, Version};

use crate::Options;

/// The controllers that we set a limit with.
const CONTROLLERS: [&str; 1] = ["cpu"];

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
    Ok(limits)
}

/// The parent's part: make the group and set its limits, before anybody is in it.
pub fn create(options: &Options, cgroup: &Cgroup) -> Result<(), Error> {
    // Given: `rubber-docker` above them, which hands the controllers down and stays.
    cgroup.hierarchies.prepare()?;

    // TODO(08) 1. mkdir each of the groups, then write each of the limits (`given::write`).
    // Until then we only look where they would be.
    let _ = (groups(cgroup), limits(options, cgroup)?);
    // END TODO(08)
    Ok(())
}

/// The child's part: move into the group.
pub fn join(cgroup: &Cgroup) -> Result<(), Error> {
    // TODO(08) 2. Write "0", which stands for whoever writes, to `cgroup.procs` of each group.
    let _ = cgroup;
    // END TODO(08)
    Ok(())
}

/// The parent's part afterwards, when the group is empty.
pub fn remove(cgroup: &Cgroup) -> Result<(), Error> {
    // TODO(08) 4. rmdir each of the groups. The files in them are the kernel's, and go along.
    let _ = cgroup;
    Ok(())
    // END TODO(08)
}
