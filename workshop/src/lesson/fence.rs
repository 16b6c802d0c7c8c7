//! What stands between two lines of backticks: a console, of which one part is typed and the
//! other comes, or code, or a drawing.

use curriculum::transcript::{FIRST, SECOND};

use super::lines::columns;

pub(super) struct Fence<'a> {
    /// What is to be said above it; it may be nothing.
    pub(super) label: String,
    pub(super) lines: Vec<Line<'a>>,
}

pub(super) enum Line<'a> {
    /// A command, or the part of one that stands in this line.
    Typed {
        prompt: &'a str,
        command: &'a str,
    },
    /// What it prints, or a line of a drawing.
    Printed(&'a str),
    Code(&'a str),
}

/// Reads a fence. Only a level with a task has a skeleton and a solution.
pub(super) fn read<'a>(info: &str, text: &'a str, has_task: bool) -> Fence<'a> {
    let (language, mode) = info.split_once(' ').unwrap_or((info, ""));
    // What ends with an empty line has one below it in any case.
    let text = text.trim_end();
    let mut lines = text.lines();
    if language != "console" {
        let line: fn(&'a str) -> Line<'a> = match language {
            "text" | "" => Line::Printed,
            _ => Line::Code,
        };
        return Fence {
            label: String::new(),
            lines: lines.map(line).collect(),
        };
    }
    let mut words = Vec::new();
    match mode {
        "before" if has_task => words.push("before: the skeleton"),
        "after" if has_task => words.push("after: the solution"),
        _ => {}
    }
    if lines.any(|line| line.starts_with(SECOND)) {
        words.push("host$ is a second terminal");
    }
    Fence {
        label: words.join("; "),
        lines: console(text),
    }
}

fn console(text: &str) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    // Behind what a command has printed, `> ` is printed too.
    let mut is_typed = false;
    for line in text.lines() {
        let prompts: &[&str] = match is_typed {
            true => &[FIRST, SECOND, ">"],
            false => &[FIRST, SECOND],
        };
        let mut prompts = prompts.iter();
        let end = prompts.find_map(|prompt| prompt_end(line, prompt));
        is_typed = end.is_some();
        lines.push(match end {
            Some(end) => {
                let (prompt, command) = line.split_at(end);
                Line::Typed { prompt, command }
            }
            None => Line::Printed(line),
        });
    }
    lines
}

/// Where the command begins, if the line is one behind this prompt.
fn prompt_end(line: &str, prompt: &str) -> Option<usize> {
    let command = line.strip_prefix(prompt)?.strip_prefix(' ')?;
    Some(line.len() - command.len())
}

impl Fence<'_> {
    pub(super) fn widest(&self) -> usize {
        let width = |line: &Line| match line {
            Line::Typed { prompt, command } => columns(prompt) + columns(command),
            Line::Printed(text) | Line::Code(text) => columns(text),
        };
        self.lines.iter().map(width).max().unwrap_or_default()
    }
}
