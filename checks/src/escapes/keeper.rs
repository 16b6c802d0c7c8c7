//! One escape in one solution, in a sandbox of its own: asked for, tried, answered.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;

use linux_sys::WaitStatus;
use serde_json::{Value, json};

use super::place::Place;
use super::table::ESCAPES;
use super::{ARGUMENT, Cell, Escape};
use crate::cgroups;
use crate::host::{Host, tell};
use crate::levels::makes_cgroups;
use crate::sandbox::{End, Sandbox};

/// One escape in one solution, asked for.
pub(super) fn ask(row: usize, level: usize, binary: &Path, image: &File) -> io::Result<Cell> {
    if let Some(why) = ESCAPES[row].place.problem() {
        return Ok(Cell::Skipped(why));
    }
    // What a machine has only one of, two attempts would take from each other.
    static THE_MACHINE: Mutex<()> = Mutex::new(());
    let _alone = (ESCAPES[row].place == Place::Disposable).then(|| THE_MACHINE.lock());
    let mut keeper = Command::new("/proc/self/exe")
        .arg(ARGUMENT)
        .arg(std::process::id().to_string())
        .arg(row.to_string())
        .arg(level.to_string())
        .arg(binary)
        .stdin(image.try_clone()?)
        .stdout(Stdio::piped())
        .spawn()?;
    let Some(answers) = keeper.stdout.take() else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let mut waited_for = "the sandbox to be made".to_owned();
    let mut answer = None;
    for line in BufReader::new(answers).lines() {
        let message: Value = serde_json::from_str(&line?)?;
        let text = |key: &str| message.get(key).and_then(Value::as_str).map(str::to_owned);
        if let Some(event) = text("waiting") {
            waited_for = event;
        } else if let Some(why) = text("broken") {
            answer.get_or_insert(Cell::Broken(why));
        } else if let Some(why) = text("skipped") {
            answer = Some(Cell::Skipped(why));
        } else if let (Some(seen), Some(said)) = (text("seen"), text("said")) {
            answer = Some(match message.get("worked") == Some(&json!(true)) {
                true => Cell::Works(seen),
                false => Cell::Stopped { seen, said },
            });
        }
    }
    keeper.wait()?;
    let unanswered = || Cell::Broken(format!("no answer after waiting for {waited_for}"));
    Ok(answer.unwrap_or_else(unanswered))
}

/// The other side: makes the sandbox and tries it in there.
pub(crate) fn keeper(arguments: &[OsString]) -> ExitCode {
    let Some((asker, escape, level, binary)) = question(arguments) else {
        eprintln!("{ARGUMENT} is how the checks call themselves; there is nothing here for people");
        return ExitCode::FAILURE;
    };
    let sandbox = Sandbox {
        asker,
        deadline: Some(crate::judge::deadline()),
        needed: &[Path::new("/proc/self/exe"), &binary],
        keeps_terminal: false,
    };
    let end = sandbox.run(|base| {
        let host = match Host::prepare(base, &binary) {
            Ok(host) => host.judged_as(level),
            Err(why) => {
                tell(&json!({ "broken": format!("preparing {}: {why}", base.display()) }));
                return 1;
            }
        };
        match cgroups::problem() {
            Some(problem) if makes_cgroups(&binary) => tell(&json!({ "skipped": problem })),
            _ => match (escape.attempt)(&host, level) {
                Ok(sight) => tell(&json!({
                    "worked": sight.worked, "seen": sight.seen, "said": sight.said,
                })),
                Err(why) => tell(&json!({ "broken": format!("{why:?}") })),
            },
        }
        0
    });
    match end {
        Ok(End::Ended(WaitStatus::Exited(0))) => return ExitCode::SUCCESS,
        Ok(End::Ended(status)) => {
            tell(&json!({ "broken": format!("the sandbox's PID 1 ended: {status:?}") }));
        }
        // Nothing was answered: the asker says what was waited for.
        Ok(End::DeadlinePassed | End::Abandoned) => {}
        Err(why) => tell(&json!({ "broken": why.to_string() })),
    }
    ExitCode::FAILURE
}

fn question(arguments: &[OsString]) -> Option<(u32, &'static Escape, u8, PathBuf)> {
    let [asker, row, level, binary] = arguments else {
        return None;
    };
    let row: usize = row.to_str()?.parse().ok()?;
    Some((
        asker.to_str()?.parse().ok()?,
        ESCAPES.get(row)?,
        level.to_str()?.parse().ok()?,
        PathBuf::from(binary),
    ))
}
