//! What the kernel says of processes and mounts: the checks' only witness.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

pub(crate) use sandbox::Mount;
pub(crate) use sandbox::procfs::state;

use crate::finding::Failure;

/// A path below `/proc/PID`.
pub(crate) fn path(pid: i32, below: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{below}"))
}

pub(crate) fn read(path: impl AsRef<Path>) -> Result<Vec<u8>, Failure> {
    let path = path.as_ref();
    fs::read(path).map_err(|why| Failure::unreadable(path, why))
}

pub(crate) fn read_text(path: impl AsRef<Path>) -> Result<String, Failure> {
    read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

pub(crate) fn stat(path: impl AsRef<Path>) -> Result<fs::Metadata, Failure> {
    let path = path.as_ref();
    fs::metadata(path).map_err(|why| Failure::unreadable(path, why))
}

/// Device and inode: two paths are the same file exactly if these are.
pub(crate) fn identity(path: impl AsRef<Path>) -> Result<(u64, u64), Failure> {
    stat(path).map(|file| (file.dev(), file.ino()))
}

/// One line of `/proc/PID/status`.
pub(crate) fn status(pid: i32, key: &str) -> Result<String, Failure> {
    sandbox::procfs::status(pid, key).map_err(|why| Failure::unreadable(path(pid, "status"), why))
}

/// One field of `/proc/PID/stat`, by its number in proc_pid_stat(5), from 3 on. The second
/// is the program's name, which may have blanks and parentheses in it.
pub(crate) fn field(pid: i32, number: usize) -> Result<String, Failure> {
    let file = path(pid, "stat");
    let text = read_text(&file)?;
    let behind_the_name = text.rsplit(')').next().unwrap_or_default();
    let field = behind_the_name.split_whitespace().nth(number - 3);
    field
        .map(str::to_owned)
        .ok_or_else(|| Failure::unreadable(file, format!("it has no field {number}")))
}

/// The signals of a mask in `/proc/PID/status`, bit n being signal n + 1.
pub(crate) fn signals(pid: i32, key: &str) -> Result<Vec<u32>, Failure> {
    let mask = status(pid, key)?;
    let bits = u64::from_str_radix(&mask, 16)
        .map_err(|why| Failure::unreadable(path(pid, "status"), format!("{key}: {mask}: {why}")))?;
    Ok((1..=64)
        .filter(|signal| bits >> (signal - 1) & 1 == 1)
        .collect())
}

/// The process's number in its own PID namespace (the last one of `NSpid`).
pub(crate) fn own_pid(pid: i32) -> Result<i32, Failure> {
    let all = status(pid, "NSpid")?;
    let own = all
        .split_whitespace()
        .last()
        .and_then(|own| own.parse().ok());
    own.ok_or_else(|| Failure::unreadable(path(pid, "status"), format!("NSpid is {all:?}")))
}

/// The arguments a process was started with.
pub(crate) fn arguments(pid: i32) -> Result<Vec<Vec<u8>>, Failure> {
    let bytes = read(path(pid, "cmdline"))?;
    let bytes = bytes.strip_suffix(&[0]).unwrap_or(&bytes);
    Ok(bytes.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect())
}

/// Every process that this `/proc` shows, and its parent.
pub(crate) fn parents() -> BTreeMap<i32, i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: i32| Some((pid, status(pid, "PPid").ok()?.parse().ok()?)))
        .collect()
}

/// `proc on /mnt/x/proc`, `tmpfs on /dev`, ...
pub(crate) fn name_mounts<'a>(mounts: impl IntoIterator<Item = &'a Mount>) -> String {
    let names = mounts
        .into_iter()
        .map(|it| format!("{} on {}", it.fstype, it.point.display()));
    few(names.collect(), 6)
}

/// The first few of a list, and how many there are beyond them.
pub(crate) fn few(mut items: Vec<String>, limit: usize) -> String {
    let more = items.len().saturating_sub(limit);
    items.truncate(limit);
    if more > 0 {
        items.push(format!("and {more} more"));
    }
    items.join(", ")
}

/// The mount table as `pid` sees it: only what lies below that process's root.
pub(crate) fn mounts(pid: i32) -> Result<Vec<Mount>, Failure> {
    let text = read_text(path(pid, "mountinfo"))?;
    Ok(without_what_lies_on_the_root(
        text.lines().filter_map(Mount::parse).collect(),
    ))
}

/// A path that begins with `/` starts on the process's root mount, and not on what was
/// mounted over that later, with all that lies below it: `pivot_root(".", ".")` leaves the old
/// root there. The root mount is the one that lies on none in the table.
fn without_what_lies_on_the_root(mut mounts: Vec<Mount>) -> Vec<Mount> {
    let numbers: BTreeSet<u32> = mounts.iter().map(|mount| mount.id).collect();
    let is_over = |mount: &Mount| {
        mount.point == Path::new("/") && numbers.contains(&mount.parent) && mount.parent != mount.id
    };
    let mut over: BTreeSet<u32> = mounts
        .iter()
        .filter(|it| is_over(it))
        .map(|it| it.id)
        .collect();
    // A mount may stand before the one that it lies on, when that was moved.
    loop {
        let count = over.len();
        let found = mounts.iter().filter(|it| over.contains(&it.parent));
        over.extend(found.map(|it| it.id).collect::<Vec<_>>());
        if over.len() == count {
            break;
        }
    }
    mounts.retain(|mount| !over.contains(&mount.id));
    mounts
}

/// The mount that one sees at `point`: the last one made there hides the others.
pub(crate) fn mounted_at<'a>(mounts: &'a [Mount], point: &str) -> Option<&'a Mount> {
    mounts.iter().rfind(|mount| mount.point == Path::new(point))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_on_the_root_is_not_seen() {
        let lines = [
            "90 1 0:50 / / rw - overlay overlay rw",
            "95 90 254:0 / / rw - ext4 /dev/vda rw",
            "96 95 0:6 / /dev rw - devtmpfs devtmpfs rw",
            "91 90 0:51 / /dev rw - tmpfs tmpfs rw",
        ];
        let mounts = lines.iter().filter_map(|line| Mount::parse(line));
        let seen = without_what_lies_on_the_root(mounts.collect());
        let seen: Vec<u32> = seen.iter().map(|mount| mount.id).collect();
        assert_eq!(seen, [90, 91]);
    }
}
