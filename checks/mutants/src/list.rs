//! `survivors.txt`: the mutants that no check notices, and why each may be there.
//!
//! ```text
//! mutant: 04/rootfs.rs prepare drop-statement: chmod(directory.join("upper"), mode)?;
//! kind: survived
//! because: it takes a caller with a narrow umask, which no check has
//! ```
//!
//! One that means the same makes the same containers, and that is looked at; or a line
//! `right: 04/not-volatile` names a solution of another hand which does the same.
//!
//! Entries are separated by blank lines; a line that begins with `#` says something to
//! readers.

/// What a mutant that no check notices is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It is right, too: the kernel's state is the same, or that of another right solution.
    Equivalent,
    /// It is wrong, and no check notices.
    Survived,
    /// What was changed is used on version 1 of control groups only; there it is noticed.
    Version1,
    /// What was changed is used on version 2 of control groups only; there it is noticed.
    Version2,
}

/// A mutant that no check notices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its level, file and name.
    pub mutant: String,
    /// Whether it is right, wrong, or not used here.
    pub kind: Kind,
    /// Why.
    pub because: String,
    /// The right solution that does the same, as `04/not-volatile`.
    pub right: Option<String>,
}

/// Reads the list. What is wrong with it is a paragraph for people.
///
/// # Errors
///
/// If an entry lacks one of the three lines.
pub fn parse_list(text: &str) -> Result<Vec<Entry>, String> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let entries = lines.split(|line| line.trim().is_empty());
    entries
        .filter(|lines| !lines.is_empty())
        .map(entry)
        .collect()
}

fn entry(lines: &[&str]) -> Result<Entry, String> {
    let shown = lines.join("\n");
    let one = |key: &str| {
        let mut values = lines.iter().filter_map(|line| line.strip_prefix(key));
        match (values.next(), values.next()) {
            (Some(value), None) if !value.trim().is_empty() => Ok(value.trim().to_owned()),
            _ => Err(format!(
                "one line `{key} ...` belongs to this entry:\n{shown}"
            )),
        }
    };
    let kind = match one("kind:")?.as_str() {
        "equivalent" => Kind::Equivalent,
        "survived" => Kind::Survived,
        "version1" => Kind::Version1,
        "version2" => Kind::Version2,
        other => {
            return Err(format!(
                "`kind: {other}`: it is equivalent, survived, version1 or version2:\n{shown}"
            ));
        }
    };
    Ok(Entry {
        mutant: one("mutant:")?,
        kind,
        because: one("because:")?,
        right: one("right:").ok(),
    })
}
