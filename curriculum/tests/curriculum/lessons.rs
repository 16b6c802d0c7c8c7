//! Each lesson has its parts, its steps are those of the TODO blocks, it says how long it takes
//! and what has to be imported, it is short where a learner waits to begin, and its hints begin
//! with a question.

use crate::course::{Course, Verdict, nothing_of};
use curriculum::lesson::Lesson;
use curriculum::pages::PAGES;
use curriculum::task::{self, Hint};
use curriculum::times::{Measure, Words};
use curriculum::{Result, chain, names, solution};
use libtest_mimic::{Completion, Trial};
use std::collections::BTreeSet;
use std::path::Path;

const WELCOME: &str = "welcome.md";

pub(crate) fn trials(course: &'static Course) -> Vec<Trial> {
    let mut trials = course.each("lesson", is_whole);
    trials.extend(course.each("time", says_how_long_it_takes));
    trials.extend(course.each("words", is_short));
    trials.extend(course.each("imports", says_what_to_import));
    trials.extend(course.each("hints", hints_are_graded));
    trials.push(Trial::ignorable_test("time::the_chapters", move || {
        chapters_say_how_long_they_take(course)
    }));
    trials
}

/// How long the chapter at `page`, seen from the book's pages, takes.
fn minutes_of(course: &Course, page: &str) -> Result<usize> {
    let path = course.root.join(PAGES).join(page);
    let text =
        std::fs::read_to_string(&path).map_err(|why| format!("{}: {why}", path.display()))?;
    Ok(Measure::chapter(&text).minutes())
}

/// The links of a line of Markdown, each with the text up to the next one.
fn links(line: &str) -> impl Iterator<Item = (&str, &str)> {
    line.split("](").skip(1).filter_map(|it| it.split_once(')'))
}

/// `Some 40 minutes. To read before: [Processes](...) (25 minutes).`
fn says_how_long_it_takes(course: &'static Course, index: usize) -> Verdict {
    let level = &course.levels[index];
    if level.number.is_none() {
        return Ok(Completion::Completed);
    }
    let path = level.path().join("README.md");
    let text = std::fs::read_to_string(course.root.join(&path))?;
    let line = text.lines().find(|line| line.contains("To read before"));
    let line = line.unwrap_or_default();
    let measure = Measure::lesson(&course.root, &course.levels, index)?;
    let own = format!("Some {} minutes. To read before: ", measure.minutes());
    let mut wrong = Vec::new();
    if !line.starts_with(&own) {
        wrong.push(format!("it begins with {own:?}: {measure:?}"));
    }
    for (target, after) in links(line) {
        let page = target.rsplit("docs/src/").next().unwrap_or(target);
        let said = format!(" ({} minutes)", minutes_of(course, page)?);
        if !after.starts_with(&said) {
            wrong.push(format!("behind the link to {page}: {said:?}"));
        }
    }
    nothing_of(&format!("{}: the line {line:?}", path.display()), wrong)
}

/// A learner wants to begin, and what is only interesting has a page of its own, the sources.
fn is_short(course: &'static Course, index: usize) -> Verdict {
    const BEFORE_TASK: usize = 600;
    const IN_READING: usize = 60;
    let level = &course.levels[index];
    if level.number.is_none() {
        return Ok(Completion::Completed);
    }
    let path = level.path().join("README.md");
    let words = Words::of(&std::fs::read_to_string(course.root.join(&path))?);
    course.notice(format!(
        "{}: {} words before the task, {} outside hints, {} in hints, {} in further reading",
        level.package, words.before_task, words.outside_hints, words.in_hints, words.in_reading
    ));
    let too_long = [
        ("before the task", words.before_task, BEFORE_TASK),
        ("in further reading", words.in_reading, IN_READING),
    ]
    .into_iter()
    .filter(|(_, words, at_most)| words > at_most)
    .map(|(place, words, at_most)| format!("{words} words {place}, at most {at_most}"));
    nothing_of(&path.display().to_string(), too_long)
}

/// Imports are not the exercise: in front of the first step stands, for each file, the line
/// that brings in what its blocks need.
fn says_what_to_import(course: &'static Course, index: usize) -> Verdict {
    let path = course.levels[index].path().join("README.md");
    let text = std::fs::read_to_string(course.root.join(&path))?;
    let task = text.split_once("## Your task").unwrap_or_default().1;
    let before = task.split_once("\n1. ").unwrap_or_default().0;
    let imports = names::to_import(&course.root, &course.levels, index)?;
    let missing = imports
        .iter()
        .map(|it| format!("// {}\n{}", it.file.display(), it.line))
        .filter(|lines| !before.contains(lines));
    nothing_of(
        &format!(
            "{}: the task must say before its first step what to import",
            path.display()
        ),
        missing,
    )
}

/// The table of the welcome has a row `| [Processes](prepare/processes.md) | 25 | ...`.
fn chapters_say_how_long_they_take(course: &'static Course) -> Verdict {
    let page = Path::new(PAGES).join(WELCOME);
    let text = std::fs::read_to_string(course.root.join(&page))?;
    let mut wrong = Vec::new();
    let mut count = 0;
    for row in text.lines().filter(|line| line.starts_with("| [")) {
        let Some((chapter, _)) = links(row).next() else {
            continue;
        };
        count += 1;
        let minutes = minutes_of(course, chapter)?;
        if row.split(" | ").nth(1) != Some(&minutes.to_string()) {
            wrong.push(format!("{chapter} takes {minutes} minutes: {row}"));
        }
    }
    if count == 0 {
        wrong.push("no row begins with a link to a chapter".to_owned());
    }
    nothing_of(&page.display().to_string(), wrong)
}

fn is_whole(course: &'static Course, index: usize) -> Verdict {
    let level = &course.levels[index];
    if level.number.is_none() {
        return Ok(Completion::Completed); // `complete` is the end of the road, not a lesson
    }
    let readme = level.path().join("README.md");
    let text = std::fs::read_to_string(course.root.join(&readme))
        .map_err(|error| format!("{}: {error}", readme.display()))?;
    let blocks = chain::blocks(&course.root, level)?;
    let steps: BTreeSet<u32> = blocks
        .iter()
        .flat_map(|(_, block)| block.steps.iter().map(|(step, _)| *step))
        .collect();
    nothing_of(
        &format!("{} lacks", readme.display()),
        Lesson::parse(&text).missing(&steps),
    )
}

/// A step's hints go from a question to the line: there are three at least, the first asks,
/// and neither it nor the second has a line of the solution.
fn hints_are_graded(course: &'static Course, index: usize) -> Verdict {
    const AT_LEAST: usize = 3;
    // `mount(` alone is no answer.
    const SHORTEST: usize = 12;
    let level = &course.levels[index];
    let path = level.path().join("README.md");
    let text = std::fs::read_to_string(course.root.join(&path))?;
    let written = solution::to_write(&course.root, &course.levels, index)?;
    let lines = written.iter().flat_map(|file| &file.lines);
    let lines: Vec<&String> = lines.filter(|line| line.len() >= SHORTEST).collect();
    let mut wrong = Vec::new();
    for step in task::steps(&text) {
        let mut say = |what: String| wrong.push(format!("step {}: {what}", step.number));
        if step.hints.len() < AT_LEAST {
            say(format!("{} hints, not {AT_LEAST}", step.hints.len()));
        }
        let asks = |hint: &Hint| hint.title.contains('?') || hint.text.contains('?');
        if !step.hints.first().is_some_and(asks) {
            say("the first hint is no question".to_owned());
        }
        for hint in step.hints.iter().take(AT_LEAST - 1) {
            for line in lines
                .iter()
                .filter(|line| hint.text.contains(line.as_str()))
            {
                say(format!("{:?} gives the answer away: {line}", hint.title));
            }
        }
    }
    nothing_of(&format!("{}: the hints", path.display()), wrong)
}
