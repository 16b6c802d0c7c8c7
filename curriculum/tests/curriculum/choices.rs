//! For each choice that a level leaves to its learner there is a right solution, of which its
//! check says so, and a wrong one, of which it says what is wrong. Nothing else is judged: what a
//! level must show is as it was.
//!
//! Both are one program a level, and all of these are built at once, when asked for:
//! `cargo test -p curriculum --test curriculum -- --ignored choices`.

use crate::course::{Course, Verdict, nothing_of};
use crate::patched::{self, TARGET};
use crate::right_reason::{choice_of, no_root};
use curriculum::choices::{self, Choice};
use curriculum::patch::{self, Patch};
use curriculum::workshop::{Lines, Spoilt, Workshop};
use libtest_mimic::{Completion, Failed, Trial};
use mutants::Combined;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The number of the wrong solution in a program that is both.
const WRONG: usize = 1;

/// The levels that leave a choice.
fn numbers(course: &Course) -> impl Iterator<Item = u8> {
    let numbers = course.levels.iter().filter_map(|level| level.number);
    numbers.filter(|number| checks::choice(*number).is_some())
}

pub(crate) fn trials(course: &'static Course) -> Vec<Trial> {
    let mut trials = vec![
        Trial::test("choices::each_is_made_twice", move || each_is_made(course)),
        Trial::ignorable_test("choices::they_apply", move || {
            patched::apply(course, choices::PATH)
        }),
    ];
    for number in numbers(course) {
        let trial = Trial::ignorable_test(name(number), move || judge(course, number));
        trials.push(trial.with_ignored_flag(true));
    }
    trials
}

fn name(number: u8) -> String {
    format!("choices::level{number:02}")
}

fn each_is_made(course: &Course) -> Result<(), Failed> {
    let missing = numbers(course).filter_map(|number| {
        let choice = Choice::read(&course.root, number);
        choice.err().map(|why| why.to_string())
    });
    nothing_of("the choices are not as they should be", missing).map(drop)
}

fn judge(course: &'static Course, number: u8) -> Verdict {
    if let Some(reason) = no_root() {
        return course.skip(reason);
    }
    let choice = Choice::read(&course.root, number)?;
    patched::unless_learners(course, &choice.right, || {
        let solution = solution(course, number)?;
        let said = [choice.right.text.as_str(), &choice.wrong.text];
        let key = course.judged.key(course, solution, &said)?;
        let trial = name(number);
        if course.judged.outcome(&trial, &key).is_some() {
            return Ok(Completion::Completed);
        }
        let verdict = course.with_second_look(&trial, || look(course, number, &choice));
        if matches!(verdict, Ok(Completion::Completed)) {
            course.judged.remember(&trial, &key, "passed");
        }
        verdict
    })
}

fn solution(course: &Course, number: u8) -> curriculum::Result<usize> {
    let solution = patch::solution(&course.levels, number);
    Ok(solution.ok_or_else(|| format!("there is no solution of level {number:02}"))?)
}

fn look(course: &'static Course, number: u8, choice: &Choice) -> Verdict {
    let program = program(course, number)?;
    let right = choice_of(course, program, number)?;
    let mut found = Vec::new();
    match right["verdict"].as_str() {
        Some("pass") => {}
        Some("skip") => return course.skip(format!("not looked at here: {}", right["seen"])),
        _ => found.push(format!("refused, although it is right: {right:#}")),
    }
    let directory = tempfile::tempdir_in(&course.scratch)?;
    let program = patched::numbered(program, WRONG, directory.path())?;
    let wrong = choice_of(course, &program, number)?;
    if wrong["verdict"] != "fail" {
        found.push(format!("not noticed, although it is wrong: {wrong:#}"));
    }
    // As a learner reads it.
    let text = ["seen", "expected", "usually"].map(|key| wrong[key].as_str().unwrap_or_default());
    let text = text.join("\n");
    let unsaid = choice.says.iter().filter(|words| !text.contains(*words));
    found.extend(unsaid.map(|words| format!("it does not say {words:?}: {wrong:#}")));
    nothing_of(&format!("the choice of level {number:02}"), found)
}

/// The program of a level's choice, which is the right one as it is. The first who asks waits
/// for all that are judged in this run.
fn program(course: &'static Course, number: u8) -> Result<&'static Path, Failed> {
    static PROGRAMS: OnceLock<Result<Workshop, String>> = OnceLock::new();
    let programs = PROGRAMS.get_or_init(|| build(course).map_err(|why| why.to_string()));
    let workshop = programs.as_ref().map_err(String::as_str)?;
    Ok(workshop.binary(&key(number))?)
}

fn key(number: u8) -> PathBuf {
    format!("{number:02}").into()
}

fn build(course: &'static Course) -> curriculum::Result<Workshop> {
    let mut spoilt = Vec::new();
    for number in numbers(course).filter(|number| course.is_chosen(&name(*number))) {
        let level = &course.levels[solution(course, number)?];
        let choice = Choice::read(&course.root, number)?;
        let sources = |patch: &Patch| {
            let directory = tempfile::tempdir()?;
            patch.write(&course.root, &level.path(), directory.path())?;
            patched::sources(directory.path())
        };
        let (right, wrong) = (sources(&choice.right)?, sources(&choice.wrong)?);
        if !right.keys().eq(wrong.keys()) {
            return Err(format!("choice {number:02}: the two have not the same files").into());
        }
        let mut files = Vec::new();
        for (file, source) in right {
            let versions = [(WRONG, wrong[&file].as_str())];
            let differs = versions[0].1 != source;
            let versions = if differs { &versions[..] } else { &[] };
            let (text, too_different) = Combined::of_versions(&source, versions)?;
            if !too_different.is_empty() {
                let file = file.display();
                return Err(format!(
                    "choice {number:02}: in {file} the wrong one differs from the right one in more \
                     than bodies of functions"
                )
                .into());
            }
            let text = match file == Path::new("src/main.rs") {
                true => text.with_number(),
                false => text,
            };
            files.push((file, text.text));
        }
        spoilt.push(Spoilt {
            key: key(number),
            package: format!("choice-{}", level.package),
            solution: level,
            files,
        });
    }
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (directory, target) = (scratch.join("choices"), scratch.join(TARGET));
    Ok(Workshop::of_spoilt(
        Lines::Left,
        &course.root,
        &directory,
        &target,
        &spoilt,
    ))
}
