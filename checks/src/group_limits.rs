//! The limits of a group, beside those of a group that was just made.
//!
//! What the kernel begins with differs by version, kernel and size of page, and a group may
//! begin with what the one above it has: so it is asked, and not known.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

/// By the last part of its name a file is known as a limit: `max` as in `pids.max` and
/// `memory.swap.max`. Not all that can be written to: some of it counts, and changes by itself.
const LIMITS: [&str; 22] = [
    // Of both versions, or of version 2.
    "burst",
    "cpus",
    "depth",
    "descendants",
    "high",
    "idle",
    "low",
    "max",
    "mems",
    "min",
    "weight",
    // Version 1's.
    "cfs_burst_us",
    "cfs_period_us",
    "cfs_quota_us",
    "limit_in_bytes",
    "read_bps_device",
    "read_iops_device",
    "rt_runtime_us",
    "shares",
    "soft_limit_in_bytes",
    "write_bps_device",
    "write_iops_device",
];

/// A limit that is not as in a group that was just made.
pub(crate) struct Changed {
    pub(crate) file: String,
    pub(crate) found: String,
    pub(crate) usual: String,
}

/// Those of a group that are not as in a new group beside it, but for the files `asked`.
pub(crate) fn changed(group: &Path, asked: &[&str]) -> io::Result<Vec<Changed>> {
    let (found, mut usual) = (limits(group)?, beside(group, limits)?);
    let changed = found.into_iter().filter_map(|(file, found)| {
        let usual = usual.remove(&file)?;
        let is_changed = found != usual && !asked.contains(&file.as_str());
        is_changed.then_some(Changed { file, found, usual })
    });
    Ok(changed.collect())
}

/// How the kernel keeps what is written to the last of these files, after the others, in a
/// new group beside this one: as whole pages, say.
pub(crate) fn as_kept(group: &Path, written: &[(&str, &str)]) -> io::Result<String> {
    beside(group, |fresh| {
        let mut text = String::new();
        for (file, value) in written {
            fs::write(fresh.join(file), value)?;
            text = fs::read_to_string(fresh.join(file))?;
        }
        Ok(text.trim_end().to_owned())
    })
}

/// Looks at a new group beside this one, and removes it.
fn beside<T>(group: &Path, look: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    let fresh = group.with_file_name("just-made");
    fs::create_dir(&fresh)?;
    let seen = look(&fresh);
    fs::remove_dir(&fresh)?;
    seen
}

/// What is in the files of a group's limits, by name. One that cannot be read is left out.
fn limits(group: &Path) -> io::Result<BTreeMap<String, String>> {
    let mut limits = BTreeMap::new();
    for entry in fs::read_dir(group)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if is_limit(&name)
            && let Ok(text) = fs::read_to_string(group.join(&name))
        {
            limits.insert(name, text.trim_end().to_owned());
        }
    }
    Ok(limits)
}

fn is_limit(file: &str) -> bool {
    let last = file.rsplit('.').next().unwrap_or_default();
    // A group in the group may be called anything, and has no dot by chance alone.
    file.contains('.') && LIMITS.contains(&last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_is_no_limit() {
        let files = [
            "cpu.max",
            "cpu.max.burst",
            "cpu.cfs_quota_us",
            "memory.memsw.limit_in_bytes",
            "memory.soft_limit_in_bytes",
            "memory.swap.high",
            "pids.max",
            "blkio.throttle.read_bps_device",
        ];
        assert!(files.into_iter().all(is_limit));
        let others = [
            "memory.max_usage_in_bytes",
            "memory.peak",
            "memory.current",
            "memory.failcnt",
            "cpu.pressure",
            "cgroup.procs",
            "max",
        ];
        assert!(!others.into_iter().any(is_limit));
    }
}
