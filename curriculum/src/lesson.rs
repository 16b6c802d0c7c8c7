//! A lesson: the `README.md` of a level, and what every lesson must have.
//!
//! The parts are recognised by a word in their `##` heading, so that a lesson
//! may call them what suits it: *build*, *idea*, *task*, *check*, *break*,
//! *reading*, in this order. The task is a numbered list; each number is the
//! step of a TODO block, and each step has a hint, a `<details>` in the step
//! itself or one elsewhere whose `<summary>` names the number.
//!
//! Console fences are executed: ` ```console before ` with the skeleton,
//! ` ```console after ` with the next crate, ` ```console skip=REASON ` not.

use std::collections::BTreeSet;

/// The word in each part's heading, in the order of the parts.
pub const PARTS: [&str; 6] = ["build", "idea", "task", "check", "break", "reading"];

/// What a lesson's README says, as far as machines read it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lesson {
    /// The `##` headings in order.
    pub headings: Vec<String>,
    /// The numbers of the steps of the task, in order.
    pub steps: Vec<u32>,
    /// The steps that have a hint.
    pub hinted: BTreeSet<u32>,
    /// The console fences.
    pub fences: Vec<Fence>,
    /// What is written wrongly: the line, and why.
    pub faults: Vec<(usize, String)>,
}

/// A console fence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// The line of the opening fence, counted from 1.
    pub line: usize,
    /// What it is run against.
    pub mode: Mode,
    /// What stands between the fences, without the fence's own indentation.
    pub lines: Vec<String>,
}

/// What a console fence is run against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// The skeleton, as the learner finds it.
    Before,
    /// The solution: the next crate, under this level's name.
    After,
    /// Nothing, for this reason.
    Skip(String),
}

impl Lesson {
    /// Reads a README.
    pub fn parse(text: &str) -> Lesson {
        let mut reader = Reader::default();
        for (index, line) in text.lines().enumerate() {
            reader.line(index + 1, line);
        }
        reader.finish()
    }

    /// What the lesson lacks, given the steps of the TODO blocks in the code.
    pub fn missing(&self, steps_in_code: &BTreeSet<u32>) -> Vec<String> {
        let mut missing: Vec<String> = self
            .faults
            .iter()
            .map(|(line, fault)| format!("line {line}: {fault}"))
            .collect();
        let mut headings = self.headings.iter();
        for part in PARTS {
            if !headings.any(|heading| heading.to_lowercase().contains(part)) {
                missing.push(format!(
                    "no `##` heading with the word \"{part}\" where it belongs; the order is {}",
                    PARTS.join(", ")
                ));
                break;
            }
        }
        if !self.steps.iter().copied().eq(1..=self.steps.len() as u32) {
            missing.push(format!(
                "the steps of the task are numbered {:?}, not 1, 2, 3 ...",
                self.steps
            ));
        }
        for step in steps_in_code.difference(&self.steps.iter().copied().collect()) {
            missing.push(format!(
                "the code has a block for step {step}, the task has no such step"
            ));
        }
        for step in &self.steps {
            if !steps_in_code.contains(step) {
                missing.push(format!(
                    "step {step} of the task has no TODO block in the code"
                ));
            }
            if !self.hinted.contains(step) {
                missing.push(format!(
                    "step {step} has no hint (<details> in it, or a <summary> that names it)"
                ));
            }
        }
        for mode in [Mode::Before, Mode::After] {
            if !self.fences.iter().any(|fence| fence.mode == mode) {
                missing.push(format!(
                    "no transcript of what is seen {}",
                    mode.to_string().to_lowercase()
                ));
            }
        }
        missing
    }
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Mode::Before => f.write_str("before"),
            Mode::After => f.write_str("after"),
            Mode::Skip(reason) => write!(f, "skip={reason}"),
        }
    }
}

#[derive(Default)]
struct Reader {
    lesson: Lesson,
    /// The fence we are in: its backticks with their indentation, and, if it is
    /// a transcript, what we have of it.
    fence: Option<(String, Option<Fence>)>,
    /// The step whose text we are in.
    step: Option<u32>,
    in_task: bool,
}

impl Reader {
    fn line(&mut self, number: usize, line: &str) {
        let trimmed = line.trim_start();
        if let Some((mark, fence)) = &mut self.fence {
            let indent = mark.len() - mark.trim_start().len();
            if line.trim() == mark.trim() {
                self.lesson.fences.extend(fence.take());
                self.fence = None;
            } else if let Some(fence) = fence {
                let own = line.len() - trimmed.len();
                fence.lines.push(line[own.min(indent)..].to_owned());
            }
        } else if trimmed.starts_with("```") {
            self.open_fence(number, line);
        } else if let Some(heading) = line.strip_prefix("## ") {
            self.lesson.headings.push(heading.to_owned());
            self.in_task = heading.to_lowercase().contains(PARTS[2]);
            self.step = None;
        } else {
            self.prose(line);
        }
    }

    fn open_fence(&mut self, number: usize, line: &str) {
        let info = line.trim().trim_start_matches('`');
        let mark = line[..line.len() - line.trim_start().trim_start_matches('`').len()].to_owned();
        let mut words = info.splitn(2, ' ');
        let transcript = words.next() == Some("console");
        let mode = match words.next().map(str::trim) {
            _ if !transcript => None,
            Some("before") => Some(Mode::Before),
            Some("after") => Some(Mode::After),
            Some(skip) if skip.len() > "skip=".len() && skip.starts_with("skip=") => Some(
                Mode::Skip(skip["skip=".len()..].trim_matches('"').to_owned()),
            ),
            _ => {
                let fault =
                    "a console fence says `before`, `after` or `skip=REASON`: all are executed";
                self.lesson.faults.push((number, fault.to_owned()));
                None
            }
        };
        let fence = mode.map(|mode| Fence {
            line: number,
            mode,
            lines: Vec::new(),
        });
        self.fence = Some((mark, fence));
    }

    fn prose(&mut self, line: &str) {
        if line.starts_with('#') {
            self.step = None;
        }
        if self.in_task {
            let step = line
                .split_once(". ")
                .and_then(|(number, _)| number.parse().ok());
            if let Some(step) = step {
                self.lesson.steps.push(step);
                self.step = Some(step);
            }
        }
        if line.contains("<details") {
            self.lesson.hinted.extend(self.step);
        }
        if let Some((_, summary)) = line.split_once("<summary>") {
            let summary = summary.split("</summary>").next().unwrap_or(summary);
            let numbers = summary.split(|char: char| !char.is_ascii_digit());
            self.lesson
                .hinted
                .extend(numbers.filter_map(|number| number.parse::<u32>().ok()));
        }
    }

    fn finish(mut self) -> Lesson {
        if let Some((_, Some(fence))) = self.fence {
            self.lesson
                .faults
                .push((fence.line, "this fence is never closed".to_owned()));
        }
        self.lesson
    }
}
