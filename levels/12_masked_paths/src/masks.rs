//! What of the kernel's own files the container may not write, and what it may not even read.

use std::path::Path;

use given::Error;

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
    // TODO(12) 1. `path`, and all below it, can be read and not written to. Whose property is
    // that: a directory's, or a mount's?
    let _ = path;
    // END TODO(12)
    Ok(())
}

/// Let nobody see what is at `path`.
fn hide(path: &Path) -> Result<(), Error> {
    // TODO(12) 2. Nobody can see what is at `path`: over a directory lies an empty one, over a
    // file one that is empty whatever is written to it.
    let _ = path;
    // END TODO(12)
    Ok(())
}

/// Let nobody write to the container's root; what is mounted on it stays as it is.
pub fn make_root_read_only() -> Result<(), Error> {
    // TODO(12) 3. The same for `/`, which is a mount already.
    // END TODO(12)
    Ok(())
}
