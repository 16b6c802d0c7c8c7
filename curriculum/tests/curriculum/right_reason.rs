//! Every level passes what was asked before it and lacks what it asks itself,
//! and its failure names the step that is missing.
//!
//! Each binary is judged once, by the checks of its own level and of those before it in its
//! part. That says everything: what level 07 does with the checks of 02 is part of
//! level 07's own run, and the solution of a part, which closes its chain, passes them all.
//!
//! The parts before it are a library, and the same one for a whole part. So their checks are
//! asked at both ends of that: of the level that begins the part, and of its solution.

use crate::build::Build;
use crate::course::{Course, Verdict, nothing_of};
use crate::matrix;
use curriculum::{chain, levels};
use libtest_mimic::Trial;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// How a caller may have a container otherwise than by default: options, or a word for who calls.
/// All that is true of a container is true of those too, but for what `promises.rs` and
/// `without_root.rs` name.
const OTHERWISE: [(&str, &[&str]); 4] = [
    ("with_tty_and_init", &["--tty", "--init"]),
    ("with_userns", &["--userns"]),
    ("with_one_id", &["one-id"]),
    ("with_many_ids", &["many-ids"]),
];

/// Without it an ordinary user's containers have one user.
const NEWUIDMAP: &str = "/usr/bin/newuidmap";

pub(crate) fn trials(course: &'static Course) -> Vec<Trial> {
    let mut trials = course.each("right_reason", |course, index| {
        let name = format!("right_reason::{}", course.levels[index].package);
        course.with_second_look(&name, || judge(course, index))
    });
    trials.extend(OTHERWISE.map(|(name, words)| {
        let name = format!("right_reason::{name}");
        Trial::ignorable_test(name.clone(), move || {
            course.with_second_look(&name, || otherwise(course, words))
        })
    }));
    trials
}

fn otherwise(course: &'static Course, words: &'static [&str]) -> Verdict {
    if let Some(reason) = no_root() {
        return course.skip(reason);
    }
    if words == ["many-ids"] && !Path::new(NEWUIDMAP).exists() {
        return course.skip(format!("there is no {NEWUIDMAP} (package uidmap)"));
    }
    let Some(last) = course.levels.iter().rfind(|level| level.number.is_none()) else {
        return course.skip("there is no solution yet".to_owned());
    };
    let up_to = levels::last_of(&course.levels, last.facts.part).unwrap_or_default();
    let binary = Build::get(course).binary(&last.package)?;
    let options: Vec<&str> = words.iter().flat_map(|it| ["--with", *it]).collect();
    let reports = reports(course, binary, up_to, &options)?;
    let untrue = reports
        .iter()
        .filter(|report| !matches!(report["verdict"].as_str(), Some("pass" | "skip")));
    let found: Vec<String> = untrue.map(|report| format!("{report:#}")).collect();
    let what = format!(
        "with {} not all is true that should be",
        words.join(" and ")
    );
    nothing_of(&what, found)
}

fn judge(course: &'static Course, index: usize) -> Verdict {
    if let Some(reason) = no_root() {
        return course.skip(reason);
    }
    let level = &course.levels[index];
    // The solution of a part has come as far as the part.
    let last = levels::last_of(&course.levels, level.facts.part);
    let Some(up_to) = level.number.or(last) else {
        return course.skip("there is no level yet".to_owned());
    };
    let begins = levels::first_of(&course.levels, level.facts.part).unwrap_or_default();
    let is_at_an_end = level.number.is_none_or(|number| number == begins);
    let first = if is_at_an_end { 0 } else { begins };
    let binary = Build::get(course).binary(&level.package)?;
    let reports = reports(course, binary, up_to, &["--from", &first.to_string()])?;
    matrix::note(index, &reports);
    let mut found = Vec::new();
    let mut missing_steps = Vec::new();
    for report in &reports {
        let own = report["level"].as_u64() == level.number.map(u64::from);
        let verdict = report["verdict"].as_str().unwrap_or_default();
        match verdict {
            "pass" => {}
            "skip" => course.notice(format!(
                "not looked at here: {}: {}",
                sentence(report),
                report["seen"]
            )),
            _ if !own => found.push(format!("not true of {}: {report:#}", level.package)),
            "fail" if report["sandbox"] == "broken" => {
                found.push(format!("the sandbox broke: {report:#}"))
            }
            "fail" => missing_steps.push(report["step"].as_str().unwrap_or_default().to_owned()),
            _ => {} // not-run: it needs one that failed
        }
    }
    if let Some(number) = level.number {
        for earlier in first..=number {
            let asked = reports
                .iter()
                .any(|report| report["level"].as_u64() == Some(earlier.into()));
            if !asked
                && course
                    .levels
                    .iter()
                    .any(|level| level.number == Some(earlier))
            {
                found.push(format!("there is no check of level {earlier:02}"));
            }
        }
        if missing_steps.is_empty() {
            found.push(
                "the skeleton passes: nothing is left to do, or nothing looks at it".to_owned(),
            );
        }
        let blocks = chain::blocks(&course.root, level)?;
        let steps = blocks.iter().flat_map(|(_, block)| block.steps.iter());
        let markers: Vec<String> = steps
            .map(|(step, _)| format!("TODO({number:02}) {step}"))
            .collect();
        for step in missing_steps {
            if !markers.contains(&step) {
                found.push(format!(
                    "a failure names the step {step:?}; the code has {}",
                    markers.join(", ")
                ));
            }
        }
    }
    nothing_of(
        &format!("{} does not fail for the right reason", level.package),
        found,
    )
}

fn sentence(report: &Value) -> String {
    format!(
        "level {:02}, {}",
        report["level"].as_u64().unwrap_or_default(),
        report["name"]
    )
}

/// The verdicts on a level's program by all checks up to those of `level`, or by those
/// that the options of `checks judge` say.
pub(crate) fn reports(
    course: &Course,
    binary: &Path,
    level: u8,
    options: &[&str],
) -> Result<Vec<Value>, libtest_mimic::Failed> {
    lines(course, binary, level, options, |line| {
        line.get("verdict").is_some().then_some(line)
    })
}

/// The verdict on the choice of `level`, and on nothing else, in its program.
pub(crate) fn choice_of(
    course: &Course,
    binary: &Path,
    level: u8,
) -> Result<Value, libtest_mimic::Failed> {
    let found = lines(course, binary, level, &["--optional"], |mut line| {
        line.get_mut("choice").map(Value::take)
    })?;
    let first = found.into_iter().next();
    Ok(first.ok_or("no verdict on the choice")?)
}

/// Those of the lines of `checks judge --json` that `chosen` takes; there must be one.
fn lines(
    course: &Course,
    binary: &Path,
    level: u8,
    options: &[&str],
    chosen: impl Fn(Value) -> Option<Value>,
) -> Result<Vec<Value>, libtest_mimic::Failed> {
    let mut command = Command::new(".cargo/as-root");
    command.current_dir(&course.root).stdin(Stdio::null());
    command.arg(Build::get(course).binary("checks")?);
    command.args(["judge", "--json", "--level", &level.to_string()]);
    command.args(options).arg("--binary").arg(binary);
    let output = command.output()?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    let reports: Vec<Value> = stdout
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter_map(chosen)
        .collect();
    if reports.is_empty() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "{command:?} gave no verdict ({}):\n{stdout}{stderr}",
            output.status
        )
        .into());
    }
    Ok(reports)
}

/// Why nothing can be judged here; the checks need root.
pub(crate) fn no_root() -> Option<String> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0);
    let may_sudo = || {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "true"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        sudo.status().is_ok_and(|status| status.success())
    };
    if is_root || may_sudo() {
        return None;
    }
    let sudo = ["/usr/bin/sudo", "/bin/sudo"]
        .iter()
        .any(|path| Path::new(path).exists());
    Some(if sudo {
        "no level was run: that needs root, and sudo asks for a password; `sudo -v` first"
            .to_owned()
    } else {
        "no level was run: that needs root, and there is no sudo here".to_owned()
    })
}
