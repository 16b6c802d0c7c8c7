//! How verdicts are shown: for people, as one character each, or as JSON lines.

use std::io::{self, IsTerminal, Write};

use crate::check::{Level, Report, Verdict};

/// How to show them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A line each, and the failures explained at the end.
    Pretty,
    /// A character each, and the failures explained at the end.
    Terse,
    /// A JSON object a line, for programs.
    Json,
}

/// Shows verdicts as they come.
pub struct Printer {
    style: Style,
    color: bool,
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
    failures: Vec<(&'static Level, Report)>,
}

struct Folded {
    level: &'static Level,
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

    /// Levels before `level` are not what somebody wants to read of, unless something is
    /// wrong with them.
    pub fn fold_before(mut self, level: u8) -> Printer {
        self.unfolded = level;
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

    /// Shows one verdict.
    pub fn add(&mut self, level: &'static Level, report: Report) {
        let line = match self.style {
            Style::Json => format!("{}\n", report.0),
            Style::Terse => match report.verdict() {
                Verdict::Pass => ".".to_owned(),
                Verdict::Fail => self.paint(RED, "F"),
                Verdict::Skip => self.paint(YELLOW, "s"),
                Verdict::NotRun => self.paint(DIM, "-"),
            },
            Style::Pretty => self.lines(level, &report),
        };
        write(&line);
        if report.verdict() == Verdict::Fail {
            self.failures.push((level, report.clone()));
        }
        self.reports.push(report);
    }

    fn lines(&mut self, level: &'static Level, report: &Report) -> String {
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
        if report.verdict() == Verdict::NotRun {
            // Thirty lines of what says nothing would hide the one that says something.
            self.not_run(report);
            if let Some(folded) = &mut self.folded {
                folded.not_run += 1;
            }
            return before;
        }
        let lines = self.heading(level) + &self.line(report);
        match self.folded.take() {
            Some(mut folded) if report.verdict() == Verdict::Pass => {
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
        let title = self.paint(DIM, level.title);
        let counts = [(count, "ok", GREEN), (not_run, "not run", DIM)];
        let counts = counts.into_iter().filter(|(count, ..)| *count > 0);
        let counts =
            counts.map(|(count, word, color)| self.paint(color, &format!("{count} {word}")));
        let counts = counts.collect::<Vec<_>>().join(", ");
        let gap = match std::mem::take(&mut self.is_listing) {
            true => "\n",
            false => "",
        };
        format!(
            "{gap}{}  {title}: {counts}\n",
            self.paint(BOLD, &level.package())
        )
    }

    fn heading(&mut self, level: &Level) -> String {
        if self.level.replace(level.number) == Some(level.number) {
            return String::new();
        }
        let title = self.paint(DIM, level.title);
        format!("\n{}  {title}\n", self.paint(BOLD, &level.package()))
    }

    fn line(&self, report: &Report) -> String {
        let name = report.text("name").unwrap_or_default();
        match report.verdict() {
            Verdict::Pass => format!("  {}  {name}\n", self.paint(GREEN, "ok  ")),
            Verdict::Skip => {
                let why = report.text("seen").unwrap_or_default();
                format!("  {}  {name}: {why}\n", self.paint(YELLOW, "skip"))
            }
            Verdict::Fail | Verdict::NotRun => format!("  {}  {name}\n", self.paint(RED, "FAIL")),
        }
    }

    /// Remembers what a check was not run for. If that was not run either, it is what that
    /// one was not run for: a check that has failed.
    fn not_run(&mut self, report: &Report) {
        let text = |key| report.text(key).unwrap_or_default().to_owned();
        let (name, needs) = (text("name"), text("needs"));
        let known = self.not_run.iter().find(|(name, _)| *name == needs);
        let needs = known.map_or(needs.clone(), |(_, needs)| needs.clone());
        self.not_run.push((name, needs));
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
            format!("{}\n", self.paint(DIM, &line))
        };
        causes.into_iter().map(line).collect()
    }

    /// Explains the failures, counts, and says whether there were none.
    pub fn finish(&mut self) -> bool {
        if self.style != Style::Json {
            let mut text = self.fold();
            let not_run = self.sum_not_run();
            if !not_run.is_empty() {
                text += &format!("\n{not_run}");
            }
            text += "\n";
            // What is known by its step first; what may only be a consequence of it last.
            let is_consequence = |report: &Report| report.0.get("consequence").is_some();
            let (last, first): (Vec<_>, Vec<_>) = self
                .failures
                .iter()
                .partition(|(_, report)| is_consequence(report));
            for (level, report) in first.into_iter().chain(last).take(self.explained) {
                text += &self.explain(level, report);
            }
            let rest = self.failures.len().saturating_sub(self.explained);
            if rest > 0 {
                let more = format!("{rest} more failed: begin with this one");
                text += &format!("{}\n\n", self.paint(DIM, &more));
            }
            text += &self.sum();
            let mut verdicts = self.reports.iter().map(Report::verdict);
            let is_green = !self.reports.is_empty() && verdicts.all(|it| it == Verdict::Pass);
            if let Some(farewell) = self.farewell.as_ref().filter(|_| is_green) {
                text += &format!("{farewell}\n\n");
            }
            write(&text);
        }
        self.failures.is_empty()
    }

    fn explain(&self, level: &Level, report: &Report) -> String {
        let name = report.text("name").unwrap_or_default();
        // Which check has noticed says little then: all that start a container would have.
        let stopped = report.0.get("stopped").and(report.text("ran"));
        let program = stopped.and_then(|ran| ran.split(' ').next());
        let heading = match (program, report.text("step")) {
            (None, _) => format!("{}: {name}", level.package()),
            (Some(program), Some(step)) => format!("{program} stopped before the command: {step}"),
            (Some(program), None) => format!("{program} stopped before the command"),
        };
        let mut text = format!("{}\n", self.paint(RED, &heading));
        let lesson = match (report.text("lesson"), report.text("step")) {
            (Some(lesson), Some(step)) => {
                let number = step.rsplit(' ').next().unwrap_or(step);
                Some(format!("{step}; explained in {lesson}, step {number}"))
            }
            _ => None,
        };
        let fields = [
            ("check", program.map(|_| name)),
            ("ran", report.text("ran")),
            (
                "expected",
                report.text("expected").filter(|expected| *expected != name),
            ),
            ("seen", report.text("seen")),
            ("read from", report.text("evidence")),
            ("usually", report.text("usually")),
            ("step", lesson.as_deref()),
        ];
        for (label, value) in fields {
            if let Some(value) = value {
                let value = value.replace('\n', "\n             ");
                text += &format!("  {} {value}\n", self.paint(DIM, &format!("{label:<10}")));
            }
        }
        text + "\n"
    }

    fn sum(&self) -> String {
        let count = |verdict| {
            self.reports
                .iter()
                .filter(|it| it.verdict() == verdict)
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

/// A reader who has gone away is no reason to panic.
fn write(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Failure;
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
        let report = Report::from_outcome(level, check, Err(failure.into())).with("ran", ran);
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
        assert_eq!(text, format!("level01  {}: 3 not run\n", level.title));
        let lines = "  --    2 checks not run, because they need \"a\"\n  \
                     --    1 check not run, because it needs \"b\"\n";
        assert_eq!(printer.sum_not_run(), lines);
    }

    #[test]
    fn an_earlier_level_is_one_line_unless_something_is_wrong_with_it() {
        let folded = format!("level00  {}: 1 ok\n\nlevel01", LEVELS[0].title);
        assert!(shown(None).starts_with(&folded), "{}", shown(None));
        assert!(shown(Some(1)).starts_with(&folded), "{}", shown(Some(1)));
        let in_full = shown(Some(0));
        assert!(in_full.contains("  FAIL  "), "{in_full}");
        assert!(!in_full.contains("1 ok"), "{in_full}");
    }
}
