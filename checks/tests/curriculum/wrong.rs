//! Every wrong solution below `checks/wrong` is noticed by the check that it names,
//! and that check's failure says what was done wrong.
//!
//! They are built all at once and judged one by one. That takes minutes, so they run
//! only when asked for: `cargo test -p checks --test curriculum -- --ignored`. What this
//! machine's control groups do not show `.ci/qemu.sh` has judged on version 2.

use crate::course::{Course, Verdict, nothing_of};
use crate::right_reason::{no_root, reports};
use checks::LEVELS;
use checks::curriculum::caught::{self, Caught, level_of};
use checks::curriculum::mistakes::{self, Mistake};
use checks::curriculum::workshop::Workshop;
use libtest_mimic::{Completion, Trial};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Mutex, OnceLock};

const AT_LEAST: usize = 60;
const AT_LEAST_A_LEVEL: usize = 4;

/// Level by level: how many were noticed, of how many.
static CAUGHT: Mutex<BTreeMap<u8, (u32, u32)>> = Mutex::new(BTreeMap::new());

pub(crate) fn trials(course: &'static Course) -> Vec<Trial> {
    let mut trials = vec![
        Trial::test("wrong::there_are_enough", move || enough(course)),
        Trial::ignorable_test("wrong::they_apply", move || apply(course)),
    ];
    for path in mistakes::discover(&course.root).unwrap_or_default() {
        let name = format!("wrong::{}", mistakes::name(&path));
        let trial = Trial::ignorable_test(name, move || judge(course, &path));
        trials.push(trial.with_ignored_flag(true));
    }
    trials
}

/// At the end, if any were judged.
pub(crate) fn print_report() {
    let Ok(caught) = CAUGHT.lock() else { return };
    if caught.is_empty() {
        return;
    }
    println!("wrong solutions that were caught, by level");
    let mut sum = (0, 0);
    for (level, (count, total)) in caught.iter() {
        println!("  {level:02}  {count:>3} of {total:>3}");
        sum = (sum.0 + count, sum.1 + total);
    }
    println!("  all {:>3} of {:>3}\n", sum.0, sum.1);
}

fn enough(course: &Course) -> Result<(), libtest_mimic::Failed> {
    let mut found = Vec::new();
    let mut named = BTreeSet::new();
    let mut by_level: BTreeMap<u8, usize> = LEVELS.iter().map(|it| (it.number, 0)).collect();
    for path in mistakes::discover(&course.root)? {
        let mistake = match Mistake::read(&course.root, &path) {
            Ok(mistake) => mistake,
            Err(error) => {
                found.push(error.to_string());
                continue;
            }
        };
        *by_level.entry(mistake.level).or_default() += 1;
        for check in mistake
            .also
            .iter()
            .chain([&mistake.check])
            .chain(mistake.on_v2.iter().map(|(check, _)| check))
        {
            if level_of(check).is_none_or(|level| level > mistake.level) {
                let path = path.display();
                found.push(format!(
                    "{path}: no check up to its level is called {check:?}"
                ));
            }
            named.insert(check.clone());
        }
    }
    for check in LEVELS.iter().flat_map(|level| level.checks) {
        if !named.contains(check.name) {
            let name = check.name;
            found.push(format!("{name:?} is named by none: can it fail at all?"));
        }
    }
    let all: usize = by_level.values().sum();
    if all < AT_LEAST {
        found.push(format!("{all} in all; {AT_LEAST} are promised"));
    }
    let few = by_level
        .iter()
        .filter(|(_, count)| **count < AT_LEAST_A_LEVEL);
    found.extend(few.map(|(level, count)| format!("level {level:02} has only {count}")));
    nothing_of("the wrong solutions are not as they should be", found).map(drop)
}

/// Whoever edits a level is told at once which of them have to be refreshed.
fn apply(course: &'static Course) -> Verdict {
    let mut found = Vec::new();
    for path in mistakes::discover(&course.root)? {
        // What cannot be read the other trial tells.
        let Ok(mistake) = Mistake::read(&course.root, &path) else {
            continue;
        };
        let solution = mistakes::solution(&course.levels, mistake.level);
        let Some(solution) = solution.filter(|&it| !course.is_learners(it)) else {
            continue;
        };
        let solution = course.levels[solution].path();
        let target = course.scratch.join("wrong").join(mistakes::name(&path));
        if let Err(error) = mistake.write(&course.root, &solution, &target) {
            found.push(error);
        }
    }
    nothing_of("the wrong solutions have to follow the levels", found)
}

fn judge(course: &'static Course, path: &Path) -> Verdict {
    if let Some(reason) = no_root() {
        return course.skip(reason);
    }
    let mistake = Mistake::read(&course.root, path)?;
    let number = mistake.level;
    let solution = mistakes::solution(&course.levels, number)
        .ok_or_else(|| format!("there is no solution of level {number:02}"))?;
    course.unless_learners(&[solution], || {
        let outcome = expect_caught(course, &mistake);
        if let Ok(mut caught) = CAUGHT.lock() {
            let (count, total) = caught.entry(number).or_default();
            *count += u32::from(outcome.is_ok());
            *total += 1;
        }
        outcome
    })
}

fn expect_caught(course: &'static Course, mistake: &Mistake) -> Verdict {
    let binary = workshop(course).binary(&mistake.path)?;
    let outcome = caught::look(mistake, |options| {
        reports(course, binary, mistake.level, options).map_err(|why| {
            let why = why.message().unwrap_or("no reports").to_owned();
            why.into()
        })
    })?;
    match outcome {
        Caught::Yes => Ok(Completion::Completed),
        Caught::NotLookedAt(why) => course.skip(format!("not looked at here: {why}")),
        Caught::No(why) => Err(why.into()),
    }
}

fn workshop(course: &Course) -> &'static Workshop {
    static WORKSHOP: OnceLock<Workshop> = OnceLock::new();
    WORKSHOP.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wrong");
        Workshop::build(&course.root, &course.levels, &directory, |_| true)
    })
}
