//! `levels/skeletons.lock` says the truth, or the level is a learner's.

use crate::course::{Course, Verdict, nothing_of};
use curriculum::lock::State;
use libtest_mimic::{Completion, Trial};

const RENEW: &str = "renew it with\n    cargo run -q -p curriculum -- lock";

pub(crate) fn trials(course: &'static Course) -> Vec<Trial> {
    let mut trials = course.each("lock", is_true);
    trials.push(Trial::ignorable_test(
        "lock::has_only_what_is_there",
        move || knows_no_other_level(course),
    ));
    trials
}

fn is_true(course: &'static Course, index: usize) -> Verdict {
    let package = &course.levels[index].package;
    match course.state(index) {
        // `Learner` does not come here: it is skipped like everywhere else.
        State::Skeleton | State::Learner(_) => Ok(Completion::Completed),
        State::Unlocked => {
            Err(format!("levels/skeletons.lock does not know {package}; {RENEW}").into())
        }
        State::Maintained(files) => nothing_of(
            &format!(
                "levels/skeletons.lock is not true of {package}: something outside the TODO blocks \
                 changed. If this is your solution of the level, write it between the TODO and END TODO \
                 lines: nothing else is needed. If that is how the skeleton should be, {RENEW}"
            ),
            files,
        ),
    }
}

fn knows_no_other_level(course: &'static Course) -> Verdict {
    let known = |path: &&str| {
        course
            .levels
            .iter()
            .any(|level| std::path::Path::new(path).starts_with(level.path()))
    };
    let stale = course.lock.paths().filter(|path| !known(path));
    nothing_of(
        &format!("levels/skeletons.lock knows levels that are not there; {RENEW}"),
        stale,
    )
}
