//! One command that says how fast rd is, side by side with others:
//!
//!   cargo run --release -p bench
//!
//! It builds what it measures, installs hyperfine, strace, bubblewrap, crun and runc where they
//! are missing (Debian and Ubuntu), unpacks the newest crun of Debian, runs them all in one
//! hyperfine session, on one root file system, in turns, and prints two tables: a start of
//! each, and what each level of Part II adds to one. The same numbers go to
//! `bench/speed.json` and to the book's `pictures/speed-start.svg`. RUNS chooses how many runs (240),
//! OUT another directory for both files.
//!
//! The machine is left as it was, but for the packages: mounts are made in a mount
//! namespace of our own, and a parent that only waits removes files and control groups,
//! also when the measurement is interrupted.

mod calls;
mod measure;
mod oci;
mod picture;
mod runtimes;
mod sid;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bench::apart::measure_apart;
use bench::{build, machine, scratch};
use given::Error;

use scratch::Scratch;

fn main() -> ExitCode {
    match supervise() {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            given::log(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// The parent's part: wait for the child that measures, however it ends, and tidy up.
fn supervise() -> Result<u8, Error> {
    let scratch = Scratch::new()?;
    let status = measure_apart(|| measure(&scratch))?;
    scratch.remove()?;
    Ok(status)
}

fn measure(scratch: &Scratch) -> Result<(), Error> {
    machine::install(&machine::RUNTIMES)?;
    build::all(scratch)?;
    let groups = machine::prepare(scratch)?;
    let runtimes = runtimes::all(scratch, &groups)?;
    let rows = measure::run(scratch, &runtimes)?;
    let machine = machine::describe();

    println!("\n{machine}\n");
    print!("{}", measure::table(&rows));
    println!();
    print!("{}", measure::steps(&rows));
    let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (numbers, pictures) = match std::env::var_os("OUT") {
        Some(out) => (PathBuf::from(&out), PathBuf::from(out)),
        None => (bench.into(), bench.join("../docs/src/pictures")),
    };
    scratch::write(
        &numbers.join("speed.json"),
        &measure::json(&rows, &runtimes, &machine),
    )?;
    scratch::write(&pictures.join("speed-start.svg"), &picture::draw(&rows))?;
    Ok(())
}
