//! What the workshop's pages show in a console is what happens: in the lessons, in the
//! README and its neighbours, and in the book.
//!
//! Each fence is a trial with a sandbox of its own. Standard output and standard
//! error are compared together, as a terminal shows them, by snapbox. How a
//! transcript is written is told in `curriculum::transcript`.
//!
//! A lesson's `after` has the solution under the level's name. A page that belongs to
//! no level has all the solutions.

use crate::build::Build;
use crate::course::{Course, Verdict};
use crate::performance::{PATIENCE, perform};
use crate::right_reason::no_root;
use curriculum::lesson::{Fence, Lesson, Mode};
use curriculum::levels;
use curriculum::pages;
use curriculum::transcript::{self, SECOND};
use libtest_mimic::{Completion, Failed, Trial};
use std::path::{Path, PathBuf};

/// A page with transcripts.
struct Page {
    /// As the trials call it: `level03`, `README`, `docs/src/prepare/mounts`.
    name: String,
    /// Its file, seen from the root.
    path: PathBuf,
    /// The level whose lesson it is.
    level: Option<usize>,
}

pub(crate) fn trials(course: &'static Course) -> Vec<Trial> {
    let mut trials = vec![Trial::test(
        "transcript::fewer_than_one_in_ten_is_not_run",
        || few_are_skipped(course),
    )];
    for page in pages_of(course) {
        trials.extend(fences(course, page));
    }
    trials
}

/// What is not run may be wrong, and no test would know.
fn few_are_skipped(course: &Course) -> Result<(), Failed> {
    let (mut all, mut skipped) = (0, 0);
    for page in pages_of(course) {
        let text = std::fs::read_to_string(course.root.join(page.path)).unwrap_or_default();
        let fences = Lesson::parse(&text).fences;
        all += fences.len();
        let is_skipped = |fence: &&Fence| matches!(fence.mode, Mode::Skip(_));
        skipped += fences.iter().filter(is_skipped).count();
    }
    let counts = format!("of {all} console fences {skipped} are not run");
    course.notice(counts.clone());
    if skipped * 10 < all {
        return Ok(());
    }
    Err(format!("{counts}; fewer than one in ten may be so").into())
}

fn pages_of(course: &Course) -> Vec<Page> {
    let others = pages::AT_THE_ROOT
        .map(PathBuf::from)
        .into_iter()
        .chain(pages::of_the_book(&course.root))
        .map(|path: PathBuf| Page {
            name: path.with_extension("").display().to_string(),
            path,
            level: None,
        });
    let lessons = course.levels.iter().enumerate().map(|(index, level)| Page {
        name: level.package.clone(),
        path: level.path().join("README.md"),
        level: Some(index),
    });
    others.chain(lessons).collect()
}

fn fences(course: &'static Course, page: Page) -> Vec<Trial> {
    let Ok(text) = std::fs::read_to_string(course.root.join(&page.path)) else {
        return Vec::new(); // a lesson that is missing is lessons.rs's to say
    };
    let Page { name, path, level } = page;
    let lesson = Lesson::parse(&text);
    let mut trials = Vec::new();
    for (line, fault) in lesson.faults {
        let message = format!("{}:{line}: {fault}", path.display());
        trials.push(Trial::test(
            format!("transcript::{name}:{line}"),
            move || Err(Failed::from(message)),
        ));
    }
    for fence in lesson.fences {
        trials.extend(changed(course, level, &name, &path, &fence));
        let path = path.clone();
        let mode = match &fence.mode {
            Mode::Skip(_) => "skip".to_owned(),
            mode => mode.to_string(),
        };
        let title = format!("transcript::{name}:{}:{mode}", fence.line);
        trials.push(Trial::ignorable_test(title, move || {
            run(course, level, &path, &fence)
        }));
    }
    trials
}

fn run(course: &Course, level: Option<usize>, page: &Path, fence: &Fence) -> Verdict {
    if let Mode::Skip(reason) = &fence.mode {
        course.notice(format!(
            "{}:{}: not run: {reason}",
            page.display(),
            fence.line
        ));
        return Ok(Completion::ignored_with(reason));
    }
    let commands = transcript::read(page, fence)?;
    let subjects = subjects(course, level, fence);
    let mut solutions: Vec<usize> = subjects.iter().map(|&(_, shown)| shown).collect();
    // A maintainer's command reads all levels, whichever are named.
    if fence
        .lines
        .iter()
        .any(|it| it.contains("-p curriculum -- "))
    {
        solutions.extend(0..course.levels.len());
    }
    course.unless_learners(&solutions, || {
        if let Some(reason) = no_root() {
            return course.skip(reason);
        }
        let clones = commands.iter().any(|it| it.command.contains("git clone"));
        if clones && !course.root.join(".git").exists() {
            return course.skip("there is no git history to clone: an unpacked archive".into());
        }
        let programs = programs(course, &subjects)?;
        perform(course, page, &programs, &commands, PATIENCE)?;
        Ok(Completion::Completed)
    })
}

/// The levels that a fence is about, each with the one whose program it gets.
fn subjects(course: &Course, level: Option<usize>, fence: &Fence) -> Vec<(usize, usize)> {
    let named = match level {
        Some(index) => vec![index],
        None => named_in(course, fence),
    };
    // What `after` shows is the next level's skeleton.
    let shown = |index| match fence.mode {
        Mode::After => levels::solution(&course.levels, index).unwrap_or(index),
        _ => index,
    };
    named
        .into_iter()
        .map(|index| (index, shown(index)))
        .collect()
}

fn programs(
    course: &Course,
    subjects: &[(usize, usize)],
) -> Result<Vec<(String, PathBuf)>, Failed> {
    let build = Build::get(course);
    let program = |&(index, shown): &(usize, usize)| {
        let binary = build.binary(&course.levels[shown].package)?;
        Ok((course.levels[index].package.clone(), binary.to_owned()))
    };
    subjects.iter().map(program).collect()
}

/// The same fence with one line changed must not pass: a comparison that does not notice
/// is no test.
fn changed(
    course: &'static Course,
    level: Option<usize>,
    name: &str,
    page: &Path,
    fence: &Fence,
) -> Option<Trial> {
    let mut commands = match fence.mode {
        Mode::Skip(_) => return None,
        _ => transcript::read(page, fence).ok()?, // a fault is the fence's own trial's to say
    };
    let (command, line) = commands.iter_mut().rev().find_map(|command| {
        let line = command
            .output
            .lines()
            .rfind(|line| !["", "..."].contains(line))?;
        let line = line.to_owned();
        Some((command, line))
    })?;
    let other = format!("{line} changed");
    let at = command.output.rfind(&line)?;
    command.output.replace_range(at..at + line.len(), &other);
    let subjects = subjects(course, level, fence);
    let page = page.to_owned();
    let title = format!("wrong_transcript::{name}:{}", fence.line);
    let trial = Trial::ignorable_test(title, move || {
        if let Some(reason) = no_root() {
            return course.skip(reason);
        }
        let programs = programs(course, &subjects)?;
        // A second terminal looks again until then; what ends by itself is compared at its end.
        let is_watched = commands.iter().any(|command| command.terminal == SECOND);
        let patience = if is_watched { PATIENCE / 4 } else { PATIENCE };
        match perform(course, &page, &programs, &commands, patience) {
            Err(failed) if failed.message().is_some_and(|it| it.contains(" changed")) => {
                Ok(Completion::Completed)
            }
            Err(failed) => Err(failed),
            Ok(()) => {
                Err(format!("the comparison did not notice that it should be: {other}").into())
            }
        }
    });
    // It takes longer than the transcripts themselves.
    Some(trial.with_ignored_flag(true))
}

/// The levels that a fence names.
fn named_in(course: &Course, fence: &Fence) -> Vec<usize> {
    let is_named = |index: &usize| {
        let name = &course.levels[*index].package;
        fence.lines.iter().any(|line| {
            line.split(|char: char| !char.is_alphanumeric())
                .any(|word| word == name)
        })
    };
    (0..course.levels.len()).filter(is_named).collect()
}
