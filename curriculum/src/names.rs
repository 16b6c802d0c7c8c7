//! The names that a learner's blocks need and the skeleton does not import: imports are not
//! the exercise, so the lesson has a line to paste for each file.

use super::levels::{self, Level};
use super::solution::{ToWrite, to_write};
use super::{Result, read};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What has to be imported in one file, for its blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The file, relative to the level's directory.
    pub file: PathBuf,
    /// `use linux_sys::{mount, unshare};`
    pub line: String,
}

/// The imports that the blocks of `levels[index]` need, file by file.
pub fn to_import(root: &Path, levels: &[Level], index: usize) -> Result<Vec<Import>> {
    let level = &levels[index];
    let Some(next) = levels::solution(levels, index).map(|next| &levels[next]) else {
        return Ok(Vec::new());
    };
    let mut imports = Vec::new();
    for ToWrite { file, lines } in to_write(root, levels, index)? {
        let skeleton = read(&root.join(level.path()).join(&file))?;
        let solution = read(&root.join(next.path()).join(&file))?;
        let is_needed = |name: &str| lines.iter().any(|line| has_word(line, name));
        let has = imported(&skeleton);
        for (source, names) in imported(&solution) {
            // What is called in a new file of the next level is a part of that skeleton.
            if source == "crate" {
                continue;
            }
            let known = has.get(&source);
            // A file of the level's own needs no `use`. The solution may have it from a library.
            let own = |name: &str| skeleton.lines().any(|line| line == format!("mod {name};"));
            let is_new =
                |name: &&String| known.is_none_or(|known| !known.contains(*name)) && !own(name);
            let missing = names.iter().filter(is_new).filter(|it| is_needed(it));
            let missing: Vec<&str> = missing.map(String::as_str).collect();
            let line = match missing[..] {
                [] => continue,
                [name] => format!("use {source}::{name};"),
                _ => format!("use {source}::{{{}}};", missing.join(", ")),
            };
            imports.push(Import {
                file: file.clone(),
                line,
            });
        }
    }
    Ok(imports)
}

/// What the `use` lines of a file at its top bring in, by the path in front of the name.
fn imported(source: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let code = source.lines().filter(|line| !line.starts_with("//"));
    let code = code.collect::<Vec<_>>().join(" ");
    for statement in code.split(';') {
        let Some((_, path)) = statement.rsplit_once("use ") else {
            continue;
        };
        let Some((source, names)) = path.rsplit_once("::") else {
            continue;
        };
        let names = names.trim_matches(['{', '}', ' ']).split(',');
        let names = names.map(|name| name.trim().to_owned());
        let names = names.filter(|name| !name.is_empty());
        found
            .entry(source.trim().to_owned())
            .or_default()
            .extend(names);
    }
    found
}

fn has_word(line: &str, word: &str) -> bool {
    let is_part = |it: char| it.is_alphanumeric() || it == '_';
    line.split(|it| !is_part(it)).any(|it| it == word)
}
