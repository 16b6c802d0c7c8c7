//! How verdicts are shown: for people, as one character each, or as JSON lines.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use given::wrap;
use serde_json::json;

use crate::check::LevelChecks;
use crate::verdict::{Blamed, Fault, Report, Verdict};

/// How the verdicts are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A line each, and the failures explained at the end.
    Pretty,
    /// A character each, and the failures explained at the end.
    Terse,
    /// A JSON object a line, for programs.
    Json,
}

/// How all the checks together have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// No check has failed.
    Passed,
    /// At least one check has failed.
    Failed,
    /// No check has failed, because all were skipped: that says nothing about the level.
    NotJudged,
}

impl From<End> for ExitCode {
    fn from(end: End) -> ExitCode {
        match end {
            End::Passed => ExitCode::SUCCESS,
            End::Failed => ExitCode::FAILURE,
            // As where root is missing: it could not be looked at.
            End::NotJudged => ExitCode::from(125),
        }
    }
}

/// Shows verdicts as they come.
pub struct Printer {
    style: Style,
    color: bool,
    /// How wide lines may be; on no terminal they are as long as they are.
    width: Option<usize>,
    /// The level that is judged, if it is one level.
    judged: Option<u8>,
    level: Option<u8>,
    /// What was not run, each check after what it needs.
    not_run: Vec<(String, String)>,
    /// Levels before this one are one line each, as long as all is well.
    unfolded: u8,
    /// Of such a level, what would be shown if it were not.
    folded: Option<Folded>,
    /// Whether the lines shown last are those of a level in full.
    is_listing: bool,
    /// What to say if there is nothing to complain about.
    farewell: Option<String>,
    /// How many failures are explained.
    explained: usize,
    reports: Vec<Report>,
    failures: Vec<(&'static LevelChecks, Report)>,
}

struct Folded {
    level: &'static LevelChecks,
    count: usize,
    not_run: usize,
    text: String,
}

const BOLD: &str = "1";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const DIM: &str = "2";

impl Printer {
    /// `color` is what was asked for; without a wish, a terminal gets some unless
    /// `NO_COLOR` is set.
    pub fn new(style: Style, color: Option<bool>) -> Printer {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let color = color.unwrap_or_else(|| {
            let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
            io::stdout().is_terminal() && !is_set("NO_COLOR") && !is_dumb
        });
        Printer {
            style,
            color,
            width: wrap::width(io::stdout()),
            judged: None,
            level: None,
            not_run: Vec::new(),
            unfolded: 0,
            folded: None,
            is_listing: false,
            farewell: None,
            explained: usize::MAX,
            reports: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// Of the levels before `level` the learner wants to read only what is wrong with them.
    pub fn fold_before(mut self, level: u8) -> Printer {
        self.unfolded = level;
        self
    }

    /// The level that is judged. If each of *its* checks is skipped nothing is known of it,
    /// whatever is known of those before it.
    pub fn judges(mut self, level: Option<u8>) -> Printer {
        self.judged = level;
        self
    }

    /// The last words if every check has passed.
    pub fn farewell(mut self, text: Option<String>) -> Printer {
        self.farewell = text;
        self
    }

    /// Only the first failure is explained, and how many more there are: the first one is
    /// where to begin, and the others are often its consequences.
    pub fn explain_first(mut self) -> Printer {
        self.explained = 1;
        self
    }

    fn paint(&self, color: &str, text: &str) -> String {
        if self.color {
            format!("\x1b[{color}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// A line that fits, what goes on below it set in.
    fn fit(&self, line: &str, hanging: usize) -> String {
        match self.width {
            Some(width) => wrap::wrap(line, width, hanging),
            None => line.to_owned(),
        }
    }

    /// Shows one verdict.
    pub fn add(&mut self, level: &'static LevelChecks, report: Report) {
        let report = match self.style {
            Style::Json => report,
            Style::Pretty | Style::Terse => report.printable(),
        };
        let line = match self.style {
            Style::Json => format!("{}\n", report.to_json()),
            Style::Terse => match report.verdict {
                Verdict::Pass => ".".to_owned(),
                Verdict::Fail => self.paint(RED, "F"),
                Verdict::Skip => self.paint(YELLOW, "s"),
                Verdict::NotRun => self.paint(DIM, "-"),
            },
            Style::Pretty => self.lines(level, &report),
        };
        write(&line);
        if report.verdict == Verdict::Fail {
            self.failures.push((level, report.clone()));
        }
        self.reports.push(report);
    }

    fn lines(&mut self, level: &'static LevelChecks, report: &Report) -> String {
        let mut before = String::new();
        // Of a folded level nothing has been shown, and perhaps no heading been made.
        let begun = self.folded.as_ref().map(|folded| folded.level.number);
        if begun.or(self.level) != Some(level.number) {
            before = self.fold();
            if level.number < self.unfolded {
                self.folded = Some(Folded {
                    level,
                    count: 0,
                    not_run: 0,
                    text: String::new(),
                });
            }
        }
        if report.verdict == Verdict::NotRun {
            // Thirty lines of what says nothing would hide the one that says something.
            self.not_run(report);
            if let Some(folded) = &mut self.folded {
                folded.not_run += 1;
            }
            return before;
        }
        let lines = self.heading(level) + &self.line(report);
        match self.folded.take() {
            Some(mut folded) if report.verdict == Verdict::Pass => {
                folded.count += 1;
                folded.text += &lines;
                self.folded = Some(folded);
                before
            }
            // Not all is well: everything from its first check on is shown.
            Some(folded) => self.list(before + &folded.text + &lines),
            None => self.list(before + &lines),
        }
    }

    fn list(&mut self, lines: String) -> String {
        self.is_listing = true;
        lines
    }

    /// What is left to say of a level that was folded to its end.
    fn fold(&mut self) -> String {
        let Some(Folded {
            level,
            count,
            not_run,
            ..
        }) = self.folded.take()
        else {
            return String::new();
        };
        let title = self.paint(DIM, level.title());
        let counts = [(count, "ok", GREEN), (not_run, "not run", DIM)];
        let counts = counts.into_iter().filter(|(count, ..)| *count > 0);
        let counts =
            counts.map(|(count, word, color)| self.paint(color, &format!("{count} {word}")));
        let counts = counts.collect::<Vec<_>>().join(", ");
        let gap = match std::mem::take(&mut self.is_listing) {
            true => "\n",
            false => "",
        };
        let line = format!(
            "{gap}{}  {title}: {counts}\n",
            self.paint(BOLD, &level.package())
        );
        self.fit(&line, 9)
    }

    fn heading(&mut self, level: &LevelChecks) -> String {
        if self.level.replace(level.number) == Some(level.number) {
            return String::new();
        }
        let title = self.paint(DIM, level.title());
        let line = format!("\n{}  {title}\n", self.paint(BOLD, &level.package()));
        self.fit(&line, 9)
    }

    fn line(&self, report: &Report) -> String {
        let name = &report.name;
        let line = match report.verdict {
            Verdict::Pass => format!("  {}  {name}\n", self.paint(GREEN, "ok  ")),
            Verdict::Skip => {
                let why = report.seen.as_deref().unwrap_or_default();
                format!("  {}  {name}: {why}\n", self.paint(YELLOW, "skip"))
            }
            Verdict::Fail | Verdict::NotRun => format!("  {}  {name}\n", self.paint(RED, "FAIL")),
        };
        self.fit(&line, 8)
    }

    /// Remembers what a check was not run for. If that was not run either, it is what that
    /// one was not run for: a check that has failed.
    fn not_run(&mut self, report: &Report) {
        let needs = report.needs.clone().unwrap_or_default();
        let known = self.not_run.iter().find(|(name, _)| *name == needs);
        let needs = known.map_or(needs.clone(), |(_, needs)| needs.clone());
        self.not_run.push((report.name.clone(), needs));
    }

    /// A line for each check that others were not run for.
    fn sum_not_run(&self) -> String {
        let mut causes: Vec<(&str, usize)> = Vec::new();
        for (_, needs) in &self.not_run {
            match causes.iter_mut().find(|(cause, _)| cause == needs) {
                Some((_, count)) => *count += 1,
                None => causes.push((needs, 1)),
            }
        }
        let line = |(needs, count)| {
            let (checks, need) = match count {
                1 => ("check", "it needs"),
                _ => ("checks", "they need"),
            };
            let line = format!("  --    {count} {checks} not run, because {need} \"{needs}\"");
            format!("{}\n", self.paint(DIM, &self.fit(&line, 8)))
        };
        causes.into_iter().map(line).collect()
    }

    /// Shows what came of a level's choice. It is not counted: the level is done without it.
    pub fn choice(&self, level: &LevelChecks, report: Report) {
        let text = match self.style {
            Style::Json => format!("{}\n", report.to_json_of_choice()),
            Style::Pretty | Style::Terse => self.choice_lines(level, report.printable()),
        };
        write(&text);
    }

    fn choice_lines(&self, level: &LevelChecks, report: Report) -> String {
        let report = Report {
            expected: report.expected.filter(|expected| *expected != report.name),
            name: format!("optional: {}", report.name),
            ..report
        };
        let text = match report.verdict {
            Verdict::NotRun => {
                let how = report.seen.as_deref().unwrap_or_default();
                let how = how.replace('\n', "\n        ");
                let name = &report.name;
                let line = format!("  {}  {name}\n", self.paint(DIM, "--  "));
                self.fit(&line, 8) + &self.fit(&format!("        not there yet: {how}\n"), 8)
            }
            Verdict::Fail => {
                let without = format!(
                    "level {:02} counts as done all the same: {}, \"A choice of your own\"\n",
                    level.number,
                    level.lesson()
                );
                let lines = self.line(&report) + "\n" + &self.explain(level, &report);
                lines + &self.fit(&without, 0)
            }
            Verdict::Pass | Verdict::Skip => self.line(&report),
        };
        text + "\n"
    }

    /// Explains the failures, counts, and says how it has ended.
    pub fn finish(&mut self) -> End {
        let text = match self.style {
            Style::Json => self.not_judged_as_json(),
            Style::Pretty | Style::Terse => self.last_words(),
        };
        write(&text);
        self.end()
    }

    fn end(&self) -> End {
        match () {
            () if !self.failures.is_empty() => End::Failed,
            () if !self.all_skipped().is_empty() => End::NotJudged,
            () => End::Passed,
        }
    }

    fn last_words(&mut self) -> String {
        let mut text = self.fold();
        let not_run = self.sum_not_run();
        if !not_run.is_empty() {
            text += &format!("\n{not_run}");
        }
        text += "\n";
        // What is known by its step first; what may only be a consequence of it last.
        let (last, first): (Vec<_>, Vec<_>) = self
            .failures
            .iter()
            .partition(|(_, report)| report.is_consequence());
        for (level, report) in first.into_iter().chain(last).take(self.explained) {
            text += &self.explain(level, report);
        }
        let rest = self.failures.len().saturating_sub(self.explained);
        if rest > 0 {
            let more = format!("{rest} more failed: begin with this one");
            text += &format!("{}\n\n", self.paint(DIM, &more));
        }
        text += &self.sum();
        if self.end() == End::NotJudged {
            let told = self.fit(&self.not_judged(), 0);
            text += &format!("{}\n\n", self.paint(RED, &told));
        }
        // What this machine cannot show is nobody's fault; but something must have been seen.
        let mut verdicts = self.reports.iter().map(|report| report.verdict);
        let is_green = verdicts.all(|it| matches!(it, Verdict::Pass | Verdict::Skip));
        let is_done = is_green && self.all_skipped().is_empty() && !self.reports.is_empty();
        if let Some(farewell) = self.farewell.as_ref().filter(|_| is_done) {
            text += &format!("{}\n\n", self.fit(farewell, 0));
        }
        text
    }

    /// The checks that count, if each of them was skipped; nothing otherwise. Those of the
    /// judged level count, or all if none of its own was chosen.
    fn all_skipped(&self) -> Vec<&Report> {
        let is_own = |it: &&Report| it.level().map(|level| level.number) == self.judged;
        let mut counted: Vec<_> = self.reports.iter().filter(is_own).collect();
        if counted.is_empty() {
            counted = self.reports.iter().collect();
        }
        let is_skipped = |it: &&Report| it.verdict == Verdict::Skip;
        match counted.iter().all(is_skipped) {
            true => counted,
            false => Vec::new(),
        }
    }

    /// The one line that says so. The reasons of the other checks stand at each.
    fn not_judged(&self) -> String {
        let skipped = self.all_skipped();
        let first = skipped.first().and_then(|report| report.seen.as_deref());
        let (what, whose) = match self.judged {
            Some(number) => (format!("level{number:02} was not judged"), "its"),
            None => ("nothing was judged".to_owned(), "the"),
        };
        let count = match skipped.len() {
            1 => format!("{whose} only check was skipped"),
            count => format!("all {count} of {whose} checks were skipped"),
        };
        let why = first.unwrap_or("no reason given");
        format!("{what}: {count}: {why}")
    }

    /// The last line for programs: not a verdict on a check, but that there is none.
    fn not_judged_as_json(&self) -> String {
        if self.end() != End::NotJudged {
            return String::new();
        }
        let (count, why) = (self.all_skipped().len(), self.not_judged());
        let line = json!({ "judged": false, "level": self.judged, "skipped": count, "seen": why });
        format!("{line}\n")
    }

    fn explain(&self, level: &LevelChecks, report: &Report) -> String {
        let name = &report.name;
        // Which check has noticed says little then: all that start a container would have.
        let happened = match () {
            () if report.fault == Fault::Stopped => Some("stopped before the command"),
            () if report.has_changed_host => Some("has changed its host"),
            () => None,
        };
        let program = happened.and(report.ran.as_deref()).and_then(program);
        let heading = match (program.zip(happened), report.step()) {
            (None, _) => format!("{}: {name}", level.package()),
            (Some((program, happened)), Some(step)) => format!("{program} {happened}: {step}"),
            (Some((program, happened)), None) => format!("{program} {happened}"),
        };
        let mut text = format!("{}\n", self.paint(RED, &self.fit(&heading, 2)));
        let lesson = report.blamed.as_ref().map(|Blamed { step, lesson }| {
            let number = step.rsplit(' ').next().unwrap_or(step);
            format!("{step}; explained in {lesson}, step {number}")
        });
        let fields = [
            ("check", program.map(|_| name.as_str())),
            ("ran", report.ran.as_deref()),
            (
                "expected",
                report
                    .expected
                    .as_deref()
                    .filter(|expected| expected != name),
            ),
            ("seen", report.seen.as_deref()),
            ("read from", report.evidence.as_deref()),
            ("usually", report.usually.as_deref()),
            ("step", lesson.as_deref()),
        ];
        for (label, value) in fields {
            if let Some(value) = value {
                let value = value.replace('\n', "\n             ");
                let line = format!("  {} {value}\n", self.paint(DIM, &format!("{label:<10}")));
                // A command is there to be copied.
                text += &match label {
                    "ran" => line,
                    _ => self.fit(&line, 13),
                };
            }
        }
        text + "\n"
    }

    fn sum(&self) -> String {
        let count = |verdict| {
            self.reports
                .iter()
                .filter(|it| it.verdict == verdict)
                .count()
        };
        let parts = [
            (Verdict::Pass, "passed", GREEN),
            (Verdict::Fail, "failed", RED),
            (Verdict::NotRun, "not run", DIM),
            (Verdict::Skip, "skipped", YELLOW),
        ];
        let parts = parts.into_iter().filter_map(|(verdict, word, color)| {
            let count = count(verdict);
            (count > 0).then(|| self.paint(color, &format!("{count} {word}")))
        });
        let parts: Vec<_> = parts.collect();
        if parts.is_empty() {
            "no check chosen\n\n".to_owned()
        } else {
            parts.join(", ") + "\n\n"
        }
    }
}

/// The program's name in what was run: the word before `run`.
fn program(ran: &str) -> Option<&str> {
    let (before, _) = ran.split_once(" run ")?;
    before.rsplit(' ').next()
}

/// A reader who has gone away is no reason to panic.
fn write(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Failure, Finding};
    use crate::levels::LEVELS;

    /// What is shown of two levels of one check each, of which `fails` fails.
    fn shown(fails: Option<u8>) -> String {
        let mut printer = Printer::new(Style::Pretty, Some(false)).fold_before(1);
        let mut text = String::new();
        for level in &LEVELS[..2] {
            let Some(check) = level.checks.first() else {
                continue;
            };
            let outcome = match fails == Some(level.number) {
                true => Err(Failure::seen("nothing").into()),
                false => Ok(()),
            };
            let report = Report::from_outcome(level, check, outcome);
            text += &printer.lines(level, &report);
        }
        text + &printer.fold()
    }

    /// What is explained of a failure of the first check of all.
    fn explained(failure: Failure) -> String {
        let (level, ran) = (&LEVELS[0], "level02 run -i test -- probe hold");
        let Some(check) = level.checks.first() else {
            return String::new();
        };
        let report = Report::from_outcome(level, check, Err(failure.ran(ran).into()));
        Printer::new(Style::Pretty, Some(false)).explain(level, &report)
    }

    #[test]
    fn a_level_that_stops_before_its_command_is_named_with_the_step_that_failed() {
        let error = "it wrote: level02: symlink(\"a\", \"b\"): EEXIST";
        let name = LEVELS[0].checks[0].name;
        let stopped = explained(Failure::seen(error).stopped());
        let heading =
            format!("level02 stopped before the command: TODO(02) 3\n  check      {name}\n");
        assert!(stopped.starts_with(&heading), "{stopped}");
        let unknown = explained(Failure::seen("nothing").stopped());
        assert!(
            unknown.starts_with("level02 stopped before the command\n"),
            "{unknown}"
        );
        for other in [Failure::seen(error), Failure::seen(error).stopped().here()] {
            let other = explained(other);
            assert!(
                other.starts_with(&format!("level00: {name}\n  ran")),
                "{other}"
            );
        }
    }

    #[test]
    fn what_is_not_run_is_one_line_for_each_check_that_has_failed() {
        let level = &LEVELS[1];
        let mut printer = Printer::new(Style::Pretty, Some(false)).fold_before(2);
        let mut text = String::new();
        for (check, needs) in [(1, "a"), (2, "b"), (3, level.checks[1].name)] {
            let report = Report::not_run(level, &level.checks[check], needs);
            text += &printer.lines(level, &report);
        }
        text += &printer.fold();
        assert_eq!(text, format!("level01  {}: 3 not run\n", level.title()));
        let lines = "  --    2 checks not run, because they need \"a\"\n  \
                     --    1 check not run, because it needs \"b\"\n";
        assert_eq!(printer.sum_not_run(), lines);
    }

    /// A printer that was given a report of `verdict` for a check of each of these levels.
    fn after(judged: Option<u8>, verdicts: &[(usize, &str)], color: bool) -> Printer {
        let mut printer = Printer::new(Style::Pretty, Some(color)).judges(judged);
        for (number, verdict) in verdicts {
            let (level, check) = (&LEVELS[*number], &LEVELS[*number].checks[0]);
            let outcome = match *verdict {
                "pass" => Ok(()),
                "skip" => Err(Finding::Skip("no cgroups".to_owned())),
                _ => Err(Failure::seen("nothing").into()),
            };
            let report = Report::from_outcome(level, check, outcome);
            if report.verdict == Verdict::Fail {
                printer.failures.push((level, report.clone()));
            }
            printer.reports.push(report);
        }
        printer
    }

    #[test]
    fn a_level_whose_checks_are_all_skipped_was_not_judged() {
        let skip = [(8, "skip"), (8, "skip")];
        let mut printer = after(Some(8), &skip, false);
        let told = "level08 was not judged: all 2 of its checks were skipped: no cgroups";
        let last = printer.last_words();
        assert_eq!(last, format!("\n2 skipped\n\n{told}\n\n"));
        assert_eq!(printer.end(), End::NotJudged);
        let json: serde_json::Value =
            serde_json::from_str(&printer.not_judged_as_json()).unwrap_or_default();
        assert_eq!(
            json,
            json!({ "judged": false, "level": 8, "skipped": 2, "seen": told })
        );
        let red = after(Some(8), &skip, true).last_words();
        assert!(
            red.ends_with(&format!("\x1b[31m{told}\x1b[0m\n\n")),
            "{red}"
        );
        // Whatever is known of the levels before it.
        let earlier = [(0, "pass"), (8, "skip")];
        assert_eq!(after(Some(8), &earlier, false).end(), End::NotJudged);
        // One check that the caller has chosen, or the finished runtime.
        for judged in [None, Some(8)] {
            assert_eq!(after(judged, &[(3, "skip")], false).end(), End::NotJudged);
        }
        let last = after(None, &[(3, "skip")], false).last_words();
        assert!(
            last.contains("nothing was judged: the only check"),
            "{last}"
        );
    }

    #[test]
    fn where_one_check_was_looked_at_a_skipped_one_changes_nothing() {
        for (judged, verdicts, end) in [
            (Some(8), &[(8, "pass"), (8, "skip")][..], End::Passed),
            (None, &[(0, "pass"), (8, "skip")], End::Passed),
            (Some(8), &[(8, "skip"), (8, "fail")], End::Failed),
            (Some(8), &[(0, "fail"), (8, "skip")], End::Failed),
            (Some(8), &[], End::Passed),
        ] {
            let mut printer = after(judged, verdicts, false);
            assert_eq!(printer.end(), end, "{verdicts:?}");
            assert_eq!(printer.not_judged_as_json(), "");
            let last = printer.last_words();
            assert!(!last.contains("not judged"), "{last}");
        }
    }

    #[test]
    fn a_choice_is_told_and_not_counted() {
        let level = &LEVELS[5];
        let Some(check) = crate::choice(5) else {
            return;
        };
        let mut printer = Printer::new(Style::Pretty, Some(false)).judges(Some(5));
        let told = |outcome| {
            let report = Report::from_outcome(level, check, outcome);
            printer.choice_lines(level, report)
        };
        let name = check.name;
        assert_eq!(told(Ok(())), format!("  ok    optional: {name}\n\n"));
        let refused = "`level05 run --hostname a` ended with status 125; it wrote: no\nmore";
        assert_eq!(
            told(Err(Finding::NotThere(refused.to_owned()))),
            format!(
                "  --    optional: {name}\n        not there yet: {}\n\n",
                refused.replace('\n', "\n        ")
            )
        );
        let wrong = told(Err(Failure::seen("another name").into()));
        let begin = format!(
            "  FAIL  optional: {name}\n\nlevel05: optional: {name}\n  seen       another name\n"
        );
        assert!(wrong.starts_with(&begin), "{wrong}");
        // It is no step of the lesson's, and the level is done.
        assert!(!wrong.contains("TODO("), "{wrong}");
        assert!(
            wrong.contains("level 05 counts as done all the same: levels/05_uts_namespace/"),
            "{wrong}"
        );
        assert_eq!(printer.finish(), End::Passed);
    }

    #[test]
    fn an_earlier_level_is_one_line_unless_something_is_wrong_with_it() {
        let folded = format!("level00  {}: 1 ok\n\nlevel01", LEVELS[0].title());
        assert!(shown(None).starts_with(&folded), "{}", shown(None));
        assert!(shown(Some(1)).starts_with(&folded), "{}", shown(Some(1)));
        let in_full = shown(Some(0));
        assert!(in_full.contains("  FAIL  "), "{in_full}");
        assert!(!in_full.contains("1 ok"), "{in_full}");
    }
}
