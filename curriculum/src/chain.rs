//! The chain: level N plus the learner's work is level N+1, line by line.
//!
//! A line may *vanish* only inside a TODO(N) block, in the `//!` header, or as
//! part of a `use` or `mod` item. A line may *appear* only where a TODO(N)
//! block stood, inside a TODO(N+1) block, in the header, as part of a `use` or
//! `mod` item, in `struct Options`, in `limits`, which makes rows of them, in
//! `struct Container` and where that is made, in `enum Action` and the `match action` of
//! it, in a paragraph that begins with `// Given, from here on:`, or in a new file. In the
//! manifest of a part's solution `[lib]` may appear, since it is the library of the next
//! part. The level's own name is the same line everywhere, and blank lines are layout.

use super::align::{Step, align, may_appear};
use super::levels::{self, Level};
use super::line::{Line, manifest_lines, source_lines};
use super::{Result, block, read};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

/// A line that changed where the chain does not allow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What was compared: a path inside the levels.
    pub file: PathBuf,
    /// The place: `levels/03_pivot_root/src/main.rs:12`.
    pub place: String,
    /// The line itself, without indentation.
    pub text: String,
    /// What happened to the line: it has vanished, or appeared.
    pub what: String,
    /// For every level that has the file, whether the line stands in it.
    pub witnesses: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.place, self.what)?;
        if !self.text.is_empty() {
            writeln!(f, "    | {}", self.text)?;
        }
        write!(f, "{}", self.witnesses)
    }
}

/// Everything in which `newer` is not what `older` and its TODO blocks make it.
///
/// `all` are the levels among which the message looks for the line.
pub fn compare(root: &Path, older: &Level, newer: &Level, all: &[Level]) -> Result<Vec<Violation>> {
    let mut violations = Vec::new();
    let old_files: BTreeSet<PathBuf> = older.files(root)?.into_iter().collect();
    let new_files: BTreeSet<PathBuf> = newer.files(root)?.into_iter().collect();
    for file in &old_files {
        let old = SourceFile::read(root, older, file)?;
        if new_files.contains(file) {
            let new = SourceFile::read(root, newer, file)?;
            for (place, line, what) in broken_rules(&old, &new) {
                let part = older.facts.part;
                let witnesses = witnesses(root, all, part, file, &line.text)?;
                let text = line.shown.clone();
                violations.push(Violation {
                    file: file.clone(),
                    place,
                    text,
                    what,
                    witnesses,
                });
            }
        } else {
            violations.push(Violation {
                file: file.clone(),
                place: old.path.display().to_string(),
                text: String::new(),
                what: format!(
                    "the file is not in {}; only lines vanish, in blocks",
                    newer.directory
                ),
                witnesses: String::new(),
            });
        }
    }
    Ok(violations)
}

/// The TODO markers of a level that are not as they should be.
pub fn faults(root: &Path, level: &Level) -> Result<Vec<block::Fault>> {
    let mut faults = Vec::new();
    for (path, text) in sources(root, level)? {
        faults.extend(block::parse(&path, &text, level.number).1);
    }
    Ok(faults)
}

/// The TODO blocks of a level, with the file they stand in.
pub fn blocks(root: &Path, level: &Level) -> Result<Vec<(PathBuf, block::Block)>> {
    let mut blocks = Vec::new();
    for (path, text) in sources(root, level)? {
        let found = block::parse(&path, &text, level.number).0;
        blocks.extend(found.into_iter().map(|block| (path.clone(), block)));
    }
    Ok(blocks)
}

fn sources(root: &Path, level: &Level) -> Result<Vec<(PathBuf, String)>> {
    let rust = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "rs");
    let files = level.files(root)?.into_iter().filter(rust);
    files
        .map(|file| {
            let path = level.path().join(file);
            let text = read(&root.join(&path))?;
            Ok((path, text))
        })
        .collect()
}

struct SourceFile {
    path: PathBuf,
    level: String,
    lines: Vec<Line>,
}

impl SourceFile {
    fn read(root: &Path, level: &Level, file: &Path) -> Result<SourceFile> {
        let path = level.path().join(file);
        let text = read(&root.join(&path))?;
        let lines = if file == Path::new("Cargo.toml") {
            manifest_lines(level, &text)
        } else {
            source_lines(level, &path, &text)
        };
        Ok(SourceFile {
            path,
            level: level.directory.clone(),
            lines,
        })
    }
}

/// Where a rule is broken, by which line, and how.
fn broken_rules<'a>(old: &'a SourceFile, new: &'a SourceFile) -> Vec<(String, &'a Line, String)> {
    let mut broken = Vec::new();
    let (mut i, mut j) = (0, 0);
    for step in align(&old.lines, &new.lines) {
        match step {
            Step::Keep => (i, j) = (i + 1, j + 1),
            Step::Vanish => {
                let line = &old.lines[i];
                if !line.may_vanish {
                    broken.push((
                        format!("{}:{}", old.path.display(), line.number),
                        line,
                        format!(
                            "this line is not in {}, and no TODO block encloses it",
                            new.level
                        ),
                    ));
                }
                i += 1;
            }
            Step::Appear => {
                let line = &new.lines[j];
                if !may_appear(&old.lines, i, line) {
                    broken.push((
                        format!("{}:{}", new.path.display(), line.number),
                        line,
                        format!(
                            "this line is not in {}, and no TODO block made room for it",
                            old.level
                        ),
                    ));
                }
                j += 1;
            }
        }
    }
    broken
}

/// Where a line stands in every level that has the file, so that a reader sees
/// at once which level is the odd one out.
fn witnesses(root: &Path, all: &[Level], part: u8, file: &Path, text: &str) -> Result<String> {
    let mut with = Vec::new();
    let mut without = Vec::new();
    for level in all.iter().filter(|level| level.facts.part == part) {
        if !root.join(level.path()).join(file).is_file() {
            continue;
        }
        let source = SourceFile::read(root, level, file)?;
        let numbers: Vec<String> = source
            .lines
            .iter()
            .filter(|line| line.text == text)
            .map(|line| line.number.to_string())
            .collect();
        if numbers.is_empty() {
            without.push(level.directory.clone());
        } else {
            with.push(format!("{}:{}", level.directory, numbers.join(",")));
        }
    }
    let list = |levels: Vec<String>| {
        if levels.is_empty() {
            "no level".to_owned()
        } else {
            levels.join(", ")
        }
    };
    Ok(format!(
        "    it stands in {}\n    and not in {}",
        list(with),
        list(without)
    ))
}

/// All violations between `levels`, each with its next, as one text per pair.
pub fn report(root: &Path, levels: &[Level]) -> Result<BTreeMap<String, Vec<String>>> {
    let mut report = BTreeMap::new();
    for level in levels {
        let faults = faults(root, level)?;
        if !faults.is_empty() {
            report.insert(
                level.directory.clone(),
                faults.iter().map(ToString::to_string).collect(),
            );
        }
    }
    for (index, older) in levels.iter().enumerate() {
        // Between parts there is no chain: there the solution is a library.
        let Some(newer) = levels::solution(levels, index).map(|next| &levels[next]) else {
            continue;
        };
        let violations = compare(root, older, newer, levels)?;
        if !violations.is_empty() {
            report.insert(
                format!("{} -> {}", older.directory, newer.directory),
                violations.iter().map(ToString::to_string).collect(),
            );
        }
    }
    Ok(report)
}
