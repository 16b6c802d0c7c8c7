//! /proc/PID/mountinfo, as far as tidying up needs it (proc_pid_mountinfo(5)).

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

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
    let mut fields = line.split(|byte| *byte == b' ');
    let point = unescape(fields.by_ref().nth(4)?);
    // Any number of optional fields, then a dash.
    let mut after = fields.skip_while(|field| *field != b"-").skip(1);
    let kind = String::from_utf8_lossy(after.next()?).into_owned();
    let options = unescape(after.nth(1)?);
    Some(Mount {
        point: point.into(),
        kind,
        options,
    })
}

/// The kernel writes blanks and backslashes as a backslash and three octal digits.
fn unescape(field: &[u8]) -> OsString {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let octal = after
            .get(..3)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if *first == b'\\' => {
                bytes.push(byte);
                rest = &after[3..];
            }
            _ => {
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
