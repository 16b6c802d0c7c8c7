//! The verdict on one check, and what is to blame: what has failed may be another step's
//! doing than the one that the check is about.
//!
//! Between programs it is one line of JSON: from the sandbox to the client, and to a program
//! that reads `--json`. Only there it has no type.

use serde_json::{Map, Value, json};

use crate::check::{Check, LevelChecks};
use crate::finding::{Failure, Finding, Outcome};
use crate::levels::LEVELS;

/// A verdict, as it travels from the sandbox to the process that asked, and as `--json`
/// prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The number of the level whose check it was.
    pub number: u8,
    /// The check's name.
    pub name: String,
    /// How the check ended.
    pub verdict: Verdict,
    /// Of a check that was not run: the name of the one that it needs.
    pub needs: Option<String>,
    /// What should be there.
    pub expected: Option<String>,
    /// What was seen in its place; or why it could not be looked at.
    pub seen: Option<String>,
    /// Where the check has read that.
    pub evidence: Option<String>,
    /// The command that has shown it.
    pub ran: Option<String>,
    /// What this usually means.
    pub usually: Option<String>,
    /// The step that is to blame, as the code marks it, and the lesson that explains it.
    pub blamed: Option<Blamed>,
    /// What kind of failure it is.
    pub(crate) fault: Fault,
    /// It is the host that was changed: in place of what the check itself has found.
    pub(crate) has_changed_host: bool,
    /// How long it took, sandbox and all.
    pub(crate) milliseconds: Option<u64>,
    /// A change of the host that was noticed besides.
    pub(crate) beside: Option<Box<Beside>>,
}

/// The four ways a check can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The kernel confirms the sentence.
    Pass,
    /// The kernel does not confirm it.
    Fail,
    /// This machine cannot show whether it is true.
    Skip,
    /// Another check failed on which this one builds; or it is about a choice that the learner
    /// has not made.
    NotRun,
}

/// A step of a lesson.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blamed {
    /// `TODO(03) 2`.
    pub step: String,
    /// The page, from the root of the repository.
    pub lesson: String,
}

/// Where the fault lies, if a check has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Fault {
    /// Where the check looks.
    #[default]
    Here,
    /// In something else that the check could not do without.
    Elsewhere,
    /// The level itself has given up before its command was started.
    Stopped,
    /// In the sandbox, and not in the level at all.
    Sandbox,
}

/// A change of the host, noticed during a check that is about something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Beside {
    /// The check that is about such changes.
    pub(crate) home: String,
    /// What is told in place of the check's own report, where it may be told.
    pub(crate) report: Report,
}

impl Verdict {
    const WORDS: [(Verdict, &'static str); 4] = [
        (Verdict::Pass, "pass"),
        (Verdict::Fail, "fail"),
        (Verdict::Skip, "skip"),
        (Verdict::NotRun, "not-run"),
    ];

    fn word(self) -> &'static str {
        let mut words = Verdict::WORDS.iter();
        words.find(|(it, _)| *it == self).map_or("fail", |it| it.1)
    }

    /// What is no verdict at all is surely no good one.
    fn of(word: &str) -> Verdict {
        let mut words = Verdict::WORDS.iter();
        words
            .find(|(_, it)| *it == word)
            .map_or(Verdict::Fail, |it| it.0)
    }
}

impl Report {
    fn new(level: &LevelChecks, check: &Check, verdict: Verdict) -> Report {
        Report {
            number: level.number,
            name: check.name.to_owned(),
            verdict,
            needs: None,
            expected: None,
            seen: None,
            evidence: None,
            ran: None,
            usually: None,
            blamed: None,
            fault: Fault::Here,
            has_changed_host: false,
            milliseconds: None,
            beside: None,
        }
    }

    pub(crate) fn from_outcome(level: &LevelChecks, check: &Check, outcome: Outcome) -> Report {
        match outcome {
            Ok(()) => Report::new(level, check, Verdict::Pass),
            Err(Finding::Skip(why)) => Report {
                seen: Some(why),
                ..Report::new(level, check, Verdict::Skip)
            },
            Err(Finding::NotThere(how)) => Report {
                seen: Some(how),
                ..Report::new(level, check, Verdict::NotRun)
            },
            Err(Finding::Failure(failure)) => Report::failed(level, check, *failure),
        }
    }

    fn failed(level: &LevelChecks, check: &Check, failure: Failure) -> Report {
        let fault = match failure.is_elsewhere {
            false => Fault::Here,
            true if failure.has_stopped => Fault::Stopped,
            true => Fault::Elsewhere,
        };
        let blamed = match fault {
            // A choice is no step.
            Fault::Here => known_step(&failure).or((check.step > 0).then_some((level, check.step))),
            _ => calling_step(&failure),
        };
        Report {
            expected: failure.expected.or_else(|| Some(check.name.to_owned())),
            seen: Some(failure.seen),
            evidence: failure.evidence,
            ran: failure.ran.map(String::from),
            usually: failure.usually.or_else(|| Some(check.usually.to_owned())),
            blamed: blamed.map(|(level, step)| Blamed {
                step: level.step(step),
                lesson: level.lesson(),
            }),
            fault,
            ..Report::new(level, check, Verdict::Fail)
        }
    }

    pub(crate) fn not_run(level: &LevelChecks, check: &Check, needs: &str) -> Report {
        Report {
            needs: Some(needs.to_owned()),
            ..Report::new(level, check, Verdict::NotRun)
        }
    }

    /// The sandbox, not the level, is to blame.
    pub(crate) fn broken(level: &LevelChecks, check: &Check, why: &str) -> Report {
        let usually = "the sandbox of the checks could not be made or broke down; \
                       this says nothing about the level";
        let failure = Failure::seen(why).usually(usually).elsewhere();
        Report {
            fault: Fault::Sandbox,
            ..Report::failed(level, check, failure)
        }
    }

    /// The level whose check it was.
    pub fn level(&self) -> Option<&'static LevelChecks> {
        LEVELS.iter().find(|level| level.number == self.number)
    }

    /// The step that is to blame, as the code marks it: `TODO(03) 2`.
    pub fn step(&self) -> Option<&str> {
        self.blamed.as_ref().map(|it| it.step.as_str())
    }

    /// Whether it failed for something that is not what its check is about. Such a failure
    /// is explained after all others.
    pub(crate) fn is_consequence(&self) -> bool {
        self.fault != Fault::Here
    }

    /// The same, fit for a terminal: what was seen may be anything that a learner's program
    /// has written.
    pub(crate) fn printable(self) -> Report {
        let text = |text: Option<String>| text.map(|text| given::printable_lines(&text));
        Report {
            needs: text(self.needs),
            expected: text(self.expected),
            seen: text(self.seen),
            evidence: text(self.evidence),
            ran: text(self.ran),
            usually: text(self.usually),
            ..self
        }
    }

    /// Reads a line of what `--json` prints.
    pub fn parse(line: &str) -> Option<Report> {
        Report::from_json(&serde_json::from_str(line).ok()?)
    }

    /// The line of `--json` about a choice. It has the report one key deeper than that about a
    /// check: whoever counts verdicts does not see it.
    pub(crate) fn to_json_of_choice(&self) -> Value {
        json!({ "choice": self.to_json() })
    }

    /// Reads such a line.
    pub fn parse_choice(line: &str) -> Option<Report> {
        let value: Value = serde_json::from_str(line).ok()?;
        Report::from_json(value.get("choice")?)
    }

    pub(crate) fn from_json(value: &Value) -> Option<Report> {
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let is_set = |key: &str| value.get(key).is_some();
        let fault = match () {
            () if is_set("sandbox") => Fault::Sandbox,
            () if is_set("stopped") => Fault::Stopped,
            () if is_set("consequence") => Fault::Elsewhere,
            () => Fault::Here,
        };
        let beside = value.get("host").and_then(|host| {
            Some(Box::new(Beside {
                home: host.get("home")?.as_str()?.to_owned(),
                report: Report::from_json(host.get("report")?)?,
            }))
        });
        Some(Report {
            number: value.get("level")?.as_u64()?.try_into().ok()?,
            name: text("name")?,
            verdict: Verdict::of(&text("verdict")?),
            needs: text("needs"),
            expected: text("expected"),
            seen: text("seen"),
            evidence: text("evidence"),
            ran: text("ran"),
            usually: text("usually"),
            blamed: text("step").zip(text("lesson")).map(|it| Blamed {
                step: it.0,
                lesson: it.1,
            }),
            fault,
            has_changed_host: is_set("changed"),
            milliseconds: value.get("milliseconds").and_then(Value::as_u64),
            beside,
        })
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut map = Map::new();
        let mut set = |key: &str, value: Value| {
            if !value.is_null() {
                map.insert(key.to_owned(), value);
            }
        };
        set("level", self.number.into());
        set("name", self.name.as_str().into());
        set("verdict", self.verdict.word().into());
        for (key, text) in [
            ("needs", &self.needs),
            ("expected", &self.expected),
            ("seen", &self.seen),
            ("evidence", &self.evidence),
            ("ran", &self.ran),
            ("usually", &self.usually),
        ] {
            set(key, text.as_deref().into());
        }
        if let Some(blamed) = &self.blamed {
            set("step", blamed.step.as_str().into());
            set("lesson", blamed.lesson.as_str().into());
        }
        let when = |is_so: bool| {
            if is_so {
                Value::Bool(true)
            } else {
                Value::Null
            }
        };
        set("consequence", when(self.is_consequence()));
        set("stopped", when(self.fault == Fault::Stopped));
        if self.fault == Fault::Sandbox {
            set("sandbox", "broken".into());
        }
        set("changed", when(self.has_changed_host));
        set("milliseconds", self.milliseconds.into());
        if let Some(beside) = &self.beside {
            let report = beside.report.to_json();
            set("host", json!({ "home": beside.home, "report": report }));
        }
        Value::Object(map)
    }
}

/// The step that the check itself has named.
fn known_step(failure: &Failure) -> Option<(&'static LevelChecks, u8)> {
    let (number, step) = failure.step?;
    let level = LEVELS.iter().find(|level| level.number == number)?;
    Some((level, step))
}

/// The step whose call has failed, going by the level's own error. A hint for
/// people: no verdict depends on what a level writes.
fn calling_step(failure: &Failure) -> Option<(&'static LevelChecks, u8)> {
    known_step(failure).or_else(|| {
        LEVELS.iter().rev().find_map(|level| {
            let mut calls = level.calls.iter();
            calls.find_map(|(call, errno, step)| {
                let is_it = failure.mentions(call) && failure.mentions(errno);
                is_it.then_some((level, *step))
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step_of(error: &str) -> Option<(u8, u8)> {
        let failure = Failure::seen(format!("it wrote: level04: {error}"));
        calling_step(&failure).map(|(level, step)| (level.number, step))
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
        assert_eq!(here.step(), Some("TODO(00) 2"));
        let elsewhere = Report::from_outcome(level, check, Err(failure().elsewhere().into()));
        assert_eq!(elsewhere.step(), None);
        assert_eq!(elsewhere.verdict, Verdict::Fail);
        let known = Report::from_outcome(level, check, Err(failure().step(4, 2).into()));
        assert_eq!(known.step(), Some("TODO(04) 2"));
        let lesson = known.blamed.map(|it| it.lesson);
        assert_eq!(lesson.as_deref(), Some("levels/04_overlay/README.md"));
    }

    #[test]
    fn nothing_is_lost_between_two_programs() {
        let (level, check) = (&LEVELS[3], &LEVELS[3].checks[1]);
        let failure = || Failure::seen("a").at("b").ran("c").usually("d");
        let stopped = Report::from_outcome(level, check, Err(failure().stopped().into()));
        let beside = Report {
            beside: Some(Box::new(Beside {
                home: "at home".to_owned(),
                report: Report {
                    has_changed_host: true,
                    ..stopped.clone()
                },
            })),
            milliseconds: Some(70),
            ..Report::from_outcome(level, check, Ok(()))
        };
        for report in [
            Report::from_outcome(level, check, Err(failure().into())),
            Report::from_outcome(level, check, Err(failure().elsewhere().into())),
            Report::from_outcome(level, check, Err(Finding::Skip("e".to_owned()))),
            Report::from_outcome(level, check, Err(Finding::NotThere("e".to_owned()))),
            Report::not_run(level, check, "f"),
            Report::broken(level, check, "g"),
            stopped,
            beside,
        ] {
            let line = report.to_json().to_string();
            assert_eq!(Report::parse(&line), Some(report.clone()), "{line}");
            // A choice is no check, also to programs.
            let line = report.to_json_of_choice().to_string();
            assert_eq!(Report::parse(&line), None, "{line}");
            assert_eq!(Report::parse_choice(&line), Some(report), "{line}");
        }
        // Programs read these names: the companion, the suites, .ci.
        let report = Report::from_outcome(level, check, Err(failure().stopped().into()));
        let keys = report.to_json();
        let keys: Vec<&str> = keys
            .as_object()
            .into_iter()
            .flat_map(Map::keys)
            .map(String::as_str)
            .collect();
        let expected = [
            "consequence",
            "evidence",
            "expected",
            "level",
            "name",
            "ran",
            "seen",
            "stopped",
            "usually",
            "verdict",
        ];
        assert_eq!(keys, expected);
    }
}
