//! The task of a lesson: its numbered steps, the words of each, and the hints below it.
//!
//! How a README is written for this to work is said in `lesson.rs`.

use super::lesson::PARTS;

/// A numbered step of the task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    /// Its number, as in `TODO(03) 2`.
    pub number: u32,
    /// What it asks for: markdown, without the list's number and indentation, up to the
    /// first hint.
    pub words: String,
    /// Its hints, in the order in which they may be read.
    pub hints: Vec<Hint>,
}

/// A hint: what unfolds in a `<details>`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hint {
    /// The summary, without the word "Hint".
    pub title: String,
    /// What unfolds: markdown, without the list's indentation.
    pub text: String,
}

/// The steps of the task in a lesson's README.
pub fn steps(readme: &str) -> Vec<Step> {
    let mut reader = Reader::default();
    for line in readme.lines() {
        reader.line(line);
    }
    reader.steps
}

#[derive(Default)]
struct Reader {
    steps: Vec<Step>,
    in_task: bool,
    in_step: bool,
    /// The backticks of the fence we are in.
    fence: Option<String>,
    /// The hint that we are in, and the step that it is for.
    hint: Option<(Option<u32>, Hint)>,
}

impl Reader {
    fn line(&mut self, line: &str) {
        let trimmed = line.trim();
        let in_fence = self.fence.is_some();
        match &self.fence {
            Some(mark) if trimmed == mark => self.fence = None,
            Some(_) => {}
            None if trimmed.starts_with("```") => {
                let length = trimmed.len() - trimmed.trim_start_matches('`').len();
                self.fence = Some("`".repeat(length));
            }
            None => {}
        }
        if !in_fence {
            if let Some(heading) = line.strip_prefix("## ") {
                self.in_task = heading.to_lowercase().contains(PARTS[2]);
                self.in_step = false;
            } else if self.in_task && self.begins_step(line) {
                return;
            }
            if trimmed.starts_with("<details") {
                self.open_hint(trimmed);
                return;
            }
            if trimmed == "</details>" {
                self.close_hint();
                return;
            }
            if self.hint.is_none() && !line.starts_with(' ') && !line.is_empty() {
                self.in_step = false;
            }
        }
        // A list's text is indented by three columns.
        let text = line.strip_prefix("   ").unwrap_or(line);
        if let Some((_, hint)) = &mut self.hint {
            hint.text += text;
            hint.text.push('\n');
        } else if let Some(step) = self.steps.last_mut().filter(|step| step.hints.is_empty())
            && self.in_step
        {
            step.words += text;
            step.words.push('\n');
        }
    }

    fn begins_step(&mut self, line: &str) -> bool {
        let Some((number, words)) = line.split_once(". ") else {
            return false;
        };
        let Ok(number) = number.parse() else {
            return false;
        };
        self.steps.push(Step {
            number,
            words: format!("{words}\n"),
            hints: Vec::new(),
        });
        self.in_step = true;
        true
    }

    fn open_hint(&mut self, line: &str) {
        let summary = line.split("<summary>").nth(1).unwrap_or_default();
        let summary = summary.split("</summary>").next().unwrap_or_default();
        let mut numbers = summary.split(|char: char| !char.is_ascii_digit());
        let named = numbers.find_map(|number| number.parse().ok());
        let step = match self.steps.last() {
            Some(step) if self.in_step => Some(step.number),
            _ => named,
        };
        let hint = Hint {
            title: summary.trim_start_matches("Hint:").trim().to_owned(),
            text: String::new(),
        };
        self.hint = Some((step, hint));
    }

    fn close_hint(&mut self) {
        let Some((step, mut hint)) = self.hint.take() else {
            return;
        };
        hint.text = hint.text.trim_matches('\n').to_owned();
        let mut steps = self.steps.iter_mut();
        if let Some(step) = steps.find(|it| Some(it.number) == step) {
            step.words = step.words.trim_end().to_owned();
            step.hints.push(hint);
        }
    }
}
