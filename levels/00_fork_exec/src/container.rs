//! The child's recipe: what a process does to itself before it becomes the command.

use std::convert::Infallible;
use std::os::unix::process::CommandExt;

use given::Error;

use crate::Options;

/// The steps in order, one a level. Returns only if a step has failed: after
/// the last one this program is gone, and the command is in its place.
pub fn contain(options: &Options) -> Result<Infallible, Error> {
    // TODO(00) 1. Become the command with execvp.
    // Until then the standard library does it, out of sight.
    let [program, arguments @ ..] = options.command.as_slice() else {
        return Err("no command was given".into());
    };
    Err(std::process::Command::new(program)
        .args(arguments)
        .exec()
        .into())
    // END TODO(00)
}
