//! What a check is: a sentence that should be true, and what it says when it is not.

use std::fmt::Display;
use std::path::Path;

use serde_json::{Value, json};

use crate::host::Host;
use crate::levels::LEVELS;

/// One level of the workshop and everything that must be true of it, and of
/// every level after it.
pub struct Level {
    /// Its number, as in `level03`.
    pub number: u8,
    /// Its directory below `levels/`.
    pub directory: &'static str,
    /// What it is about, in a few words.
    pub title: &'static str,
    /// Its checks, in the order in which they should come true.
    pub checks: &'static [Check],
    /// Where to look when a container does not even start: how the error of a call
    /// begins, the errno if it matters, and the step that makes the call or should have
    /// prepared it.
    pub calls: &'static [(&'static str, &'static str, u8)],
}

/// A sentence about a level that the kernel can confirm.
///
/// A check of level N states what stays true in every later solution, so that it
/// can run against all of them: a learner who breaks level 03 while working on 07
/// is told so.
pub struct Check {
    /// The sentence. It is also the check's name for filters.
    pub name: &'static str,
    /// The step of the lesson that makes it true: 2 is `TODO(NN) 2`.
    pub step: u8,
    /// What it usually means when the sentence is not true.
    pub usually: &'static str,
    /// The checks without which this one says nothing; the first of a level's
    /// checks is needed by all of its others without being named here.
    pub needs: &'static [&'static str],
    /// Looks. Runs as PID 1 of a fresh sandbox, beside the level's process.
    pub(crate) run: fn(&Host) -> Outcome,
}

impl Level {
    /// `level03`.
    pub fn package(&self) -> String {
        format!("level{:02}", self.number)
    }

    /// The page of the lesson, from the root of the repository.
    pub fn lesson(&self) -> String {
        format!("levels/{}/README.md", self.directory)
    }

    /// How the code marks a step: `TODO(03) 2`.
    pub fn step(&self, number: u8) -> String {
        format!("TODO({:02}) {number}", self.number)
    }

    /// Everything that must have come true before `check` says anything.
    pub fn needs<'a>(&'a self, check: &'a Check) -> impl Iterator<Item = &'static str> + 'a {
        let first = self.checks.first().map(|first| first.name);
        first
            .filter(|first| *first != check.name)
            .into_iter()
            .chain(check.needs.iter().copied())
    }
}

/// What a check found.
pub(crate) type Outcome = Result<(), Finding>;

/// Why a check did not pass.
#[derive(Debug)]
pub(crate) enum Finding {
    /// The sentence is not true.
    Failure(Box<Failure>),
    /// It cannot be looked at on this machine, for this reason.
    Skip(String),
}

/// A sentence that is not true, as the kernel shows it.
#[derive(Debug)]
pub(crate) struct Failure {
    seen: String,
    expected: Option<String>,
    evidence: Option<String>,
    usually: Option<String>,
    is_elsewhere: bool,
    has_stopped: bool,
    step: Option<(u8, u8)>,
}

impl Failure {
    /// What was seen instead of what should be there.
    pub(crate) fn seen(seen: impl Into<String>) -> Failure {
        Failure {
            seen: seen.into(),
            expected: None,
            evidence: None,
            usually: None,
            is_elsewhere: false,
            has_stopped: false,
            step: None,
        }
    }

    /// Something that the kernel should have told could not be read.
    pub(crate) fn unreadable(path: impl AsRef<Path>, why: impl Display) -> Failure {
        let path = path.as_ref().display();
        Failure::seen(format!("cannot read {path}: {why}")).at(path.to_string())
    }

    /// What should be there, more exactly than the check's name says it.
    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Failure {
        self.expected = Some(expected.into());
        self
    }

    /// Where it was read.
    pub(crate) fn at(mut self, evidence: impl Into<String>) -> Failure {
        self.evidence = Some(evidence.into());
        self
    }

    /// What this usually means, where it is known better than in the table.
    pub(crate) fn usually(mut self, usually: impl Into<String>) -> Failure {
        self.usually = Some(usually.into());
        self
    }

    /// The step that is to blame, where it is known better than in the table.
    pub(crate) fn step(mut self, level: u8, step: u8) -> Failure {
        self.step = Some((level, step));
        self
    }

    /// What went wrong is not what the check is about, so its step would mislead.
    pub(crate) fn elsewhere(mut self) -> Failure {
        self.is_elsewhere = true;
        self
    }

    /// The same, and it is known what went wrong: the level itself has given up before its
    /// command was started.
    pub(crate) fn stopped(mut self) -> Failure {
        self.has_stopped = true;
        self.elsewhere()
    }

    /// What went wrong is this check's own matter after all, although it did not look so.
    pub(crate) fn here(mut self) -> Failure {
        self.is_elsewhere = false;
        self
    }

    fn known_step(&self) -> Option<(&'static Level, u8)> {
        let (number, step) = self.step?;
        let level = LEVELS.iter().find(|level| level.number == number)?;
        Some((level, step))
    }

    /// Whether what was seen, the level's own error included, has these words in it. A
    /// hint for people, as below.
    pub(crate) fn mentions(&self, words: &str) -> bool {
        self.seen.contains(words)
    }

    /// The step whose call has failed, going by the level's own error. A hint for
    /// people: no verdict depends on what a level writes.
    fn calling_step(&self) -> Option<(&'static Level, u8)> {
        if let Some(known) = self.known_step() {
            return Some(known);
        }
        LEVELS.iter().rev().find_map(|level| {
            let mut calls = level.calls.iter();
            calls.find_map(|(call, errno, step)| {
                let is_it = self.seen.contains(call) && self.seen.contains(errno);
                is_it.then_some((level, *step))
            })
        })
    }
}

impl From<Failure> for Finding {
    fn from(failure: Failure) -> Finding {
        Finding::Failure(Box::new(failure))
    }
}

/// A verdict, as it travels from the sandbox to whoever asked, and as `--json` prints it.
#[derive(Debug, Clone)]
pub struct Report(pub(crate) Value);

/// The four ways a check can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The kernel confirms the sentence.
    Pass,
    /// It does not.
    Fail,
    /// It cannot be looked at on this machine.
    Skip,
    /// Something that it needs is not true.
    NotRun,
}

impl Report {
    fn new(level: &Level, check: &Check, verdict: &str) -> Report {
        Report(json!({ "level": level.number, "name": check.name, "verdict": verdict }))
    }

    pub(crate) fn from_outcome(level: &Level, check: &Check, outcome: Outcome) -> Report {
        match outcome {
            Ok(()) => Report::new(level, check, "pass"),
            Err(Finding::Skip(why)) => Report::new(level, check, "skip").with("seen", why),
            Err(Finding::Failure(failure)) => {
                let calling = failure.calling_step();
                let known = failure.known_step();
                let usually = failure.usually.unwrap_or_else(|| check.usually.to_owned());
                let report = Report::new(level, check, "fail")
                    .with(
                        "expected",
                        failure.expected.unwrap_or_else(|| check.name.to_owned()),
                    )
                    .with("seen", failure.seen)
                    .with_some("evidence", failure.evidence)
                    .with("usually", usually);
                if !failure.is_elsewhere {
                    let (level, step) = known.unwrap_or((level, check.step));
                    return report
                        .with("step", level.step(step))
                        .with("lesson", level.lesson());
                }
                let report = report.with("consequence", true);
                let report = match failure.has_stopped {
                    true => report.with("stopped", true),
                    false => report,
                };
                match calling {
                    Some((level, step)) => report
                        .with("step", level.step(step))
                        .with("lesson", level.lesson()),
                    None => report,
                }
            }
        }
    }

    pub(crate) fn not_run(level: &Level, check: &Check, needs: &str) -> Report {
        Report::new(level, check, "not-run").with("needs", needs)
    }

    /// The sandbox, not the level, is to blame.
    pub(crate) fn broken(level: &Level, check: &Check, why: &str) -> Report {
        let usually = "the sandbox of the checks could not be made or broke down; \
                       this says nothing about the level";
        let failure = Failure::seen(why).usually(usually).elsewhere();
        Report::from_outcome(level, check, Err(failure.into())).with("sandbox", "broken")
    }

    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Report {
        if let Value::Object(map) = &mut self.0 {
            map.insert(key.to_owned(), value.into());
        }
        self
    }

    pub(crate) fn with_some(self, key: &str, value: Option<impl Into<Value>>) -> Report {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// Reads a line of what `--json` prints.
    pub fn parse(line: &str) -> Option<Report> {
        let value: Value = serde_json::from_str(line).ok()?;
        value.get("verdict").is_some().then_some(Report(value))
    }

    /// The level whose check it was.
    pub fn level(&self) -> Option<&'static Level> {
        let number = self.0.get("level")?.as_u64()?;
        LEVELS
            .iter()
            .find(|level| u64::from(level.number) == number)
    }

    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        match self.text("verdict") {
            Some("pass") => Verdict::Pass,
            Some("skip") => Verdict::Skip,
            Some("not-run") => Verdict::NotRun,
            _ => Verdict::Fail,
        }
    }

    /// A field of it: `name`, `expected`, `seen`, `evidence`, `usually`, `step`,
    /// `lesson`, `needs` or `ran`.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(Value::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step_of(error: &str) -> Option<(u8, u8)> {
        let failure = Failure::seen(format!("it wrote: level04: {error}"));
        failure
            .calling_step()
            .map(|(level, step)| (level.number, step))
    }

    #[test]
    fn a_container_that_does_not_start_points_to_the_step_that_makes_the_call() {
        assert_eq!(
            step_of(r#"mount("overlay", "/x/merged", "overlay"): EINVAL"#),
            Some((4, 2))
        );
        assert_eq!(
            step_of(r#"pivot_root("/x", "/x/old"): EINVAL (Invalid ...)"#),
            Some((3, 1))
        );
        assert_eq!(
            step_of(r#"pivot_root("/x", "/x/old"): EPERM (Operation ...)"#),
            Some((3, 2))
        );
        assert_eq!(step_of("cannot unpack the image"), None);
    }

    #[test]
    fn the_first_check_of_a_level_is_needed_by_its_others() {
        for level in LEVELS {
            let Some((first, others)) = level.checks.split_first() else {
                continue;
            };
            assert!(level.needs(first).all(|needed| needed != first.name));
            assert!(
                others
                    .iter()
                    .all(|check| level.needs(check).any(|it| it == first.name))
            );
        }
    }

    #[test]
    fn a_failure_elsewhere_names_no_step_of_its_own() {
        let Some((level, check)) = LEVELS.first().and_then(|it| Some((it, it.checks.first()?)))
        else {
            return;
        };
        let failure = || Failure::seen("nothing");
        let here = Report::from_outcome(level, check, Err(failure().into()));
        assert_eq!(here.text("step"), Some("TODO(00) 2"));
        let elsewhere = Report::from_outcome(level, check, Err(failure().elsewhere().into()));
        assert_eq!(elsewhere.text("step"), None);
        assert_eq!(elsewhere.verdict(), Verdict::Fail);
        let known = Report::from_outcome(level, check, Err(failure().step(4, 2).into()));
        assert_eq!(known.text("step"), Some("TODO(04) 2"));
        assert_eq!(known.text("lesson"), Some("levels/04_overlay/README.md"));
    }
}
