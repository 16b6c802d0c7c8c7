//! The solution of a level, block by block: what stands in the next level where a TODO
//! block stood.

use super::align::{Step, align};
use super::block;
use super::levels::Level;
use super::line::source_lines;
use std::path::Path;

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
    let raw: Vec<&str> = solution.lines().collect();
    let unasked = markers(next, path, &raw);
    let (blocks, _) = block::parse(path, skeleton, level.number);
    let mut all: Vec<(Solved, (usize, usize))> = Vec::new();
    for block in blocks {
        let before = kept.iter().rev().find(|(old, _)| *old < block.first);
        let after = kept.iter().find(|(old, _)| *old > block.last);
        let first = before.map_or(1, |(_, new)| new + 1);
        let last = after.map_or(raw.len(), |(_, new)| new - 1);
        // Two blocks with nothing between them have one answer.
        if let Some((solved, _)) = all.last_mut().filter(|(_, it)| *it == (first, last)) {
            solved.steps.extend(block.steps);
            solved.block.1 = block.last;
            continue;
        }
        let lines: Vec<&str> = (first..=last)
            .filter(|number| !unasked.contains(number))
            .map(|number| raw[number - 1])
            .collect();
        let solved = Solved {
            steps: block.steps,
            block: (block.first, block.last),
            lines: without_blank_ends(&lines),
        };
        all.push((solved, (first, last)));
    }
    all.into_iter().map(|(solved, _)| solved).collect()
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

fn without_blank_ends(lines: &[&str]) -> Vec<String> {
    let is_blank = |line: &&&str| line.trim().is_empty();
    let first = lines.iter().take_while(is_blank).count();
    let last = lines.len() - lines[first..].iter().rev().take_while(is_blank).count();
    lines[first..last]
        .iter()
        .map(|line| (*line).to_owned())
        .collect()
}
