//! /proc/PID/mountinfo, as far as tidying up needs it (proc_pid_mountinfo(5)).

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use linux_sys::mountinfo::{MountInfo, unescape};

/// One mount.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Where, in the view of the process whose file it is.
    pub(crate) point: PathBuf,
    /// What kind of file system.
    pub(crate) kind: String,
    /// Its own options, such as an overlay's directories.
    pub(crate) options: OsString,
}

/// The mounts that a process sees, in the order in which they were made. Empty if
/// the process is gone.
pub(crate) fn of(process: &str) -> Vec<Mount> {
    let text = fs::read(Path::new("/proc").join(process).join("mountinfo")).unwrap_or_default();
    text.split(|byte| *byte == b'\n')
        .filter_map(parse)
        .collect()
}

fn parse(line: &[u8]) -> Option<Mount> {
    let it = MountInfo::parse(line)?;
    Some(Mount {
        point: unescape(it.point).into(),
        kind: it.fstype.to_string_lossy().into_owned(),
        options: unescape(it.super_options),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_optional_fields_and_a_blank_in_the_path() {
        let line = b"65 42 0:39 / /a\\040b rw,nodev shared:1 master:2 - overlay overlay rw,upperdir=/c\\040d/upper";
        let expected = Mount {
            point: "/a b".into(),
            kind: "overlay".into(),
            options: "rw,upperdir=/c d/upper".into(),
        };
        assert_eq!(parse(line), Some(expected));
        assert_eq!(parse(b""), None);
    }
}
