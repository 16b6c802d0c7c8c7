//! What the kernel says of processes and mounts: the checks' only witness.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::check::Failure;

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
    let file = path(pid, "status");
    let text = read_text(&file)?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    line.map(|value| value.trim().to_owned())
        .ok_or_else(|| Failure::unreadable(file, format!("it has no line {key}")))
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

/// `R` running, `S` sleeping, `Z` zombie, ...; none if there is no such process.
pub(crate) fn state(pid: i32) -> Option<char> {
    status(pid, "State").ok()?.chars().next()
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

/// One line of `/proc/PID/mountinfo`; proc_pid_mountinfo(5) explains the fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    /// The device of the file system, `major:minor`.
    pub(crate) device: String,
    /// What part of that file system is mounted.
    pub(crate) root: String,
    /// Where, seen from the process's root.
    pub(crate) point: PathBuf,
    /// Options of this mount.
    pub(crate) options: String,
    /// `shared:1`, `master:2`, ...; empty for a private mount.
    pub(crate) propagation: String,
    pub(crate) fstype: String,
    /// Options of the whole file system.
    pub(crate) super_options: String,
}

impl Mount {
    pub(crate) fn parse(line: &str) -> Option<Mount> {
        let (before, after) = line.split_once(" - ")?;
        let mut before = before.split(' ').skip(2);
        let mut after = after.split(' ');
        Some(Mount {
            device: before.next()?.to_owned(),
            root: before.next()?.to_owned(),
            point: unescape(before.next()?),
            options: before.next()?.to_owned(),
            propagation: before.collect::<Vec<_>>().join(" "),
            fstype: after.next()?.to_owned(),
            super_options: after.nth(1)?.to_owned(),
        })
    }

    pub(crate) fn has_option(&self, option: &str) -> bool {
        self.options.split(',').any(|one| one == option)
    }
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
    Ok(text.lines().filter_map(Mount::parse).collect())
}

/// The mount that one sees at `point`: the last one made there hides the others.
pub(crate) fn mounted_at<'a>(mounts: &'a [Mount], point: &str) -> Option<&'a Mount> {
    mounts.iter().rfind(|mount| mount.point == Path::new(point))
}

/// mountinfo writes blanks and backslashes as three octal digits.
fn unescape(text: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let digits = (*first == b'\\').then(|| tail.get(..3)).flatten();
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[3..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_mountinfo_is_understood() {
        let line =
            "36 35 98:0 /mnt1 /a\\040b rw,nodev shared:1 master:2 - ext3 /dev/root rw,upperdir=/u";
        let Some(mount) = Mount::parse(line) else {
            return assert_eq!("a mount", "nothing");
        };
        assert_eq!(mount.point, Path::new("/a b"));
        assert_eq!(mount.propagation, "shared:1 master:2");
        assert_eq!(
            (mount.device.as_str(), mount.root.as_str()),
            ("98:0", "/mnt1")
        );
        assert_eq!(mount.fstype, "ext3");
        assert_eq!(mount.super_options, "rw,upperdir=/u");
        assert!(mount.has_option("nodev") && !mount.has_option("dev"));
    }

    #[test]
    fn a_private_mount_has_no_propagation() {
        let mount = Mount::parse("22 27 0:21 / /proc rw,relatime - proc proc rw");
        assert_eq!(mount.map(|mount| mount.propagation), Some(String::new()));
    }
}
