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
    /// What the checks shown last were not run for.
    needs: Option<String>,
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
            needs: None,
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
        if self.level != Some(level.number) {
            before = self.fold();
            if level.number < self.unfolded {
                self.folded = Some(Folded {
                    level,
                    count: 0,
                    text: String::new(),
                });
            }
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
        let Some(Folded { level, count, .. }) = self.folded.take() else {
            return String::new();
        };
        let title = self.paint(DIM, level.title);
        let ok = self.paint(GREEN, &format!("{count} ok"));
        let gap = match std::mem::take(&mut self.is_listing) {
            true => "\n",
            false => "",
        };
        format!(
            "{gap}{}  {title}: {ok}\n",
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

    fn line(&mut self, report: &Report) -> String {
        let name = report.text("name").unwrap_or_default();
        if report.verdict() != Verdict::NotRun {
            self.needs = None;
        }
        match report.verdict() {
            Verdict::Pass => format!("  {}  {name}\n", self.paint(GREEN, "ok  ")),
            Verdict::Fail => format!("  {}  {name}\n", self.paint(RED, "FAIL")),
            Verdict::Skip => {
                let why = report.text("seen").unwrap_or_default();
                format!("  {}  {name}: {why}\n", self.paint(YELLOW, "skip"))
            }
            Verdict::NotRun => {
                let needs = report.text("needs").unwrap_or_default().to_owned();
                let is_known = self.needs.replace(needs.clone()) == Some(needs.clone());
                let why = if is_known {
                    String::new()
                } else {
                    let why = format!("      not run, because they need \"{needs}\":");
                    format!("{}\n", self.paint(DIM, &why))
                };
                why + &format!("  {}\n", self.paint(DIM, &format!("--    {name}")))
            }
        }
    }

    /// Explains the failures, counts, and says whether there were none.
    pub fn finish(&mut self) -> bool {
        if self.style != Style::Json {
            let mut text = self.fold() + "\n";
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
        let heading = format!("{}: {name}", level.package());
        let mut text = format!("{}\n", self.paint(RED, &heading));
        let lesson = match (report.text("lesson"), report.text("step")) {
            (Some(lesson), Some(step)) => {
                let number = step.rsplit(' ').next().unwrap_or(step);
                Some(format!("{step}; explained in {lesson}, step {number}"))
            }
            _ => None,
        };
        let fields = [
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
