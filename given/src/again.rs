//! This program once more, in place of itself: as its caller has started it.
//!
//! An exec hands on what the process has become meanwhile: which signals it ignores, and which
//! ones it holds back. The new program would take that for its caller's wish.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::path::Path;

use linux_sys::{
    Disposition, MountAttr, MountAttrFlags, OpenTreeFlags, execveat, ignored_at_start,
    mount_setattr_tree, open_tree, signal,
};
use nix::libc::{SIGCHLD, SIGPIPE, SIGXFSZ};
use nix::sys::statvfs::{FsFlags, statvfs};

use crate::Error;
use crate::signals::go_on;

const PROGRAM: &str = "/proc/self/exe";

/// What we are running, opened for reading: also after its file was renamed or removed.
pub fn this_program() -> Result<File, Error> {
    File::open(PROGRAM).map_err(|why| format!("{PROGRAM}: {why}: is /proc mounted?").into())
}

/// Begin once more, by a mount of our own through which nobody can write to this program's
/// file; returns there, or where there can be none: a mount takes CAP_SYS_ADMIN, and Linux 5.12.
///
/// Before all else, so that nothing is done twice but to begin.
///
/// The mount lies at no path and is in nobody's table, so its attributes are for ever what
/// they are: mount_setattr(2) and mount(2) change those of a mount in the caller's namespace.
pub fn begin_by_own_mount() {
    if !runs_by_own_mount() {
        // Whoever has none makes a copy in memory: that takes neither, but a few megabytes
        // for as long as the container runs.
        let _ = by_own_mount();
    }
}

/// Whether we run by a mount of our own, after [`begin_by_own_mount`].
pub fn runs_by_own_mount() -> bool {
    is_own_mount(PROGRAM)
}

/// The file behind a link in /proc is the root of its mount, and the mount at no path: then its
/// name is `/`.
fn is_own_mount(link: &str) -> bool {
    let is_detached = fs::read_link(link).is_ok_and(|path| path == Path::new("/"));
    let is_read_only = || statvfs(link).is_ok_and(|it| it.flags().contains(FsFlags::ST_RDONLY));
    is_detached && is_read_only()
}

fn by_own_mount() -> Result<Infallible, Error> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let tree = open_tree(PROGRAM, flags)?;
    // Before it is executed: by that mount the new program will be found.
    let attr = MountAttr {
        set: MountAttrFlags::MOUNT_ATTR_RDONLY,
        ..MountAttr::default()
    };
    mount_setattr_tree(&tree, false, attr)?;
    // What the new program would not recognise, it would do again, and so on.
    let link = format!("/proc/self/fd/{}", tree.as_raw_fd());
    if !is_own_mount(&link) {
        return Err(format!("{link} is no mount of our own").into());
    }
    let (arguments, environment) = as_started()?;
    Ok(execveat(&tree, &arguments, &environment)?)
}

/// Put back what we have changed of our signals, and return what we were started with: all of
/// `argv`, and the environment, each `NAME=value`.
///
/// Signals that we hold back stay so: what comes from now on waits for the new program.
///
/// An error if we have been asked to end: a program that began again and again would hear of
/// no Ctrl-C.
pub fn as_started() -> Result<(Vec<OsString>, Vec<OsString>), Error> {
    go_on()?;
    let ignored = ignored_at_start();
    // By us, or by Rust's runtime.
    for signum in [SIGPIPE, SIGXFSZ, SIGCHLD] {
        let disposition = match ignored.contains(signum) {
            true => Disposition::Ignore,
            false => Disposition::Default,
        };
        signal(signum, disposition)?;
    }
    let environment = std::env::vars_os().map(|(name, value)| {
        let mut entry = name;
        entry.push("=");
        entry.push(value);
        entry
    });
    Ok((std::env::args_os().collect(), environment.collect()))
}

/// The kernel names a program that has no path after its descriptor, or after what is in
/// memory: `ps` is to show the name that it was called by.
pub(crate) fn keep_name(program: &str) {
    if let Ok(name) = std::ffi::CString::new(program) {
        let _ = nix::sys::prctl::set_name(&name);
    }
}
