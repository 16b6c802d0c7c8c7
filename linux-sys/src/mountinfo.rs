//! `/proc/PID/mountinfo`: what is mounted where, as that process sees it
//! (proc_pid_mountinfo(5)).
//!
//! It is a file and no system call: a program that unmounts what it finds, or looks for a
//! file system, reads it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// One line of it: a mount. Fields are as they stand there; a path in them needs
/// [`unescape`].
///
/// ```
/// use linux_sys::mountinfo::MountInfo;
///
/// let line = b"36 35 98:0 / /mnt rw,nodev shared:1 master:2 - ext4 /dev/vda rw,discard";
/// let mount = MountInfo::parse(line).expect("a mount");
/// assert_eq!((mount.point, mount.fstype), ("/mnt".as_ref(), "ext4".as_ref()));
/// assert!(mount.has_option("nodev"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MountInfo<'a> {
    /// Its number.
    pub id: u32,
    /// The number of the mount that it lies on; its own, if it lies on none.
    pub parent: u32,
    /// The device of the file system, `major:minor`.
    pub device: &'a OsStr,
    /// What part of that file system is mounted.
    pub root: &'a OsStr,
    /// Where, seen from the process's root.
    pub point: &'a OsStr,
    /// Options of this mount: `rw,nosuid`.
    pub options: &'a OsStr,
    /// `shared:1`, `shared:1 master:2`, ...; empty for a private mount.
    pub propagation: &'a OsStr,
    /// The kind of file system.
    pub fstype: &'a OsStr,
    /// What was mounted: a device, or a name that says nothing.
    pub source: &'a OsStr,
    /// Options of the whole file system.
    pub super_options: &'a OsStr,
}

impl<'a> MountInfo<'a> {
    /// Parses a line; `None` if it has another form.
    pub fn parse(line: &'a [u8]) -> Option<MountInfo<'a>> {
        // Any number of optional fields stands before the dash, perhaps none.
        let dash = line.windows(3).position(|it| it == b" - ")?;
        let mut before = line[..dash].splitn(7, |byte| *byte == b' ');
        let mut after = line[dash + 3..].split(|byte| *byte == b' ');
        let number = |field: &[u8]| std::str::from_utf8(field).ok()?.parse().ok();
        Some(MountInfo {
            id: number(before.next()?)?,
            parent: number(before.next()?)?,
            device: OsStr::from_bytes(before.next()?),
            root: OsStr::from_bytes(before.next()?),
            point: OsStr::from_bytes(before.next()?),
            options: OsStr::from_bytes(before.next()?),
            propagation: OsStr::from_bytes(before.next().unwrap_or_default()),
            fstype: OsStr::from_bytes(after.next()?),
            source: OsStr::from_bytes(after.next()?),
            super_options: OsStr::from_bytes(after.next()?),
        })
    }

    /// Whether this mount has an option: `ro`, `nodev`, ...
    pub fn has_option(&self, option: &str) -> bool {
        let mut options = self.options.as_bytes().split(|byte| *byte == b',');
        options.any(|it| it == option.as_bytes())
    }
}

/// The kernel writes blanks, backslashes and their like as a backslash and three octal
/// digits: `/a\040b` is `/a b`.
pub fn unescape(field: &OsStr) -> OsString {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = (*first == b'\\').then(|| after.get(..3)).flatten();
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[3..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_a_line_is_found() {
        let line =
            b"36 35 98:0 /mnt1 /a\\040b rw,nodev shared:1 master:2 - ext3 /dev/x rw,upperdir=/u";
        let expected = MountInfo {
            id: 36,
            parent: 35,
            device: "98:0".as_ref(),
            root: "/mnt1".as_ref(),
            point: "/a\\040b".as_ref(),
            options: "rw,nodev".as_ref(),
            propagation: "shared:1 master:2".as_ref(),
            fstype: "ext3".as_ref(),
            source: "/dev/x".as_ref(),
            super_options: "rw,upperdir=/u".as_ref(),
        };
        let found = MountInfo::parse(line);
        assert_eq!(found, Some(expected));
        assert!(expected.has_option("nodev") && !expected.has_option("dev"));
    }

    #[test]
    fn a_private_mount_has_no_propagation() {
        let mount = MountInfo::parse(b"22 27 0:21 / /proc rw,relatime - proc proc rw");
        assert_eq!(mount.map(|it| it.propagation), Some(OsStr::new("")));
    }

    #[test]
    fn what_is_no_mount_is_none() {
        for line in [&b""[..], b"a b c", b"22 27 0:21 / /proc rw proc proc rw"] {
            assert_eq!(MountInfo::parse(line), None);
        }
    }

    #[test]
    fn octal_digits_become_what_they_stand_for() {
        for (written, meant) in [
            (r"/a\040b", "/a b"),
            (r"/a\134b\011", "/a\\b\t"),
            (r"/a\04", r"/a\04"),
            (r"/a\9xy", r"/a\9xy"),
        ] {
            assert_eq!(unescape(written.as_ref()), meant, "{written}");
        }
    }
}
