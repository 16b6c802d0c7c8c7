//! The learner's places in the code:
//!
//! ```text
//! // TODO(02) 1. One line saying what to do.
//! // more lines of explanation
//! ...working lines which the learner replaces...
//! // END TODO(02)
//! ```
//!
//! The number in parentheses is the level's, the one behind it the lesson's
//! step. Steps that belong together may share a block: its head is then several
//! `TODO` lines, with nothing but comments between them. Blocks do not nest, and
//! a level has blocks of its own number only.

use std::fmt;
use std::path::{Path, PathBuf};

/// One block, markers included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The steps of the lesson, each with what it asks for; never empty.
    pub steps: Vec<(u32, String)>,
    /// The line of the first `// TODO(NN)`, counted from 1.
    pub first: usize,
    /// The line of `// END TODO(NN)`, counted from 1.
    pub last: usize,
}

/// A marker that stands where it should not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub path: PathBuf,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path.display(), self.line, self.message)
    }
}

enum Marker<'a> {
    Open {
        number: &'a str,
        step: u32,
        task: &'a str,
    },
    Close {
        number: &'a str,
    },
    Malformed,
}

/// The blocks of a file of level `number` (`None`: `complete`, which has none),
/// and everything wrong with them. `path` is for the messages.
pub fn parse(path: &Path, text: &str, number: Option<u8>) -> (Vec<Block>, Vec<Fault>) {
    let own = number.map(|number| format!("{number:02}"));
    let mut blocks = Vec::new();
    let mut faults = Vec::new();
    let mut open: Option<Block> = None;
    let mut in_head = false;
    let mut fault = |line: usize, message: String| {
        faults.push(Fault {
            path: path.to_owned(),
            line,
            message,
        });
    };
    for (index, content) in text.lines().enumerate() {
        let line = index + 1;
        in_head = in_head && content.trim_start().starts_with("//");
        let Some(marker) = marker(content) else {
            continue;
        };
        match marker {
            Marker::Malformed => fault(
                line,
                "a marker is written `// TODO(NN) STEP. What to do.` or `// END TODO(NN)`"
                    .to_owned(),
            ),
            Marker::Open { number, .. } | Marker::Close { number }
                if Some(number) != own.as_deref() =>
            {
                let level = own
                    .as_deref()
                    .map_or("complete".to_owned(), |own| format!("level {own}"));
                fault(
                    line,
                    format!("TODO({number}) in {level}: a block belongs to its own level only"),
                );
            }
            Marker::Open { step, task, .. } => match &mut open {
                Some(block) if in_head => block.steps.push((step, task.to_owned())),
                Some(outer) => {
                    let first = outer.first;
                    fault(
                        line,
                        format!("a TODO block inside the one of line {first}: blocks do not nest"),
                    );
                }
                None => {
                    open = Some(Block {
                        steps: vec![(step, task.to_owned())],
                        first: line,
                        last: line,
                    });
                    in_head = true;
                }
            },
            Marker::Close { .. } => match open.take() {
                Some(block) => blocks.push(Block {
                    last: line,
                    ..block
                }),
                None => fault(line, "END TODO without a TODO before it".to_owned()),
            },
        }
    }
    if let Some(block) = open {
        fault(block.first, "this TODO block has no END TODO".to_owned());
    }
    (blocks, faults)
}

fn marker(line: &str) -> Option<Marker<'_>> {
    let comment = line.trim_start().strip_prefix("//")?;
    if comment.starts_with(['/', '!']) {
        return None; // documentation may speak of a TODO
    }
    let words = comment.trim_start();
    let is_marker = |start: &str| {
        words
            .get(..start.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(start))
    };
    if !is_marker("TODO(") && !is_marker("END TODO") {
        return None;
    }
    Some(exact(comment).unwrap_or(Marker::Malformed))
}

/// The marker, if it is written exactly as it should be.
fn exact(comment: &str) -> Option<Marker<'_>> {
    if let Some(rest) = comment.strip_prefix(" END TODO(") {
        let number = rest.strip_suffix(')')?;
        return is_number(number).then_some(Marker::Close { number });
    }
    let (number, rest) = comment.strip_prefix(" TODO(")?.split_once(") ")?;
    let (step, task) = rest.split_once(". ")?;
    if !is_number(number) || task.is_empty() {
        return None;
    }
    Some(Marker::Open {
        number,
        step: step.parse().ok()?,
        task,
    })
}

fn is_number(digits: &str) -> bool {
    digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit())
}
