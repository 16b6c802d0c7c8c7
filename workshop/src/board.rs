//! `cargo workshop board`: hands everything over to the crate `board`.
//!
//! That crate serves a page to browsers, which takes code that no learner needs: it is built
//! when an instructor first asks for it.

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use crate::Result;
use crate::build::run_instead;

/// Start `board` with the same arguments, in our place. Returns only if that fails.
pub(crate) fn run(arguments: &[OsString]) -> Result<ExitCode> {
    let built = env::current_exe().is_ok_and(|this| this.with_file_name("board").exists());
    if !built {
        given::log("building the class board, once; this takes a minute or two");
    }
    Err(run_instead("board", arguments))
}
