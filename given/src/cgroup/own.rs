//! Groups for the root of a user namespace, who is nobody to the host's cgroup files.
//!
//! A group is a directory, and making one takes the right to write to the one above. Who may
//! also write that one's `cgroup.procs` moves processes between the groups in it (version 2
//! asks for that of the group above both: "Delegation" in cgroups(7)). So:
//!
//! - root, before it enters the namespace, makes `rubber-docker/NUMBER`, gives it to the user
//!   that it is going to be, and moves itself into a leaf of it;
//! - an ordinary user has one only where it was delegated: systemd-run(1) with
//!   `-p Delegate=yes` starts a program in such a group;
//! - otherwise there is none. Then a container has no limit, and to ask for one is an error.

use std::fs;
use std::os::unix::fs::{PermissionsExt, lchown};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use linux_sys::{Gid, Uid};
use nix::unistd::{AccessFlags, access};

use super::places::places;
use super::{Hierarchy, Version, cpuset, enable, make_parent, read, write};
use crate::Error;
use crate::id_map::AS_ROOT;

/// The leaf that the parents of containers are in: a group of version 2 that has processes of
/// its own hands nothing down.
const PARENTS: &str = "parents";

/// What a container may be limited in.
const CONTROLLERS: [&str; 4] = ["cpu", "memory", "pids", "io"];

/// The groups in which those of containers can be made.
static OWN: OnceLock<Vec<Own>> = OnceLock::new();

#[derive(Clone, Debug)]
struct Own {
    version: Version,
    group: PathBuf,
    /// What it hands down.
    controllers: Vec<String>,
}

/// Whether we are to be root of a user namespace alone.
pub(super) fn is_wanted() -> bool {
    OWN.get().is_some()
}

/// What there is of the controllers that are needed, and where.
pub(super) fn of(needed: &[&str]) -> Vec<(Hierarchy, Vec<String>)> {
    let all = OWN.get().into_iter().flatten();
    all.map(|own| {
        let is_needed = |name: &&String| needed.contains(&name.as_str());
        let controllers = own.controllers.iter().filter(is_needed).cloned().collect();
        let hierarchy = Hierarchy {
            version: own.version,
            parent: own.group.clone(),
        };
        (hierarchy, controllers)
    })
    .collect()
}

/// What to say of a controller that is missing.
pub(super) fn missing(controller: &str) -> Error {
    format!(
        "a limit needs the {controller} controller, and this user has no control group that has it. Start this in one: \
         systemd-run --user --scope -p Delegate=yes -- COMMAND. Or let root do it: {}; man 7 cgroups, \
         \"Delegation\"",
        AS_ROOT
    )
    .into()
}

/// For root, before it becomes `user`: a group in each hierarchy that will be `user`'s.
pub(crate) fn delegate(user: Uid, group: Gid) -> Result<(), Error> {
    let mounts = read(Path::new("/proc/self/mountinfo"))?;
    let mut all = Vec::new();
    for place in places(&mounts) {
        let parent = place.top.join(super::PARENT);
        make_parent(&parent)?;
        // Whatever the umask of who has made it: that user is going to walk through it.
        fs::set_permissions(&parent, fs::Permissions::from_mode(0o755))
            .map_err(|error| format!("chmod {}: {error}", parent.display()))?;
        let own = parent.join(user.to_string());
        make_parent(&own)?;
        if place.version == Version::V1 && place.has_option("cpuset") {
            cpuset::fill(&place.top, &parent)?;
            cpuset::fill(&parent, &own)?;
        }
        let mut controllers = Vec::new();
        match place.version {
            Version::V2 => {
                // Which of them a limit will need, is not known yet.
                let groups = [&place.top, &parent, &own];
                let hand_down =
                    |name: &&str| groups.iter().all(|group| enable(group, name).is_ok());
                controllers.extend(CONTROLLERS.into_iter().filter(hand_down).map(str::to_owned));
            }
            Version::V1 => {
                let has = |name: &&str| place.has_option(super::name_on_version_1(name));
                controllers.extend(CONTROLLERS.into_iter().filter(has).map(str::to_owned));
            }
        }
        give(&own, user, group)?;
        if place.version == Version::V2 {
            enter_leaf(&own)?;
        }
        all.push(Own {
            version: place.version,
            group: own,
            controllers,
        });
    }
    let _ = OWN.set(all);
    Ok(())
}

/// Who has these may make groups in it, and move processes; not change its own limits
/// ("Delegation" in cgroups(7)).
fn give(group: &Path, user: Uid, gid: Gid) -> Result<(), Error> {
    const FILES: [&str; 5] = [
        "",
        "cgroup.procs",
        "cgroup.threads",
        "cgroup.subtree_control",
        "tasks",
    ];
    for file in FILES {
        let path = match file {
            "" => group.to_owned(),
            file => group.join(file),
        };
        if path.exists() {
            lchown(&path, Some(user.as_raw()), Some(gid.as_raw()))
                .map_err(|error| format!("chown {}: {error}", path.display()))?;
        }
    }
    Ok(())
}

/// We ourselves go into a leaf, so that the group above may hand controllers down.
fn enter_leaf(group: &Path) -> Result<(), Error> {
    let leaf = group.join(PARENTS);
    make_parent(&leaf)?;
    write(&leaf.join("cgroup.procs"), "0")
}

/// For an ordinary user: the group that we are in, if it is ours. Nothing of it is an error
/// here: what is missing shows when a limit needs it.
pub(crate) fn look_for_delegated() {
    let own = delegated().unwrap_or_default();
    let _ = OWN.set(own.into_iter().collect());
}

fn delegated() -> Result<Option<Own>, Error> {
    let mounts = read(Path::new("/proc/self/mountinfo"))?;
    let groups = read(Path::new("/proc/self/cgroup"))?;
    let ours = groups.lines().find_map(|line| line.strip_prefix("0::/"));
    let place = places(&mounts)
        .into_iter()
        .find(|it| it.version == Version::V2);
    let (Some(ours), Some(place)) = (ours, place) else {
        return Ok(None);
    };
    let mut group = place.top.join(ours);
    // We have been here before, and have become our own copy since (level 17).
    if group.ends_with(PARENTS) {
        group.pop();
    }
    let may_write = |file: &str| access(&group.join(file), AccessFlags::W_OK).is_ok();
    if !["", "cgroup.procs", "cgroup.subtree_control"]
        .into_iter()
        .all(may_write)
    {
        return Ok(None);
    }
    // Where others are in it too, a shell as a rule, it cannot hand anything down, and a leaf
    // for us alone would be of no use. A group of its own a container has all the same.
    let others = read(&group.join("cgroup.procs"))?;
    let us = std::process::id().to_string();
    let mut controllers = Vec::new();
    if others.lines().all(|process| process == us) {
        enter_leaf(&group)?;
        let hand_down = |name: &&str| enable(&group, name).is_ok();
        controllers.extend(CONTROLLERS.into_iter().filter(hand_down).map(str::to_owned));
    }
    Ok(Some(Own {
        version: Version::V2,
        group,
        controllers,
    }))
}
