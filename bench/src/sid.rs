//! crun of Debian sid: the newest one that a package has, beside the one that this machine has.
//!
//! Its packages come from a mirror by `.ci/packages.sh`, which knows their sums, and are
//! unpacked into the scratch directory; nothing is installed. They want a newer C library
//! than this machine may have, so the program is told to take its loader and its libraries
//! from there: as a wrapper, the loader would be what `/proc/self/exe` says, and crun looks.

use std::path::{Path, PathBuf};
use std::process::Command;

use given::Error;

use crate::scratch::Scratch;

/// A program, and what it calls itself: `crun 1.28`.
pub struct Crun {
    pub program: PathBuf,
    pub name: String,
}

/// None, and a line that says so, where the packages cannot be had.
pub fn crun(scratch: &Scratch) -> Option<Crun> {
    match unpack(scratch) {
        Ok(crun) => Some(crun),
        Err(error) => {
            given::log(&format!("1 skipped: crun of Debian sid: {error}"));
            None
        }
    }
}

fn unpack(scratch: &Scratch) -> Result<Crun, Error> {
    let root = scratch.join("sid");
    std::fs::create_dir(&root)?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/packages.sh");
    let set = format!("crun-sid-{}", architecture()?);
    // The first line says whether they are what is pinned.
    let answer = said(Command::new(script).args(["get", &set]))?;
    for package in answer.lines().skip(1) {
        said(Command::new("dpkg-deb").args(["-x", package]).arg(&root))?;
    }

    let program = scratch.join("crun-sid");
    std::fs::copy(root.join("usr/bin/crun"), &program)?;
    let libraries = root.join("usr/lib/x86_64-linux-gnu");
    said(
        Command::new("patchelf")
            .arg("--set-interpreter")
            .arg(libraries.join("ld-linux-x86-64.so.2"))
            .args(["--force-rpath", "--set-rpath"])
            .args([&libraries, &program]),
    )?;
    let version = said(Command::new(&program).arg("--version"))?;
    let version = version
        .lines()
        .find_map(|line| line.strip_prefix("crun version "))
        .ok_or("it does not say which version it is")?;
    Ok(Crun {
        program,
        name: format!("crun {version}"),
    })
}

fn architecture() -> Result<&'static str, Error> {
    match std::env::consts::ARCH {
        "x86_64" => Ok("amd64"),
        other => Err(format!("there is no list of packages for {other}").into()),
    }
}

/// What a command prints; its own words go to our standard error.
fn said(command: &mut Command) -> Result<String, Error> {
    let program = command.get_program().display().to_string();
    let output = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot start {program}: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!("{program} ended with {}", output.status).into()),
    }
}
