//! How each escape is tried, and how it is seen from outside whether it has worked.
//!
//! In every attempt the container's own process goes on to hold afterwards, and is
//! found by the kernel's word: "it did not work" always means that it was tried.
//! Here is what all share; the attempts themselves stand by subject:
//!
//! | module | what the container is after |
//! |---|---|
//! | [`files`] | the host's files and devices |
//! | [`disk`] | the room for files, and what is in one that was handed in |
//! | [`counted`] | what the kernel counts for a user, on the whole machine |
//! | [`mounts`] | mounts |
//! | [`processes`] | the host's processes, and being left alone by them |
//! | [`neighbours`] | names, sockets, queues, keys, the terminal |
//! | [`groups`] | more of the machine than it was given |
//! | [`users`] | another user's, group's or root's rights |
//! | [`kernel`] | the one kernel's own files |
//! | [`runtime`] | the program that made the container, by a [`hostile_loader`] |

pub(super) mod counted;
pub(super) mod disk;
pub(super) mod files;
pub(super) mod groups;
mod hostile_loader;
pub(super) mod kernel;
pub(super) mod mounts;
pub(super) mod neighbours;
pub(super) mod processes;
pub(super) mod runtime;
pub(super) mod users;

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::path::Path;
use std::time::Duration;

use crate::container::Container;
use crate::finding::Failure;
use crate::host::Host;
use crate::patience::is_emulated;

/// What was seen from outside after an attempt.
#[derive(Debug)]
pub(super) struct Sight {
    pub(super) worked: bool,
    /// The place that was looked at, and what was there.
    pub(super) seen: String,
    /// What the program said of it; for people, and to know a refusal from an accident.
    pub(super) said: String,
}

pub(super) type Attempt = fn(&Host, u8) -> Result<Sight, Failure>;

/// As long as something gets to happen before it counts as not happening.
/// On an emulated machine that shares its processors, the end of a process can take a second.
fn moment() -> Duration {
    let usual = Duration::from_millis(150);
    if is_emulated() { usual * 10 } else { usual }
}

const USER: &str = "--user=1000:1000";

/// `probe try VERB... then hold`, held.
fn hold<'a>(
    host: &'a Host,
    words: &[&str],
    option: Option<&'a str>,
) -> Result<Container<'a>, Failure> {
    let command = [&["probe", "try"], words, &["then", "hold"]].concat();
    let run = host.run(&command);
    match option {
        Some(option) => run.option(option),
        None => run,
    }
    .hold()
}

fn sight(container: &Container, worked: bool, seen: impl Into<String>) -> Sight {
    Sight {
        worked,
        seen: seen.into(),
        said: container.errors(),
    }
}

/// Options that the earlier levels do not know. There is nothing to ask them for.
fn since(level: u8, solution: u8, option: &'static str) -> Option<&'static str> {
    (solution >= level).then_some(option)
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn failed(what: &str, why: &dyn std::fmt::Display) -> Failure {
    Failure::seen(format!("{what}: {why}"))
}

/// A file that the command has open.
fn open_file(container: &Container, is_it: impl Fn(&Metadata) -> bool) -> Option<String> {
    let entries = fs::read_dir(container.proc("fd")).ok()?;
    let mut paths = entries.flatten().map(|entry| entry.path());
    let found = paths.find(|path| fs::metadata(path).is_ok_and(|it| is_it(&it)))?;
    Some(text(&found))
}

/// The flags with which a descriptor was opened (proc_pid_fdinfo(5)): 1 is write-only.
fn flags(container: &Container, descriptor: &OsStr) -> Option<i32> {
    let info = fs::read_to_string(container.proc("fdinfo").join(descriptor)).ok()?;
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
    i32::from_str_radix(flags.trim(), 8).ok()
}

fn kept(container: &Container, is_it: impl Fn(&Metadata) -> bool, what: &str) -> Sight {
    match open_file(container, is_it) {
        Some(path) => sight(container, true, format!("{path} is {what}")),
        None => {
            let seen = format!("no file in {} is {what}", text(&container.proc("fd")));
            sight(container, false, seen)
        }
    }
}

/// A file made below the host's canary directory.
fn left_in_canary(host: &Host, words: impl FnOnce(&str) -> Vec<String>) -> Result<Sight, Failure> {
    let mark = host.canary().join("escaped");
    let words = words(&text(&mark));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let container = hold(host, &words, None)?;
    let is_there = mark.exists();
    let seen = if is_there { "is there" } else { "is not there" };
    Ok(sight(
        &container,
        is_there,
        format!("{} {seen} on the host", mark.display()),
    ))
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}
