//! How long a chapter or a lesson takes, by what there is to read, to try and to write.
//!
//! A hundred words a minute, because each sentence is meant to be thought about; a minute
//! for each transcript that one types; and in a lesson a minute for each line of code. The
//! sum is rounded up to five minutes. A lesson's hints are not counted: who needs none
//! does not read them. Nor is what its heading calls `(optional)`.

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
        let (mut in_fence, mut is_folded, mut is_optional) = (false, false, false);
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
                if (with_folded || !is_folded) && !is_optional {
                    measure.words += words(line);
                }
                is_folded &= !line.starts_with("</details");
            }
        }
        measure
    }
}

fn words(line: &str) -> usize {
    let is_word = |it: &&str| !it.starts_with('<') && it.chars().any(char::is_alphanumeric);
    line.split_whitespace().filter(is_word).count()
}
