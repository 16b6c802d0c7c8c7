//! Which checks, in which order, shown how.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, ColorSetting, FormatSetting};
use syllabus::{Entry, LAST};

use crate::asked_with::ask_with;
use crate::check::{Check, LevelChecks};
use crate::levels::{LEVELS, OBSERVED, choice, ended, is_asked, is_true_with, reached};
use crate::report::{Printer, Style};
use crate::told::Told;
use crate::verdict::{Report, Verdict};
use crate::{names, probe_image, queue, run_check};

/// What `cargo test -p levelNN` runs. The arguments are those of every Rust test, the
/// program's name first.
pub(crate) fn check_level(
    package: &str,
    binary: &Path,
    arguments: impl IntoIterator<Item = OsString>,
) -> ExitCode {
    // `--json` is ours; libtest's own word for it is `--format json`.
    let (json, rest): (Vec<_>, Vec<_>) = arguments.into_iter().partition(|word| word == "--json");
    let arguments = Arguments::from_iter(rest);
    // The solution of a part is no level, and has come as far as the part's last one.
    let number = package
        .strip_prefix("level")
        .and_then(|number| number.parse().ok());
    let judged = reached(package).unwrap_or(LAST);
    let levels = LEVELS.iter().filter(|level| level.number <= judged);
    let is_narrowed = arguments.filter.is_some() || !arguments.skip.is_empty();
    let is_wanted = |check: &Check| {
        let matches = |filter: &String| {
            if arguments.exact {
                check.name == filter
            } else {
                check.name.contains(filter.as_str())
            }
        };
        arguments.filter.iter().all(matches) && !arguments.skip.iter().any(matches)
    };
    let chosen: Vec<_> = levels
        .flat_map(|level| level.checks.iter().map(move |check| (level, check)))
        .filter(|(_, check)| is_asked(check.name, judged))
        .filter(|(level, check)| is_wanted(check) || is_named(level, &arguments))
        .collect();

    if arguments.list {
        return list(&chosen);
    }
    // There is none of either kind.
    let chosen = if arguments.ignored || arguments.bench {
        Vec::new()
    } else {
        chosen
    };
    let style = if !json.is_empty() || arguments.format == Some(FormatSetting::Json) {
        Style::Json
    } else if arguments.quiet || arguments.format == Some(FormatSetting::Terse) {
        Style::Terse
    } else {
        Style::Pretty
    };
    let color = match arguments.color {
        Some(ColorSetting::Always) => Some(true),
        Some(ColorSetting::Never) => Some(false),
        Some(ColorSetting::Auto) | None => None,
    };
    let mut printer = Printer::new(style, color);
    if !is_narrowed {
        printer = printer
            .judges(number)
            .fold_before(number.unwrap_or(u8::MAX))
            .farewell(Some(farewell(number)));
    }
    let code = show(&chosen, binary, judged, false, &mut printer);
    let is_done = code == ExitCode::SUCCESS && !is_narrowed && !chosen.is_empty();
    if let Some(number) = number.filter(|_| is_done) {
        // Whatever comes of it, the level is done. What is wrong with the sandbox was said.
        if let Ok(Some((level, report))) = judge_choice(number, binary)
            && matches!(report.verdict, Verdict::Pass | Verdict::Fail)
        {
            printer.choice(level, report);
        }
    }
    code
}

/// What to say when all is true; without a number, of the finished runtime.
fn farewell(number: Option<u8>) -> String {
    let Some(number) = number else {
        return "all of it is true: this is a container runtime, and it is yours".to_owned();
    };
    let lesson = syllabus::after(number).map_or_else(String::new, Entry::lesson);
    format!("level {number:02} is done; on to {lesson}")
}

/// A filter may also name a level: `cargo test -p level03 -- level01`.
fn is_named(level: &LevelChecks, arguments: &Arguments) -> bool {
    arguments
        .filter
        .as_ref()
        .is_some_and(|filter| *filter == level.package())
}

fn list(chosen: &[(&'static LevelChecks, &'static Check)]) -> ExitCode {
    let mut out = io::stdout().lock();
    for (level, check) in chosen {
        // A reader that closes the pipe early is no failure of ours.
        let _ = writeln!(out, "{}: {}: test", level.package(), check.name);
    }
    let _ = writeln!(out, "\n{} tests, 0 benchmarks", chosen.len());
    ExitCode::SUCCESS
}

/// Judges `binary`, which should have come as far as level `judged`, by the `chosen`
/// checks, and gives each report to `each`, in this order, as they come, until it breaks
/// off.
///
/// The caller must have asked [`other_roles`](crate::other_roles) first: the sandbox
/// is made by starting this very executable again.
pub fn judge_with(
    chosen: &[(&'static LevelChecks, &'static Check)],
    binary: &Path,
    judged: u8,
    mut each: impl FnMut(&'static LevelChecks, &'static Check, Report) -> ControlFlow<()> + Send,
) -> Result<(), sandbox::Error> {
    let image = image()?;
    let judge = |level, check| run_check::run_check(level, check, binary, judged, &image);
    let mut told = Told::new(judged);
    queue::judge_all(chosen, judge, |level, check, report| {
        each(level, check, told.tell(level, check, report))
    });
    Ok(())
}

/// The image of this run's checks, which has this run's names in it.
fn image() -> Result<File, sandbox::Error> {
    sandbox::may_be_made()?;
    // Before the image is made, which is called by one of them.
    names::draw();
    probe_image::temporary()
        .map_err(|why| sandbox::Error::new("the checks' image cannot be made", why))
}

/// Looks at the choice of level `number` in `binary`; none if that level leaves none. A
/// program that does not know the option has not made it, [`Verdict::NotRun`].
fn judge_choice(
    number: u8,
    binary: &Path,
) -> Result<Option<(&'static LevelChecks, Report)>, sandbox::Error> {
    let level = LEVELS.iter().find(|level| level.number == number);
    let Some((level, check)) = level.zip(choice(number)) else {
        return Ok(None);
    };
    let mut report = run_check::run_check(level, check, binary, number, &image()?);
    // No other report could tell of a change of the host: nothing else is asked with the option.
    let report = match report.beside.take() {
        Some(beside) => beside.report,
        None => report,
    };
    Ok(Some((level, report)))
}

fn show(
    chosen: &[(&'static LevelChecks, &'static Check)],
    binary: &Path,
    judged: u8,
    only_first: bool,
    printer: &mut Printer,
) -> ExitCode {
    let run = judge_with(chosen, binary, judged, |level, _, report| {
        // A consequence is explained first only where nothing else has failed.
        let is_first = report.verdict == Verdict::Fail && !report.is_consequence();
        printer.add(level, report);
        match only_first && is_first {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    });
    if let Err(why) = run {
        eprintln!("{why}");
        return ExitCode::from(125);
    }
    printer.finish().into()
}

/// `checks test PACKAGE PATH [ARG]...`: the shell of the transcripts has no cargo.
pub fn test_command(words: &[String]) -> ExitCode {
    let [package, binary, arguments @ ..] = words else {
        eprintln!("checks test PACKAGE PATH [ARG]...");
        return ExitCode::from(125);
    };
    match Path::new(binary).canonicalize() {
        Ok(path) => {
            let words = [package].into_iter().chain(arguments);
            check_level(package, &path, words.map(OsString::from))
        }
        Err(why) => {
            eprintln!("{binary}: {why}");
            ExitCode::from(125)
        }
    }
}

/// `checks judge --level NN --binary PATH [--alone | --from NN] [--only NAME] [--first] [--json]`;
/// with `--optional` only the level's choice is looked at, and is what the status is about; with
/// `--observed` nothing is judged: it says what the program's containers are like.
pub fn judge_command(words: &[String]) -> ExitCode {
    match parse(words) {
        Ok(judge) => {
            let style = if judge.json {
                Style::Json
            } else {
                Style::Pretty
            };
            let mut printer = Printer::new(style, None)
                .judges(judge.whole)
                .fold_before(judge.whole.unwrap_or_default());
            if judge.optional {
                return show_choice(&judge, &printer);
            }
            show(
                &judge.chosen,
                &judge.binary,
                judge.level,
                judge.first,
                &mut printer,
            )
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(125)
        }
    }
}

/// Shows what came of the choice that was asked for.
fn show_choice(judge: &Judge, printer: &Printer) -> ExitCode {
    match judge_choice(judge.level, &judge.binary) {
        Ok(Some((level, report))) => {
            let verdict = report.verdict;
            printer.choice(level, report);
            match verdict {
                Verdict::Pass => ExitCode::SUCCESS,
                Verdict::Fail => ExitCode::FAILURE,
                Verdict::NotRun | Verdict::Skip => ExitCode::from(125),
            }
        }
        Ok(None) => {
            eprintln!("level {:02} leaves no choice of your own", judge.level);
            ExitCode::from(125)
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(125)
        }
    }
}

struct Judge {
    chosen: Vec<(&'static LevelChecks, &'static Check)>,
    binary: PathBuf,
    level: u8,
    /// The level, if all of its checks were chosen and not one.
    whole: Option<u8>,
    /// Whether to stop at the failure that is explained first.
    first: bool,
    /// Whether only the level's choice is to be looked at.
    optional: bool,
    json: bool,
}

/// `07`, or `level07`.
fn level_number(option: &str, text: &str) -> Result<u8, String> {
    let digits = text.strip_prefix("level").unwrap_or(text);
    let number = digits.parse();
    number.map_err(|why| format!("{option} {text}: {why}"))
}

fn parse(words: &[String]) -> Result<Judge, String> {
    let (mut number, mut binary, mut only, mut from) = (None, None, None, 0);
    let (mut json, mut alone, mut first, mut observed) = (false, false, false, false);
    let (mut optional, mut with) = (false, Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("`{word}` needs a value"));
        match word.as_str() {
            "--level" => number = Some(level_number(word, value()?)?),
            "--from" => from = level_number(word, value()?)?,
            "--binary" => binary = Some(PathBuf::from(value()?)),
            "--only" => only = Some(value()?),
            "--json" => json = true,
            "--alone" => alone = true,
            "--first" => first = true,
            "--observed" => observed = true,
            "--optional" => optional = true,
            "--with" => with.push(value()?.to_owned()),
            _ => return Err(format!("`checks judge` has no option `{word}`")),
        }
    }
    let number = number.ok_or("which level? Say `--level NN`")?;
    let binary = binary.ok_or("which program? Say `--binary PATH`")?;
    // Resolved now: the sandbox has another current directory.
    let binary = binary
        .canonicalize()
        .map_err(|why| format!("--binary {}: {why}", binary.display()))?;
    let levels = LEVELS.iter().filter(|level| match alone {
        true => level.number == number,
        false => (from..=number).contains(&level.number),
    });
    let mut chosen: Vec<_> = levels
        .flat_map(|level| level.checks.iter().map(move |check| (level, check)))
        .filter(|(_, check)| is_asked(check.name, number))
        .filter(|(_, check)| with.iter().all(|option| is_true_with(check.name, option)))
        .filter(|(_, check)| only.is_none_or(|only| check.name == only))
        .collect();
    if observed {
        let last = LEVELS.iter().filter(|level| level.number == number);
        chosen = last.map(|level| (level, &OBSERVED)).collect();
    }
    if let Some(why) = only.and_then(|only| ended(only, number)) {
        return Err(why);
    }
    ask_with(with);
    if chosen.is_empty() {
        let only = only.map_or(String::new(), |only| format!(" called `{only}`"));
        return Err(format!("level {number:02} has no check{only}"));
    }
    Ok(Judge {
        chosen,
        binary,
        level: number,
        whole: only.is_none().then_some(number),
        first,
        optional,
        json,
    })
}
