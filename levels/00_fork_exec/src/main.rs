//! level00: fork, exec, wait
//!
//! A container is a process, so first of all a process must be started. Unix
//! does that in two halves: fork makes a copy of the one that is running, exec
//! replaces the program in the copy. The original waits for the copy's end.
//!
//! Yours to write: TODO(00) in src/container.rs and src/main.rs
//! The lesson:     levels/00_fork_exec/README.md
//!
//! Try:
//!   cargo run -p level00 -- run echo hello
//!   cargo run -p level00 -- run sh -c 'kill -9 $$'
//!   cargo test -p level00

mod container;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use given::Error;

use container::contain;

/// All that the command line says of one container. Outside of this file only `contain` knows it.
#[derive(Args)]
pub struct Options {
    /// The command to run in the container, followed by its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// What this program can be asked for, by a verb.
#[derive(Subcommand)]
enum Action {
    /// Run a command in a new container
    Run(Options),
}

fn main() -> ExitCode {
    given::main(include_str!("main.rs"), |action| match action {
        Action::Run(options) => run(&options),
    })
}

/// The parent's part: everything before, around and after the container.
/// The number it returns becomes our own exit status.
fn run(options: &Options) -> Result<u8, Error> {
    // TODO(00) 2. Fork: the child does what `contain` says, the parent goes on.
    // TODO(00) 3. Wait for the child's end.
    // TODO(00) 4. Translate how it ended into a status, and report that.
    // Until then there is only one process. It becomes the command, and none
    // is left to wait for it.
    let Err(error) = contain(options);
    Err(error)
    // END TODO(00)
}
