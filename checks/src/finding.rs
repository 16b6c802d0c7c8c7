//! What a check has found: nothing to complain about, or a sentence that is not true and
//! what was seen in its place.

use std::fmt::Display;
use std::path::Path;

/// What a check found.
pub(crate) type Outcome = Result<(), Finding>;

/// Why a check did not pass.
#[derive(Debug)]
pub(crate) enum Finding {
    /// The sentence is not true.
    Failure(Box<Failure>),
    /// It cannot be looked at on this machine, for this reason.
    Skip(String),
    /// Of a choice only: the program refuses its option, in this way.
    NotThere(String),
}

impl Finding {
    /// What a failure usually means, where that is known better than in the table.
    pub(crate) fn usually(self, usually: Option<&'static str>) -> Finding {
        match (self, usually) {
            (Finding::Failure(failure), Some(usually)) => failure.usually(usually).into(),
            (other, _) => other,
        }
    }
}

/// A sentence that is not true, as the kernel shows it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) seen: String,
    pub(crate) expected: Option<String>,
    pub(crate) evidence: Option<String>,
    pub(crate) usually: Option<String>,
    pub(crate) is_elsewhere: bool,
    pub(crate) has_stopped: bool,
    pub(crate) step: Option<(u8, u8)>,
    /// Boxed: with a `String` it would be large for an error.
    pub(crate) ran: Option<Box<str>>,
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
            ran: None,
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

    /// Where the check has read that.
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

    /// The command that has shown it, if others are run after it.
    pub(crate) fn ran(mut self, line: impl Into<String>) -> Failure {
        self.ran = Some(line.into().into_boxed_str());
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
        self.has_stopped = false;
        self
    }

    /// Whether what was seen, the level's own error included, has these words in it. A
    /// hint for people, as below.
    pub(crate) fn mentions(&self, words: &str) -> bool {
        self.seen.contains(words)
    }
}

impl From<Failure> for Finding {
    fn from(failure: Failure) -> Finding {
        Finding::Failure(Box::new(failure))
    }
}

/// What a level's own error means, where a level knows it better than the error's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Diagnosis {
    /// The level, and its step.
    pub(crate) step: (u8, u8),
    pub(crate) usually: &'static str,
}

/// Asks the levels, of which the program should have come as far as the second says, for
/// the meaning of these errors.
pub(crate) type Diagnose = fn(&str, u8) -> Option<Diagnosis>;
