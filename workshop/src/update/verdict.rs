//! Whether the learner's levels compile in the newer workshop, and if not, which block it is
//! and what has changed around it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use curriculum::levels::Level;
use serde_json::Value;

use super::git::Git;
use super::imports::words;
use super::level::{places, steps};
use super::sides::Sides;
use crate::Result;
use crate::course::Course;

/// What the compiler has against a piece of a level.
pub(super) struct Objection {
    /// The block's steps: `TODO(04) 1`; `None` outside of the blocks.
    pub(super) steps: Option<String>,
    /// Where it begins: `levels/04_overlay/src/rootfs.rs:34`.
    pub(super) place: String,
    /// The compiler's words, one error each.
    pub(super) errors: Vec<String>,
    /// The function that the block is in, and those it calls, where they are not what they
    /// were.
    pub(super) signatures: Vec<Signature>,
}

/// A level, and all that the compiler has against it.
pub(super) type Judged<'a> = (&'a Level, Vec<Objection>);

/// A function's head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signature {
    pub(super) was: Option<String>,
    /// `None` if there is no such function any more.
    pub(super) is: Option<String>,
}

/// What the compiler says of each of these levels, by package; an empty list is an untroubled
/// compiler. `None`: cargo has not come so far, and has said why.
pub(super) fn judge<'a>(
    course: &Course,
    git: &Git,
    sides: Option<&Sides>,
    levels: &[&'a Level],
) -> Result<Option<Vec<Judged<'a>>>> {
    let mut errors: BTreeMap<PathBuf, BTreeMap<usize, Vec<String>>> = BTreeMap::new();
    let mut cargo = curriculum::cargo(&course.root);
    cargo
        .args(["check", "--keep-going", "--message-format", "json"])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    for level in levels {
        cargo.args(["-p", &level.package, "--bin", &level.package]);
    }
    let output = cargo
        .output()
        .map_err(|error| format!("cargo does not start: {error}"))?;
    for message in String::from_utf8_lossy(&output.stdout).lines() {
        if let Some((path, line, error)) = error(message) {
            let lines = errors.entry(path).or_default();
            lines.entry(line).or_default().push(error);
        }
    }
    let is_theirs = |path: &PathBuf| levels.iter().any(|level| path.starts_with(level.path()));
    if !output.status.success() && !errors.keys().any(is_theirs) {
        return Ok(None);
    }
    let mut all = Vec::new();
    for level in levels {
        let mut objections = Vec::new();
        for (path, lines) in errors.iter().filter(|(it, _)| it.starts_with(level.path())) {
            objections.extend(in_file(course, git, sides, level, path, lines)?);
        }
        all.push((*level, objections));
    }
    Ok(Some(all))
}

/// The first place of an error that cargo reports.
fn error(message: &str) -> Option<(PathBuf, usize, String)> {
    let message: Value = serde_json::from_str(message).ok()?;
    let message = message.get("message")?;
    if message.get("level")?.as_str()? != "error" {
        return None;
    }
    let spans = message.get("spans")?.as_array()?;
    let is_primary = |span: &&Value| span.get("is_primary") == Some(&Value::Bool(true));
    let span = spans.iter().find(is_primary)?;
    let path = span.get("file_name")?.as_str()?;
    let line = usize::try_from(span.get("line_start")?.as_u64()?).ok()?;
    let mut text = message.get("message")?.as_str()?.to_owned();
    if let Some(label) = span.get("label").and_then(Value::as_str) {
        text += &format!(" ({label})");
    }
    Some((PathBuf::from(path), line, text))
}

fn in_file(
    course: &Course,
    git: &Git,
    sides: Option<&Sides>,
    level: &Level,
    path: &Path,
    errors: &BTreeMap<usize, Vec<String>>,
) -> Result<Vec<Objection>> {
    let file = path.strip_prefix(level.path())?;
    let own = fs::read_to_string(course.root.join(path)).unwrap_or_default();
    // A file of the learner's own has no skeleton.
    let skeleton = course.skeleton(level, file).unwrap_or_default();
    let skeleton = String::from_utf8_lossy(&skeleton);
    let places = places(file, level.number, &skeleton, &own);
    let mut objections: BTreeMap<Option<usize>, Objection> = BTreeMap::new();
    for (line, errors) in errors {
        // They count lines from 1, and the places from 0.
        let place = places.iter().position(|(_, it)| it.contains(&(line - 1)));
        let objection = objections.entry(place).or_insert_with(|| Objection {
            steps: place.map(|at| steps(level.number, &places[at].0.steps)),
            place: format!("{}:{line}", path.display()),
            errors: Vec::new(),
            signatures: Vec::new(),
        });
        objection.errors.extend(errors.iter().cloned());
    }
    for (place, objection) in &mut objections {
        let Some((block, range)) = place.map(|at| &places[at]) else {
            continue;
        };
        let lines: Vec<&str> = own.lines().skip(range.start).take(range.len()).collect();
        let around: Vec<&str> = skeleton.lines().take(block.first).collect();
        let inside = heads(&around.join("\n"));
        // One that is set in stands in the function whose head is above it.
        let is_set_in = around.last().is_some_and(|line| line.starts_with(' '));
        let inside = inside.last().filter(|_| is_set_in);
        let inside = inside.map(|(name, _)| name.as_str());
        objection.signatures = signatures(git, sides, level, inside, &lines.join("\n"));
    }
    Ok(objections.into_values().collect())
}

/// What has changed in the heads of the function `inside` and of those that `lines` call.
fn signatures(
    git: &Git,
    sides: Option<&Sides>,
    level: &Level,
    inside: Option<&str>,
    lines: &str,
) -> Vec<Signature> {
    let is_called = |name: &&str| lines.contains(&format!("{name}("));
    let mut names: Vec<&str> = words(lines).into_iter().filter(is_called).collect();
    names.retain(|name| Some(*name) != inside);
    let names = inside.into_iter().chain(names);
    let own = level.path().join("src").display().to_string();
    let list: Vec<&str> = names.clone().collect();
    let list = list.join("|");
    // The level's own, and what it is given.
    let places: [(String, &[&str]); 2] = [
        (format!(r"^(pub )?fn ({list})\b"), &[&own]),
        (
            format!(r"^pub (const )?fn ({list})\b"),
            &["given/src", "images/src", "linux-sys/src"],
        ),
    ];
    let source = |commit: Option<&str>, (pattern, paths): &(String, &[&str])| {
        let mut words = vec!["grep", "-h", "-E", "-A9", pattern];
        words.extend(commit);
        words.push("--");
        words.extend(*paths);
        heads(&git.answer(&words).unwrap_or_default())
    };
    let both = |place| {
        (
            source(None, place),
            sides.map(|it| source(Some(&it.base), place)),
        )
    };
    let [level, given] = [&places[0], &places[1]].map(both);
    // One of a common name, as `new`, says nothing.
    let only = |heads: &[(String, String)], name: &str| {
        let mut found = heads.iter().filter(|(it, _)| it == name);
        let head = found.next().map(|(_, head)| head.clone());
        head.filter(|_| found.next().is_none())
    };
    let signature = |name: &str| {
        let now = [&level, &given]
            .into_iter()
            .find_map(|(is, was)| Some((only(is, name)?, was)));
        let (is, was) = match now {
            Some((is, was)) => (Some(is), was),
            // Only the level's own: `Err` and `drop` are Rust's.
            None => (None, &level.1),
        };
        let was = was.as_ref().and_then(|was| only(was, name));
        let was = was.filter(|was| is.as_ref() != Some(was));
        let is_worth_a_word = was.is_some() || Some(name) == inside;
        is_worth_a_word.then_some(Signature { was, is })
    };
    names.clone().filter_map(signature).collect()
}

/// The functions at the margin of a piece of code, each with its head in one line.
fn heads(text: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let head = |(at, line): (usize, &&str)| {
        // Those at the margin: a method is called otherwise.
        let name = line.trim_start_matches("pub ").trim_start_matches("const ");
        let name = name.strip_prefix("fn ")?;
        let name = name
            .split(|it: char| !it.is_alphanumeric() && it != '_')
            .next()?;
        let mut head = String::new();
        for line in &lines[at..] {
            head += line.trim();
            head.push(' ');
            if line.trim_end().ends_with(['{', ';']) {
                break;
            }
        }
        let head = head.trim_end().trim_end_matches(['{', ';']).trim_end();
        let head = head.replace("( ", "(").replace(", )", ")");
        Some((name.to_owned(), head))
    };
    lines.iter().enumerate().filter_map(head).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_of_several_lines_is_one() {
        let text = "// an fn of old\npub fn a(x: u8) -> u8 {\n    x\n}\n    fn c() {}\nfn b(\n    x: u8,\n    y: u8,\n) {\n";
        let expected = [("a", "pub fn a(x: u8) -> u8"), ("b", "fn b(x: u8, y: u8)")];
        let expected = expected.map(|(name, head)| (name.to_owned(), head.to_owned()));
        assert_eq!(heads(text), expected);
    }
}
