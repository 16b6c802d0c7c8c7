//! The solution of a part is a library as well, and the levels of the next part have it as
//! a dependency: its `lib.rs` has the rooms, and its `main.rs` uses them from there.
//!
//! Where one of its files is another (a patch's, a mutant's, a new level's), the program
//! must have that one. So such a program is one crate, as the levels are: `main.rs` has its
//! rooms by `mod` again, and `lib.rs` stays behind.

use super::Result;
use super::levels::Level;
use super::read;
use std::path::Path;

/// The solution's list of rooms.
pub const LIBRARY: &str = "src/lib.rs";

/// What the library is called that a solution is as well; none if it is a program alone.
pub fn library(root: &Path, solution: &Level) -> Result<Option<String>> {
    let manifest = read(&root.join(solution.path()).join("Cargo.toml"))?;
    let section = manifest.lines().skip_while(|line| *line != "[lib]").skip(1);
    let mut section = section.take_while(|line| !line.starts_with('['));
    let name = section.find_map(|line| line.strip_prefix("name = \"")?.split('"').next());
    Ok(name.map(str::to_owned))
}

/// The manifest of a program alone.
pub fn without_library(manifest: &str) -> String {
    let Some((before, section)) = manifest.split_once("[lib]\n") else {
        return manifest.to_owned();
    };
    let next = section.find("\n[").map_or(section.len(), |at| at + 1);
    format!("{before}{}", &section[next..])
}

/// The manifest of a crate above it: the library is at `path` in `package`, and of the other
/// dependencies those stay that the crate's own `sources` name.
pub fn above(manifest: &str, library: &str, path: &str, package: &str, sources: &str) -> String {
    const HEADING: &str = "[dependencies]\n";
    let Some((before, rest)) = manifest.split_once(HEADING) else {
        return manifest.to_owned();
    };
    let end = rest.find("\n\n").map_or(rest.len(), |at| at + 1);
    let (dependencies, after) = rest.split_at(end);
    let is_used = |line: &&str| {
        let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
        sources.contains(&format!("{}::", name.replace('-', "_")))
    };
    let own = format!("{library} = {{ path = {path:?}, package = {package:?} }}");
    let mut lines: Vec<&str> = dependencies
        .lines()
        .filter(is_used)
        .chain([&*own])
        .collect();
    lines.sort_unstable();
    format!("{before}{HEADING}{}\n{after}", lines.join("\n"))
}

/// A `main.rs` with rooms of its own: `use isolate::{mounts, user};` becomes `mod mounts; mod
/// user;`. Each line keeps its number, by which the compiler's errors are known.
pub fn with_own_rooms(main: &str, library: &str) -> String {
    let head = format!("use {library}::");
    let mut text = String::new();
    let mut rest = main;
    while let Some((before, names, after)) = import(rest, &head) {
        text.push_str(before);
        let modules: Vec<String> = rooms(names).map(|name| format!("mod {name};")).collect();
        text.push_str(&modules.join(" "));
        text.extend(names.chars().filter(|char| *char == '\n'));
        rest = after;
    }
    text + rest
}

/// The same as a person would write it, and rustfmt: a line for each, in order.
pub fn with_listed_rooms(main: &str, library: &str) -> String {
    let main = with_own_rooms(main, library);
    let is_list = |line: &&str| line.starts_with("mod ");
    let mut modules: Vec<&str> = (main.lines().filter(is_list))
        .flat_map(|line| line.split_inclusive(';').map(str::trim))
        .collect();
    modules.sort_unstable();
    let mut lines = Vec::new();
    for line in main.lines() {
        match is_list(&line) {
            true => lines.append(&mut modules),
            false => lines.push(line),
        }
    }
    lines.join("\n") + "\n"
}

/// What stands before such an import, in it, and behind it.
fn import<'a>(text: &'a str, head: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with(head) {
            let (names, after) = text[at + head.len()..].split_once(';')?;
            return Some((&text[..at], names, after));
        }
        at += line.len();
    }
    None
}

fn rooms(names: &str) -> impl Iterator<Item = &str> {
    let names = names.trim_matches(['{', '}']).split(',').map(str::trim);
    names.filter(|name| !name.is_empty())
}
