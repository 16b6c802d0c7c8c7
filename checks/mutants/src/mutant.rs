//! A mutant: a source file in which one thing is changed.

use std::ops::Range;

/// Text that takes the place of some bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The bytes that go.
    pub bytes: Range<usize>,
    /// What stands there instead.
    pub text: String,
}

/// One change to one source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutant {
    /// The function or constant in which it is.
    pub function: String,
    /// The kind of slip: `drop-statement`.
    pub operator: &'static str,
    /// What was changed into what, on one line. Where a function has the same twice, a
    /// number tells which.
    pub change: String,
    /// The changes; they do not overlap, and are in order.
    pub edits: Vec<Edit>,
}

impl Mutant {
    /// What it is called within its file. It stays the same when lines move.
    pub fn name(&self) -> String {
        format!("{} {}: {}", self.function, self.operator, self.change)
    }

    /// The source file with the change made.
    pub fn apply(&self, source: &str) -> String {
        let mut text = source.to_owned();
        for edit in self.edits.iter().rev() {
            text.replace_range(edit.bytes.clone(), &edit.text);
        }
        text
    }
}
