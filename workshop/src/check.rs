//! `cargo workshop check`: builds a level, has it judged, shows and remembers the verdict.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{ExitCode, Stdio};

use checks::curriculum::levels::Level;
use checks::{Printer, Report, Style, Verdict};

use crate::build::{self, Programs, as_root};
use crate::course::{Course, id, word};
use crate::progress::{self, Progress, State};
use crate::screen::{self, BOLD, CODE, GREEN, paint, say};
use crate::{Result, map};

/// What may be said after `check`.
#[derive(clap::Args)]
#[command(after_help = "\
Exit status: 0 all is true, 1 something is not or does not compile, 125 it could
not be looked at (no root, for example).

Example: cargo workshop check 03")]
pub(crate) struct Arguments {
    /// Which level: 4, 04, level04, or rd for all [default: where you are]
    #[arg(value_name = "LEVEL", value_parser = crate::level_word(), hide_possible_values = true)]
    level: Option<String>,

    /// Every level that you have written in
    #[arg(long, conflicts_with = "level")]
    all: bool,
}

/// How a check has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All is true.
    Passed,
    /// Something is not.
    Failed,
    /// It does not compile.
    NotBuilt,
    /// Nobody could look.
    NotJudged,
}

/// How much is shown of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Every failure is explained.
    All,
    /// The first one is.
    First,
}

pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    let course = Course::find()?;
    if arguments.all {
        return all(&course);
    }
    let level = match &arguments.level {
        Some(word) => course.level(word)?,
        None => current(&course)?,
    };
    let outcome = check(&course, level, Detail::All)?;
    after(&course, level, outcome)?;
    Ok(status(outcome))
}

/// The level that is meant when none is named.
pub(crate) fn current(course: &Course) -> Result<&Level> {
    let here = Progress::read(course)?.here(course)?;
    match here.or(course.levels.last()) {
        Some(level) => Ok(level),
        None => Err("there is no level in levels/".into()),
    }
}

fn all(course: &Course) -> Result<ExitCode> {
    let progress = Progress::read(course)?;
    let mut worst = Outcome::Passed;
    let mut count = 0;
    for level in course.numbered() {
        if progress.state(course, level)? == State::Untouched {
            continue;
        }
        count += 1;
        let title = format!("{}: {}", level.package, course.title(level));
        say(format!("\n{}", paint(BOLD, title)));
        let outcome = check(course, level, Detail::First)?;
        if outcome == Outcome::NotJudged {
            return Ok(status(outcome));
        }
        if outcome != Outcome::Passed {
            worst = outcome;
        }
    }
    if count == 0 {
        say("All levels are as they came: there is nothing of yours to check yet.");
    } else {
        map::show(course, &Progress::read(course)?)?;
    }
    Ok(status(worst))
}

fn status(outcome: Outcome) -> ExitCode {
    match outcome {
        Outcome::Passed => ExitCode::SUCCESS,
        Outcome::Failed | Outcome::NotBuilt => ExitCode::FAILURE,
        Outcome::NotJudged => ExitCode::from(125),
    }
}

/// Checks a level: its own checks first, since it is what somebody is working on, and when
/// they are content those of all levels before it.
pub(crate) fn check(course: &Course, level: &Level, detail: Detail) -> Result<Outcome> {
    // What is built is what is remembered, also if somebody saves meanwhile.
    let content = course.content(level)?;
    let Some(programs) = build::build(course, level)? else {
        return Ok(Outcome::NotBuilt);
    };
    let mut printer = Printer::new(Style::Pretty, Some(screen::has_color()))
        .fold_before(level.number.unwrap_or(u8::MAX));
    if detail == Detail::First {
        printer = printer.explain_first();
    }
    let mut reports = Vec::new();
    let mut is_judged = true;
    if level.number.is_some() {
        is_judged = judge(course, &programs, level, true, &mut printer, &mut reports)?;
    }
    let is_own_done = reports.iter().all(|(_, report)| is_good(report));
    if is_judged && is_own_done && level.number != Some(0) {
        is_judged = judge(course, &programs, level, false, &mut printer, &mut reports)?;
    }
    if !is_judged {
        return Ok(Outcome::NotJudged);
    }
    printer.finish();
    keep(course, level, &reports)?;
    let passed = reports.iter().all(|(_, report)| is_good(report))
        && (reports.iter()).any(|(_, report)| report.verdict() == Verdict::Pass);
    progress::checked(course, level, &content, passed)?;
    Ok(match passed {
        true => Outcome::Passed,
        false => Outcome::Failed,
    })
}

fn is_good(report: &Report) -> bool {
    matches!(report.verdict(), Verdict::Pass | Verdict::Skip)
}

/// Has the program judged by the checks of its own level alone, or by those of the levels
/// before it. `false` if it could not be; whoever could not has said why.
fn judge(
    course: &Course,
    programs: &Programs,
    level: &Level,
    alone: bool,
    printer: &mut Printer,
    reports: &mut Vec<(String, Report)>,
) -> Result<bool> {
    let last = course.numbered().next_back().and_then(|it| it.number);
    let number = level.number.or(last).unwrap_or_default();
    let mut command = as_root(course, &programs.checks);
    command
        .args(["judge", "--json", "--level", &number.to_string()])
        .arg("--binary")
        .arg(&programs.level)
        .stdout(Stdio::piped());
    if alone {
        command.arg("--alone");
    }
    let mut judge = command
        .spawn()
        .map_err(|error| format!("cannot start .cargo/as-root: {error}"))?;
    if let Some(lines) = judge.stdout.take() {
        for line in BufReader::new(lines).lines() {
            let line = line?;
            let Some(report) = Report::parse(&line) else {
                continue;
            };
            let Some(of) = report.level() else { continue };
            // Those have been seen.
            if alone || Some(of.number) != level.number {
                printer.add(of, report.clone());
                reports.push((line, report));
            }
        }
    }
    let status = judge.wait()?;
    Ok(matches!(status.code(), Some(0 | 1)))
}

/// The verdicts in full, for `hint` and `report`.
fn keep(course: &Course, level: &Level, reports: &[(String, Report)]) -> Result<()> {
    let directory = progress::directory(course)?.join("checks");
    let text: String = reports
        .iter()
        .map(|(line, _)| format!("{line}\n"))
        .collect();
    fs::create_dir_all(&directory)
        .and_then(|()| progress::write(&directory.join(id(level)), text.as_bytes()))
        .map_err(|error| {
            format!(
                "cannot keep the verdicts in {}: {error}",
                directory.display()
            )
        })?;
    Ok(())
}

/// The verdicts of the last check of a level.
pub(crate) fn last(course: &Course, level: &Level) -> Vec<Report> {
    let path = course
        .root
        .join(progress::DIRECTORY)
        .join("checks")
        .join(id(level));
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(Report::parse).collect()
}

/// What to do next, after a check.
pub(crate) fn after(course: &Course, level: &Level, outcome: Outcome) -> Result<()> {
    let own = word(level);
    let command = |what: &str| paint(CODE, format!("cargo workshop {what}"));
    match outcome {
        Outcome::Passed => {
            let title = format!("level {own} is done.");
            say(format!(
                "{} What it could look like as well: {}",
                paint(GREEN, title),
                command(&format!("solution {own}"))
            ));
            match course.after(level) {
                Some(next) if next.number.is_some() => {
                    say(format!("On to {}: {}", word(next), course.lesson(next)));
                    say(format!("Then: {}", command("watch")));
                }
                _ => say("That was the last one: this is a container runtime, and it is yours."),
            }
        }
        Outcome::Failed => {
            let hints = course
                .steps(level)?
                .iter()
                .map(|step| step.hints.len())
                .sum::<usize>();
            if hints > 0 {
                say(format!("Stuck? {}", command(&format!("hint {own}"))));
            }
        }
        Outcome::NotBuilt => {
            say("It does not compile yet; the compiler has said where, and often how it would.");
        }
        Outcome::NotJudged => {}
    }
    Ok(())
}
