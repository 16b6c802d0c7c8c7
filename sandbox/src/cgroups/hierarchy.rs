//! The hierarchies of control groups, as they are mounted.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use crate::mount::Mount;

/// What a level sets limits with. Without these there is nothing to judge.
pub(super) const NEEDED: [&str; 2] = ["cpu", "memory"];
/// Nice to have: a count of processor time where version 1 keeps it elsewhere, a limit that a
/// fork bomb runs into, and one for disks.
const WELCOME: [&str; 3] = ["cpuacct", "pids", "io"];

/// The version of cgroups that a controller is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// One hierarchy for each controller.
    V1,
    /// One hierarchy for all.
    V2,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Version::V1 => "version 1",
            Version::V2 => "version 2",
        })
    }
}

/// A hierarchy as it is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    /// Which files there are depends on it.
    pub version: Version,
    /// Where.
    pub top: PathBuf,
    /// The controllers that it has and we care about.
    pub(super) controllers: Vec<String>,
    /// What mount(2) must be told to find it again.
    pub(super) options: String,
}

impl Hierarchy {
    /// Whether it has a controller without which there is nothing to judge.
    pub(super) fn is_needed(&self) -> bool {
        NEEDED.into_iter().any(|name| self.has(name))
    }

    /// Whether it is the one that has this controller, by version 2's name.
    pub fn has(&self, controller: &str) -> bool {
        self.controllers.iter().any(|name| name == controller)
    }

    /// The group of a process in it, by what `/proc/PID/cgroup` says: lines like
    /// `4:cpu,cpuacct:/a/b` of version 1, `0::/a/b` of version 2 (cgroups(7)).
    pub fn group_in<'a>(&self, text: &'a str) -> Option<&'a str> {
        text.lines().find_map(|line| {
            let mut fields = line.splitn(3, ':');
            let (number, names, path) = (fields.next()?, fields.next()?, fields.next()?);
            let is_it = match self.version {
                Version::V1 => names.split(',').eq(self.options.split(',')),
                Version::V2 => number == "0",
            };
            is_it.then_some(path)
        })
    }

    /// `in_v1`: the controllers that are in some hierarchy of version 1.
    pub(super) fn from_mount(mount: &Mount, in_v1: &[&str]) -> Option<Hierarchy> {
        let (version, mut names) = match mount.fstype.as_str() {
            "cgroup" => {
                // Beside the controllers stand `rw`, `xattr`, `name=systemd` and the like.
                let words = mount.super_options.split(',');
                let names = words.filter(|word| in_v1.contains(word)).map(str::to_owned);
                (Version::V1, names.collect::<Vec<_>>())
            }
            "cgroup2" => {
                let offered = fs::read_to_string(mount.point.join("cgroup.controllers"));
                let offered = offered.unwrap_or_default();
                let names = offered.split_whitespace().map(str::to_owned);
                (Version::V2, names.collect())
            }
            _ => return None,
        };
        let options = match version {
            Version::V1 => names.join(","),
            Version::V2 => String::new(),
        };
        // Version 1's name for it.
        for name in names.iter_mut().filter(|name| *name == "blkio") {
            *name = "io".to_owned();
        }
        names.retain(|name| NEEDED.contains(&&**name) || WELCOME.contains(&&**name));
        Some(Hierarchy {
            version,
            top: mount.point.clone(),
            controllers: names,
            options,
        })
    }
}
