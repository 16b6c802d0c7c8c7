//! One escape in one solution, in a sandbox of its own: asked for, tried, answered.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::requirement::Requirement;
use super::row::Escape;
use super::table::ESCAPES;
use super::verdict::Cell;
use crate::execution::{self, Ending, Heard};

/// The first argument that makes this executable the supervisor of a sandbox.
pub(crate) const ARGUMENT: &str = "--supervise-a-sandbox-for-one-escape";

/// One escape in one solution, asked for.
pub(super) fn ask(row: usize, level: usize, binary: &Path, image: &File) -> io::Result<Cell> {
    if let Some(why) = ESCAPES[row].requires.problem() {
        return Ok(Cell::Skipped(why));
    }
    // What a machine has only one of, two attempts would take from each other.
    static THE_MACHINE: Mutex<()> = Mutex::new(());
    let _alone = (ESCAPES[row].requires == Requirement::Disposable).then(|| THE_MACHINE.lock());
    let (row, level) = (row.to_string(), level.to_string());
    let words = [OsStr::new(&row), OsStr::new(&level), binary.as_os_str()];
    execution::ask(ARGUMENT, &words, image).map(cell)
}

fn cell(heard: Heard) -> Cell {
    match (heard.ending, heard.answer) {
        (Ending::Changed(what), _) => Cell::Broken(what),
        (_, Some(answer)) => answered(&answer),
        (Ending::Broken(why), None) => Cell::Broken(why),
        (Ending::Well | Ending::DeadlinePassed, None) => {
            Cell::Broken(format!("no answer after waiting for {}", heard.waited_for))
        }
    }
}

fn answered(answer: &Value) -> Cell {
    let text = |key: &str| answer.get(key).and_then(Value::as_str).map(str::to_owned);
    match (text("skipped"), text("seen"), text("said")) {
        (Some(why), ..) => Cell::Skipped(why),
        (None, Some(seen), Some(said)) => match answer.get("worked") == Some(&json!(true)) {
            true => Cell::Works(seen),
            false => Cell::Stopped { seen, said },
        },
        _ => Cell::Broken(text("failed").unwrap_or_else(|| "no answer".to_owned())),
    }
}

/// The other side: makes the sandbox and tries it in there.
pub(crate) fn supervisor(arguments: &[OsString]) -> ExitCode {
    let Some((client, escape, level, binary)) = question(arguments) else {
        return execution::not_for_people(ARGUMENT);
    };
    execution::supervise(client, &binary, level, |host, problem| {
        if let Some(problem) = problem {
            return json!({ "skipped": problem });
        }
        match (escape.attempt)(host, level) {
            Ok(sight) => json!({
                "worked": sight.worked, "seen": sight.seen, "said": sight.said,
            }),
            Err(why) => json!({ "failed": format!("{why:?}") }),
        }
    })
}

fn question(arguments: &[OsString]) -> Option<(u32, &'static Escape, u8, PathBuf)> {
    let (client, [row, level, binary]) = execution::words(arguments)?;
    let row: usize = row.to_str()?.parse().ok()?;
    let level = level.to_str()?.parse().ok()?;
    Some((client, ESCAPES.get(row)?, level, PathBuf::from(binary)))
}
