//! `cargo workshop images`: hands over to the crate `registry`.
//!
//! That crate speaks to registries, with TLS and all that it needs, and takes a minute
//! to compile. It is built when somebody first asks for it, and not with this one.

use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use crate::Result;

/// Start `registry` with the same arguments, in our place. Returns only if that fails.
pub(crate) fn run(arguments: &[OsString]) -> Result<ExitCode> {
    let built = env::current_exe().is_ok_and(|this| this.with_file_name("registry").exists());
    if !built {
        given::tell("building the registry client, once; this takes a minute or two");
    }
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let error = Command::new(&cargo)
        .args(["run", "--quiet", "--package", "registry", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .arg("--")
        .args(arguments)
        .exec();
    Err(format!(
        "cannot start {}: {error}; see whether `cargo` is on your PATH",
        cargo.display()
    )
    .into())
}
