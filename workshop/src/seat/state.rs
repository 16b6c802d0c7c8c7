//! How far the learner is, as a board is told: a level, its steps, and the first that fails.

use std::fmt;

use checks::{Report, Verdict};
use curriculum::levels::Level;

use crate::course::{Course, word};

/// What is known of a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// It was not checked as it is.
    Begun,
    /// It does not compile.
    NotBuilt,
    /// A check fails.
    Fails,
    /// All is true.
    Done,
}

const WORDS: [(Told, &str); 4] = [
    (Told::Begun, "begun"),
    (Told::NotBuilt, "not-built"),
    (Told::Fails, "fails"),
    (Told::Done, "done"),
];

/// The state of a seat. As text it is one line: `02 fails pf-o 02.2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    /// `02`, or `rd`.
    pub(crate) level: String,
    pub(crate) told: Told,
    /// A letter for each step: `p` passes, `f` fails, `o` is still open, and of `-` no check
    /// can tell.
    pub(crate) steps: String,
    /// Where the first failure is: `02.3`, or `02` if no step is to blame.
    pub(crate) failing: Option<String>,
}

impl State {
    /// Of a level that was checked, by what its checks have said.
    pub(crate) fn of(course: &Course, level: &Level, told: Told, reports: &[Report]) -> State {
        // The solution of a part has no lesson.
        let steps = course.steps(level).unwrap_or_default();
        let marker = |number: u32| format!("TODO({}) {number}", word(level));
        let letter = |number: u32| letter_of(&marker(number), reports);
        State {
            level: word(level),
            told,
            steps: steps.iter().map(|step| letter(step.number)).collect(),
            failing: match told {
                Told::Fails => first_failing(reports),
                _ => None,
            },
        }
    }

    /// The line that `Display` has written, if it is one.
    pub(super) fn parse(line: &str) -> Option<State> {
        let words: Vec<&str> = line.split(' ').collect();
        let [level, told, steps, failing] = words[..] else {
            return None;
        };
        let none = |word: &str| (word != ".").then(|| word.to_owned());
        Some(State {
            level: level.to_owned(),
            told: WORDS.iter().find(|(_, it)| *it == told)?.0,
            steps: none(steps).unwrap_or_default(),
            failing: none(failing),
        })
    }

    /// The word for it in a message.
    pub(super) fn word(&self) -> &'static str {
        let found = WORDS.iter().find(|(it, _)| *it == self.told);
        found.map_or("begun", |(_, word)| word)
    }
}

impl fmt::Display for State {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = match self.steps.as_str() {
            "" => ".",
            steps => steps,
        };
        let failing = self.failing.as_deref().unwrap_or(".");
        write!(out, "{} {} {steps} {failing}", self.level, self.word())
    }
}

/// Of all checks that name a step, the worst says how it is.
fn letter_of(step: &str, reports: &[Report]) -> char {
    let of_step = reports.iter().filter(|it| it.step() == Some(step));
    let verdicts: Vec<Verdict> = of_step.map(|it| it.verdict).collect();
    let any = |verdict| verdicts.contains(&verdict);
    match () {
        () if any(Verdict::Fail) => 'f',
        () if any(Verdict::NotRun) => 'o',
        () if any(Verdict::Pass) => 'p',
        () => '-',
    }
}

/// `02.3` of a failure that names `TODO(02) 3`.
fn first_failing(reports: &[Report]) -> Option<String> {
    let failed = reports.iter().find(|it| it.verdict == Verdict::Fail)?;
    let number = failed.number;
    let named = failed.step().and_then(|step| {
        let (level, step) = step.strip_prefix("TODO(")?.split_once(") ")?;
        let step: u8 = step.parse().ok()?;
        let level: u8 = level.parse().ok()?;
        Some(format!("{level:02}.{step}"))
    });
    Some(named.unwrap_or_else(|| format!("{number:02}")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;

    fn report(verdict: &str, step: &str) -> Report {
        let line = format!(
            r#"{{"level":2,"name":"x","verdict":"{verdict}","step":"{step}","lesson":"there"}}"#
        );
        Report::parse(&line).unwrap()
    }

    #[test]
    fn a_step_is_as_its_worst_check() {
        let reports = [
            report("pass", "TODO(02) 1"),
            report("pass", "TODO(02) 2"),
            report("fail", "TODO(02) 2"),
            report("pass", "TODO(02) 3"),
            report("not-run", "TODO(02) 3"),
            report("skip", "TODO(02) 4"),
        ];
        let letters: String = (1..=5)
            .map(|step| letter_of(&format!("TODO(02) {step}"), &reports))
            .collect();
        assert_eq!(letters, "pfo--");
        assert_eq!(first_failing(&reports).as_deref(), Some("02.2"));
        assert_eq!(first_failing(&reports[..2]), None);
        assert_eq!(first_failing(&[report("fail", "")]).as_deref(), Some("02"));
    }

    #[test]
    fn a_state_is_a_line_and_comes_back() {
        for line in [
            "02 fails pf-o 02.2",
            "03 begun . .",
            "rd done . .",
            "04 not-built oo .",
        ] {
            assert_eq!(State::parse(line).unwrap().to_string(), line);
        }
        for line in ["", "02", "02 fails pf", "02 angry pf .", "02 fails pf . ."] {
            assert_eq!(State::parse(line), None, "{line}");
        }
    }
}
