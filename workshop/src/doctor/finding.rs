//! One thing that was looked at: what it is, what was seen and where, what to do.

use std::ops::RangeInclusive;

/// The last level there is.
pub(super) const LAST: u8 = 11;

/// The levels that a finding matters to. A requirement usually comes with a level and
/// stays: what level 04 needs, level 11 needs as well.
pub(super) type Levels = RangeInclusive<u8>;

/// From this level to the last.
pub(super) fn from(level: u8) -> Levels {
    level..=LAST
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
    Kernel,
    ControlGroups,
    Directories,
    Tools,
}

impl Topic {
    /// In the order in which they are shown.
    pub(super) const ALL: [Topic; 6] = [
        Topic::Surroundings,
        Topic::Privilege,
        Topic::Kernel,
        Topic::ControlGroups,
        Topic::Directories,
        Topic::Tools,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Topic::Surroundings => "surroundings",
            Topic::Privilege => "privilege",
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
