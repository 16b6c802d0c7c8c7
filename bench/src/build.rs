//! Builds what is measured.

use std::fs;
use std::process::Command;

use given::Error;

use crate::scratch::Scratch;

const STATIC: [&str; 2] = ["-C", "target-feature=+crt-static"];

/// Programs that begin where a level ends: Part I, and what comes before each later level's own
/// part. Each is built as cargo does by itself.
pub const STEPS: [&str; 8] = [
    "complete", "level13", "level14", "level15", "level16", "level17", "level18", "level19",
];

/// rd as cargo builds it, rd without shared libraries, the baseline, and the steps, as programs
/// in `scratch`.
pub fn all(scratch: &Scratch) -> Result<(), Error> {
    rd(scratch)?;
    build(scratch, "bench", "baseline", &STATIC, "baseline")?;
    for step in STEPS {
        build(scratch, step, step, &[], step)?;
    }
    Ok(())
}

/// Both kinds of rd, and nothing else.
pub fn rd(scratch: &Scratch) -> Result<(), Error> {
    build(scratch, "rd", "rd", &[], "rd")?;
    build(scratch, "rd", "rd", &STATIC, "rd-static")
}

fn build(
    scratch: &Scratch,
    package: &str,
    program: &str,
    flags: &[&str],
    name: &str,
) -> Result<(), Error> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([
            "rustc",
            "--release",
            "--message-format=json-render-diagnostics",
        ])
        .args(["--package", package, "--bin", program, "--"])
        .args(flags)
        .stderr(std::process::Stdio::inherit())
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
