//! Programs, built as our caller: `cargo build`, and where it has put them.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use curriculum::levels::Level;
use serde_json::Value;

use crate::course::Course;
use crate::{Error, Result};

/// What was built.
pub(crate) struct Programs {
    /// The level itself.
    pub(crate) level: PathBuf,
    /// The program that judges it.
    pub(crate) checks: PathBuf,
}

/// What was built for an x-ray.
pub(crate) struct ForXray {
    /// The level itself.
    pub(crate) level: PathBuf,
    /// The program that looks at it.
    pub(crate) xray: PathBuf,
}

/// Builds a level and its checks. `None` if the compiler has found something, which it has
/// said itself then.
pub(crate) fn build(course: &Course, level: &Level) -> Result<Option<Programs>> {
    let built = build_with(course, level, "checks")?;
    Ok(built.map(|[level, checks]| Programs { level, checks }))
}

/// Builds a level and what makes its x-ray.
pub(crate) fn build_for_xray(course: &Course, level: &Level) -> Result<Option<ForXray>> {
    let built = build_with(course, level, "xray")?;
    Ok(built.map(|[level, xray]| ForXray { level, xray }))
}

/// Builds a level and a program that goes with it.
fn build_with(course: &Course, level: &Level, other: &str) -> Result<Option<[PathBuf; 2]>> {
    let mut build = cargo_build(&course.root);
    build
        .args(["-p", &level.package, "--bin", &level.package])
        .args(["-p", other, "--bin", other]);
    match programs(build)? {
        Some(built) => Ok(Some([
            program(&built, &level.package)?,
            program(&built, other)?,
        ])),
        None => Ok(None),
    }
}

/// `cargo build` in a directory, to be told what.
pub(crate) fn cargo_build(directory: &Path) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = Command::new(cargo);
    cargo
        .current_dir(directory)
        .args(["build", "--message-format", "json-render-diagnostics"])
        // Also where cargo is set to be quiet: that it waits for another cargo must be seen.
        .args(["--config", "term.quiet=false"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    cargo
}

/// `cargo run` of a crate that is built when it is asked for, in our place. Returns only if that
/// fails, and then what went wrong.
pub(crate) fn run_instead(package: &str, arguments: &[OsString]) -> Error {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // Not --quiet: cargo says what it builds, and when it waits for another cargo.
    let error = Command::new(&cargo)
        .args(["--config", "term.quiet=false", "run", "--package", package])
        .arg("--manifest-path")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .arg("--")
        .args(arguments)
        .exec();
    format!(
        "cannot start {}: {error}; see whether `cargo` is on your PATH",
        cargo.display()
    )
    .into()
}

/// What a build has made. `None` if the compiler has found something, which it has said itself
/// then.
pub(crate) fn programs(mut cargo: Command) -> Result<Option<Vec<PathBuf>>> {
    temporary_directory()?;
    let mut build = cargo
        .spawn()
        .map_err(|error| format!("cargo does not start: {error}"))?;
    let mut programs = Vec::new();
    if let Some(messages) = build.stdout.take() {
        for message in BufReader::new(messages).lines() {
            programs.extend(executable(&message?));
        }
    }
    if !build.wait()?.success() {
        return Ok(None);
    }
    Ok(Some(programs))
}

/// One of the programs that were built.
pub(crate) fn program(built: &[PathBuf], name: &str) -> Result<PathBuf> {
    let found = built.iter().find(|path| path.ends_with(name));
    let found = found.cloned();
    found.ok_or_else(|| format!("cargo has built {name} and does not say where").into())
}

/// The linker and the checks write into it; what they say if it is not there names neither
/// it nor the variable.
fn temporary_directory() -> Result<()> {
    let directory = std::env::temp_dir();
    match directory.is_dir() {
        true => Ok(()),
        false => Err(format!(
            "there is no directory {}, where temporary files are to go. Make it, or let TMPDIR \
             name another: `export TMPDIR=/tmp`",
            directory.display()
        )
        .into()),
    }
}

/// The executable that a message of cargo's is about.
fn executable(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let path = message.get("executable")?.as_str()?;
    Some(PathBuf::from(path))
}

/// A command that `.cargo/as-root` starts, the one way to root; it decides by the
/// program's name who needs that.
pub(crate) fn as_root(course: &Course, program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(course.root.join(".cargo/as-root"));
    command.arg(program.as_ref());
    command
}
