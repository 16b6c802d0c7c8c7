//! What a check is: a sentence that should be true, and when to ask for it.

use syllabus::Entry;

use crate::finding::Outcome;
use crate::host::Host;

/// One level of the workshop and everything that must be true of it, and of
/// every level after it.
pub struct LevelChecks {
    /// Its number, as in `level03`.
    pub number: u8,
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
/// can run against all of them: it tells a learner who breaks level 03 while working
/// on 07.
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

impl LevelChecks {
    /// `level03`.
    pub fn package(&self) -> String {
        format!("level{:02}", self.number)
    }

    /// What the course knows of it.
    fn entry(&self) -> Option<&'static Entry> {
        syllabus::level(self.number)
    }

    /// Its directory below `levels/`.
    pub fn directory(&self) -> &'static str {
        self.entry().map_or("", |entry| entry.directory)
    }

    /// What it is about, in a few words.
    pub fn title(&self) -> &'static str {
        self.entry().map_or("", |entry| &entry.facts.title)
    }

    /// The page of the lesson, from the root of the repository.
    pub fn lesson(&self) -> String {
        self.entry().map_or_else(String::new, Entry::lesson)
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
