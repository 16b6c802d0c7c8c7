//! How an error reaches the user.

use std::convert::Infallible;
use std::io::Write;

use linux_sys::Errno;

use crate::Error;
use crate::command_line::program_name;

/// The runtime itself failed, or was asked for something that makes no sense.
pub(crate) const RUNTIME_FAILED: u8 = 125;
/// COMMAND was found and cannot be executed.
const NOT_EXECUTABLE: u8 = 126;
/// COMMAND was not found.
const NOT_FOUND: u8 = 127;

/// Write one line to standard error, with this program's name in front.
///
/// Not `eprintln!`: that panics when standard error is a pipe whose reader has
/// gone away, and a message that nobody reads is no reason to fail.
pub fn tell(message: &str) {
    let arguments: Vec<_> = std::env::args_os().take(1).collect();
    let line = format!("{}: {message}\n", program_name(&arguments));
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// The child's last word: `contain` has returned, so a step of it failed.
///
/// Ends with `_exit`, never by returning: two processes run this program after
/// a fork, and only the parent may clean up what both of them know of.
pub fn exit(outcome: Result<Infallible, Error>) -> ! {
    let Err(error) = outcome;
    tell(&error.to_string());
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
