//! Which report tells of a change of the host, so that it is told once.

use std::collections::BTreeSet;

use crate::check::{Check, LevelChecks};
use crate::levels::LEVELS;
use crate::sides::Change;
use crate::verdict::{Beside, Report, Verdict};

/// A report that has this change with it: the check's own verdict, and what would be
/// said in place of it.
pub(crate) fn beside(change: Change, level: &LevelChecks, check: &Check, report: Report) -> Report {
    let other = Report::from_outcome(level, check, Err(change.failure.into()));
    Report {
        beside: Some(Box::new(Beside {
            home: change.home.to_owned(),
            report: Report {
                has_changed_host: true,
                ..other
            },
        })),
        ..report
    }
}

/// Turns reports with a change of the host into those that are shown: the first check that may
/// tell of the change fails by it, and the others say what they have found themselves.
pub(crate) struct Told {
    judged: u8,
    homes: BTreeSet<String>,
}

impl Told {
    pub(crate) fn new(judged: u8) -> Told {
        Told {
            judged,
            homes: BTreeSet::new(),
        }
    }

    pub(crate) fn tell(
        &mut self,
        level: &LevelChecks,
        check: &Check,
        mut report: Report,
    ) -> Report {
        if report.verdict == Verdict::Fail {
            self.homes.insert(check.name.to_owned());
        }
        let Some(beside) = report.beside.take() else {
            return report;
        };
        let Beside { home, report: told } = *beside;
        if !self.may_tell(level, check, &home) || !self.homes.insert(home) {
            return report;
        }
        Report {
            milliseconds: report.milliseconds,
            ..told
        }
    }

    /// From its home on; or from the first check of a level that comes before that.
    fn may_tell(&self, level: &LevelChecks, check: &Check, home: &str) -> bool {
        place_of(home).is_none_or(|(home, place)| {
            let here = level.checks.iter().position(|it| it.name == check.name);
            let begins = match home <= self.judged {
                true => (home, place),
                false => (self.judged, 0),
            };
            (level.number, here.unwrap_or(0)) >= begins
        })
    }
}

/// The level of a check, and which of its checks it is.
fn place_of(name: &str) -> Option<(u8, usize)> {
    LEVELS.iter().find_map(|level| {
        let place = level.checks.iter().position(|check| check.name == name);
        Some((level.number, place?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Failure;
    use crate::sides::homes;

    #[test]
    fn each_kind_of_change_is_at_home_in_a_check() {
        for home in homes() {
            assert!(place_of(home).is_some(), "no check is called {home:?}");
        }
    }

    const HOME: &str = "the command has a network namespace of its own";

    /// What is shown of a change that all checks have made, at level `judged`.
    fn shown(judged: u8, home: &str) -> Vec<&'static str> {
        let mut told = Told::new(judged);
        let mut shown = Vec::new();
        for level in LEVELS.iter().filter(|it| it.number <= judged) {
            for check in level.checks {
                let pass = Report::from_outcome(level, check, Ok(()));
                let change = Change {
                    home: place_name(home),
                    failure: Failure::seen("changed"),
                };
                let report = told.tell(level, check, beside(change, level, check, pass));
                if report.verdict == Verdict::Fail {
                    shown.push(check.name);
                }
            }
        }
        shown
    }

    fn place_name(home: &str) -> &'static str {
        let mut checks = LEVELS.iter().flat_map(|level| level.checks);
        checks
            .find(|check| check.name == home)
            .map_or("", |it| it.name)
    }

    #[test]
    fn a_change_is_told_once_where_it_is_at_home() {
        let home = HOME;
        assert_eq!(shown(11, home), [home]);
        let first = LEVELS[3].checks[0].name;
        assert_eq!(shown(3, home), [first]);
    }
}
