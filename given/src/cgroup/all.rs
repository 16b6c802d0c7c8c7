//! Every hierarchy of this machine, and not just those with a controller that we need.
//!
//! A process is in a group of each hierarchy, in its parent's unless it goes elsewhere. A
//! container that stays in its caller's group somewhere has that group for the `/` of its
//! cgroup namespace; in a user namespace of its own it may mount the hierarchy, and write
//! the files of that `/`: `cgroup.kill`, `freezer.state`. So it gets a group everywhere.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::places::places;
use super::{Hierarchy, Mounted, PARENT, Version, cpuset, enable, find, make_parent, own, read};
use crate::Error;

/// Where groups can be made.
#[derive(Debug)]
pub struct Hierarchies {
    all: Vec<Found>,
}

/// A hierarchy, and what has to be done before a container's group is made in it.
#[derive(Debug)]
struct Found {
    hierarchy: Hierarchy,
    top: PathBuf,
    /// Those of the needed controllers that are here.
    controllers: Vec<String>,
    has_cpuset: bool,
}

/// The hierarchies of the controllers that are `needed`, each once, and then all others.
///
/// This only looks. It is for the parent, once: in the container mountinfo shows the
/// container's mounts.
pub fn hierarchies(needed: &[&str]) -> Result<Hierarchies, Error> {
    // The root of a user namespace has what it was given, or nothing.
    if own::is_wanted() {
        let own = own::of(needed).into_iter();
        let all = own.map(|(hierarchy, controllers)| Found::ready(hierarchy, controllers));
        return Ok(Hierarchies { all: all.collect() });
    }
    let mounts = read(Path::new("/proc/self/mountinfo"))?;
    // On version 2 one hierarchy has them all; and each of ours is among the usable ones.
    let mut all: Vec<Found> = Vec::new();
    let mut found = |mounted: Mounted, controller: Option<&str>| {
        let has_cpuset = mounted.version == Version::V1 && mounted.has_option("cpuset");
        let at = all.iter().position(|it| it.top == mounted.top);
        let at = at.unwrap_or_else(|| {
            all.push(Found::new(mounted));
            all.len() - 1
        });
        all[at].has_cpuset |= has_cpuset;
        all[at].controllers.extend(controller.map(str::to_owned));
    };
    // A limit may need what every container has.
    for controller in needed.iter().collect::<BTreeSet<_>>() {
        found(find(&mounts, controller)?, Some(controller));
    }
    let places = places(&mounts);
    let _ = UNIFIED.set(unified(&places));
    for place in places {
        found(place, None);
    }
    Ok(Hierarchies { all })
}

impl Found {
    fn new(mounted: Mounted) -> Found {
        Found {
            hierarchy: Hierarchy {
                version: mounted.version,
                parent: mounted.top.join(PARENT),
            },
            top: mounted.top,
            controllers: Vec::new(),
            has_cpuset: false,
        }
    }

    /// A group that is there, and hands these controllers down already.
    fn ready(hierarchy: Hierarchy, controllers: Vec<String>) -> Found {
        Found {
            top: hierarchy.parent.clone(),
            hierarchy,
            controllers,
            has_cpuset: false,
        }
    }

    fn prepare(&self) -> Result<(), Error> {
        let Hierarchy { version, parent } = &self.hierarchy;
        make_parent(parent)?;
        if *version == Version::V2 {
            // A group has the files of the controllers that its parent hands down.
            for controller in &self.controllers {
                enable(&self.top, controller)?;
                enable(parent, controller)?;
            }
        }
        if self.has_cpuset {
            cpuset::fill(&self.top, parent)?;
        }
        Ok(())
    }
}

impl Hierarchies {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Hierarchy> {
        self.all.iter().map(|it| &it.hierarchy)
    }

    /// The one that has a controller; it must be one of those that were looked for.
    pub fn of(&self, controller: &str) -> Result<&Hierarchy, Error> {
        let has = |it: &&Found| it.controllers.iter().any(|name| name == controller);
        let found = self.all.iter().find(has).ok_or_else(|| -> Error {
            if own::is_wanted() {
                return own::missing(controller);
            }
            format!("the {controller} controller is not in the list that `given::hierarchies` was given: add it there").into()
        })?;
        Ok(&found.hierarchy)
    }

    /// Make them ready for use: in each the group `rubber-docker` is there, and groups in
    /// it have the needed controllers' files.
    pub fn prepare(&self) -> Result<(), Error> {
        self.all.iter().try_for_each(Found::prepare)
    }
}

/// What [`hierarchies`] has seen of version 2: to read and look once more takes as long as it
/// took then.
static UNIFIED: OnceLock<Option<PathBuf>> = OnceLock::new();

/// The group of container `id` in the hierarchy of version 2, if this machine has one: a place
/// for what asks for a group and for no controller.
pub fn unified_group(id: &str) -> Result<Option<PathBuf>, Error> {
    // Its root can have no program asked about devices, and need not: see level 20.
    if own::is_wanted() {
        return Ok(None);
    }
    let parent = match UNIFIED.get() {
        Some(parent) => parent.clone(),
        None => unified(&places(&read(Path::new("/proc/self/mountinfo"))?)),
    };
    Ok(parent.map(|parent| parent.join(id)))
}

fn unified(places: &[Mounted]) -> Option<PathBuf> {
    let unified = places.iter().find(|it| it.version == Version::V2);
    unified.map(|it| it.top.join(PARENT))
}
