//! X-rays of real runs: what they show is what `/proc` says, they are the same each time, and
//! nothing is left, however a run ends.
//!
//! They need root and the finished programs, so they are run when they are asked for:
//!
//! ```text
//! cargo build --workspace --bins
//! cargo test -p xray --test xray_runs -- --ignored
//! ```

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod again;
mod against;
mod aside;
mod ends;
mod place;
mod shown;
mod witness;

use std::ffi::OsString;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

/// All programs of the chain, and how many calls in a row, at least, must be among their steps.
const PROGRAMS: [(&str, &[&str]); 14] = [
    ("level00", &["execve", "exit"]),
    ("level01", &["execve", "clone", "close_range", "exit"]),
    ("level02", &["clone", "mount", "chroot", "chdir", "umount2"]),
    ("level03", &["clone", "unshare", "mount", "chroot", "chdir"]),
    (
        "level04",
        &["unshare", "mount", "pivot_root", "chdir", "umount2"],
    ),
    (
        "level05",
        &["unshare", "mount", "pivot_root", "chdir", "umount2"],
    ),
    (
        "level06",
        &["unshare", "sethostname", "pivot_root", "umount2", "execve"],
    ),
    (
        "level07",
        &["clone", "sethostname", "pivot_root", "prctl", "execve"],
    ),
    (
        "level08",
        &["clone", "sethostname", "ioctl", "pivot_root", "execve"],
    ),
    (
        "level09",
        &["clone", "unshare", "ioctl", "pivot_root", "close_range"],
    ),
    (
        "level10",
        &["clone", "unshare", "sethostname", "ioctl", "pivot_root"],
    ),
    (
        "level11",
        &["clone", "setgroups", "ioctl", "pivot_root", "execve"],
    ),
    (
        "complete",
        &["clone", "sethostname", "pivot_root", "capset", "execve"],
    ),
    ("rd", &["clone", "pivot_root", "mount", "capset", "execve"]),
];

fn main() -> ExitCode {
    if let Some(known) = aside::known() {
        return aside::become_level(known);
    }
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    if words.first().is_some_and(|word| word == aside::WORD) {
        return aside::main(&words[1..]);
    }
    if words.first().is_some_and(|word| word == witness::WORD) {
        return witness::main(&words[1..]);
    }
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for (program, named) in PROGRAMS {
        trials.push(trial(&format!("what_proc_says::{program}"), move || {
            shown::is_what_proc_says(program, named)
        }));
        trials.push(trial(&format!("twice_the_same::{program}"), move || {
            shown::is_the_same_twice(program)
        }));
    }
    trials.push(trial(
        "what_proc_says::addresses_and_routes",
        shown::network,
    ));
    trials.push(trial(
        "lines::of_a_level_out_of_memory",
        again::has_its_lines,
    ));
    trials.extend(ends::trials());
    trials.extend(against::trials());
    trials.extend(aside::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(name: &str, run: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
            Ok(()) => Ok(()),
            Err(why) => Err(Failed::from(
                why.downcast_ref::<String>().cloned().unwrap_or_else(|| {
                    why.downcast_ref::<&str>()
                        .map_or("it failed", |it| *it)
                        .to_owned()
                }),
            )),
        }
    })
    .with_ignored_flag(true)
}
