//! Each lesson has its parts, and its steps are those of the TODO blocks.

use crate::course::{Course, Verdict, nothing_of};
use curriculum::chain;
use curriculum::lesson::Lesson;
use libtest_mimic::{Completion, Trial};
use std::collections::BTreeSet;

pub(crate) fn trials(course: &'static Course) -> Vec<Trial> {
    course.each("lesson", is_whole)
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
