//! What the chain lets happen to a line, by the place where it stands.

use super::block;
use super::levels::Level;
use std::path::Path;

/// A line that is not blank, and what the chain lets happen to it.
#[derive(Debug)]
pub(super) struct Line {
    /// Counted from 1.
    pub(super) number: usize,
    /// As it is written, without indentation.
    pub(super) shown: String,
    /// With the level's own name made the same for all.
    pub(super) text: String,
    pub(super) in_block: bool,
    pub(super) may_vanish: bool,
    pub(super) may_appear: bool,
}

/// The lines of a source file.
pub(super) fn source_lines(level: &Level, path: &Path, text: &str) -> Vec<Line> {
    let (blocks, _) = block::parse(path, text, level.number);
    let raw: Vec<&str> = text.lines().collect();
    let mut growing: Vec<_> = (GROWING.iter().filter_map(|head| item(&raw, head))).collect();
    growing.extend(given_from_here_on(&raw));
    let mut in_header = true;
    let mut import = Import::default();
    let mut lines = Vec::new();
    for (index, content) in raw.iter().enumerate() {
        let number = index + 1;
        if content.trim().is_empty() {
            continue;
        }
        in_header = in_header && content.starts_with("//!");
        let in_block = blocks
            .iter()
            .any(|block| (block.first..=block.last).contains(&number));
        let free = in_header || import.contains(content) || in_block;
        lines.push(Line {
            number,
            shown: content.trim().to_owned(),
            text: anonymous(level, content),
            in_block,
            may_vanish: free,
            may_appear: free || growing.iter().any(|it| it.contains(&number)),
        });
    }
    lines
}

/// Of a manifest, the name and the description are the level's own, and a level
/// may begin to depend on something. The solution of a part is a library as well.
pub(super) fn manifest_lines(level: &Level, text: &str) -> Vec<Line> {
    let mut section = "";
    let mut lines = Vec::new();
    for (index, content) in text.lines().enumerate() {
        if content.trim().is_empty() {
            continue;
        }
        if content.starts_with('[') {
            section = content;
        }
        let own = content.starts_with("description = ");
        lines.push(Line {
            number: index + 1,
            shown: content.trim().to_owned(),
            text: anonymous(level, content),
            in_block: false,
            may_vanish: own,
            may_appear: own
                || section == "[dependencies]"
                || section == "[lib]" && level.number.is_none(),
        });
    }
    lines
}

/// Whether the scan is inside a `use` that goes over several lines.
#[derive(Default)]
struct Import {
    open: bool,
}

impl Import {
    fn contains(&mut self, line: &str) -> bool {
        let line = line.trim();
        if self.open {
            self.open = !line.ends_with(';');
            return true;
        }
        let item = match line.strip_prefix("pub") {
            Some(rest) if rest.starts_with('(') => {
                rest.split_once(") ").map_or(line, |(_, item)| item)
            }
            Some(rest) => rest.trim_start(),
            None => line,
        };
        let one_line = line.ends_with(';');
        if item.starts_with("use ") {
            self.open = !one_line;
            return true;
        }
        item.starts_with("mod ") && one_line
    }
}

/// What grows from level to level: the options, what the parent makes of them before there
/// is a child, and the place where it does; the verbs, and the place that knows what to do
/// for each; and the options once more, as rows.
const GROWING: [&str; 6] = [
    "struct Options",
    "struct Container",
    "= Container",
    "enum Action",
    "match action",
    "fn limits(options: &Options) -> Result<Vec<cgroup::Limit>, Error>",
];

/// The lines (from 1) of `struct Options { ... }`, or another head, with its documentation
/// and attributes.
fn item(lines: &[&str], head: &str) -> Option<std::ops::RangeInclusive<usize>> {
    let is_head = |line: &&str| {
        let rest = line.split_once(head).map(|(_, rest)| rest.trim());
        rest == Some("{")
    };
    let head = lines.iter().position(is_head)?;
    let indent: String = lines[head]
        .chars()
        .take_while(|char| char.is_whitespace())
        .collect();
    let closings = ["}", "};", "})"].map(|closing| format!("{indent}{closing}"));
    let length = (lines[head..].iter()).position(|line| closings.iter().any(|it| it == line))?;
    // In front of it another item or statement ends, or begins the one that it is in.
    let is_another =
        |line: &&&str| line.trim().is_empty() || line.ends_with(['{', '}']) || line.ends_with(';');
    let above = lines[..head]
        .iter()
        .rev()
        .take_while(|line| !is_another(line))
        .count();
    Some(head - above + 1..=head + length + 1)
}

/// A comment that begins so, and the lines below it up to the next blank one, may come with a
/// level although no block made room: what is given once the learner has seen the other way.
const GIVEN: &str = "// Given, from here on:";

fn given_from_here_on(lines: &[&str]) -> Vec<std::ops::RangeInclusive<usize>> {
    let heads = (0..lines.len()).filter(|&at| lines[at].trim().starts_with(GIVEN));
    let paragraph = |head: usize| {
        let rest = &lines[head..];
        let length = rest.iter().take_while(|line| !line.trim().is_empty());
        head + 1..=head + length.count()
    };
    heads.map(paragraph).collect()
}

/// `contain`'s second argument. Level 00 has nothing yet to lend to the child, and its
/// learner's first function need not change because of that.
pub(super) const LENT: &str = ", container: &Container)";

/// The line with the level's own name replaced by one that all levels share.
fn anonymous(level: &Level, line: &str) -> String {
    let line = line.replace(&level.directory, "{level}").replace(LENT, ")");
    let mut result = String::new();
    let mut rest = line.as_str();
    while let Some(at) = rest.find(&level.package) {
        let (before, found) = rest.split_at(at);
        let after = &found[level.package.len()..];
        let part_of_word = |char: Option<char>| char.is_some_and(|char| char.is_alphanumeric());
        let whole =
            !part_of_word(before.chars().next_back()) && !part_of_word(after.chars().next());
        result.push_str(before);
        result.push_str(if whole { "{level}" } else { &level.package });
        rest = after;
    }
    result + rest
}
