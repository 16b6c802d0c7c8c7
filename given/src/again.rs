//! This program once more, in place of itself: as its caller has started it.
//!
//! An exec hands on what the process has become meanwhile: which signals it ignores, and which
//! ones it holds back. The new program would take that for its caller's wish.

use std::ffi::OsString;
use std::fs::File;

use linux_sys::{Disposition, ignored_at_start, signal};
use nix::libc::{SIGCHLD, SIGPIPE, SIGXFSZ};

use crate::Error;

/// What we are running, opened for reading: also after its file was renamed or removed.
pub fn this_program() -> Result<File, Error> {
    const PROGRAM: &str = "/proc/self/exe";
    File::open(PROGRAM).map_err(|why| format!("{PROGRAM}: {why}: is /proc mounted?").into())
}

/// Put back what we have changed of our signals, and return what we were started with: all of
/// `argv`, and the environment, each `NAME=value`.
///
/// Signals that we hold back stay so: what has come meanwhile waits for the new program.
pub fn as_started() -> Result<(Vec<OsString>, Vec<OsString>), Error> {
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
