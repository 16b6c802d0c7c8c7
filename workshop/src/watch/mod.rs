//! `cargo workshop watch`: a check on every save, and on to the next level when one is done.
//!
//! | file | holds |
//! |---|---|
//! | `files.rs` | how we get to know of a save |
//! | `keys.rs` | the terminal while we wait: keys, signals, and its settings put back |
//!
//! One thread, which waits for everything at once in poll(2). While a check runs the
//! terminal is an ordinary one: sudo may ask for a password, and Ctrl-C ends all of us.

mod files;
mod keys;

use std::process::ExitCode;

use curriculum::levels::Level;

use crate::check::{self, Detail, Judged, Outcome, Reader};
use crate::course::{Course, word};
use crate::lesson::{self, Hints};
use crate::progress::{Progress, State};
use crate::screen::{self, CODE, DIM, YELLOW, note, paint, prose, say};
use crate::seat::{self, Telling};
use crate::{Result, hand, hint, solution};

use files::Files;
use keys::{Event, Keys};

/// What may be said after `watch`.
#[derive(clap::Args)]
#[command(after_help = "\
Keys: l the lesson, h the next hint, s the solution, c or Enter check again,
q quit; and r raises your hand at a class board that you have joined.

On file systems that do not tell of changes (NFS, Windows drives in WSL), the
files are looked at every second, and that is said; --poll does it anywhere.

Example: cargo workshop watch 03")]
pub(crate) struct Arguments {
    /// Which level [default: that of this directory, or where you are]
    #[arg(value_name = "LEVEL", value_parser = crate::level_word(), hide_possible_values = true)]
    level: Option<String>,

    /// Look at the files every second instead of being told
    #[arg(long)]
    poll: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    let course = Course::find()?;
    let mut level = match &arguments.level {
        Some(word) => course.level(word)?,
        None => check::current(&course)?,
    };
    let mut keys = Keys::new();
    let mut telling = Telling::default();
    loop {
        let mut files = Files::watch(&course, level, arguments.poll)?;
        if let Some(why) = files.polls_because() {
            let text = format!("{why}: looking at the files every second.");
            note(paint(YELLOW, screen::wrap(&text, screen::width())));
        }
        match watch_one(&course, level, &mut files, &mut keys, &mut telling)? {
            End::Done => match next(&course, level)? {
                Some(next) => level = next,
                None => {
                    prose("No level is left to do: there is nothing to watch.");
                    return Ok(ExitCode::SUCCESS);
                }
            },
            End::Quit(status) => return Ok(ExitCode::from(status)),
        }
    }
}

/// Why a level is watched no more.
enum End {
    Done,
    Quit(u8),
}

fn watch_one(
    course: &Course,
    level: &Level,
    files: &mut Files,
    keys: &mut Keys,
    telling: &mut Telling,
) -> Result<End> {
    // A level as it came is not checked before the learner has written in it: that it fails
    // is known, and the last words about the level before should stay to be read.
    let state = Progress::read(course)?.state(course, level)?;
    let mut is_due = !matches!(state, State::Untouched | State::Skipped);
    if !is_due {
        say(format!(
            "\nLevel {}: {}\n{}",
            word(level),
            course.title(level),
            paint(CODE, course.lesson(level))
        ));
        footer(course, level, keys);
    }
    let mut is_sure = false;
    loop {
        if is_due {
            if screen::is_terminal() {
                screen::clear();
            }
            let Judged { outcome, content } = check::check(course, level, Detail::First)?;
            files.remember(content);
            check::tell_board(course, level, outcome, telling);
            if outcome == Outcome::Passed && files.differ() {
                // On to the next level would leave this one behind as "changed since".
                prose("It was saved again while the checks ran: once more.");
                continue;
            }
            let reader = Reader::OfWatch {
                has_keyboard: keys.has_keyboard,
            };
            check::after(course, level, outcome, reader)?;
            match outcome {
                Outcome::Passed => return Ok(End::Done),
                // A save changes nothing about that.
                Outcome::NotJudged | Outcome::Skipped => return Ok(End::Quit(125)),
                Outcome::Failed | Outcome::NotBuilt => footer(course, level, keys),
            }
            is_due = false;
        }
        let event = keys.wait(files)?;
        let asks_for_solution = matches!(event, Event::Key(b's'));
        match event {
            Event::Saved | Event::Key(b'c' | b'\n' | b'\r') => is_due = true,
            Event::Key(b'l') => {
                say("");
                lesson::show(course, level, Hints::Folded)?;
                footer(course, level, keys);
            }
            Event::Key(b'h') => {
                say("");
                hint::next(course, level)?;
                footer(course, level, keys);
            }
            Event::Key(b's') if is_sure || hint::left(course, level)? == 0 => {
                say("");
                solution::show(course, level)?;
                footer(course, level, keys);
            }
            Event::Key(b's') => {
                let left = hint::left(course, level)?;
                prose(format!(
                    "\nThere are hints that you have not seen, {left} of them: h shows the next.\n\
                     Another s shows the solution all the same."
                ));
            }
            Event::Key(b'r') if seat::is_joined(course) => {
                say("");
                hand::in_watch(course, telling)?;
                footer(course, level, keys);
            }
            Event::Key(b'q') => return Ok(End::Quit(0)),
            Event::Key(_) => {}
            Event::Quit(status) => return Ok(End::Quit(status)),
        }
        is_sure = asks_for_solution;
    }
}

/// The level to go on with: the next one in the book that is not done.
fn next<'a>(course: &'a Course, level: &Level) -> Result<Option<&'a Level>> {
    let progress = Progress::read(course)?;
    let mut next = course.next(level);
    while let Some(level) = next {
        if progress.state(course, level)? != State::Done {
            return Ok(Some(level));
        }
        next = course.next(level);
    }
    progress.here(course)
}

fn footer(course: &Course, level: &Level, keys: &Keys) {
    let path = level.path();
    let keys = match (keys.has_keyboard, seat::is_joined(course)) {
        (true, true) => "   l lesson  h hint  s solution  c check  r raise hand  q quit",
        (true, false) => "   l lesson  h hint  s solution  c check  q quit",
        (false, _) => "",
    };
    prose(paint(DIM, format!("\nwatching {}{keys}", path.display())));
}
