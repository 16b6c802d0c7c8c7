//! A line of the table, and of the lists beside it.

use syllabus::Entry;

use super::attempts::Attempt;
use super::requirement::Requirement;

/// Something that a container should not be able to do.
pub(super) struct Escape {
    /// To do what, in a few words: unique.
    pub(super) what: &'static str,
    /// What a person would type after `run -i probe -- probe`.
    pub(super) verbs: &'static str,
    /// Where the check looks at it, from outside.
    pub(super) witness: &'static str,
    /// The solutions in which it works, from the first to the last.
    pub(super) works: (u8, u8),
    /// What stops it in the solution after the last one; nothing yet if it is empty.
    pub(super) stopped_by: &'static str,
    /// What the program must have said of it there, so that an accident does not pass
    /// for a defence; empty where it succeeds, without reaching the host.
    pub(super) refusal: &'static str,
    pub(super) requires: Requirement,
    pub(super) attempt: Attempt,
}

/// Something that is shown elsewhere: by a file, or a test in it.
pub(super) struct Elsewhere {
    pub(super) what: &'static str,
    pub(super) why: &'static str,
    pub(super) shown_by: &'static [(&'static str, &'static str)],
}

/// What no level of Part I stops.
pub(super) struct Later {
    /// What these have in common.
    pub(super) what: &'static str,
    /// The rows of the table, by their names.
    pub(super) rows: &'static [&'static str],
    /// What will stop it.
    pub(super) stop: &'static str,
    /// What a user of `rd` as it is can do.
    pub(super) today: &'static str,
}

/// The program that is the solution of a level: the next one, or its part's solution.
pub(super) fn solution(level: u8) -> String {
    syllabus::after(level).map_or_else(String::new, Entry::package)
}
