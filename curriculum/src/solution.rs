//! The solution of a level, block by block: what stands in the next level where a TODO
//! block stood.

use super::align::{Step, align};
use super::block::{self, Block};
use super::levels::{self, Level};
use super::line::{LENT, source_lines};
use super::{Result, chain, read};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A TODO block and what the next level has in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solved {
    /// The steps that the block is for.
    pub steps: Vec<(u32, String)>,
    /// The first and the last line of the block in the skeleton, counted from 1, markers
    /// included.
    pub block: (usize, usize),
    /// The lines of the next level.
    pub lines: Vec<String>,
}

/// The blocks of a source file of `level`, given the same file of the next one. `path` is
/// relative to both levels' directories.
pub fn solved(
    level: &Level,
    next: &Level,
    path: &Path,
    skeleton: &str,
    solution: &str,
) -> Vec<Solved> {
    let raw: Vec<&str> = solution.lines().collect();
    let unasked = markers(next, path, &raw);
    let mut all: Vec<(Solved, (usize, usize))> = Vec::new();
    for (block, (first, last)) in places(level, next, path, skeleton, solution) {
        // Two blocks with nothing between them have one answer.
        if let Some((solved, _)) = all.last_mut().filter(|(_, it)| *it == (first, last)) {
            solved.steps.extend(block.steps);
            solved.block.1 = block.last;
            continue;
        }
        let lines: Vec<String> = (first..=last)
            .filter(|number| !unasked.contains(number))
            .map(|number| as_yet(raw[number - 1], skeleton))
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let solved = Solved {
            steps: block.steps,
            block: (block.first, block.last),
            lines: without_blank_ends(&lines),
        };
        all.push((solved, (first, last)));
    }
    all.into_iter().map(|(solved, _)| solved).collect()
}

/// What a learner writes into one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToWrite {
    /// The file, relative to the level's directory.
    pub file: PathBuf,
    /// The lines of code, without indentation. A comment is none, nor is a bracket alone.
    pub lines: Vec<String>,
}

/// What the learner of `levels[index]` writes, file by file.
pub fn to_write(root: &Path, levels: &[Level], index: usize) -> Result<Vec<ToWrite>> {
    let level = &levels[index];
    let Some(next) = levels::solution(levels, index).map(|next| &levels[next]) else {
        return Ok(Vec::new());
    };
    let modules = new_modules(root, level, next)?;
    let blocks = chain::blocks(root, level)?;
    let files: BTreeSet<&Path> = blocks.iter().map(|(path, _)| path.as_path()).collect();
    let mut written = Vec::new();
    for path in files {
        let file = path.strip_prefix(level.path())?;
        let skeleton = read(&root.join(path))?;
        let solution = read(&root.join(next.path()).join(file))?;
        let numbers = learners_lines(level, next, file, &skeleton, &solution, &modules);
        let lines = (1..).zip(solution.lines().map(str::trim));
        let is_code = |line: &str| !line.starts_with("//") && line.contains(char::is_alphanumeric);
        let own = lines.filter(|(number, line)| numbers.contains(number) && is_code(line));
        written.push(ToWrite {
            file: file.to_owned(),
            lines: own.map(|(_, line)| line.to_owned()).collect(),
        });
    }
    Ok(written)
}

/// The modules that the next level has and `level` has not.
fn new_modules(root: &Path, level: &Level, next: &Level) -> Result<Vec<String>> {
    let known: BTreeSet<PathBuf> = level.files(root)?.into_iter().collect();
    let files = next.files(root)?.into_iter();
    let new = files.filter(|file| file.starts_with("src") && !known.contains(file));
    let stem = |file: PathBuf| Some(file.file_stem()?.to_string_lossy().into_owned());
    Ok(new.filter_map(stem).collect())
}

/// The lines of the next level, counted from 1, which stand where a TODO block of `level`
/// stood: what the learner of `level` has written. What calls one of the `new_modules`,
/// which the next level has and `level` has not, is a part of the next skeleton.
pub fn learners_lines(
    level: &Level,
    next: &Level,
    path: &Path,
    skeleton: &str,
    solution: &str,
    new_modules: &[String],
) -> BTreeSet<usize> {
    let raw: Vec<&str> = solution.lines().collect();
    let mut unasked = markers(next, path, &raw);
    let new_modules: Vec<String> = new_modules.iter().map(|it| format!("{it}::")).collect();
    let foreign = foreign(&raw, skeleton, &new_modules);
    unasked.extend(
        (1..)
            .zip(foreign)
            .filter_map(|(number, it)| it.then_some(number)),
    );
    places(level, next, path, skeleton, solution)
        .into_iter()
        .flat_map(|(_, (first, last))| first..=last)
        .filter(|number| !unasked.contains(number))
        .collect()
}

/// Each block, and the first and the last line of what the next level has in its place.
fn places(
    level: &Level,
    next: &Level,
    path: &Path,
    skeleton: &str,
    solution: &str,
) -> Vec<(Block, (usize, usize))> {
    let old = source_lines(level, path, skeleton);
    let new = source_lines(next, path, solution);
    let mut kept = Vec::new();
    let (mut i, mut j) = (0, 0);
    for step in align(&old, &new) {
        // A line that happens to be kept inside of a block says nothing of its place.
        if step == Step::Keep && !old[i].in_block {
            kept.push((old[i].number, new[j].number));
        }
        i += usize::from(step != Step::Appear);
        j += usize::from(step != Step::Vanish);
    }
    let (blocks, _) = block::parse(path, skeleton, level.number);
    let place = |block: Block| {
        let before = kept.iter().rev().find(|(old, _)| *old < block.first);
        let after = kept.iter().find(|(old, _)| *old > block.last);
        let first = before.map_or(1, |(_, new)| new + 1);
        let last = after.map_or(solution.lines().count(), |(_, new)| new - 1);
        (block, (first, last))
    };
    blocks.into_iter().map(place).collect()
}

/// The lines of the next level that are about its own task: the markers, and a block in
/// which nothing but comments stands.
fn markers(next: &Level, path: &Path, raw: &[&str]) -> Vec<usize> {
    let is_comment = |line: &str| line.trim_start().starts_with("//") || line.trim().is_empty();
    let is_marker = |line: &str| {
        let words = line.trim_start();
        words.starts_with("// TODO(") || words.starts_with("// END TODO(")
    };
    let mut numbers = Vec::new();
    for block in block::parse(path, &raw.join("\n"), next.number).0 {
        let lines = block.first..=block.last;
        let is_empty = lines.clone().all(|number| is_comment(raw[number - 1]));
        numbers.extend(lines.filter(|number| is_empty || is_marker(raw[number - 1])));
    }
    numbers
}

/// A line of the next level as it is before there is a `Container` to be lent to the child.
fn as_yet(line: &str, skeleton: &str) -> String {
    match skeleton.contains("Container") {
        true => line.to_owned(),
        false => [LENT, ", &container)", ", container)"]
            .iter()
            .fold(line.to_owned(), |line, lent| line.replace(lent, ")")),
    }
}

/// Which lines are the next level's own: those that name something which only it has, each
/// to the end of its statement. `new_modules` are as one calls into them: `cgroup::`.
pub fn foreign<T: AsRef<str>>(lines: &[T], skeleton: &str, new_modules: &[String]) -> Vec<bool> {
    let makes_container =
        |line: &str| line.contains("= Container {") && !skeleton.contains("Container");
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let mut foreign = Vec::new();
    // How far the statement that we are in is set in.
    let mut inside = None;
    for line in lines.iter().map(AsRef::as_ref) {
        let depth = indentation(line);
        let goes_on = inside.is_some_and(|it| {
            depth > it || depth == it && line.trim_start().starts_with(['}', ')'])
        });
        if !goes_on {
            let is_foreign =
                makes_container(line) || new_modules.iter().any(|name| line.contains(name));
            inside = is_foreign.then_some(depth);
        }
        foreign.push(inside.is_some() && !line.trim().is_empty());
        if line.ends_with(';') && inside == Some(depth) {
            inside = None;
        }
    }
    foreign
}

fn without_blank_ends(lines: &[&str]) -> Vec<String> {
    let is_blank = |line: &&&str| line.trim().is_empty();
    let first = lines.iter().take_while(is_blank).count();
    let last = lines.len() - lines[first..].iter().rev().take_while(is_blank).count();
    lines[first..last]
        .iter()
        .map(|line| (*line).to_owned())
        .collect()
}
