//! `cargo workshop begin`: a beginning in the middle, for people who know what stands before.

use std::process::ExitCode;

use curriculum::levels::Level;

use crate::course::{Course, word};
use crate::progress::{self, Progress, State};
use crate::screen::{prose, say};
use crate::{Result, map};

/// What may be said after `begin`.
#[derive(clap::Args)]
#[command(after_help = "\
Each level starts from a correct solution of those before it, so nothing is
missing where you begin. The map shows the others as skipped, and not as done;
a level that you have written in stays what it is. What is skipped can still be
done at any time, and `cargo workshop begin 00` takes the marks away.

Example: cargo workshop begin 06")]
pub(crate) struct Arguments {
    /// Where to begin
    #[arg(value_name = "LEVEL", value_parser = crate::level_word(), hide_possible_values = true)]
    #[arg(required_unless_present = "part")]
    level: Option<String>,

    /// At the first level of this part of the course
    #[arg(long, value_name = "NUMBER", conflicts_with = "level")]
    part: Option<u8>,
}

pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    let course = Course::find()?;
    let first = match (arguments.part, &arguments.level) {
        (Some(part), _) => first_of(&course, part)?,
        (None, Some(word)) => course.level(word)?,
        (None, None) => return Err("where? `cargo workshop begin 06`".into()),
    };
    if first.number.is_none() {
        return Err(format!(
            "{} is a solution: there is nothing to fill in. A level has a number",
            first.directory
        )
        .into());
    }
    let progress = Progress::read(&course)?;
    let mut skipped = Vec::new();
    for level in course.numbered().take_while(|level| *level != first) {
        // What the learner has written counts for what it is.
        let state = progress.state(&course, level)?;
        if matches!(state, State::Untouched | State::Skipped) {
            skipped.push(level);
        }
    }
    progress::skipped(&course, &skipped)?;
    tell(&course, first, &skipped);
    map::next(&course, &Progress::read(&course)?)?;
    Ok(ExitCode::SUCCESS)
}

/// The first level of a part.
fn first_of(course: &Course, part: u8) -> Result<&Level> {
    let found = course.numbered().find(|level| level.facts.part == part);
    let last = course.numbered().map(|level| level.facts.part).max();
    found.ok_or_else(|| {
        format!(
            "there is no part {part} here: the last one is {}. `cargo workshop update` asks \
             whether there is a newer workshop",
            last.unwrap_or_default()
        )
        .into()
    })
}

fn tell(course: &Course, first: &Level, skipped: &[&Level]) {
    let own = word(first);
    let words: Vec<String> = skipped.iter().map(|level| word(level)).collect();
    let which = match words.as_slice() {
        [] => {
            say("No level is skipped.\n");
            return;
        }
        [one] => format!("Level {one} is skipped"),
        words => format!("Levels {} are skipped", words.join(", ")),
    };
    prose(format!(
        "{which}: level {own} begins with all that they build, as given code."
    ));
    // A part has the solution of the one before as a library, and a level as its own text.
    let before = course.levels.iter().take_while(|level| *level != first);
    let home = before.last().filter(|level| level.number.is_none());
    let recipe = home.unwrap_or(first).path().join("src/container.rs");
    if course.root.join(&recipe).is_file() {
        prose(format!(
            "Read it from {} on: that is what the child does, in order.",
            recipe.display()
        ));
    }
    say("");
}
