//! Rooms take values, never options: only main.rs and container.rs know those.

use crate::course::{Course, Verdict, nothing_of};
use curriculum::rooms;
use libtest_mimic::Trial;

pub(crate) fn trials(course: &'static Course) -> Vec<Trial> {
    course.each("rooms", take_values)
}

fn take_values(course: &'static Course, index: usize) -> Verdict {
    let level = &course.levels[index];
    nothing_of(
        "only main.rs and container.rs know `Options`; every other file is given what it needs of \
         them as a value: a path, a user, a set, a row",
        rooms::that_know_options(&course.root, level)?,
    )
}
