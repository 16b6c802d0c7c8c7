//! A line of the mount table, as text that an error can show.

use std::ffi::OsStr;
use std::path::PathBuf;

use linux_sys::mountinfo::{MountInfo, unescape};

/// One line of `/proc/PID/mountinfo`; proc_pid_mountinfo(5) explains the fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Its number.
    pub id: u32,
    /// The number of the mount which it lies on.
    pub parent: u32,
    /// The device of the file system, `major:minor`.
    pub device: String,
    /// What part of that file system is mounted.
    pub root: String,
    /// Where, seen from the process's root.
    pub point: PathBuf,
    /// Options of this mount.
    pub options: String,
    /// `shared:1`, `master:2`, ...; empty for a private mount.
    pub propagation: String,
    /// The kind of file system.
    pub fstype: String,
    /// Options of the whole file system.
    pub super_options: String,
}

impl Mount {
    /// Parses a line; `None` if it has another form.
    pub fn parse(line: &str) -> Option<Mount> {
        let it = MountInfo::parse(line.as_bytes())?;
        let text = |field: &OsStr| field.to_string_lossy().into_owned();
        Some(Mount {
            id: it.id,
            parent: it.parent,
            device: text(it.device),
            root: text(it.root),
            point: unescape(it.point).into(),
            options: text(it.options),
            propagation: text(it.propagation),
            fstype: text(it.fstype),
            super_options: text(it.super_options),
        })
    }

    /// Whether this mount has an option: `ro`, `nodev`, ...
    pub fn has_option(&self, option: &str) -> bool {
        self.options.split(',').any(|one| one == option)
    }
}
