//! A filter that chooses no trial is green and tests nothing. So each that the pages tell
//! people to use must choose one.

use crate::course::{Course, Verdict, nothing_of};
use curriculum::book::text::{Part, parts, spans};
use curriculum::pages;
use libtest_mimic::{Failed, Trial};
use std::fs;
use std::path::PathBuf;

/// How the command begins, with and without `-q`.
const COMMANDS: [&str; 2] = [
    "cargo test -p curriculum --test curriculum -- ",
    "cargo test -q -p curriculum --test curriculum -- ",
];

/// It is all about a level that is not there yet, and has a test of its own.
const WALKTHROUGH: &str = "docs/src/maintainers/walkthrough.md";

/// `trials` are all others.
pub(crate) fn trial(course: &'static Course, trials: &[Trial]) -> Trial {
    let names: Vec<(String, bool)> = trials
        .iter()
        .map(|it| (it.name().to_owned(), it.has_ignored_flag()))
        .collect();
    Trial::ignorable_test("book::filters_choose_a_trial", move || {
        each_chooses(course, &names)
    })
}

fn each_chooses(course: &Course, trials: &[(String, bool)]) -> Verdict {
    // The maintainers' pages show with this number how a level is added.
    let next = format!("level{:02}", syllabus::LAST + 1);
    let mut count = 0;
    let mut faults = Vec::new();
    let at_the_root = pages::AT_THE_ROOT.map(PathBuf::from).into_iter();
    for path in at_the_root.chain(pages::of_the_book(&course.root)) {
        if path.ends_with(WALKTHROUGH) {
            continue;
        }
        let page = fs::read_to_string(course.root.join(&path))
            .map_err(|error| Failed::from(format!("{}: {error}", path.display())))?;
        for command in commands(&page) {
            count += 1;
            let is_ignored = command.contains("--ignored");
            let mut words = command.split_whitespace();
            let filter = words.find(|it| !it.starts_with('-')).unwrap_or_default();
            let is_chosen =
                |(name, ignored): &(String, bool)| *ignored == is_ignored && name.contains(filter);
            if !filter.contains(&next) && !trials.iter().any(is_chosen) {
                let path = path.display();
                faults.push(format!("{path}: `-- {command}` chooses no trial"));
            }
        }
    }
    if count == 0 {
        return Err("the command is written in another way now".into());
    }
    nothing_of("told, and of no use", faults)
}

/// What stands behind `--` in each command of a page.
fn commands(page: &str) -> Vec<String> {
    // A span of code may begin on one line and end on the next.
    let mut prose = String::new();
    let mut lines = Vec::new();
    for part in parts(page) {
        match part {
            Part::Prose(line) => prose = prose + line.trim() + " ",
            Part::Fence(fence) => lines.extend(fence.lines),
        }
    }
    let code = spans(&prose).filter_map(|(piece, is_code)| is_code.then_some(piece));
    let behind = |text: &str| {
        COMMANDS
            .iter()
            .find_map(|it| Some(text.split_once(it)?.1.to_owned()))
    };
    code.chain(lines).filter_map(behind).collect()
}
