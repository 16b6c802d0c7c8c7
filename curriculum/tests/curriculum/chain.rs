//! Level N and the learner's work make level N+1, line by line.

use crate::course::{Course, Verdict, nothing_of};
use curriculum::{chain, levels};
use libtest_mimic::Trial;

pub(crate) fn trials(course: &'static Course) -> Vec<Trial> {
    let mut trials = course.each("blocks", blocks_are_well_formed);
    for older in 0..course.levels.len() {
        // Between parts there is no chain.
        let Some(newer) = levels::solution(&course.levels, older) else {
            continue;
        };
        let name = format!(
            "chain::{}-{}",
            course.levels[older].package, course.levels[newer].package
        );
        trials.push(Trial::ignorable_test(name, move || {
            course.unless_learners(&[older, newer], || follows(course, older, newer))
        }));
    }
    trials
}

fn blocks_are_well_formed(course: &'static Course, index: usize) -> Verdict {
    let level = &course.levels[index];
    let mut found: Vec<String> = chain::faults(&course.root, level)?
        .iter()
        .map(ToString::to_string)
        .collect();
    if level.number.is_some() && chain::blocks(&course.root, level)?.is_empty() {
        found.push(format!(
            "{}: a level has something to do: no TODO block",
            level.path().display()
        ));
    }
    nothing_of("TODO blocks that are not as they should be", found)
}

fn follows(course: &'static Course, older: usize, newer: usize) -> Verdict {
    let [from, to] = [&course.levels[older], &course.levels[newer]];
    let violations = chain::compare(&course.root, from, to, &course.skeletons())?;
    nothing_of(
        &format!(
            "{} does not follow from {}. If this is your solution of a level, write it between the \
             TODO and END TODO lines: nothing else is needed. If you are changing the workshop, bring \
             the edit into every level that lacks it with\n    \
             cargo run -q -p curriculum -- carry NN\n\
             or take it back; what only one level needs belongs in a TODO block.",
            to.directory, from.directory
        ),
        violations,
    )
}
