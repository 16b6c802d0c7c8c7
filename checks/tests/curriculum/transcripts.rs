//! What the workshop's pages show in a console is what happens: in the lessons, in the
//! README and in the book.
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
use checks::curriculum::lesson::{Fence, Lesson, Mode};
use checks::curriculum::pages;
use checks::curriculum::transcript;
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

/// What is not run may be wrong, and nobody would know.
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
    let others = ["README.md".into()]
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
    let named = match level {
        Some(index) => vec![index],
        None => named_in(course, fence),
    };
    // What `after` shows is the next level's skeleton.
    let step = usize::from(fence.mode == Mode::After);
    let shown = |index: usize| (index + step).min(course.levels.len() - 1);
    let subjects: Vec<usize> = named.iter().map(|&index| shown(index)).collect();
    course.unless_learners(&subjects, || {
        if let Some(reason) = no_root() {
            return course.skip(reason);
        }
        let build = Build::get(course);
        let mut programs = Vec::new();
        for &index in &named {
            let binary = build.binary(&course.levels[shown(index)].package)?;
            programs.push((course.levels[index].package.clone(), binary.to_owned()));
        }
        let commands = transcript::read(page, fence)?;
        perform(course, page, &programs, &commands, PATIENCE)?;
        Ok(Completion::Completed)
    })
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
