//! Whether a container stands on an unpacked tree.
//!
//! A container's overlay is mounted in a mount namespace of its own, so it is not in
//! our own table of mounts: the tables of all processes are asked.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use linux_sys::mountinfo::{MountInfo, unescape};

/// Whether `tree` is a lower layer of an overlay that some process sees.
///
/// We learn nothing of a process whose table we may not read; root may read all.
pub(crate) fn in_use(tree: &Path) -> bool {
    // Its name and that of the cache have to do: the path before them may be written
    // in another way, through a link. The name holds an inode number and a time.
    let mut end = tree.components().rev();
    let (Some(name), Some(cache)) = (end.next(), end.next()) else {
        return true;
    };
    let needle = [
        b"/",
        cache.as_os_str().as_bytes(),
        b"/",
        name.as_os_str().as_bytes(),
    ]
    .concat();
    let mut seen = HashSet::new();
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        // One process of each mount namespace is enough.
        let Ok(namespace) = fs::read_link(process.path().join("ns/mnt")) else {
            continue;
        };
        if seen.insert(namespace)
            && let Ok(mounts) = fs::read(process.path().join("mountinfo"))
            && mounts
                .split(|&byte| byte == b'\n')
                .any(|mount| stands_on(mount, &needle))
        {
            return true;
        }
    }
    false
}

/// Whether a line of mountinfo is an overlay on a layer whose path ends in `tree`, see proc(5).
fn stands_on(mount: &[u8], tree: &[u8]) -> bool {
    let Some(mount) = MountInfo::parse(mount).filter(|it| it.fstype == "overlay") else {
        return false;
    };
    let mut options = mount.super_options.as_bytes().split(|&byte| byte == b',');
    let Some(lower) = options.find_map(|it| it.strip_prefix(b"lowerdir=")) else {
        return false;
    };
    lower.split(|&byte| byte == b':').any(|layer| {
        let layer = unescape(OsStr::from_bytes(layer));
        // A container's `lower` is a link to the tree. It was followed when the overlay
        // was mounted, and is still what the table tells.
        let link = fs::read_link(&layer).unwrap_or_default();
        layer.as_bytes().ends_with(tree) || link.as_os_str().as_bytes().ends_with(tree)
    })
}

#[cfg(test)]
mod tests {
    use super::stands_on;
    use rstest::rstest;

    #[rstest]
    #[case::alone(
        "1 2 0:1 / / rw - overlay none rw,lowerdir=/s/.images/a,upperdir=/u",
        true
    )]
    #[case::among_others("1 2 0:1 / / rw - overlay none rw,lowerdir=/x:/s/.images/a", true)]
    #[case::longer(
        "1 2 0:1 / / rw - overlay none rw,lowerdir=/s/.images/ab,upperdir=/u",
        false
    )]
    #[case::of_another_store("1 2 0:1 / / rw - overlay none rw,lowerdir=/link/.images/a", true)]
    #[case::upper(
        "1 2 0:1 / / rw - overlay none rw,lowerdir=/x,upperdir=/s/.images/a",
        false
    )]
    #[case::no_overlay("1 2 0:1 / / rw - tmpfs none rw,lowerdir=/s/.images/a", false)]
    fn an_overlay_is_recognised_by_its_lower_layers(#[case] line: &str, #[case] expected: bool) {
        assert_eq!(stands_on(line.as_bytes(), b"/.images/a"), expected);
    }

    #[test]
    fn a_blank_in_a_path_is_a_blank() {
        assert!(stands_on(
            b"1 2 0:1 / / rw - overlay none rw,lowerdir=/s/.images/a\\040b",
            b"/.images/a b"
        ));
    }
}
