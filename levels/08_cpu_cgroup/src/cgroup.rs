//! The container's control group: what it gets of the machine.

use std::path::PathBuf;

use given::{Error, Hierarchies, Hierarchy, Lacking, Version};

/// The controllers that every container has, with a limit or without.
const CONTROLLERS: [&str; 1] = ["cpu"];

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

/// The parent's part: make the group and set its limits, before a process is in it.
pub fn create(cgroup: &Cgroup, limits: &[Limit]) -> Result<(), Error> {
    // Given: `rubber-docker` above them, which hands the controllers down and stays.
    cgroup.hierarchies.prepare()?;

    // TODO(08) 1. mkdir each of the groups, then write into each of the files (`given::write`).
    // Until then we only look where they would be.
    let _ = (groups(cgroup), files(cgroup, limits)?);
    // END TODO(08)
    Ok(())
}

/// The child's part: move into the group.
pub fn join(cgroup: &Cgroup) -> Result<(), Error> {
    // TODO(08) 2. Write a number that stands for this process to `cgroup.procs` of each group.
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
