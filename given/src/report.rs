//! How an error reaches the user.

use std::convert::Infallible;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::sync::OnceLock;

use linux_sys::Errno;
use nix::sys::termios::{OutputFlags, Termios, tcgetattr};

use crate::Error;
use crate::printable::{printable, printable_lines};
use crate::wrap;

/// The runtime itself failed, or was asked for something that makes no sense.
pub(crate) const RUNTIME_FAILED: u8 = 125;
/// COMMAND was found and cannot be executed.
const NOT_EXECUTABLE: u8 = 126;
/// COMMAND was not found.
const NOT_FOUND: u8 = 127;

/// A line that is no longer fits on every terminal, so that the kernel need not be asked how wide
/// this one is.
const FITS: usize = 40;

/// Write one line to standard error, with this program's name in front.
///
/// Not `eprintln!`: that panics when standard error is a pipe whose reader has
/// gone away, and a message without a reader is no reason to fail.
///
/// A message tells of paths, and a path may have a line break in it: set in, what comes
/// after it cannot pass for a line of ours. A terminal would break a line in the middle of a
/// word: where it is one, the message is wrapped to its width.
pub fn log(message: &str) {
    let arguments: Vec<_> = std::env::args_os().take(1).collect();
    let message = printable_lines(message).replace('\n', "\n    ");
    let mut line = format!("{}: {message}\n", program_name(&arguments));
    if line.len() > FITS
        && let Some(width) = wrap::width(io::stderr())
    {
        line = wrap::wrap(&line, width, 4);
    }
    // While the container has a terminal of its own, our caller's makes nothing of a line's end.
    let is_raw = |it: Termios| !it.output_flags.contains(OutputFlags::OPOST);
    if tcgetattr(io::stderr()).is_ok_and(is_raw) {
        line = line.replace('\n', "\r\n");
    }
    let _ = io::stderr().write_all(line.as_bytes());
}

/// What clap has to say about the command line, help included. It repeats the words that
/// it does not understand; if a terminal would obey one of them, all is shown without colours.
///
/// An error if it cannot be written.
pub fn print_usage(error: &clap::Error) -> io::Result<()> {
    let text = error.render().to_string();
    let shown = printable_lines(&text);
    match error.use_stderr() {
        _ if shown == text => error.print(),
        true => io::stderr().write_all(shown.as_bytes()),
        false => io::stdout().write_all(shown.as_bytes()),
    }
}

/// What has been told as the cause, so that no consequence repeats it.
static CAUSE: OnceLock<String> = OnceLock::new();

/// The status that we shall end with: COMMAND's own, or that of the error, which is told now.
///
/// To be called before anything is tidied up: what goes wrong first is the cause, and the
/// first to be read.
pub fn decide(outcome: Result<u8, Error>) -> u8 {
    outcome.unwrap_or_else(|error| {
        let cause = explained(&error);
        log(&cause);
        // Where there was a cause already, that one stays.
        CAUSE.get_or_init(|| cause);
        status_of(&error)
    })
}

/// An error as it is told. Of the standard library's own, which know no remedy, here is the one that
/// a caller's limit causes: a copy in memory is a file, too.
fn explained(error: &Error) -> String {
    let standard = error.downcast_ref::<io::Error>();
    match standard.and_then(io::Error::raw_os_error) {
        Some(errno) if Errno::from_raw(errno) == Errno::EFBIG => {
            "write: EFBIG (File too large): the limit on the size of files is below what this \
             program writes; a copy of itself in memory counts as well. Raise the limit \
             (ulimit -f); man 2 getrlimit"
                .to_owned()
        }
        _ => error.to_string(),
    }
}

/// Whether the runtime itself has failed.
pub(crate) fn has_failed() -> bool {
    CAUSE.get().is_some()
}

/// Tell that something could not be tidied up, and what to do about it.
///
/// It changes no status: a command that has ended with 0 has done what it was asked to,
/// and a script must not do it again because of a directory that is left.
pub fn warn_of(tidied_up: Result<(), Error>) {
    let Err(error) = tidied_up else { return };
    let consequence = error.to_string();
    if CAUSE.get() != Some(&consequence) {
        log(&format!(
            "warning: {consequence}; the rest is removed by `{}`",
            crate::unprivileged::cleaner()
        ));
    }
}

/// The child's last word: `contain` has returned, so a step of it failed.
///
/// Ends with `_exit`, never by returning: two processes run this program after
/// a fork, and only the parent may clean up what both of them know of.
pub fn exit(outcome: Result<Infallible, Error>) -> ! {
    let Err(error) = outcome;
    log(&error.to_string());
    linux_sys::exit(status_of(&error))
}

/// Docker's convention, which is the shells': 127 for a command that is not
/// there, 126 for one that cannot be executed, 125 for everything of ours.
pub(crate) fn status_of(error: &Error) -> u8 {
    match error.downcast_ref::<linux_sys::Error>() {
        Some(error) if matches!(error.call(), "execvp" | "execve") => match error.errno() {
            Errno::ENOENT | Errno::ENOTDIR => NOT_FOUND,
            Errno::EINVAL => RUNTIME_FAILED,
            _ => NOT_EXECUTABLE,
        },
        _ => RUNTIME_FAILED,
    }
}

/// What this program was called as; messages and usage lines start with it.
pub(crate) fn program_name(arguments: &[OsString]) -> String {
    arguments
        .first()
        .and_then(|path| Path::new(path).file_name())
        .map_or_else(
            || "rubber-docker".to_owned(),
            |name| printable(name.to_string_lossy()),
        )
}
