//! The state after a check, on its way to the board: by a process of its own, which nobody
//! waits for and which lives for a second at most. It may be ended at any time.
//!
//! A process, and no thread: a check may end at once, and in a `watch` a thread would be one
//! more that signals could be delivered to.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use super::exchange::{PATIENCE, Question, ask};
use super::kept::{change, directory, is_joined, read, sending};
use super::message::message;
use super::refusal::Refusal;
use super::state::State;
use crate::Result;
use crate::course::Course;
use crate::screen::{self, DIM, note, paint};

/// The hidden command of the process that sends.
pub(crate) const VERB: &str = "tell-board";

/// A message on its way. In a `watch` there is one after the other, and those that have
/// ended are taken leave of when the next is sent.
#[derive(Debug, Default)]
pub(crate) struct Telling(Vec<Child>);

impl Telling {
    fn begin(&mut self, course: &Course) {
        self.0
            .retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        // Of what it prints nothing is read. By this name it is found also after cargo has built
        // another companion in its place.
        let sends = Command::new("/proc/self/exe")
            .arg(VERB)
            .current_dir(&course.root)
            .process_group(0) // a Ctrl-C at the terminal is not for it
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.0.extend(sends);
    }
}

/// Keeps the state and sends it, if the learner has joined. A fault of the board is none of the
/// check: nothing is waited for, and nothing fails.
pub(crate) fn tell(
    course: &Course,
    telling: &mut Telling,
    state: impl FnOnce() -> Result<Option<State>>,
) {
    if !is_joined(course) || nix::unistd::geteuid().is_root() {
        return;
    }
    if let Some(why) = not_yet_mentioned(course) {
        let text = format!(
            "The class board was not told of the check before: {why}. Your work is not affected, \
             and this is said once; each check tries again."
        );
        note(paint(DIM, screen::wrap(&text, screen::width())));
    }
    let kept = || {
        let Some(state) = state()? else {
            return Ok(None);
        };
        change(course, |seat| seat.state = state)
    };
    match kept() {
        Ok(Some(_)) => telling.begin(course),
        Ok(None) => {}
        Err(error) => note(error),
    }
}

/// Sends what is kept, in the background.
pub(crate) fn now(course: &Course, telling: &mut Telling) {
    telling.begin(course);
}

/// What the process does that was started so.
pub(crate) fn run() -> Result<()> {
    if nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    let course = Course::find()?;
    let Some(_alone) = sending(&course, PATIENCE)? else {
        return Ok(());
    };
    let Some(seat) = read(&course)? else {
        return Ok(());
    };
    remember(&course, ask(&seat.board, Question::Seat, message(&seat)));
    Ok(())
}

/// Where it stands that the board was not told: empty once that was mentioned.
fn away(course: &Course) -> std::path::PathBuf {
    directory(course).join("away")
}

/// Whether it has arrived is told at the next check. What cannot be written down is not told.
fn remember(course: &Course, outcome: std::result::Result<(), Refusal>) {
    let path = away(course);
    let _ = match outcome {
        Ok(()) => fs::remove_file(path),
        Err(refusal) => OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)
            .and_then(|mut file| file.write_all(refusal.to_string().as_bytes())),
    };
}

fn not_yet_mentioned(course: &Course) -> Option<String> {
    let path = away(course);
    let why = fs::read_to_string(&path)
        .ok()
        .filter(|why| !why.is_empty())?;
    fs::write(&path, "").ok()?;
    Some(why)
}
