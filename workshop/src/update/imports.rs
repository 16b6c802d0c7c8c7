//! What a file's `use` items bring in, and those that a learner's lines need added.

use std::collections::{BTreeMap, BTreeSet};

/// One name that a `use` item brings in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Import {
    /// What stands before the last `::`: `linux_sys`.
    prefix: String,
    /// The rest: `fork`, `self as sys`.
    leaf: String,
}

impl Import {
    /// What the file calls it.
    fn name(&self) -> &str {
        match (self.leaf.split_once(" as "), self.leaf.as_str()) {
            (Some((_, alias)), _) => alias,
            (None, "self") => self.prefix.rsplit("::").next().unwrap_or_default(),
            (None, leaf) => leaf,
        }
    }
}

/// Adds those of the `candidates` that `lines` need and `text` does not have, in items of
/// their own behind the last one.
pub(super) fn add(text: &str, candidates: &[Import], lines: &str) -> String {
    let needed = words(lines);
    let has = imports(text);
    let is_missing = |import: &&Import| {
        needed.contains(import.name()) && !has.iter().any(|it| it.name() == import.name())
    };
    let missing: BTreeSet<&Import> = candidates.iter().filter(is_missing).collect();
    let mut leaves: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for import in missing {
        leaves.entry(&import.prefix).or_default().push(&import.leaf);
    }
    if leaves.is_empty() {
        return text.to_owned();
    }
    let item = |(prefix, leaves): (&str, Vec<&str>)| match leaves.as_slice() {
        [leaf] if !leaf.starts_with("self") => format!("use {prefix}::{leaf};"),
        leaves => format!("use {prefix}::{{{}}};", leaves.join(", ")),
    };
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let ends: Vec<usize> = items(text).into_iter().map(|(_, end)| end).collect();
    // A file without any has its header first.
    let header = lines.iter().take_while(|line| line.starts_with("//!"));
    let at = ends.last().copied().unwrap_or_else(|| header.count());
    lines.splice(at..at, leaves.into_iter().map(item));
    lines.join("\n") + "\n"
}

/// All that the `use` items at the margin bring in.
pub(super) fn imports(text: &str) -> Vec<Import> {
    let mut all = Vec::new();
    for (item, _) in items(text) {
        let words: Vec<&str> = item.split_whitespace().collect();
        let item = words.join(" ");
        let tree = item.trim_start_matches("use ").trim_end_matches(';');
        flatten("", tree, &mut all);
    }
    all
}

/// The `use` items, each with the number of lines to its end.
fn items(text: &str) -> Vec<(String, usize)> {
    let mut all = Vec::new();
    let mut open: Option<String> = None;
    for (index, line) in text.lines().enumerate() {
        let item = match open.take() {
            Some(item) => item + " " + line,
            None if line.starts_with("use ") => line.to_owned(),
            None => continue,
        };
        match item.trim_end().ends_with(';') {
            true => all.push((item, index + 1)),
            false => open = Some(item),
        }
    }
    all
}

/// `a::{b, c::{d, self as e}}`, name by name.
fn flatten(prefix: &str, tree: &str, all: &mut Vec<Import>) {
    let below = |prefix: &str, more: &str| match prefix {
        "" => more.to_owned(),
        prefix => format!("{prefix}::{more}"),
    };
    let tree = tree.trim();
    if let Some((head, list)) = tree.split_once("::{") {
        let list = list.strip_suffix('}').unwrap_or(list);
        for part in parts(list) {
            flatten(&below(prefix, head), part, all);
        }
    } else if let Some((head, leaf)) = tree.rsplit_once("::") {
        all.push(Import {
            prefix: below(prefix, head),
            leaf: leaf.to_owned(),
        });
    } else if !tree.is_empty() && !prefix.is_empty() {
        all.push(Import {
            prefix: prefix.to_owned(),
            leaf: tree.to_owned(),
        });
    }
}

/// What stands between the commas that are in no braces.
fn parts(list: &str) -> Vec<&str> {
    let (mut depth, mut start) = (0, 0);
    let mut all = Vec::new();
    for (at, letter) in list.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                all.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    all.push(&list[start..]);
    all
}

/// The words of a piece of code.
pub(super) fn words(text: &str) -> BTreeSet<&str> {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    let words = text.split(|letter| !is_part(letter));
    words.filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_lines_need_is_added_once_and_nothing_else() {
        let mine = imports(
            "use linux_sys::{\n    self as sys, Fork,\n    flags::{A, B as C},\n};\nuse given::Error;\n",
        );
        let text = "//! A level.\n\nuse given::Error;\nuse linux_sys::Fork;\n\nfn main() {}\n";
        let lines = "sys::fork(C)? Fork Error";
        assert_eq!(
            add(text, &mine, lines),
            "//! A level.\n\nuse given::Error;\nuse linux_sys::Fork;\nuse linux_sys::{self as sys};\n\
             use linux_sys::flags::B as C;\n\nfn main() {}\n"
        );
        assert_eq!(add(text, &mine, "Fork A_B"), text);
    }
}
