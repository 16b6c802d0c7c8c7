//! One check in one sandbox: asked for by the runner, answered by the sandbox.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use crate::check::{Check, LevelChecks};
use crate::execution::{self, Ending, Heard};
use crate::finding::{Failure, Finding};
use crate::host::Host;
use crate::levels;
use crate::names;
use crate::patience::deadline;
use crate::told::beside;
use crate::verdict::{Report, Verdict};
use sandbox::superblocks;

/// The first argument that makes this executable the supervisor of a sandbox.
pub(crate) const ARGUMENT: &str = "--supervise-a-sandbox-for-one-check";

/// How a report begins that the deadline has made.
pub(crate) const NOT_FINISHED: &str = "did not finish: waited";

/// Judges one check of `level` for `binary`, which a learner has brought as far as level
/// `judged`. Never fails: what goes wrong is a report.
pub(crate) fn run_check(
    level: &LevelChecks,
    check: &Check,
    binary: &Path,
    judged: u8,
    image: &File,
) -> Report {
    let started = Instant::now();
    let report = match ask(level, check, binary, judged, image) {
        Ok(heard) => report(level, check, heard),
        Err(why) => Report::broken(level, check, &why.to_string()),
    };
    let milliseconds = u64::try_from(started.elapsed().as_millis());
    Report {
        milliseconds: Some(milliseconds.unwrap_or(u64::MAX)),
        ..report
    }
}

fn ask(
    level: &LevelChecks,
    check: &Check,
    binary: &Path,
    judged: u8,
    image: &File,
) -> io::Result<Heard> {
    let (number, judged) = (level.number.to_string(), judged.to_string());
    let drawn = names::draw().to_string();
    let words = [
        OsStr::new(&number),
        OsStr::new(check.name),
        binary.as_os_str(),
        OsStr::new(&judged),
        OsStr::new(&drawn),
    ];
    execution::ask(ARGUMENT, &words, image)
}

fn report(level: &LevelChecks, check: &Check, mut heard: Heard) -> Report {
    let failed = |failure: Failure| Report::from_outcome(level, check, Err(failure.into()));
    let answer = heard.answer.as_ref().and_then(Report::from_json);
    let report = match (heard.ending, answer) {
        (Ending::DeadlinePassed, _) => {
            let (seconds, event) = (deadline().as_secs(), heard.waited_for);
            let seen = format!("{NOT_FINISHED} {seconds} s for {event}");
            let usually = "something waits for what never happens, or never ends by itself";
            failed(Failure::seen(seen).usually(usually))
        }
        // Whatever the check has found before: this is worse.
        (Ending::Changed(what), _) => failed(
            Failure::seen(what)
                .expected("the machine's file systems are as they were")
                .usually(superblocks::USUALLY)
                .elsewhere(),
        ),
        (_, Some(report)) => report,
        (Ending::Broken(why), None) => Report::broken(level, check, &why),
        (Ending::Well, None) => Report::broken(level, check, "the sandbox ended without an answer"),
    };
    // Unless it says another, the last command is the one that the verdict is about.
    Report {
        ran: report.ran.or_else(|| heard.ran.pop()),
        ..report
    }
}

/// The supervisor's side: makes the sandbox and has its PID 1 judge.
pub(crate) fn supervisor(arguments: &[OsString]) -> ExitCode {
    let Some((client, level, check, binary, judged)) = question(arguments) else {
        return execution::not_for_people(ARGUMENT);
    };
    execution::supervise(client, &binary, judged, |host, problem| {
        look(level, check, host, problem).to_json()
    })
}

/// Looks, as PID 1 of the sandbox.
fn look(level: &LevelChecks, check: &Check, host: &Host, problem: Option<&str>) -> Report {
    let outcome = match problem {
        Some(problem) => Err(Finding::Skip(problem.to_owned())),
        None => {
            host.watch_sides();
            (check.run)(host)
        }
    };
    let report = Report::from_outcome(level, check, outcome);
    // A failure that the check itself has found outranks a change of the host.
    match host.changed().filter(|_| report.verdict != Verdict::Fail) {
        Some(change) => beside(change, level, check, report),
        None => report,
    }
}

type Question = (u32, &'static LevelChecks, &'static Check, PathBuf, u8);

fn question(arguments: &[OsString]) -> Option<Question> {
    let (client, [level, name, binary, judged, drawn]) = execution::words(arguments)?;
    names::adopt(drawn.to_str()?.parse().ok()?);
    let number: u8 = level.to_str()?.parse().ok()?;
    let level = levels::LEVELS.iter().find(|level| level.number == number)?;
    let choice = levels::choice(number);
    let mut checks = level.checks.iter().chain([&levels::OBSERVED]).chain(choice);
    let check = checks.find(|check| name == check.name)?;
    let judged = judged.to_str()?.parse().ok()?;
    Some((client, level, check, PathBuf::from(binary), judged))
}
