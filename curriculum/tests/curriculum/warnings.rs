//! A skeleton compiles without a warning: a learner's first build is silent, so
//! that the warnings they see are about what they wrote.

use crate::build::Build;
use crate::course::{Course, Verdict, nothing_of};
use libtest_mimic::Trial;

pub(crate) fn trials(course: &'static Course) -> Vec<Trial> {
    course.each("warnings", has_none)
}

fn has_none(course: &'static Course, index: usize) -> Verdict {
    let level = &course.levels[index];
    let build = Build::get(course);
    let path = level.path();
    let diagnostics = build
        .diagnostics(&path)
        .map(|diagnostic| diagnostic.rendered.as_str());
    nothing_of(
        &format!("{} does not compile without a warning", level.package),
        diagnostics,
    )?;
    build.binary(&level.package)?;
    Ok(libtest_mimic::Completion::Completed)
}
