//! A line of what is remembered.

/// A line, by its first word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// All checks were passed on that day, with this content, by these checks.
    Done {
        level: String,
        day: String,
        content: String,
        checks: String,
    },
    /// The last check of this content ended so.
    Last {
        level: String,
        verdict: String,
        content: String,
    },
    /// It was skipped on that day, by a learner who has begun further on.
    Skipped { level: String, day: String },
    /// This hint has been read.
    Hint { level: String, title: String },
}

impl Entry {
    /// The line that [`print`](Entry::print) has written, if it is one.
    pub(super) fn parse(line: &str) -> Option<Entry> {
        let is_hash =
            |word: &str| word.len() == 40 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let (what, rest) = line.split_once(' ')?;
        let (level, rest) = rest.split_once(' ')?;
        let level = level.to_owned();
        let words: Vec<&str> = rest.split(' ').collect();
        match (what, words.as_slice()) {
            ("done", [day, content, checks]) if is_hash(content) && is_hash(checks) => {
                Some(Entry::Done {
                    level,
                    day: (*day).to_owned(),
                    content: (*content).to_owned(),
                    checks: (*checks).to_owned(),
                })
            }
            ("last", [verdict @ ("pass" | "fail"), content]) if is_hash(content) => {
                Some(Entry::Last {
                    level,
                    verdict: (*verdict).to_owned(),
                    content: (*content).to_owned(),
                })
            }
            ("skip", [day]) => Some(Entry::Skipped {
                level,
                day: (*day).to_owned(),
            }),
            ("hint", _) => Some(Entry::Hint {
                level,
                title: rest.to_owned(),
            }),
            _ => None,
        }
    }

    /// As it stands in the file.
    pub(super) fn print(&self) -> String {
        match self {
            Entry::Done {
                level,
                day,
                content,
                checks,
            } => format!("done {level} {day} {content} {checks}"),
            Entry::Last {
                level,
                verdict,
                content,
            } => format!("last {level} {verdict} {content}"),
            Entry::Skipped { level, day } => format!("skip {level} {day}"),
            Entry::Hint { level, title } => format!("hint {level} {title}"),
        }
    }
}
