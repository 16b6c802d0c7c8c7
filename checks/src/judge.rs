//! One check in one sandbox: asked for by the runner, answered by the sandbox.
//!
//! The question travels as arguments, the answer as JSON lines over a pipe that is
//! the keeper's and PID 1's standard output; the level's process never gets it. A
//! level that prints what a check wants to see has said it to nobody.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use linux_sys::WaitStatus;
use serde_json::{Value, json};

use crate::cgroups;
use crate::check::{Check, Finding, Level, Report};
use crate::host::{Host, tell};
use crate::levels;
use crate::sandbox::{End, Sandbox};

/// The first argument that makes this executable the keeper of a sandbox.
pub(crate) const ARGUMENT: &str = "--keep-a-sandbox-for-one-check";

/// How long a check may take: more than a hundred times what it does on an idle machine,
/// and three times that on a machine whose kernel was told that it is an emulated one.
pub(crate) fn deadline() -> Duration {
    let usual = Duration::from_secs(10);
    let words = std::fs::read_to_string("/proc/cmdline").unwrap_or_default();
    let is_emulated = words.split_whitespace().any(|word| word == EMULATED);
    if is_emulated { usual * 3 } else { usual }
}

/// On the kernel's command line.
const EMULATED: &str = "rubber_docker.emulated";

/// Judges one check of `level` for `binary`, which somebody has brought as far as level
/// `judged`. Never fails: what goes wrong is a report.
pub(crate) fn judge(
    level: &Level,
    check: &Check,
    binary: &Path,
    judged: u8,
    image: &File,
) -> Report {
    let started = Instant::now();
    let report = ask(level, check, binary, judged, image)
        .unwrap_or_else(|why| Report::broken(level, check, &why.to_string()));
    report.with(
        "milliseconds",
        u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    )
}

fn ask(
    level: &Level,
    check: &Check,
    binary: &Path,
    judged: u8,
    image: &File,
) -> io::Result<Report> {
    let mut keeper = Command::new("/proc/self/exe")
        .arg(ARGUMENT)
        .arg(std::process::id().to_string())
        .arg(level.number.to_string())
        .arg(check.name)
        .arg(binary)
        .arg(judged.to_string())
        .stdin(image.try_clone()?)
        .stdout(Stdio::piped())
        .spawn()?;
    let Some(answers) = keeper.stdout.take() else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let mut waited_for = "the sandbox to be made".to_owned();
    let mut ran = Vec::new();
    let mut answer = None;
    for line in BufReader::new(answers).lines() {
        let message: Value = serde_json::from_str(&line?)?;
        let text = |key: &str| message.get(key).and_then(Value::as_str).map(str::to_owned);
        if let Some(event) = text("waiting") {
            waited_for = event;
        } else if let Some(line) = text("ran") {
            ran.push(line);
        } else if message.get("deadline").is_some() {
            let seconds = deadline().as_secs();
            let seen = format!("did not finish: waited {seconds} s for {waited_for}");
            let usually = "something waits for what never happens, or never ends by itself";
            let failure = crate::check::Failure::seen(seen).usually(usually);
            answer = Some(Report::from_outcome(level, check, Err(failure.into())));
        } else if let Some(why) = text("broken") {
            answer.get_or_insert_with(|| Report::broken(level, check, &why));
        } else if message.get("verdict").is_some() {
            answer = Some(Report(message));
        }
    }
    keeper.wait()?;
    let answer = answer
        .unwrap_or_else(|| Report::broken(level, check, "the sandbox ended without an answer"));
    // The last command is the one that the verdict is about.
    Ok(answer.with_some("ran", ran.pop()))
}

/// The other side: makes the sandbox and judges in it.
pub(crate) fn keeper(arguments: &[OsString]) -> ExitCode {
    let found = question(arguments);
    let Some((asker, level, check, binary, judged)) = found else {
        eprintln!("{ARGUMENT} is how the checks call themselves; there is nothing here for people");
        return ExitCode::FAILURE;
    };
    let own = Path::new("/proc/self/exe");
    let sandbox = Sandbox {
        asker,
        deadline: Some(deadline()),
        needed: &[own, &binary],
        keeps_terminal: false,
    };
    let end = sandbox.run(|base| match Host::prepare(base, &binary) {
        Ok(host) => {
            let host = host.judged_as(judged);
            // A level that makes groups cannot start its container where there are none.
            let outcome = match cgroups::problem() {
                Some(problem) if levels::makes_cgroups(&binary) => {
                    Err(Finding::Skip(problem.to_owned()))
                }
                _ => (check.run)(&host),
            };
            tell(&Report::from_outcome(level, check, outcome).0);
            0
        }
        Err(why) => {
            tell(&json!({ "broken": format!("preparing {}: {why}", base.display()) }));
            1
        }
    });
    match end {
        Ok(End::Ended(WaitStatus::Exited(0))) => return ExitCode::SUCCESS,
        Ok(End::DeadlinePassed) => tell(&json!({ "deadline": true })),
        Ok(End::Abandoned) => {}
        Ok(End::Ended(status)) => {
            tell(&json!({ "broken": format!("the sandbox's PID 1 ended: {status:?}") }));
        }
        Err(why) => tell(&json!({ "broken": why.to_string() })),
    }
    ExitCode::FAILURE
}

type Question = (u32, &'static Level, &'static Check, PathBuf, u8);

fn question(arguments: &[OsString]) -> Option<Question> {
    let [asker, level, name, binary, judged] = arguments else {
        return None;
    };
    let number: u8 = level.to_str()?.parse().ok()?;
    let level = levels::LEVELS.iter().find(|level| level.number == number)?;
    let check = level.checks.iter().find(|check| name == check.name)?;
    Some((
        asker.to_str()?.parse().ok()?,
        level,
        check,
        PathBuf::from(binary),
        judged.to_str()?.parse().ok()?,
    ))
}
