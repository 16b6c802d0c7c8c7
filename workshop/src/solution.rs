//! `cargo workshop solution`: what the reference does where the learner's blocks are, step
//! by step, as a difference from the learner's own code.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use curriculum::levels::Level;
use curriculum::solution::{Solved, foreign, solved};
use curriculum::task::Step;
use similar::{Change, ChangeTag, DiffOp, TextDiff};

use crate::course::{Course, word};
use crate::screen::{BOLD, CODE, DIM, GREEN, RED, paint, say};
use crate::{Result, lesson};

/// What may be said after `solution`.
#[derive(clap::Args)]
#[command(after_help = "\
Lines with a - are yours (or the skeleton's, where you have written nothing
yet), lines with a + are those of the reference. The reference is one way to
do it, not the only one.

Example: cargo workshop solution 03")]
pub(crate) struct Arguments {
    /// Which level [default: that of this directory; it is not guessed elsewhere]
    #[arg(value_name = "LEVEL", value_parser = crate::level_word(), hide_possible_values = true)]
    level: Option<String>,
}

pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    let course = Course::find()?;
    let level = match &arguments.level {
        Some(word) => course.level(word)?,
        None => course.level_here().ok_or(
            "the solution of which level? Name it, `cargo workshop solution 03`, or go to its \
             directory",
        )?,
    };
    show(&course, level)?;
    Ok(ExitCode::SUCCESS)
}

/// A block with everything that is said about it.
struct Part {
    file: PathBuf,
    solved: Solved,
    /// Where it begins in the learner's file, counted from 1.
    line: usize,
    mine: Vec<String>,
    /// What the skeleton has there.
    skeleton: Vec<String>,
    /// What `use` has to bring in for it.
    uses: Vec<String>,
    /// Which lines are about what the next level has and this one has not: not for here.
    foreign: Vec<bool>,
}

pub(crate) fn show(course: &Course, level: &Level) -> Result<()> {
    let Some(next) = course.solution(level) else {
        say(format!(
            "{} is the solution of all levels of part {} itself: {}",
            level.package,
            level.facts.part,
            course.lesson(level)
        ));
        return Ok(());
    };
    let mut parts = Vec::new();
    for file in course.skeleton_files(level) {
        let is_source = file.extension().is_some_and(|extension| extension == "rs");
        if is_source && file.starts_with("src") {
            parts.extend(parts_of(course, level, next, &file)?);
        }
    }
    parts.sort_by_key(|part| part.solved.steps.first().map(|(number, _)| *number));
    let steps = course.steps(level)?;
    let mut told = Vec::new();
    for part in &parts {
        for heading in headings(&steps, part, &mut told) {
            match heading {
                Heading::Words(words) => say(lesson::piece(course, level, &words)?),
                Heading::Task(task) => say(task),
            }
            say("");
        }
        body(level, next, part);
    }
    say(format!(
        "The whole files are in {}/src/.",
        next.path().display()
    ));
    say(format!(
        "What the kernel says to yours: {}",
        paint(CODE, format!("cargo workshop check {}", word(level)))
    ));
    Ok(())
}

fn parts_of(course: &Course, level: &Level, next: &Level, file: &Path) -> Result<Vec<Part>> {
    let text = |level| -> Result<String> {
        Ok(String::from_utf8_lossy(&course.skeleton(level, file)?).into_owned())
    };
    let (skeleton, reference) = (text(level)?, text(next)?);
    let mine = fs::read_to_string(course.root.join(level.path()).join(file)).unwrap_or_default();
    let mine_lines: Vec<&str> = mine.lines().collect();
    let new_modules = new_modules(course, level, next);
    let make = |solved: Solved| {
        let range = region(&skeleton, &mine, solved.block);
        let foreign = foreign(&solved.lines, &skeleton, &new_modules);
        let ours = solved.lines.iter().zip(&foreign).filter(|(_, it)| !**it);
        let ours: Vec<&str> = ours.map(|(line, _)| line.as_str()).collect();
        let uses = uses(&skeleton, &reference, &ours.join("\n"));
        let (first, last) = solved.block;
        let block = skeleton.lines().take(last).skip(first - 1);
        Part {
            file: level.path().join(file),
            line: range.start + 1,
            mine: mine_lines[range]
                .iter()
                .map(|line| (*line).to_owned())
                .collect(),
            skeleton: block.map(str::to_owned).collect(),
            uses,
            foreign,
            solved,
        }
    };
    let blocks = solved(level, next, file, &skeleton, &reference);
    Ok(blocks.into_iter().map(make).collect())
}

/// Where a block of the skeleton is in the learner's file: between the lines around it that
/// both have. The markers may be gone.
pub(crate) fn region(skeleton: &str, mine: &str, (first, last): (usize, usize)) -> Range<usize> {
    let diff = TextDiff::from_lines(skeleton, mine);
    let (mut start, mut end) = (0, mine.lines().count());
    for op in diff.ops() {
        let DiffOp::Equal {
            old_index,
            new_index,
            len,
        } = *op
        else {
            continue;
        };
        // Lines are counted from 0 here: the block is first - 1 .. last.
        if old_index < first - 1 {
            start = new_index + len.min(first - 1 - old_index);
        }
        if old_index + len > last {
            end = new_index + last.saturating_sub(old_index);
            break;
        }
    }
    start.min(end)..end
}

/// The modules that are only in the next level, as one calls into them: `cgroup::`.
fn new_modules(course: &Course, level: &Level, next: &Level) -> Vec<String> {
    let has = course.skeleton_files(level);
    let mut new = course.skeleton_files(next);
    new.retain(|file| !has.contains(file) && file.starts_with("src"));
    let stem = |file: &PathBuf| Some(format!("{}::", file.file_stem()?.to_str()?));
    new.iter().filter_map(stem).collect()
}

/// The names in the reference's `use` lines that the skeleton does not bring in, and that
/// these lines need.
fn uses(skeleton: &str, reference: &str, body: &str) -> Vec<String> {
    let mut has = imported(skeleton);
    // A file of the level's own needs no `use`. The reference may have it from a library.
    let modules = skeleton.lines();
    let modules = modules.filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
    has.extend(modules.map(str::to_owned));
    let needed = words(body);
    let mut new: Vec<String> = imported(reference);
    new.retain(|name| !has.contains(name) && needed.contains(&name.as_str()));
    new
}

fn imported(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut is_open = false;
    for line in source.lines() {
        is_open |= line.starts_with("use ");
        if is_open {
            names.extend(words(line).into_iter().map(str::to_owned));
            is_open = !line.ends_with(';');
        }
    }
    names
}

fn words(text: &str) -> Vec<&str> {
    let is_part = |char: char| char.is_alphanumeric() || char == '_';
    text.split(|char| !is_part(char))
        .filter(|word| !word.is_empty())
        .collect()
}

/// What is said of a step.
enum Heading {
    /// The lesson's words.
    Words(String),
    /// What the block says, where those have been said.
    Task(String),
}

fn headings(steps: &[Step], part: &Part, told: &mut Vec<u32>) -> Vec<Heading> {
    let mut headings = Vec::new();
    for (number, task) in &part.solved.steps {
        let step = steps.iter().find(|step| step.number == *number);
        headings.push(match step.filter(|_| !told.contains(number)) {
            Some(step) => Heading::Words(format!("{number}. {}\n", step.words)),
            None => Heading::Task(format!("{number}. {task}")),
        });
        told.push(*number);
    }
    headings
}

fn body(level: &Level, next: &Level, part: &Part) {
    let place = format!("{}:{}", part.file.display(), part.line);
    say(paint(BOLD, place));
    let mine = without_markers(level, &part.mine);
    let reference = &part.solved.lines;
    if code(&mine) == code(reference) {
        let same = match code(&without_markers(level, &part.skeleton)) == code(reference) {
            true => "as the skeleton has it",
            false => "line for line what you have",
        };
        say(format!("  {}\n", paint(GREEN, same)));
        return;
    }
    if !part.uses.is_empty() {
        say(paint(
            GREEN,
            format!("  + use ...::{{{}}};", part.uses.join(", ")),
        ));
    }
    let is_foreign = |change: &Change<&str>| {
        let line = change.new_index().and_then(|at| part.foreign.get(at));
        line == Some(&true)
    };
    let (mine, reference) = (mine.join("\n") + "\n", reference.join("\n") + "\n");
    for change in TextDiff::from_lines(mine.as_str(), reference.as_str()).iter_all_changes() {
        let line = change.value().trim_end();
        match change.tag() {
            ChangeTag::Equal => say(format!("    {line}").trim_end()),
            _ if line.is_empty() => {}
            ChangeTag::Delete => say(paint(RED, format!("  - {line}"))),
            ChangeTag::Insert if is_foreign(&change) => {
                let number = word(next);
                say(paint(DIM, format!(" {number} {line}")));
            }
            ChangeTag::Insert => say(paint(GREEN, format!("  + {line}"))),
        }
    }
    if part.foreign.contains(&true) {
        let number = word(next);
        say(paint(
            DIM,
            format!("  (lines with {number} are that level's, and not for here)"),
        ));
    }
    say("");
}

fn without_markers(level: &Level, lines: &[String]) -> Vec<String> {
    let number = level.number.unwrap_or_default();
    let markers = [
        format!("// TODO({number:02})"),
        format!("// END TODO({number:02})"),
    ];
    let is_marker = |line: &&String| markers.iter().any(|it| line.trim_start().starts_with(it));
    lines
        .iter()
        .filter(|line| !is_marker(line))
        .cloned()
        .collect()
}

/// The lines that do something.
fn code(lines: &[String]) -> Vec<&str> {
    let lines = lines.iter().map(|line| line.trim());
    lines
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
        .collect()
}
