//! A level that the learner has written in, brought under its new skeleton.
//!
//! Three sides: the skeleton that the learner began with, what they have made of it, and the
//! skeleton of today. Outside of the blocks the code is the workshop's: there the three are
//! merged as git does it, and where that is impossible today's lines are taken. What stands
//! in place of a block is the learner's, and goes whole to where today's skeleton has that
//! block, in another file perhaps.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use curriculum::block::{self, Block};
use curriculum::merge::{merge, merge_preferring_edited};
use similar::TextDiff;

use super::imports::{self, Import};
use crate::Result;
use crate::solution::region;

/// The files of a level, by their paths within it.
pub(super) type Files = BTreeMap<PathBuf, String>;

/// A level on one of the three sides.
#[derive(Debug, Clone)]
pub(super) struct Side {
    pub(super) number: Option<u8>,
    /// `03_pivot_root`.
    pub(super) directory: String,
    pub(super) files: Files,
}

/// The level as it is to be now.
#[derive(Debug)]
pub(super) struct Merged {
    pub(super) files: Files,
    pub(super) notes: Vec<Note>,
}

/// What the learner must know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Note {
    /// The learner's block is in another file now.
    Moved {
        steps: String,
        from: PathBuf,
        to: PathBuf,
    },
    /// The skeleton has other lines in this block than when the learner filled it in.
    Changed { steps: String, file: PathBuf },
    /// No skeleton has such a block any more.
    Homeless { steps: String, from: PathBuf },
    /// Lines of the learner's outside of the blocks had no place in today's code.
    Outside { file: PathBuf, lines: Vec<String> },
    /// The workshop has a file of this name now, and the learner had one.
    Replaced { file: PathBuf },
}

/// What the learner has written for a block.
struct Answer {
    steps: Vec<(u32, String)>,
    from: PathBuf,
    /// The file that `from` has become.
    to: Option<PathBuf>,
    skeleton: Vec<String>,
    lines: Vec<String>,
}

/// Merges the three sides.
pub(super) fn merged(base: &Side, mine: &Side, new: &Side) -> Result<Merged> {
    let (base, mine) = (base.called_as(new), mine.called_as(new));
    let mut files = new.files.clone();
    let mut notes = Vec::new();
    let mut answers = Vec::new();
    // What of each new file's code is the learner's, and what they had imported for it.
    let mut needs: BTreeMap<PathBuf, (String, Vec<Import>)> = BTreeMap::new();
    for (path, old) in &base.files {
        // One that the learner has taken away comes back.
        let own = mine.files.get(path).unwrap_or(old);
        let (found, outside) = split(path, new.number, old, own);
        let to = counterpart(path, old, &base, new);
        let added = added(old, &outside);
        if let Some(to) = &to {
            let (text, lost) = outer(&outside, old, &new.files[to])?;
            files.insert(to.clone(), text);
            let (lines, imports) = needs.entry(to.clone()).or_default();
            *lines += &added.join("\n");
            imports.extend(imports::imports(own));
            if !lost.is_empty() {
                let file = to.clone();
                notes.push(Note::Outside { file, lines: lost });
            }
        } else if !added.is_empty() {
            let file = path.clone();
            notes.push(Note::Outside { file, lines: added });
        }
        let to = &to;
        answers.extend(found.into_iter().map(|(block, lines)| Answer {
            from: path.clone(),
            to: to.clone(),
            skeleton: lines_of(old, block.first - 1..block.last),
            steps: block.steps,
            lines,
        }));
    }
    for (path, own) in &mine.files {
        let is_ours = base.files.contains_key(path);
        match files.get(path) {
            _ if is_ours => {}
            Some(text) if text == own => {}
            Some(_) => notes.push(Note::Replaced { file: path.clone() }),
            None => _ = files.insert(path.clone(), own.clone()),
        }
    }
    for (answer, path) in place(&mut files, new, answers, &mut notes) {
        let own = mine
            .files
            .get(&answer.from)
            .or(base.files.get(&answer.from));
        let (lines, imports) = needs.entry(path).or_default();
        *lines += &format!("\n{}\n", answer.lines.join("\n"));
        imports.extend(own.iter().flat_map(|own| imports::imports(own)));
    }
    for (path, (lines, imports)) in needs {
        if let Some(text) = files.get_mut(&path) {
            *text = imports::add(text, &imports, &lines);
        }
    }
    Ok(Merged { files, notes })
}

/// The steps that today's skeleton asks for and the learner's did not, in the words of the
/// blocks.
pub(super) fn new_steps(base: &Side, new: &Side) -> Vec<String> {
    let steps = |side: &Side| -> Vec<(u32, String)> {
        let blocks = side.files.iter().flat_map(|(path, text)| {
            let (blocks, _) = block::parse(path, text, side.number);
            blocks.into_iter().flat_map(|block| block.steps)
        });
        blocks.collect()
    };
    let old = steps(&base.called_as(new));
    let is_new = |(number, task): &&(u32, String)| {
        // Renumbered or reworded is not new.
        !old.iter()
            .any(|(before, words)| before == number || likeness(words, task) > 0.6)
    };
    let new = steps(new);
    new.iter()
        .filter(is_new)
        .map(|(number, task)| format!("{number}. {task}"))
        .collect()
}

impl Side {
    /// The same, with `name`'s number and directory in place of its own.
    fn called_as(&self, name: &Side) -> Side {
        let marker = |side: &Side| format!("TODO({:02})", side.number.unwrap_or_default());
        let package = |side: &Side| format!("level{:02}", side.number.unwrap_or_default());
        let rename = |text: &String| {
            text.replace(&self.directory, &name.directory)
                .replace(&marker(self), &marker(name))
                .replace(&package(self), &package(name))
        };
        let files = self.files.iter();
        Side {
            number: name.number,
            directory: name.directory.clone(),
            files: files
                .map(|(path, text)| (path.clone(), rename(text)))
                .collect(),
        }
    }
}

/// What the learner has in place of each block, and their file with the blocks as they were.
fn split(
    path: &Path,
    number: Option<u8>,
    old: &str,
    own: &str,
) -> (Vec<(Block, Vec<String>)>, String) {
    let own_lines: Vec<&str> = own.lines().collect();
    let old_lines: Vec<&str> = old.lines().collect();
    let (mut found, mut at) = (Vec::new(), 0);
    let mut outside: Vec<&str> = Vec::new();
    for (block, range) in places(path, number, old, own) {
        outside.extend(&own_lines[at..range.start]);
        outside.extend(&old_lines[block.first - 1..block.last]);
        at = range.end;
        found.push((block, lines_of(own, range)));
    }
    outside.extend(&own_lines[at..]);
    (found, outside.join("\n") + "\n")
}

/// Where in the learner's file that stands which they have in place of each block of the
/// skeleton `old`; lines are counted from 0.
pub(super) fn places(
    path: &Path,
    number: Option<u8>,
    old: &str,
    own: &str,
) -> Vec<(Block, Range<usize>)> {
    let (blocks, _) = block::parse(path, old, number);
    let (marked, faults) = block::parse(path, own, number);
    let mut at = 0;
    let place = |block: Block| {
        let found = marked.iter().find(|it| it.steps == block.steps);
        let range = match found.filter(|_| faults.is_empty()) {
            Some(found) => found.first - 1..found.last,
            None => region(old, own, (block.first, block.last)),
        };
        // Of two blocks with nothing left between them the first has it all.
        let start = range.start.max(at);
        at = range.end.max(start);
        (block, start..at)
    };
    blocks.into_iter().map(place).collect()
}

fn lines_of(text: &str, range: Range<usize>) -> Vec<String> {
    let lines = text.lines().skip(range.start).take(range.len());
    lines.map(str::to_owned).collect()
}

/// The file of today's skeleton that this one has become: that of the same name, or a new one
/// with much the same lines.
fn counterpart(path: &Path, old: &str, base: &Side, new: &Side) -> Option<PathBuf> {
    if new.files.contains_key(path) {
        return Some(path.to_owned());
    }
    let others = new
        .files
        .iter()
        .filter(|(it, _)| !base.files.contains_key(*it));
    let like = |text: &str| TextDiff::from_lines(old, text).ratio();
    let best = others
        .map(|(it, text)| (like(text), it))
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.filter(|(ratio, _)| *ratio > 0.5)
        .map(|(_, it)| it.clone())
}

/// The code around the blocks, merged; and the learner's lines that had no place in it. What
/// they import is no line: it is looked after by itself.
fn outer(own: &str, old: &str, new: &str) -> Result<(String, Vec<String>)> {
    if let Some(text) = merge(own, old, new)? {
        return Ok((text, Vec::new()));
    }
    let text = merge_preferring_edited(own, old, new)?;
    let mut lost = added(old, own);
    lost.retain(|line| !text.lines().any(|it| it == line));
    Ok((text, lost))
}

/// The lines of code that are in `own` and not in `old`.
fn added(old: &str, own: &str) -> Vec<String> {
    let mut in_use = false;
    let is_code = |line: &&str| {
        in_use |= line.starts_with("use ");
        let is_code = !in_use && !line.trim().is_empty();
        in_use &= !line.ends_with(';');
        is_code && !old.lines().any(|it| it == *line)
    };
    own.lines().filter(is_code).map(str::to_owned).collect()
}

/// Puts each answer in the place of the block that it is most likely for; those that were put
/// somewhere, with the file.
fn place(
    files: &mut Files,
    new: &Side,
    answers: Vec<Answer>,
    notes: &mut Vec<Note>,
) -> Vec<(Answer, PathBuf)> {
    let mut free = Vec::new();
    for (path, text) in &*files {
        if new.files.contains_key(path) {
            let (blocks, _) = block::parse(path, text, new.number);
            free.extend(blocks.into_iter().map(|block| (path.clone(), block)));
        }
    }
    let mut pairs = Vec::new();
    for (answer, it) in answers.iter().enumerate() {
        for (place, (path, block)) in free.iter().enumerate() {
            pairs.push((fitness(it, path, block), answer, place));
        }
    }
    pairs.sort_by(|(one, ..), (other, ..)| other.total_cmp(one));
    let mut home: BTreeMap<usize, usize> = BTreeMap::new();
    for (fitness, answer, place) in pairs {
        let is_taken = home.values().any(|it| *it == place);
        if fitness >= 2.0 && !home.contains_key(&answer) && !is_taken {
            home.insert(answer, place);
        }
    }
    let mut placed = Vec::new();
    for (index, answer) in answers.into_iter().enumerate() {
        if answer.lines == answer.skeleton {
            continue;
        }
        let steps = steps(new.number, &answer.steps);
        match home.get(&index) {
            Some(place) => placed.push((*place, answer)),
            None => notes.push(Note::Homeless {
                steps,
                from: answer.from,
            }),
        }
    }
    // From the end of each file to its beginning, so that the numbers of lines stay true.
    placed.sort_by_key(|(place, _)| *place);
    let mut done = Vec::new();
    for (place, answer) in placed.into_iter().rev() {
        let (path, block) = &free[place];
        let Some(text) = files.get_mut(path) else {
            continue;
        };
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let steps = steps(new.number, &block.steps);
        let skeleton = lines.splice(block.first - 1..block.last, answer.lines.clone());
        let skeleton: Vec<String> = skeleton.collect();
        *text = lines.join("\n") + "\n";
        if answer.to.as_ref() != Some(path) {
            notes.push(Note::Moved {
                steps,
                from: answer.from.clone(),
                to: path.clone(),
            });
        } else if skeleton != answer.skeleton {
            let file = path.clone();
            notes.push(Note::Changed { steps, file });
        }
        done.push((answer, path.clone()));
    }
    done
}

/// How likely it is that an answer is for this block: from 2 on it is.
fn fitness(answer: &Answer, path: &Path, block: &Block) -> f32 {
    let has_number = |(number, _): &(u32, String)| block.steps.iter().any(|it| it.0 == *number);
    let same_number = f32::from(u8::from(answer.steps.iter().any(has_number)));
    let same_file = f32::from(u8::from(answer.to.as_deref() == Some(path)));
    let words = |steps: &[(u32, String)]| -> String {
        let tasks = steps.iter().map(|(_, task)| task.as_str());
        tasks.collect::<Vec<_>>().join(" ")
    };
    3.0 * likeness(&words(&answer.steps), &words(&block.steps)) + same_number + same_file
}

/// From 0, nothing in common, to 1, the same words.
fn likeness(one: &str, other: &str) -> f32 {
    TextDiff::from_words(one, other).ratio()
}

/// `TODO(02) 3`, or `TODO(02) 1, 2`.
pub(super) fn steps(number: Option<u8>, steps: &[(u32, String)]) -> String {
    let numbers: Vec<String> = steps.iter().map(|(step, _)| step.to_string()).collect();
    format!(
        "TODO({:02}) {}",
        number.unwrap_or_default(),
        numbers.join(", ")
    )
}
