//! What is written down of a run.
//!
//! ```text
//! { "format": 1, "argv": [...], "host": "own",
//!   "steps": [ { "who": "p2", "call": "mount", "arguments": [...],
//!                "lines": [ {file, line, function, todo}, ... ], innermost first; todo: see below
//!                "born": "p3",                                  its view begins as who's
//!                "error": {errno, words, why},
//!                "times": 27, "calls": {...}, "names": [...],   calls that are one step
//!                "each": [[call, arguments], ...],              of the first that made names
//!                "unseen": true,                                no file in /proc shows it
//!                "view": { "host": PATCH, "p2": PATCH } } ],    see `difference`
//!   "end": { "status": 3 } or { "signal": 9 }, "left": [...]; or { "cut": "why" },
//!   "files": { "levels/05_uts_namespace/src/main.rs": "its text" },
//!   "blocks": { FILE: [ {first, last, "steps": [ {number, task} ]} ] } }
//! ```
//!
//! A view has, of the host and of each process, what `snapshot.rs` and `network.rs` read:
//!
//! ```text
//! { "mounts": { "m001": {point, type, source, root, options, layers, propagation, on} },
//!   "hostname": "host", "interfaces": { "lo": "up" },
//!   "addresses": { "lo": ["127.0.0.1/8", "::1/128"] },            of those that have any
//!   "routes": ["default via 10.0.0.1 dev eth0"],                  as ip(8) has them
//!   "processes": {...}, "cgroups": {...},                         the host alone
//!   "namespaces": {...}, "root", "cwd", "cgroup": {...}, "descriptors": {...}, and the rows of
//!   /proc/PID/status: "NSpid", "Uid", "Gid", "Groups", "CapInh", ..., "Seccomp" }  a process alone
//! ```
//!
//! `files`, `blocks` and `todo` are added when it is read. A block is what stands between the
//! markers `TODO(05) 1. ...` and `END TODO(05)`, lines `first` to `last`, and answers these steps of
//! the lesson's task. `todo` is the numbers of the steps, `[1, 2]`, at a line that lies in a block.
//!
//! The tracer sends it step by step to a process that outlives it. So there is a record up to
//! there, however the run ends.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use given::Error;
use serde_json::{Map, Value, json};

use crate::blocks;
use crate::cost::Cost;
use crate::steps::Listener;

/// The form of what is written. Another number means that readers have to be changed.
const FORMAT: u32 = 1;

/// The tracer's end of the line.
pub(crate) struct Sender<'a> {
    to: &'a UnixStream,
    witness: &'a dyn Fn(&mut Value),
}

impl<'a> Sender<'a> {
    pub(crate) fn new(to: &'a UnixStream, witness: &'a dyn Fn(&mut Value)) -> Sender<'a> {
        Sender { to, witness }
    }

    pub(crate) fn send(&mut self, what: &str, value: &Value) {
        // If the other process is gone, so are we in a moment.
        let _ = writeln!(self.to, "{}", json!({ what: value }));
    }
}

impl Listener for Sender<'_> {
    fn step(&mut self, mut step: Value) {
        (self.witness)(&mut step);
        self.send("step", &step);
    }

    fn group(&mut self, path: &str) {
        self.send("group", &path.into());
    }

    fn commands(&mut self, count: usize) {
        self.send("commands", &count.into());
    }

    fn stopped(&mut self, signal: i32) {
        self.send("stopped", &signal.into());
    }
}

/// All that has come.
#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) steps: Vec<Value>,
    /// Control groups that were made.
    pub(crate) groups: Vec<PathBuf>,
    /// How it has ended; none if the tracer could not say.
    pub(crate) end: Option<Value>,
    /// What it has cost; none if the tracer could not say.
    pub(crate) cost: Option<Cost>,
    /// Why there is nothing to tell.
    pub(crate) error: Option<String>,
}

/// Listens to the tracer until that is gone. `commands` is kept as it says; `stopped` is called
/// when a signal has stopped the level.
pub(crate) fn listen(from: UnixStream, commands: &AtomicUsize, stopped: impl Fn(i32)) -> Heard {
    let mut heard = Heard::default();
    for line in BufReader::new(from).lines().map_while(Result::ok) {
        let Ok(Value::Object(line)) = serde_json::from_str(&line) else {
            continue; // cut in the middle
        };
        for (what, value) in line {
            match what.as_str() {
                "step" => heard.steps.push(value),
                "group" => heard.groups.extend(value.as_str().map(PathBuf::from)),
                "end" => heard.end = Some(value),
                "cost" => heard.cost = Cost::from_json(&value),
                "error" => heard.error = value.as_str().map(str::to_owned),
                "stopped" => stopped(value.as_i64().map_or(0, |it| it as i32)),
                "commands" => {
                    let count = value.as_u64().unwrap_or_default();
                    commands.store(
                        usize::try_from(count).unwrap_or_default(),
                        Ordering::Relaxed,
                    );
                }
                _ => {}
            }
        }
    }
    heard
}

/// The record, but for the texts of the files.
pub(crate) fn put_together(argv: &[String], host: &str, steps: Vec<Value>, end: Value) -> Value {
    json!({
        "format": FORMAT,
        "argv": argv,
        "host": host,
        "steps": steps,
        "end": end,
    })
}

/// Reads a record, and adds the texts of the files that it speaks of. Done without privilege:
/// they are the learner's.
pub fn read(record: &Path, course: &Path) -> Result<Value, Error> {
    let text = fs::read_to_string(record)
        .map_err(|error| format!("cannot read {}: {error}", record.display()))?;
    let mut record: Value = serde_json::from_str(&text)
        .map_err(|error| format!("{} is no record of an x-ray: {error}", record.display()))?;
    if record["format"] != FORMAT {
        return Err(format!(
            "this record has the form {}, and only {FORMAT} is known here; record the run again",
            record["format"]
        )
        .into());
    }
    let mut files = Map::new();
    for step in record["steps"].as_array().into_iter().flatten() {
        for line in step["lines"].as_array().into_iter().flatten() {
            if let Some(file) = line["file"].as_str()
                && !files.contains_key(file)
                && let Ok(text) = fs::read_to_string(course.join(file))
            {
                files.insert(file.to_owned(), text.into());
            }
        }
    }
    record["files"] = files.into();
    blocks::mark(&mut record);
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_cut_costs_no_other() -> Result<(), Error> {
        let (mut to, from) = UnixStream::pair()?;
        to.write_all(b"{\"step\":{\"who\":\"p1\"}}\n{\"commands\":2}\n{\"group\":\"/x\"}\n{\"st")?;
        drop(to);
        let commands = AtomicUsize::new(0);
        let heard = listen(from, &commands, |_| {});
        assert_eq!(heard.steps, [json!({"who": "p1"})]);
        assert_eq!(heard.groups, [PathBuf::from("/x")]);
        assert_eq!(commands.load(Ordering::Relaxed), 2);
        assert!(heard.end.is_none() && heard.error.is_none());
        Ok(())
    }
}
