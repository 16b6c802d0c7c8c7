//! What of the kernel's own files the container may not write, and what it may not even read.

use std::path::Path;

use given::Error;
use linux_sys::{MsFlags, mount};

/// May be read, but not written: knobs of the one kernel that all share.
const READ_ONLY: [&str; 5] = [
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
];

/// May not be read either: it tells of the whole machine, and of all who use it.
const HIDDEN: [&str; 12] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];

/// Cover all of it. Not every kernel has each of these paths.
pub fn cover() -> Result<(), Error> {
    for path in READ_ONLY.map(Path::new) {
        if given::exists(path)? {
            make_read_only(path)?;
        }
    }
    for path in HIDDEN.map(Path::new) {
        if given::exists(path)? {
            hide(path)?;
        }
    }
    Ok(())
}

/// Let nobody write to `path`, or below it.
fn make_read_only(path: &Path) -> Result<(), Error> {
    // Flags belong to a mount, and this is a directory of somebody else's: so it becomes a
    // mount of its own first. A bind mount ignores all other flags (mount(2)), hence two calls.
    mount(path, path, "", MsFlags::MS_BIND | MsFlags::MS_REC, "")?;
    // MS_BIND again: this mount alone, not the file system, which is every mount's. All flags
    // are set anew, so those that it has are said once more.
    let inert = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | inert;
    mount("", path, "", flags, "")?;
    Ok(())
}

/// Let nobody see what is at `path`.
fn hide(path: &Path) -> Result<(), Error> {
    if path.is_dir() {
        // Nothing in it, and nothing can be put there.
        let inert = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        mount(
            "tmpfs",
            path,
            "tmpfs",
            inert | MsFlags::MS_RDONLY,
            "nr_blocks=1,nr_inodes=1",
        )?;
    } else {
        // A file that is always empty, the container's own.
        mount("/dev/null", path, "", MsFlags::MS_BIND, "")?;
    }
    Ok(())
}

/// Let nobody write to the container's root; what is mounted on it stays as it is.
pub fn make_root_read_only() -> Result<(), Error> {
    // The overlay's mount has one flag, which must not get lost: NODEV.
    let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | MsFlags::MS_NODEV;
    mount("", "/", "", flags, "")?;
    Ok(())
}
