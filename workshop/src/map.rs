//! `cargo workshop` alone: where am I, and what is next?

use curriculum::levels::Level;

use crate::Result;
use crate::course::{Course, word};
use crate::progress::{Progress, State};
use crate::screen::{self, BOLD, CODE, DIM, GREEN, RED, YELLOW, paint, prose, say};

/// The levels of the part that the learner is in, one a line, and a line for each other part:
/// all of them are more than a terminal has.
pub(crate) fn show(course: &Course, progress: &Progress) -> Result<()> {
    let here = progress.here(course)?;
    let levels: Vec<&Level> = course.numbered().collect();
    let part_here = here
        .or(levels.last().copied())
        .map(|level| level.facts.part);
    let (mut done, mut skipped) = (0, 0);
    let mut lines = Vec::new();
    for part in levels.chunk_by(|one, next| one.facts.part == next.facts.part) {
        let (mut done_here, mut skipped_here) = (0, 0);
        for level in part {
            let state = progress.state(course, level)?;
            done_here += usize::from(matches!(state, State::Done | State::Changed));
            skipped_here += usize::from(state == State::Skipped);
            if part_here == Some(level.facts.part) {
                lines.push(line(course, level, state, here == Some(level)));
            }
        }
        if part_here != part.first().map(|level| level.facts.part) {
            lines.extend(in_short(part, done_here, skipped_here));
        }
        done += done_here;
        skipped += skipped_here;
    }
    let skipped = match skipped {
        0 => String::new(),
        count => format!(", {count} skipped"),
    };
    let count = format!("{done} of {} levels done{skipped}", levels.len());
    say(format!(
        "\n{}  {count}\n",
        paint(BOLD, "Rubber Docker in Rust")
    ));
    lines.iter().for_each(say);
    say("");
    Ok(())
}

/// The line of another part than the learner's.
fn in_short(part: &[&Level], done: usize, skipped: usize) -> Option<String> {
    let (first, last) = (part.first()?, part.last()?);
    let (style, sign) = match part.len() - done {
        0 => (GREEN, "done"),
        rest if rest == skipped => (DIM, "skipped"),
        _ => (DIM, ""),
    };
    let sign = paint(style, format!("{sign:>7}"));
    let number = first.facts.part;
    let text = format!(
        "to {}: Part {number}, {done} of {} done",
        word(last),
        part.len()
    );
    Some(format!("{sign}  {}  {}", word(first), paint(DIM, text)))
}

/// In which column the titles begin.
const TITLE: usize = 13;

fn line(course: &Course, level: &Level, state: State, is_here: bool) -> String {
    let own = word(level);
    let (style, sign) = match state {
        State::Done => (GREEN, "done"),
        State::Changed => (YELLOW, "done"),
        _ if is_here => (BOLD, "here"),
        State::Failing => (RED, "begun"),
        State::Begun => (YELLOW, "begun"),
        State::Skipped => (DIM, "skipped"),
        State::Untouched => (DIM, ""),
    };
    let remark = match state {
        State::Changed => format!("changed since; cargo workshop check {own}"),
        State::Failing => "a check fails".to_owned(),
        State::Begun => "not checked yet".to_owned(),
        State::Done | State::Skipped | State::Untouched => String::new(),
    };
    let sign = paint(style, format!("{sign:>7}"));
    let title = course.title(level);
    let before = title.chars().count();
    let gap = match remark.chars().count() {
        0 => String::new(),
        // Below, where there is no room for it beside.
        columns if TITLE + before.max(32) + columns > screen::room() => {
            format!("\n{}", " ".repeat(TITLE))
        }
        _ => " ".repeat(32_usize.saturating_sub(before).max(2)),
    };
    let title = match state {
        _ if is_here => paint(BOLD, title),
        State::Skipped | State::Untouched => paint(DIM, title),
        _ => title,
    };
    let remark = match remark.is_empty() {
        true => remark,
        false => paint(style, remark),
    };
    format!("{sign}  {own}  {title}{gap}{remark}")
}

/// What to do next, and the command for it.
pub(crate) fn next(course: &Course, progress: &Progress) -> Result<()> {
    let code = |text: &str| paint(CODE, text);
    let Some(level) = progress.here(course)? else {
        prose(format!(
            "No level is left to do. `rd` is all of them together: run it, change it, and\n\
             see what it costs: {}",
            code("cargo workshop check rd")
        ));
        return Ok(());
    };
    let own = word(level);
    let rows = match progress.state(course, level)? {
        State::Failing => vec![
            ("read what fails", format!("cargo workshop check {own}")),
            ("on every save", "cargo workshop watch".to_owned()),
            ("stuck?", format!("cargo workshop hint {own}")),
        ],
        State::Begun => vec![
            (
                "what is true so far?",
                format!("cargo workshop check {own}"),
            ),
            ("on every save", "cargo workshop watch".to_owned()),
            ("stuck?", format!("cargo workshop hint {own}")),
        ],
        _ => vec![
            ("read", format!("cargo workshop lesson {own}")),
            ("or in your editor", course.lesson(level)),
            (
                "run it as it is",
                format!("cargo run -q -p {}", level.package),
            ),
            (
                "fill in its TODOs, beside",
                "cargo workshop watch".to_owned(),
            ),
        ],
    };
    say(paint(
        BOLD,
        format!("Next: level {own}, {}", course.title(level)),
    ));
    for (what, command) in rows {
        screen::row(what, 28, &command);
    }
    Ok(())
}
