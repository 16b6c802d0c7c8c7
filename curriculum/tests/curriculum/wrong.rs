//! Every wrong solution below `checks/wrong` is noticed by the check that it names: that
//! is what a learner is told first, and it says what was done wrong.
//!
//! A third of them is judged by the checks of all levels up to its own, as a learner is,
//! and all of them with `RUBBER_DOCKER_WHOLE_ORDER=1`; the others by their own level's.
//!
//! They are built all at once and judged one by one. That takes minutes, so they run
//! only when asked for: `cargo test -p curriculum --test curriculum -- --ignored`. What this
//! machine's control groups do not show `.ci/qemu.sh` has judged on version 2.

use crate::course::{Course, Verdict, nothing_of};
use crate::patched;
use crate::right_reason::{no_root, reports};
use checks::LEVELS;
use curriculum::caught::{self, Caught, level_of};
use curriculum::mistakes::{self, Mistake};
use curriculum::patch;
use libtest_mimic::{Completion, Trial};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;

const AT_LEAST: usize = 60;

/// Level by level: how many were noticed, of how many.
static CAUGHT: Mutex<BTreeMap<u8, (u32, u32)>> = Mutex::new(BTreeMap::new());

pub(crate) fn trials(course: &'static Course) -> Vec<Trial> {
    let mut trials = vec![
        Trial::test("wrong::there_are_enough", move || enough(course)),
        Trial::ignorable_test("wrong::they_apply", move || {
            patched::apply(course, mistakes::PATH)
        }),
    ];
    for path in patch::discover(&course.root, mistakes::PATH).unwrap_or_default() {
        let trial = Trial::ignorable_test(patch::trial(&path), move || judge(course, &path));
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
    for path in patch::discover(&course.root, mistakes::PATH)? {
        let mistake = match Mistake::read(&course.root, &path) {
            Ok(mistake) => mistake,
            Err(error) => {
                found.push(error.to_string());
                continue;
            }
        };
        *by_level.entry(mistake.patch.level).or_default() += 1;
        for check in mistake
            .also
            .iter()
            .chain([&mistake.check])
            .chain(mistake.on_v2.iter().map(|(check, _)| check))
        {
            if level_of(check).is_none_or(|level| level > mistake.patch.level) {
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
        .filter(|(_, count)| **count < mistakes::AT_LEAST_A_LEVEL);
    found.extend(few.map(|(level, count)| format!("level {level:02} has only {count}")));
    nothing_of("the wrong solutions are not as they should be", found).map(drop)
}

fn judge(course: &'static Course, path: &Path) -> Verdict {
    if let Some(reason) = no_root() {
        return course.skip(reason);
    }
    let mistake = Mistake::read(&course.root, path)?;
    let number = mistake.patch.level;
    patched::unless_learners(course, &mistake.patch, || {
        let outcome =
            patched::unless_judged(course, &mistake.patch, || expect_caught(course, &mistake));
        let is_looked_at = !matches!(outcome, Ok(Completion::Ignored { .. }));
        if let Ok(mut caught) = CAUGHT.lock()
            && is_looked_at
        {
            let (count, total) = caught.entry(number).or_default();
            *count += u32::from(outcome.is_ok());
            *total += 1;
        }
        outcome
    })
}

fn expect_caught(course: &'static Course, mistake: &Mistake) -> Verdict {
    let directory = tempfile::tempdir_in(&course.scratch)?;
    let binary = patched::binary(course, &mistake.patch, directory.path())?;
    let order = patched::order(&mistake.patch);
    let outcome = caught::look(mistake, order, |options| {
        reports(course, &binary, mistake.patch.level, options).map_err(|why| {
            let why = why.message().unwrap_or("no reports").to_owned();
            why.into()
        })
    })?;
    match outcome {
        Caught::Yes => Ok(Completion::Completed),
        Caught::NotLookedAt(why) => course.skip(format!("not looked at here: {why}")),
        // In QEMU it is caught (.ci/qemu.sh).
        Caught::NoMistakeHere(why) => Ok(Completion::ignored_with(why)),
        Caught::No(why) => Err(why.into()),
    }
}
