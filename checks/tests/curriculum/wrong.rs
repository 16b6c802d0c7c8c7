//! Every wrong solution below `checks/wrong` is noticed by the check that it names,
//! and that check's failure says what was done wrong.
//!
//! They are built all at once, in a workspace of their own that shares everything but
//! the levels' own few files, and judged one by one. That takes minutes, so they run
//! only when asked for: `cargo test -p checks --test curriculum -- --ignored`.

use crate::build::cargo;
use crate::course::{Course, Verdict, nothing_of};
use crate::right_reason::{no_root, reports};
use checks::LEVELS;
use checks::curriculum::Result;
use checks::curriculum::mistakes::{self, Mistake, write_if_changed};
use libtest_mimic::Trial;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
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

fn enough(course: &Course) -> std::result::Result<(), libtest_mimic::Failed> {
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
        for check in mistake.also.iter().chain([&mistake.check]) {
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

/// The level that a check belongs to.
fn level_of(check: &str) -> Option<u8> {
    let mut levels = LEVELS.iter();
    let level = levels.find(|level| level.checks.iter().any(|it| it.name == check))?;
    Some(level.number)
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
    let level = level_of(&mistake.check)
        .ok_or_else(|| format!("no check is called {:?}", mistake.check))?;
    let binary = Workshop::get(course).binary(&mistake.path)?;
    // A level's own checks are enough, unless an earlier one's is to notice.
    let alone = &["--alone"][usize::from(level != mistake.level)..];
    let all = reports(course, binary, mistake.level, alone)?;
    let report = all.iter().find(|it| it["name"] == mistake.check.as_str());
    let Some(report) = report else {
        return Err(format!("nobody has run the check {:?}", mistake.check).into());
    };
    let mut found = Vec::new();
    if report["verdict"] == "skip" {
        return course.skip(format!("not looked at here: {}", report["seen"]));
    }
    if report["verdict"] != "fail" || report["sandbox"] == "broken" {
        found.push(format!("the check did not fail: {report:#}"));
        let failed = all.iter().filter(|it| it["verdict"] == "fail");
        found.extend(failed.map(|it| format!("what failed is {it:#}")));
    } else {
        let text: String = ["expected", "seen", "usually"]
            .map(|key| report[key].as_str().unwrap_or_default())
            .join("\n");
        for says in &mistake.says {
            if !text.contains(says.as_str()) {
                found.push(format!("it does not say {says:?}: {report:#}"));
            }
        }
        let step = report["step"].as_str().unwrap_or_default();
        let of = |number: u8| step.starts_with(&format!("TODO({number:02}) "));
        if !of(mistake.level) && !of(level) {
            found.push(format!(
                "it names the step {step:?}, which is not one of level {:02}: {report:#}",
                mistake.level
            ));
        }
    }
    for check in &mistake.also {
        for report in reports(course, binary, mistake.level, &["--only", check])? {
            if report["verdict"] != "fail" || report["sandbox"] == "broken" {
                found.push(format!(
                    "asked by itself, {check:?} did not fail: {report:#}"
                ));
            }
        }
    }
    let what = format!(
        "{}\n\"{}\"\nis not caught by \"{}\" as it should be",
        mistake.path.display(),
        mistake.mistake,
        mistake.check
    );
    nothing_of(&what, found)
}

/// The throwaway workspace in which all of them are built.
struct Workshop {
    binaries: BTreeMap<PathBuf, PathBuf>,
    errors: BTreeMap<PathBuf, String>,
}

impl Workshop {
    fn get(course: &Course) -> &'static Workshop {
        static WORKSHOP: OnceLock<Workshop> = OnceLock::new();
        WORKSHOP.get_or_init(|| {
            let mut workshop = Workshop {
                binaries: BTreeMap::new(),
                errors: BTreeMap::new(),
            };
            if let Err(error) = workshop.build(course) {
                workshop.errors.insert(PathBuf::new(), error.to_string());
            }
            workshop
        })
    }

    /// The program of a mistake. What went wrong for all of them each of them says.
    fn binary(&self, path: &Path) -> std::result::Result<&Path, String> {
        let known = [path, Path::new("")].map(|path| self.errors.get(path));
        match (self.binaries.get(path), known.into_iter().flatten().next()) {
            (Some(binary), None) => Ok(binary),
            (_, Some(error)) => Err(error.clone()),
            (None, None) => Err(format!("{} was not built", path.display())),
        }
    }

    fn build(&mut self, course: &Course) -> Result<()> {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wrong");
        fs::create_dir_all(&directory)?;
        let mut packages = BTreeMap::new();
        for path in mistakes::discover(&course.root)? {
            let package = format!("wrong-{}", mistakes::name(&path).replace('/', "-"));
            match write_crate(course, &path, &package, &directory.join(&package)) {
                Ok(name) => drop(packages.insert(package, (path, name))),
                Err(error) => drop(self.errors.insert(path, error.to_string())),
            }
        }
        write_workspace(&course.root, &directory, packages.keys())?;

        let output = cargo(&directory)
            .args([
                "build",
                "--offline",
                "--message-format=json",
                "--keep-going",
            ])
            .env("CARGO_TARGET_DIR", directory.join("target"))
            // Nobody will debug them or change them line by line.
            .env("CARGO_PROFILE_DEV_DEBUG", "none")
            .env("CARGO_INCREMENTAL", "0")
            .output()?;
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let Ok(message) = serde_json::from_str::<Value>(line) else {
                continue;
            };
            let target = message["target"]["name"].as_str().unwrap_or_default();
            let Some((path, name)) = packages.get(target) else {
                continue;
            };
            if let Some(executable) = message["executable"].as_str() {
                let binary = directory.join("bin").join(target).join(name);
                rename(Path::new(executable), &binary)?;
                self.binaries.insert(path.clone(), binary);
            }
            if message["message"]["level"] == "error" {
                let rendered = message["message"]["rendered"].as_str().unwrap_or_default();
                let error = self.errors.entry(path.clone()).or_default();
                if error.is_empty() {
                    *error = format!("{} does not compile\n", path.display());
                }
                error.push_str(rendered);
            }
        }
        if self.binaries.is_empty() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        Ok(())
    }
}

/// Gives a program the name of the solution's crate: by it the checks know what the
/// level needs, and what to call it in their reports.
fn rename(executable: &Path, binary: &Path) -> Result<()> {
    if let Some(directory) = binary.parent() {
        fs::create_dir_all(directory)?;
    }
    if binary.exists() {
        fs::remove_file(binary)?;
    }
    Ok(fs::hard_link(executable, binary)?)
}

/// Writes the crate of a mistake and returns the name of the solution's program.
fn write_crate(course: &Course, path: &Path, package: &str, target: &Path) -> Result<String> {
    let mistake = Mistake::read(&course.root, path)?;
    let solution = mistakes::solution(&course.levels, mistake.level)
        .ok_or_else(|| format!("{}: there is no such level", path.display()))?;
    let solution = &course.levels[solution];
    mistake.write(&course.root, &solution.path(), target)?;
    let manifest = fs::read_to_string(course.root.join(solution.path()).join("Cargo.toml"))?;
    let manifest = format!(
        "[package]\nname = \"{package}\"\nedition.workspace = true\n\n\
         [[bin]]\nname = \"{package}\"\npath = \"src/main.rs\"\n\n{}\n\
         # What a mistake leaves unused is nobody's concern.\n\
         [lints.rust]\nwarnings = \"allow\"\n",
        section(&manifest, "[dependencies]")
    );
    write_if_changed(&target.join("Cargo.toml"), &manifest)?;
    Ok(solution.package.clone())
}

/// The same dependencies, in the same versions, as the workspace of the levels has.
fn write_workspace<'a>(
    root: &Path,
    directory: &Path,
    members: impl Iterator<Item = &'a String>,
) -> Result<()> {
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let mut text = "[workspace]\nresolver = \"3\"\nmembers = [\n".to_owned();
    for member in members {
        writeln!(text, "    \"{member}\",")?;
    }
    text.push_str("]\n\n");
    for heading in [
        "[workspace.package]",
        "[workspace.dependencies]",
        "[profile.dev.package]",
    ] {
        text.push_str(section(&manifest, heading));
    }
    let text = text.replace("path = \"", &format!("path = \"{}/", root.display()));
    write_if_changed(&directory.join("Cargo.toml"), &text)?;
    fs::copy(root.join("Cargo.lock"), directory.join("Cargo.lock"))?;
    Ok(())
}

/// The part of a manifest from its heading to the next one.
fn section<'a>(manifest: &'a str, heading: &str) -> &'a str {
    let Some(start) = manifest.find(heading) else {
        return "";
    };
    let rest = &manifest[start..];
    let end = rest.find("\n[").map_or(rest.len(), |end| end + 1);
    &rest[..end]
}
