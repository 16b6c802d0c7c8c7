//! Builds what is measured.

use std::env::consts::ARCH;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use given::Error;

use crate::scratch::Scratch;

/// Programs that begin where a level ends: Part I, and what comes before each later level's own
/// part. Each is built as cargo does by itself.
pub const STEPS: [&str; 9] = [
    "complete", "level13", "level14", "level15", "level16", "level17", "level18", "level19",
    "level20",
];

/// Of these the one in which a container may and sees what it should, and which is itself not
/// protected yet: nothing starts twice.
const VOLUMES: &str = "level17";

/// rd as cargo builds it, rd without shared libraries, the baseline, and the steps, as programs
/// in `scratch`.
pub fn all(scratch: &Scratch) -> Result<(), Error> {
    rd(scratch)?;
    let target = &static_target()?;
    build(scratch, "bench", "baseline", target, "baseline")?;
    for step in STEPS {
        build(scratch, step, step, &[], step)?;
    }
    build(scratch, VOLUMES, VOLUMES, target, "volumes-static")
}

/// Both kinds of rd, and nothing else.
pub fn rd(scratch: &Scratch) -> Result<(), Error> {
    build(scratch, "rd", "rd", &[], "rd")?;
    build(scratch, "rd", "rd", &static_target()?, "rd-static")
}

/// What cargo is told for a program with a C library linked in: musl, since the beginning of a
/// program with the GNU one asks the processor dozens of times what it can, and in a virtual
/// machine each answer is the host's to give. Adds musl's standard library where it is missing.
fn static_target() -> Result<[String; 2], Error> {
    let name = format!("{ARCH}-unknown-linux-musl");
    let libraries = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", &name])
        .output()
        .map_err(|error| format!("cannot start rustc: {error}"))?;
    let libraries = String::from_utf8_lossy(&libraries.stdout);
    if !Path::new(libraries.trim()).is_dir() {
        let added = Command::new("rustup")
            .args(["target", "add", &name])
            .stdout(Stdio::null())
            .status();
        if !added.is_ok_and(|status| status.success()) {
            return Err(format!(
                "rd without shared libraries needs Rust's standard library for {name}, which `rustup target add \
                 {name}` brings; it could not be had"
            )
            .into());
        }
    }
    Ok(["--target".to_owned(), name])
}

fn build(
    scratch: &Scratch,
    package: &str,
    program: &str,
    target: &[String],
    name: &str,
) -> Result<(), Error> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([
            "build",
            "--release",
            "--message-format=json-render-diagnostics",
        ])
        .args(["--package", package, "--bin", program])
        .args(target)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo could not build {program}; see above").into());
    }
    // The last artifact with an executable is the one that was asked for.
    let messages = String::from_utf8_lossy(&output.stdout);
    let built = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| Some(message["executable"].as_str()?.to_owned()))
        .next_back()
        .ok_or_else(|| format!("cargo does not say where it has put {program}"))?;
    fs::copy(&built, scratch.join(name))
        .map_err(|error| format!("cannot copy {built}: {error}"))?;
    Ok(())
}
