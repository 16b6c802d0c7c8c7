//! The sandbox of the checks holds mistakes, the worst ones too: programs that destroy
//! whatever they reach are judged as if they were levels, and the machine is compared
//! with what it was before.
//!
//! `cargo test -p checks --test destructive -- disk` runs what has `disk` in its name.
//!
//! This executable is the destroyer as well, under the names `abuser-KIND`, so that
//! no program that does such things is built to lie about. It destroys nothing unless
//! it finds itself in a sandbox of the checks.
//!
//! Left out is what is no mistake but an attack, because it would succeed: a level's
//! process is root, and a deliberate `mount -o remount,rw /` makes the machine's files
//! writable again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod judge;
mod killed;
mod loop_machine;
mod machine;
mod sandbox_abuse;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{PoisonError, RwLock};

use judge::Judge;
use libtest_mimic::{Arguments, Failed, Trial};
use machine::Machine;
use sandbox_abuse::KINDS;

/// Where the abusers are, and what they want to destroy.
pub(crate) struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    /// Made below target/: a file system of the machine's, and no other program's directory.
    fn make() -> std::io::Result<Place> {
        let directory = tempfile::Builder::new()
            .prefix("destructive-")
            .tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let place = Place { directory };
        let canary = place.canary();
        fs::create_dir_all(canary.join("nest/deeper"))?;
        for file in ["alive", "nest/egg", "nest/deeper/egg"] {
            fs::write(canary.join(file), format!("{file} belongs to the host\n"))?;
        }
        std::os::unix::fs::symlink("egg", canary.join("nest/link"))?;
        Ok(place)
    }

    fn canary(&self) -> PathBuf {
        self.directory.path().join(sandbox_abuse::CANARY)
    }

    /// The directory of one trial's abusers: what is started from there is known by it.
    fn abusers(&self, trial: &str) -> PathBuf {
        self.directory.path().join(trial)
    }

    /// Makes a abuser for a trial: another name for this executable, or, across file
    /// systems, a copy.
    fn abuser(&self, trial: &str, kind: &str) -> std::io::Result<PathBuf> {
        let directory = self.abusers(trial);
        fs::create_dir_all(&directory)?;
        let (own, name) = (
            std::env::current_exe()?,
            directory.join(format!("{}{kind}", sandbox_abuse::PREFIX)),
        );
        if fs::hard_link(&own, &name).is_err() {
            fs::copy(&own, &name)?;
        }
        Ok(name)
    }
}

fn main() -> ExitCode {
    if let Some(code) = sandbox_abuse::role().or_else(loop_machine::role) {
        return code;
    }
    let arguments = Arguments::from_args();
    let place: &'static Place = match Place::make() {
        Ok(place) => Box::leak(Box::new(place)),
        Err(why) => {
            eprintln!("the abusers cannot be laid out: {why}");
            return ExitCode::FAILURE;
        }
    };
    let mut trials: Vec<Trial> = KINDS
        .iter()
        .map(|kind| {
            let name = format!("wrecks::{}", kind.name);
            trial(name, move || survives(place, kind))
        })
        .collect();
    trials.extend(killed::trials(place));
    trials.extend(loop_machine::trials(place));
    trials.push(trial("three_in_a_row_then_rd".to_owned(), move || {
        three_in_a_row(place)
    }));
    let conclusion = libtest_mimic::run(&arguments, trials);
    // A leaked value is never dropped.
    let _ = fs::remove_dir_all(place.directory.path());
    conclusion.exit_code()
}

/// A trial, or its omission where the caller may not become root (with `CI=true` a failure).
fn trial(name: String, run: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    let omitted = std::env::var_os("CI").is_none() && !judge::may_be_root();
    if omitted {
        eprintln!("{name} is left out: the checks need root, and sudo would ask for a password");
    }
    // What starves the machine takes the next trial's time too, and its verdict would be
    // that it was slow: these have the machine for themselves.
    let starves = HOGS.iter().any(|kind| name.ends_with(kind));
    let in_turn = move || {
        if starves {
            let _alone = TURN.write().unwrap_or_else(PoisonError::into_inner);
            return run();
        }
        let _with_others = TURN.read().unwrap_or_else(PoisonError::into_inner);
        run()
    };
    Trial::test(name, in_turn).with_ignored_flag(omitted)
}

/// The kinds that take all processors, or memory faster than the machine gives it.
const HOGS: [&str; 2] = ["::fork", "::memory"];
static TURN: RwLock<()> = RwLock::new(());

/// One abuser is judged: it fails, and the machine is as it was.
fn survives(place: &Place, kind: &sandbox_abuse::Kind) -> Result<(), Failed> {
    let before = Machine::look(&place.canary())?;
    let report = Judge::of(&place.abuser(kind.name, kind.name)?).report()?;
    before.is_unchanged(&place.canary(), &place.abusers(kind.name))?;
    // It failed for what it did, and not because it could do nothing.
    if report["verdict"] == "fail"
        && kind.expected.iter().any(|expected| {
            report["seen"]
                .as_str()
                .unwrap_or_default()
                .contains(expected)
        })
    {
        return Ok(());
    }
    let expected = kind.expected;
    Err(format!("expected is a failure with one of {expected:?}, but it is\n{report:#}").into())
}

/// What wrong solutions did must not be in the way of the right one.
fn three_in_a_row(place: &Place) -> Result<(), Failed> {
    let before = Machine::look(&place.canary())?;
    for kind in ["mount-over", "kill-all", "disk"] {
        let report = Judge::of(&place.abuser("three", kind)?).report()?;
        if report["verdict"] != "fail" {
            return Err(format!("{kind} is not failed: {report:#}").into());
        }
    }
    let rd = judge::build_rd()?;
    for report in Judge::of_everything(Path::new(&rd)).reports()? {
        if !matches!(report["verdict"].as_str(), Some("pass" | "skip")) {
            return Err(format!("rd was right before: {report:#}").into());
        }
    }
    before.is_unchanged(&place.canary(), &place.abusers("three"))
}
