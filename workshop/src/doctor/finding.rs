//! One thing that was looked at: what it is, what was seen and where, what to do.

use std::ops::RangeInclusive;

use syllabus::{Entry, Facts};

pub(super) use syllabus::LAST;

/// The levels that a finding matters to. A requirement usually comes with a level and
/// stays: what level 04 needs, the last one needs as well.
pub(super) type Levels = RangeInclusive<u8>;

/// The levels that need this of the machine, as their `level.toml` says: from the one that
/// has the word among its `needs` to the last, or to the one before it is no longer needed.
pub(super) fn needed(what: &str) -> Levels {
    let first = |list: fn(&Facts) -> &[String]| {
        let has = |entry: &&Entry| list(&entry.facts).iter().any(|it| it == what);
        syllabus::numbered().find(has).and_then(|it| it.number)
    };
    let Some(begin) = first(|facts| &facts.needs) else {
        return none();
    };
    let end = first(|facts| &facts.no_longer_needs);
    begin..=end.map_or(LAST, |end| end - 1)
}

/// From the first level whose lesson uses this to the last one.
pub(super) fn used(what: &str) -> Levels {
    let uses = |entry: &&Entry| entry.facts.lesson_uses.iter().any(|it| it == what);
    let first = syllabus::numbered().find(uses).and_then(|it| it.number);
    let last = syllabus::numbered().rfind(uses).and_then(|it| it.number);
    first.zip(last).map_or(none(), |(first, last)| first..=last)
}

/// All levels.
pub(super) fn every() -> Levels {
    0..=LAST
}

/// No level in particular.
pub(super) fn none() -> Levels {
    #[expect(clippy::reversed_empty_ranges, reason = "empty is what it is to be")]
    {
        1..=0
    }
}

/// What follows from a finding for its levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// As it should be.
    Fine,
    /// Good to know; the levels work.
    Note,
    /// The levels do not work.
    InTheWay,
    /// It cannot be found out from here, and is not guessed.
    NotKnown,
}

/// Under which heading a finding is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    Surroundings,
    Privilege,
    Rootless,
    Kernel,
    ControlGroups,
    Directories,
    Tools,
}

impl Topic {
    /// In the order in which they are shown.
    pub(super) const ALL: [Topic; 7] = [
        Topic::Surroundings,
        Topic::Privilege,
        Topic::Rootless,
        Topic::Kernel,
        Topic::ControlGroups,
        Topic::Directories,
        Topic::Tools,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Topic::Surroundings => "surroundings",
            Topic::Privilege => "privilege",
            Topic::Rootless => "without root",
            Topic::Kernel => "kernel",
            Topic::ControlGroups => "control groups",
            Topic::Directories => "directories",
            Topic::Tools => "tools",
        }
    }
}

/// What was read, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Evidence {
    pub(super) source: String,
    pub(super) seen: String,
}

/// One thing that was looked at.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// Its name, for programs: does not change from one version to the next.
    pub(super) id: String,
    pub(super) topic: Topic,
    pub(super) state: State,
    /// One sentence without its full stop.
    pub(super) summary: String,
    pub(super) evidence: Vec<Evidence>,
    /// What to do, in words.
    pub(super) remedy: Option<String>,
    /// What to do, to be copied into a shell.
    pub(super) commands: Vec<String>,
    pub(super) levels: Levels,
}

impl Finding {
    pub(super) fn new(
        topic: Topic,
        id: impl Into<String>,
        state: State,
        levels: Levels,
        summary: impl Into<String>,
    ) -> Finding {
        Finding {
            id: id.into(),
            topic,
            state,
            summary: summary.into(),
            evidence: Vec::new(),
            remedy: None,
            commands: Vec::new(),
            levels,
        }
    }

    /// What was read, and where. Only its beginning, if it is long: it is to be looked
    /// up, not to be read here.
    pub(super) fn seen(mut self, source: impl Into<String>, seen: impl AsRef<str>) -> Finding {
        let mut seen = seen
            .as_ref()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        if seen.chars().count() > 200 {
            seen = seen.chars().take(200).chain("...".chars()).collect();
        }
        let source = source.into();
        self.evidence.push(Evidence { source, seen });
        self
    }

    pub(super) fn remedy(mut self, words: impl Into<String>) -> Finding {
        self.remedy = Some(words.into());
        self
    }

    pub(super) fn command(mut self, command: impl Into<String>) -> Finding {
        self.commands.push(command.into());
        self
    }

    /// Whether it matters to this level.
    pub(super) fn concerns(&self, level: u8) -> bool {
        self.levels.contains(&level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    #[test]
    fn what_is_needed_stays_unless_it_is_said_to_end() {
        assert_eq!(needed("CAP_SYS_ADMIN"), 1..=LAST);
        assert_eq!(needed("CAP_SYS_CHROOT"), 1..=2);
        assert_eq!(used("taskset"), 8..=8);
        assert!(needed("nothing that there is").is_empty());
    }

    #[test]
    fn the_doctor_looks_at_all_that_a_level_asks_for() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/doctor");
        let files = fs::read_dir(directory).into_iter().flatten().flatten();
        let texts = files.map(|file| fs::read_to_string(file.path()).unwrap_or_default());
        let text: String = texts.collect();
        // A part of a name is enough where the doctor puts it together, and a capability is a
        // name of the language there.
        let is_there = |what: &str| {
            let end = what.split_once('-').map_or(what, |(_, end)| end);
            [
                format!("\"{what}\""),
                format!("\"{end}\""),
                format!("Capability::{what},"),
            ]
            .iter()
            .any(|it| text.contains(it))
        };
        for entry in syllabus::numbered() {
            let Facts {
                needs, lesson_uses, ..
            } = &entry.facts;
            for what in needs.iter().chain(lesson_uses) {
                let directory = entry.directory;
                assert!(
                    is_there(what),
                    "nothing of the doctor's looks at {what:?} of {directory}"
                );
            }
        }
    }

    #[test]
    fn the_doctor_looks_at_nothing_that_no_level_asks_for() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/doctor");
        let files = fs::read_dir(directory).into_iter().flatten().flatten();
        for file in files.filter(|file| file.file_name() != "finding.rs") {
            let text = fs::read_to_string(file.path()).unwrap_or_default();
            for what in text.split("needed(\"").skip(1) {
                let what = what.split('"').next().unwrap_or_default();
                assert!(!needed(what).is_empty(), "no level.toml needs {what:?}");
            }
        }
    }
}
