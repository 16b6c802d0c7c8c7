//! `cargo workshop hint`: the next hint of a lesson, one at a time.

use std::process::ExitCode;

use checks::Verdict;
use curriculum::levels::Level;
use curriculum::task::{Hint, Step};

use crate::check;
use crate::course::{Course, word};
use crate::progress::{self, Progress};
use crate::screen::{BOLD, CODE, DIM, paint, prose, say};
use crate::{Result, lesson, screen};

/// What may be said after `hint`.
#[derive(clap::Args)]
#[command(after_help = "\
If a check of the level has failed, the hints of the step that it named come
first; otherwise they come in the order of the lesson.

Example: cargo workshop hint 03")]
pub(crate) struct Arguments {
    /// Which level [default: that of this directory, or where you are]
    #[arg(value_name = "LEVEL", value_parser = crate::level_word(), hide_possible_values = true)]
    level: Option<String>,

    /// Those that you have seen, once more
    #[arg(long)]
    again: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    let course = Course::find()?;
    let level = match &arguments.level {
        Some(word) => course.level(word)?,
        None => check::current(&course)?,
    };
    match arguments.again {
        true => again(&course, level)?,
        false => next(&course, level)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows the next hint and remembers that.
pub(crate) fn next(course: &Course, level: &Level) -> Result<()> {
    let progress = Progress::read(course)?;
    let steps = course.steps(level)?;
    let seen: Vec<&str> = progress.hints(level).collect();
    let all: Vec<(&Step, &Hint)> = hints(&steps).collect();
    let own = word(level);
    if all.is_empty() {
        prose(format!(
            "Level {own} has no hints: there is nothing to write in it."
        ));
        return Ok(());
    }
    let mut open = all
        .iter()
        .filter(|(_, hint)| !seen.contains(&hint.title.as_str()));
    let failing = match progress.fails(course, level)? {
        true => failing_step(course, level),
        false => None,
    };
    let of_failing = open.clone().find(|(step, _)| Some(step.number) == failing);
    let Some((step, hint)) = of_failing.or_else(|| open.next()) else {
        prose(format!(
            "You have seen all {} hints of level {own}. They are in\n{}, and here: {}",
            all.len(),
            course.lesson(level),
            paint(CODE, format!("cargo workshop hint {own} --again"))
        ));
        prose(format!(
            "What is left is the solution: {}",
            paint(CODE, format!("cargo workshop solution {own}"))
        ));
        return Ok(());
    };
    show(course, level, step, hint)?;
    progress::hinted(course, level, &hint.title)?;
    let left = all.len() - seen.len().min(all.len()) - 1;
    let more = match left {
        0 => "That was the last one.".to_owned(),
        1 => "There is one more.".to_owned(),
        _ => format!("There are {left} more."),
    };
    say(format!("\n{}", paint(DIM, more)));
    Ok(())
}

/// How many hints of a level have not been read.
pub(crate) fn left(course: &Course, level: &Level) -> Result<usize> {
    let progress = Progress::read(course)?;
    let seen: Vec<&str> = progress.hints(level).collect();
    let steps = course.steps(level)?;
    let is_new = |(_, hint): &(&Step, &Hint)| !seen.contains(&hint.title.as_str());
    Ok(hints(&steps).filter(is_new).count())
}

fn again(course: &Course, level: &Level) -> Result<()> {
    let progress = Progress::read(course)?;
    let steps = course.steps(level)?;
    let seen: Vec<&str> = progress.hints(level).collect();
    if seen.is_empty() {
        prose(format!(
            "You have seen no hint of level {} yet.",
            word(level)
        ));
    }
    let is_seen = |(_, hint): &(&Step, &Hint)| seen.contains(&hint.title.as_str());
    for (index, (step, hint)) in hints(&steps).filter(is_seen).enumerate() {
        if index > 0 {
            say("");
        }
        show(course, level, step, hint)?;
    }
    Ok(())
}

fn hints(steps: &[Step]) -> impl Iterator<Item = (&Step, &Hint)> {
    steps
        .iter()
        .flat_map(|step| step.hints.iter().map(move |hint| (step, hint)))
}

fn show(course: &Course, level: &Level, step: &Step, hint: &Hint) -> Result<()> {
    let title = format!(
        "Level {}, step {}: {}",
        word(level),
        step.number,
        hint.title
    );
    say(format!(
        "{}\n",
        paint(BOLD, screen::wrap(&title, screen::width()))
    ));
    say(lesson::piece(course, level, &hint.text)?);
    Ok(())
}

/// The step of the level that the last check has named first.
fn failing_step(course: &Course, level: &Level) -> Option<u32> {
    let marker = format!("TODO({:02}) ", level.number?);
    let reports = check::last(course, level);
    let failed = reports
        .iter()
        .filter(|report| report.verdict == Verdict::Fail);
    failed
        .filter_map(|report| report.step()?.strip_prefix(&marker)?.parse().ok())
        .next()
}
