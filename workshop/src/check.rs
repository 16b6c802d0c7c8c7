//! `cargo workshop check`: builds a level, has it judged, shows and remembers the verdict.

use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use checks::{Again, End, Printer, Report, Style, Verdict};
use curriculum::levels::Level;

use crate::build::{self, Programs, as_root};
use crate::course::{Course, id, word};
use crate::progress::{self, Progress, State};
use crate::screen::{self, BOLD, CODE, DIM, GREEN, note, paint, prose, say};
use crate::seat::{self, Telling, Told};
use crate::{Result, map, program};

/// What may be said after `check`.
#[derive(clap::Args)]
#[command(after_help = "\
Exit status: 0 all is true, 1 something is not or does not compile, 125 it could
not be looked at (no root, for example, or every check of it was skipped).

Example: cargo workshop check 03")]
pub(crate) struct Arguments {
    /// Which level: 4, 04, level04, or rd for all [default: that of this directory, or where
    /// you are]
    #[arg(value_name = "LEVEL", value_parser = crate::level_word(), hide_possible_values = true)]
    level: Option<String>,

    /// Every level that you have written in
    #[arg(long, conflicts_with = "level")]
    all: bool,

    /// Only the choice of your own at the lesson's end
    #[arg(long, conflicts_with = "all")]
    optional: bool,
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
    /// The checks could not look.
    NotJudged,
    /// Each check has found that it cannot be looked at on this machine.
    Skipped,
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
    if arguments.optional {
        return only_the_choice(&course, level);
    }
    let Judged { outcome, content } = check(&course, level, Detail::All)?;
    tell_board(&course, level, outcome, &mut Telling::default());
    after(&course, level, outcome, Reader::AtTheShell)?;
    if is_saved_since(&course, level, &content) {
        note("It was saved again while the checks ran: they have judged what was there before.");
    }
    Ok(status(outcome))
}

/// Whether the learner's choice is right, if it was made; the status is about that.
fn only_the_choice(course: &Course, level: &Level) -> Result<ExitCode> {
    if level.number.and_then(checks::choice).is_none() {
        return Err(format!("{} leaves no choice of your own", level.package).into());
    }
    let (_, programs) = build(course, level)?;
    let Some(programs) = programs else {
        return Ok(status(Outcome::NotBuilt));
    };
    let Some(report) = choice(course, &programs, level)? else {
        return Ok(status(Outcome::NotJudged));
    };
    let outcome = match report.verdict {
        Verdict::Pass => Outcome::Passed,
        Verdict::Fail => Outcome::Failed,
        Verdict::NotRun | Verdict::Skip => Outcome::NotJudged,
    };
    if let Some(of) = report.level() {
        Printer::new(Style::Pretty, Some(screen::has_color())).choice(of, report);
    }
    Ok(status(outcome))
}

/// What came of a level's choice, in a program that was built; none if the level leaves none, or
/// if it could not be looked at, and the program that could not has said why.
fn choice(course: &Course, programs: &Programs, level: &Level) -> Result<Option<Report>> {
    let Some(number) = level.number.filter(|it| checks::choice(*it).is_some()) else {
        return Ok(None);
    };
    let judged = as_root(course, &programs.checks)
        .args(["judge", "--json", "--optional", "--level"])
        .arg(number.to_string())
        .arg("--binary")
        .arg(&programs.level)
        .stdin(Stdio::inherit())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot start .cargo/as-root: {error}"))?;
    let lines = String::from_utf8_lossy(&judged.stdout);
    Ok(lines.lines().find_map(Report::parse_choice))
}

/// The level that is meant when none is named: that of the directory that the learner is in,
/// and elsewhere the one they have come to.
pub(crate) fn current(course: &Course) -> Result<&Level> {
    if let Some(level) = course.level_here() {
        return Ok(level);
    }
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
    let mut last = None;
    for level in course.numbered() {
        let state = progress.state(course, level)?;
        if matches!(state, State::Untouched | State::Skipped) {
            continue;
        }
        count += 1;
        let title = format!("{}: {}", level.package, course.title(level));
        say(format!("\n{}", paint(BOLD, title)));
        let Judged { outcome, .. } = check(course, level, Detail::First)?;
        last = Some((level, outcome));
        match outcome {
            Outcome::NotJudged => return Ok(status(outcome)),
            Outcome::Failed | Outcome::NotBuilt => worst = outcome,
            Outcome::Skipped if worst == Outcome::Passed => worst = outcome,
            Outcome::Skipped | Outcome::Passed => {}
        }
    }
    if let Some((level, outcome)) = last {
        tell_board(course, level, outcome, &mut Telling::default());
    }
    if count == 0 {
        prose("All levels are as they came: there is nothing of yours to check yet.");
    } else {
        map::show(course, &Progress::read(course)?)?;
    }
    Ok(status(worst))
}

/// Tells the class board, if the learner has joined. What could not be looked at says nothing.
pub(crate) fn tell_board(course: &Course, level: &Level, outcome: Outcome, telling: &mut Telling) {
    seat::tell(course, telling, || match outcome {
        Outcome::Passed | Outcome::Failed => Ok(Some(known(course, level)?)),
        Outcome::NotBuilt => {
            let state = seat::State::of(course, level, Told::NotBuilt, &[]);
            Ok(Some(state))
        }
        Outcome::NotJudged | Outcome::Skipped => Ok(None),
    });
}

/// How far a level is, as a board is told: by what is remembered of it as it is now.
pub(crate) fn known(course: &Course, level: &Level) -> Result<seat::State> {
    let told = match Progress::read(course)?.state(course, level)? {
        State::Failing => Told::Fails,
        State::Done => Told::Done,
        _ => Told::Begun,
    };
    let reports = match told {
        Told::Begun => Vec::new(),
        _ => last(course, level),
    };
    Ok(seat::State::of(course, level, told, &reports))
}

fn status(outcome: Outcome) -> ExitCode {
    match outcome {
        Outcome::Passed => ExitCode::SUCCESS,
        Outcome::Failed | Outcome::NotBuilt => ExitCode::FAILURE,
        Outcome::NotJudged | Outcome::Skipped => ExitCode::from(125),
    }
}

/// How a check has ended, and of what.
pub(crate) struct Judged {
    pub(crate) outcome: Outcome,
    /// What was in the level when it was built: that, and nothing saved since, was judged.
    pub(crate) content: String,
}

/// Whether the level has something else in it now than what was judged. A file that is just
/// being replaced is gone for a moment; then it will be saved in the next.
pub(crate) fn is_saved_since(course: &Course, level: &Level, content: &str) -> bool {
    (course.content(level)).is_ok_and(|now| now != content)
}

/// Checks a level: its own checks first, since it is what the learner is working on, and when
/// they are content those of all levels before it.
pub(crate) fn check(course: &Course, level: &Level, detail: Detail) -> Result<Judged> {
    let (content, programs) = build(course, level)?;
    let outcome = match programs {
        Some(programs) => judge_all(course, level, detail, &programs, &content)?,
        None => Outcome::NotBuilt,
    };
    Ok(Judged { outcome, content })
}

/// Builds a level, and says what was in it then. cargo reads the files at a moment that we do
/// not know: only if they are the same before and after, we know what it has read.
fn build(course: &Course, level: &Level) -> Result<(String, Option<Programs>)> {
    loop {
        let content = course.content(level)?;
        let programs = build::build(course, level)?;
        if !is_saved_since(course, level, &content) {
            return Ok((content, programs));
        }
        note("It was saved while it was built: building what is there now.");
    }
}

fn judge_all(
    course: &Course,
    level: &Level,
    detail: Detail,
    programs: &Programs,
    content: &str,
) -> Result<Outcome> {
    let mut printer = Printer::new(Style::Pretty, Some(screen::has_color()))
        .judges(level.number)
        .fold_before(level.number.unwrap_or(u8::MAX));
    if detail == Detail::First {
        printer = printer.explain_first();
    }
    let mut reports = Vec::new();
    let mut is_judged = true;
    if level.number.is_some() {
        is_judged = judge(course, programs, level, true, &mut printer, &mut reports)?;
    }
    // Not if all were skipped: what is true of earlier levels makes this one no truer.
    let is_own_done = reports.iter().all(|(_, report)| is_good(report))
        && (reports.is_empty() || reports.iter().any(|(_, report)| has_passed(report)));
    if is_judged && is_own_done && level.number != Some(0) {
        is_judged = judge(course, programs, level, false, &mut printer, &mut reports)?;
    }
    if !is_judged {
        return Ok(Outcome::NotJudged);
    }
    let end = printer.finish();
    if end == End::NotJudged {
        // Nothing is remembered: what was known of this content before is true still.
        return Ok(Outcome::Skipped);
    }
    keep(course, level, &reports)?;
    let passed = end == End::Passed && !reports.is_empty();
    progress::checked(course, level, content, passed)?;
    // Optional, and so told of only where the program knows the option.
    if passed
        && let Some(report) = choice(course, programs, level)?
        && matches!(report.verdict, Verdict::Pass | Verdict::Fail)
        && let Some(of) = report.level()
    {
        printer.choice(of, report);
    }
    Ok(match passed {
        true => Outcome::Passed,
        false => Outcome::Failed,
    })
}

fn is_good(report: &Report) -> bool {
    matches!(report.verdict, Verdict::Pass | Verdict::Skip)
}

fn has_passed(report: &Report) -> bool {
    report.verdict == Verdict::Pass
}

/// Has the program judged by the checks of its own level alone, or by those of the levels
/// before it. `false` if it could not be; the program that could not has said why.
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
    let mut has_looked = false;
    if let Some(lines) = judge.stdout.take() {
        let mut lines = Lines::read(lines);
        let mut about = level.package.clone();
        while let Some(line) = lines.next(&about) {
            let line = line?;
            let Some(report) = Report::parse(&line) else {
                continue;
            };
            let Some(of) = report.level() else { continue };
            has_looked = true;
            // Of an earlier level nothing is shown before its end.
            if alone || about != of.package() {
                lines.is_shown();
            }
            about = of.package();
            // Those have been seen.
            if alone || Some(of.number) != level.number {
                printer.add(of, report.clone());
                reports.push((line, report));
            }
        }
    }
    let status = judge.wait()?;
    // 125 after a verdict: those were "skipped", and the printer will say so.
    Ok(matches!(status.code(), Some(0 | 1)) || (has_looked && status.code() == Some(125)))
}

/// The lines of the program that judges. If nothing is shown for a second, it is said what is
/// waited for; and if that goes on, now and then again.
struct Lines {
    lines: Receiver<io::Result<String>>,
    shown: Instant,
    patience: Duration,
}

const A_SECOND: Duration = Duration::from_secs(1);
const NOW_AND_THEN: Duration = Duration::from_secs(10);

impl Lines {
    fn read(from: impl Read + Send + 'static) -> Lines {
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            // Until the program ends, or our reader has gone.
            let mut lines = BufReader::new(from).lines();
            lines.try_for_each(|line| sender.send(line))
        });
        // sudo may have to ask for a password first, and is not to be talked over.
        let patience = match nix::unistd::geteuid().is_root() {
            true => A_SECOND,
            false => NOW_AND_THEN,
        };
        Lines {
            lines,
            shown: Instant::now(),
            patience,
        }
    }

    fn next(&mut self, about: &str) -> Option<io::Result<String>> {
        loop {
            let left = self.patience.saturating_sub(self.shown.elapsed());
            match self.lines.recv_timeout(left) {
                Ok(line) => return Some(line),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {
                    note(paint(
                        DIM,
                        format!("  ...   the checks of {about} are looking"),
                    ));
                    self.shown = Instant::now();
                    self.patience = NOW_AND_THEN;
                }
            }
        }
    }

    fn is_shown(&mut self) {
        self.shown = Instant::now();
        self.patience = A_SECOND;
    }
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
    let path = Path::new(progress::DIRECTORY)
        .join("checks")
        .join(id(level));
    let text = course.read_file(&path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines().filter_map(Report::parse).collect()
}

/// Where the words after a check are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// Where commands can be typed.
    AtTheShell,
    /// In a running `watch`, which goes on by itself; with a keyboard its keys help.
    OfWatch { has_keyboard: bool },
}

/// What to do next, after a check.
pub(crate) fn after(
    course: &Course,
    level: &Level,
    outcome: Outcome,
    reader: Reader,
) -> Result<()> {
    let own = word(level);
    let command = |what: &str| paint(CODE, format!("cargo workshop {what}"));
    match outcome {
        Outcome::Passed => {
            let title = format!("level {own} is done.");
            prose(format!(
                "{} What it could look like as well: {}",
                paint(GREEN, title),
                command(&format!("solution {own}"))
            ));
            match course.next(level) {
                Some(next) => {
                    prose(format!("On to {}: {}", word(next), course.lesson(next)));
                    if reader == Reader::AtTheShell {
                        let lesson = command(&format!("lesson {}", word(next)));
                        prose(format!("Read it here: {lesson}"));
                        prose(format!("Then: {}", command("watch")));
                    }
                }
                None => {
                    prose("That was the last one: this is a container runtime, and it is yours.")
                }
            }
        }
        Outcome::Failed => {
            // The line below a watch has the key for it.
            let has_key = matches!(reader, Reader::OfWatch { has_keyboard: true });
            let has_hints = course
                .steps(level)?
                .iter()
                .any(|step| !step.hints.is_empty());
            if has_hints && !has_key {
                screen::row("Stuck?", HELP, &format!("cargo workshop hint {own}"));
            }
            let again = checks::again(&last(course, level));
            for (what, command) in told_by(&own, again, program::find("strace").is_some()) {
                screen::row(what, HELP, &command);
            }
        }
        Outcome::NotBuilt => {
            prose("It does not compile yet; the compiler has said where, and often how it would.");
        }
        Outcome::Skipped => {
            prose(format!(
                "Level {own} counts neither as done nor as failed. What this machine lacks: {}",
                command("doctor")
            ));
        }
        Outcome::NotJudged => {}
    }
    Ok(())
}

/// In which column the commands stand that help.
const HELP: usize = 26;

/// What tells more of a run that has shown a failure, and the commands for it. Where a call has
/// failed, that is among its calls; where all succeed, what they have changed says more.
fn told_by(own: &str, again: Option<Again>, has_strace: bool) -> Vec<(&'static str, String)> {
    let Some(Again { words, has_stopped }) = again else {
        return Vec::new();
    };
    let mut rows = Vec::new();
    if has_strace {
        let command = format!("cargo workshop trace {own} -- {words}");
        rows.push(("Its calls, as a story:", command));
    }
    if !has_stopped || !has_strace {
        let command = match words.as_str() {
            "true" => format!("cargo workshop xray {own}"),
            words => format!("cargo workshop xray {own} -- {words}"),
        };
        rows.push(("What each call changed:", command));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calls_are_told_by_what_there_is_and_says_more() {
        let rows = |words: &str, has_stopped, has_strace| {
            let words = words.to_owned();
            let rows = told_by("09", Some(Again { words, has_stopped }), has_strace);
            let commands = rows.into_iter().map(|(_, command)| command);
            commands.collect::<Vec<_>>()
        };
        let trace = "cargo workshop trace 09 -- --memory 20m true";
        let xray = "cargo workshop xray 09 -- --memory 20m true";
        assert_eq!(rows("--memory 20m true", true, true), [trace]);
        assert_eq!(rows("--memory 20m true", false, true), [trace, xray]);
        assert_eq!(rows("--memory 20m true", true, false), [xray]);
        assert_eq!(rows("true", false, false), ["cargo workshop xray 09"]);
        assert_eq!(told_by("09", None, true), []);
    }
}
