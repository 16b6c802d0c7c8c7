//! How long a chapter or a lesson takes, by what there is to read, to try and to write.
//!
//! A hundred words a minute, because each sentence is meant to be thought about; a minute
//! for each transcript that one types; and in a lesson a minute for each line of code. The
//! sum is rounded up to five minutes. A lesson's hints are not counted: who needs none
//! does not read them. Nor is what its heading calls `(optional)`, nor what a picture shows, in
//! words for those who do not see it.

use super::lesson::PARTS;
use super::levels::Level;
use super::solution::to_write;
use super::{Result, read};
use std::path::Path;

const WORDS_A_MINUTE: usize = 100;
const ROUNDED_TO: usize = 5;

/// What a text holds, as far as it takes time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Measure {
    /// Words outside of fences.
    pub words: usize,
    /// Console fences: what is there to be tried.
    pub trials: usize,
    /// Lines of code that the learner writes.
    pub lines: usize,
}

impl Measure {
    /// Of a chapter: all of it, with the answers that unfold.
    pub fn chapter(text: &str) -> Measure {
        Measure::of(text, true)
    }

    /// Of a level's lesson, and the lines between its blocks' markers in the solution.
    pub fn lesson(root: &Path, levels: &[Level], index: usize) -> Result<Measure> {
        let level = &levels[index];
        let text = read(&root.join(level.path()).join("README.md"))?;
        let mut measure = Measure::of(&text, false);
        let written = to_write(root, levels, index)?;
        measure.lines = written.iter().map(|file| file.lines.len()).sum();
        Ok(measure)
    }

    /// The minutes that it takes.
    pub fn minutes(self) -> usize {
        let exactly = self.words.div_ceil(WORDS_A_MINUTE) + self.trials + self.lines;
        exactly.next_multiple_of(ROUNDED_TO)
    }

    fn of(text: &str, with_folded: bool) -> Measure {
        let mut measure = Measure::default();
        let (mut in_fence, mut is_folded, mut in_picture) = (false, false, false);
        let mut is_optional = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with("```") {
                let opens = !in_fence;
                let is_trial = opens && line.starts_with("```console") && !is_optional;
                measure.trials += usize::from(is_trial);
                in_fence = opens;
            } else if !in_fence {
                if line.starts_with("## ") {
                    is_optional = line.ends_with("(optional)");
                }
                is_folded |= line.starts_with("<details");
                // Its words are for a reader who does not see the picture.
                in_picture |= line.starts_with("![");
                if (with_folded || !is_folded) && !is_optional && !in_picture {
                    measure.words += words(line);
                }
                in_picture &= !line.contains("](");
                is_folded &= !line.starts_with("</details");
            }
        }
        measure
    }
}

/// The words of a lesson, by where they stand. Fences and pictures have none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Words {
    /// From the top to the task: what a learner reads before writing a line.
    pub before_task: usize,
    /// All that is not folded.
    pub outside_hints: usize,
    /// What is folded: the hints, and the table of an older interface.
    pub in_hints: usize,
    /// In the further reading, without the line that leads on to the next level.
    pub in_reading: usize,
}

impl Words {
    /// Of a lesson's README.
    pub fn of(text: &str) -> Words {
        let unfolded = |part: &str| Measure::of(part, false).words;
        let [_, _, task, _, _, reading] = PARTS;
        let outside_hints = unfolded(text);
        let (_, reading) = split_at_heading(text, reading);
        let (_, reading) = reading.split_once('\n').unwrap_or_default();
        Words {
            before_task: unfolded(split_at_heading(text, task).0),
            outside_hints,
            in_hints: Measure::of(text, true).words - outside_hints,
            in_reading: unfolded(reading.split("\nOn to ").next().unwrap_or_default()),
        }
    }
}

/// What stands before the first `##` heading with this word, and the rest.
fn split_at_heading<'a>(text: &'a str, word: &str) -> (&'a str, &'a str) {
    let has_word = |at: usize| {
        let heading = text[at..].trim_start().lines().next();
        heading.is_some_and(|it| it.to_lowercase().contains(word))
    };
    let mut headings = text.match_indices("\n## ").map(|(at, _)| at);
    let at = headings.find(|at| has_word(*at));
    text.split_at(at.map_or(text.len(), |at| at + 1))
}

fn words(line: &str) -> usize {
    let is_word = |it: &&str| !it.starts_with('<') && it.chars().any(char::is_alphanumeric);
    line.split_whitespace().filter(is_word).count()
}
