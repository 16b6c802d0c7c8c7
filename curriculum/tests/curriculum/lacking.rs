//! Each level has all that belongs to a level, and what the pages say of the day is what the
//! slides hold.

use crate::course::{Course, Verdict, nothing_of};
use curriculum::deck::{self, Section};
use curriculum::lacking;
use libtest_mimic::Trial;

const INSTRUCTORS: &str = "docs/src/instructors.md";

pub(crate) fn trials(course: &'static Course) -> Vec<Trial> {
    let mut trials = course.each("lacking", nothing_is_lacking);
    trials.push(Trial::ignorable_test(
        "lacking::the_plans_of_the_day",
        move || plans(course),
    ));
    trials
}

fn nothing_is_lacking(course: &'static Course, index: usize) -> Verdict {
    nothing_of(
        &format!("{} is not whole", course.levels[index].package),
        lacking::of(&course.root, &course.levels, index)?,
    )
}

/// The page has a row `| `half` | 00 to 06 | ...` for each plan; a full day is Part I, and the
/// second day Part II.
fn plans(course: &'static Course) -> Verdict {
    let page = std::fs::read_to_string(course.root.join(INSTRUCTORS))?;
    let sections = deck::sections(&course.root)?;
    let mut found = Vec::new();
    for plan in ["full", "half", "two-hours", "harden"] {
        let holds = |it: &&Section| it.plans.iter().any(|held| held == plan);
        let held = sections.iter().filter(holds).filter_map(|it| it.level);
        let held: Vec<u8> = held.collect();
        let last = held.last().copied().unwrap_or_default();
        let first = match plan {
            "harden" => syllabus::last_of(1).map_or(0, |last| last + 1),
            _ => 0,
        };
        if !held.iter().copied().eq(first..=last) {
            found.push(format!("{}: {plan} holds the levels {held:?}", deck::PATH));
        }
        let row = format!("| `{plan}` | {first:02} to {last:02} | ");
        if !page.contains(&row) {
            found.push(format!("{INSTRUCTORS}: no row {row}..."));
        }
    }
    let first_part = course.levels.iter().filter(|it| it.facts.part == 1);
    if let Some(last) = first_part.filter_map(|it| it.number).next_back() {
        let row = format!("| `full` | 00 to {last:02} | ");
        if !page.contains(&row) {
            found.push(format!(
                "{INSTRUCTORS}: a full day ends with level {last:02}, the last of Part I: no row {row}..."
            ));
        }
    }
    nothing_of("the day is planned in two ways", found)
}
