//! Every right solution below `checks/right` passes the checks of its level, although it is
//! not like ours; of a third of them, and of all with `RUBBER_DOCKER_WHOLE_ORDER=1`, those of
//! all levels up to it.
//!
//! They are built and judged like the wrong ones, and as long, so they run only when asked
//! for: `cargo test -p curriculum --test curriculum -- --ignored right`.

use crate::course::{Course, Verdict, nothing_of};
use crate::patched;
use crate::right_reason::{no_root, reports};
use curriculum::patch;
use curriculum::unusual::{self, Unusual};
use libtest_mimic::{Failed, Trial};
use std::path::Path;

const AT_LEAST: usize = 30;

pub(crate) fn trials(course: &'static Course) -> Vec<Trial> {
    let mut trials = vec![
        Trial::test("right::there_are_enough", move || enough(course)),
        Trial::ignorable_test("right::they_apply", move || {
            patched::apply(course, unusual::PATH)
        }),
    ];
    for path in patch::discover(&course.root, unusual::PATH).unwrap_or_default() {
        let trial = Trial::ignorable_test(patch::trial(&path), move || judge(course, &path));
        trials.push(trial.with_ignored_flag(true));
    }
    trials
}

fn enough(course: &Course) -> Result<(), Failed> {
    let mut found = Vec::new();
    let all = patch::discover(&course.root, unusual::PATH)?;
    for path in &all {
        if let Err(error) = Unusual::read(&course.root, path) {
            found.push(error.to_string());
        }
    }
    if all.len() < AT_LEAST {
        found.push(format!("{} in all; {AT_LEAST} are promised", all.len()));
    }
    nothing_of("the right solutions are not as they should be", found).map(drop)
}

fn judge(course: &'static Course, path: &Path) -> Verdict {
    if let Some(reason) = no_root() {
        return course.skip(reason);
    }
    let unusual = Unusual::read(&course.root, path)?;
    patched::unless_learners(course, &unusual.patch, || {
        patched::unless_judged(course, &unusual.patch, || {
            expect_accepted(course, path, &unusual)
        })
    })
}

fn expect_accepted(course: &'static Course, path: &Path, unusual: &Unusual) -> Verdict {
    let directory = tempfile::tempdir_in(&course.scratch)?;
    let binary = patched::binary(course, &unusual.patch, directory.path())?;
    let mut refused = Vec::new();
    let level = unusual.patch.level;
    let options = patched::order(&unusual.patch).options(level);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    for report in reports(course, &binary, level, &options)? {
        match report["verdict"].as_str() {
            Some("pass") => {}
            Some("skip") => course.notice(format!(
                "not looked at here: {}: {}",
                report["name"], report["seen"]
            )),
            _ => refused.push(format!("{report:#}")),
        }
    }
    nothing_of(
        &format!(
            "{} is refused, although it is right: {}",
            path.display(),
            unusual.why
        ),
        refused,
    )
}
