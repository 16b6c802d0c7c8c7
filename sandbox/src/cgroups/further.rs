//! Hierarchies that no limit is set in: version 1's other controllers, those with a name
//! and no controller, and version 2's where version 1 has the controllers.
//!
//! A container is in a group of these, too. So that a check can see in which, the sandbox
//! has a group of its own in each, as far as the machine lets it.

use super::hierarchy::{Hierarchy, Version};
use crate::mount::Mount;

/// The mounts of them, apart from those of the `known` ones.
pub(super) fn further(mounts: &[Mount], known: &[Hierarchy]) -> Vec<Hierarchy> {
    let device_at = |hierarchy: &Hierarchy| {
        let mut places = mounts.iter().rev();
        places.find(|mount| mount.point == hierarchy.top)
    };
    let mut devices: Vec<&str> = known
        .iter()
        .filter_map(device_at)
        .map(|mount| mount.device.as_str())
        .collect();
    let mut found = Vec::new();
    for mount in mounts {
        let version = match mount.fstype.as_str() {
            "cgroup" => Version::V1,
            "cgroup2" => Version::V2,
            _ => continue,
        };
        if devices.contains(&mount.device.as_str()) || !mount.point.join("cgroup.procs").exists() {
            continue;
        }
        devices.push(&mount.device);
        let options = match version {
            Version::V1 => names(&mount.super_options).join(","),
            Version::V2 => String::new(),
        };
        found.push(Hierarchy {
            version,
            top: mount.point.clone(),
            controllers: Vec::new(),
            options,
        });
    }
    found
}

/// What names a hierarchy of version 1 among its options.
pub(super) fn names(options: &str) -> Vec<&str> {
    const OTHERS: [&str; 7] = [
        "rw",
        "ro",
        "xattr",
        "noprefix",
        "clone_children",
        "cpuset_v2_mode",
        "seclabel",
    ];
    let is_name = |option: &&str| {
        let is_other = option.starts_with("release_agent=") || option.ends_with("favordynmods");
        !is_other && !OTHERS.contains(option)
    };
    options.split(',').filter(is_name).collect()
}
