//! What shows only from outside. Each trial uses the finished programs as a person would,
//! and looks at the machine for what they say is true; the machine is a sandbox of its own,
//! with mounts, processes, control groups and directories that no other trial sees. So two
//! people can run them at the same time, and whatever ends a trial leaves nothing.
//!
//! They need root and take minutes, so they are run when they are asked for:
//!
//! ```text
//! cargo build --workspace --bins
//! cargo test -p system-tests -- --ignored
//! cargo test -p system-tests -- --ignored killed_parents
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `trial` | one trial: who asks, who keeps the sandbox, who looks |
//! | `machine` | the small machine: its directories, and what must be true of it |
//! | `program` | one of our programs there, what it answers, and what it leaves |
//! | `call` | a command line, run to its end or beside the trial |
//! | `random` | chance that can be had again |
//! | `kernel` | what the kernel says: mounts, control groups, processes, files |
//! | `world` | a machine that lacks something |
//! | the others | a suite each |
//!
//! bash has kept what is about terminals and about other machines: `.ci`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod bad_input;
mod call;
mod cpu_shares;
mod every_call;
mod foreign_directories;
mod kernel;
mod killed_parents;
mod limits;
mod machine;
mod program;
mod random;
mod resource_exhaustion;
mod stale_containers;
mod stress;
mod trial;
mod world;

use std::process::ExitCode;

use libtest_mimic::Arguments;
use trial::Case;

fn main() -> ExitCode {
    if let Some(status) = trial::supervisor(cases) {
        return status;
    }
    let arguments = Arguments::from_args();
    let trials = cases().into_iter().map(Case::into_trial).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(resource_exhaustion::cases());
    cases.extend(every_call::cases());
    cases.extend(killed_parents::cases());
    cases.extend(limits::cases());
    cases.extend(bad_input::cases());
    cases.extend(stale_containers::cases());
    cases.extend(foreign_directories::cases());
    cases.extend(stress::cases());
    cases.extend(cpu_shares::cases());
    cases
}
