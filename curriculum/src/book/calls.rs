//! The first mention of a system call in a lesson leads to what linux-sys says of it.
//!
//! In prose a call is mentioned as `` `unshare` ``, `` `umask(0)` `` or `**unshare**`. One
//! that only a hint's code has is linked below that code. All that ends where the lesson
//! comes to checking: what is called `mount` from there on is mostly the command.

use super::super::lesson::PARTS;
use super::reference::DIRECTORY;
use super::text::{self, Fence};
use std::collections::BTreeSet;
use std::path::Path;

/// The calls that a page has not mentioned yet.
#[derive(Debug)]
pub struct Calls<'a> {
    new: BTreeSet<&'a str>,
    up: String,
}

impl<'a> Calls<'a> {
    /// `page` is where the lesson is in the book.
    pub fn new(functions: &'a [String], page: &Path) -> Calls<'a> {
        Calls {
            new: functions.iter().map(String::as_str).collect(),
            up: "../".repeat(page.components().count() - 1),
        }
    }

    /// A line of prose. Headings stay plain, and so does what is a link already.
    pub fn link(&mut self, line: &str) -> String {
        if line.starts_with("## ") && line.to_lowercase().contains(PARTS[3]) {
            self.new.clear();
        }
        let is_plain = line.starts_with('#') || line.trim_start().starts_with('<');
        if is_plain || line.contains("](") {
            return line.to_owned();
        }
        let mut out = String::new();
        let mut before = "";
        for (piece, is_code) in text::spans(line) {
            if !is_code {
                out.push_str(&self.bold(piece));
            } else if let Some(name) = self.take(called(piece)).filter(|_| !before.ends_with('[')) {
                out.push_str(&format!("[`{piece}`]({})", self.target(name)));
            } else {
                out.push_str(&format!("`{piece}`"));
            }
            before = piece;
        }
        // A line whose backticks come in no pairs is left alone.
        match line.matches('`').count() % 2 {
            0 => out,
            _ => line.to_owned(),
        }
    }

    fn bold(&mut self, piece: &str) -> String {
        let words: Vec<&str> = piece.split("**").collect();
        let mut out = String::new();
        for (index, word) in words.iter().enumerate() {
            let is_bold = index % 2 == 1 && index + 1 < words.len();
            if index > 0 {
                out.push_str("**");
            }
            match is_bold.then(|| self.take(word)).flatten() {
                Some(name) => out.push_str(&format!("[{word}]({})", self.target(name))),
                None => out.push_str(word),
            }
        }
        out
    }

    /// What is said below a fence of Rust: the calls in it that are new.
    pub fn below(&mut self, fence: &Fence<'_>) -> String {
        if !fence.info.starts_with("rust") {
            return String::new();
        }
        let mut links = Vec::new();
        for line in &fence.lines {
            let code = line.split("//").next().unwrap_or(line);
            for (open, _) in code.match_indices('(') {
                let before = &code[..open];
                let is_name = |char: char| char.is_alphanumeric() || char == '_';
                let start = before.trim_end_matches(is_name).len();
                // A method, or another module's function.
                if before[..start].ends_with(['.', ':']) {
                    continue;
                }
                if let Some(name) = self.take(&before[start..]) {
                    links.push(format!("[`{name}`]({})", self.target(name)));
                }
            }
        }
        if links.is_empty() {
            return String::new();
        }
        let indent = fence.indent;
        format!(
            "\n{indent}<div class=\"calls\">\n\n{indent}Reference: {}\n\n{indent}</div>\n",
            links.join(", ")
        )
    }

    fn take(&mut self, name: &str) -> Option<&'a str> {
        let name = *self.new.get(name)?;
        self.new.remove(name);
        Some(name)
    }

    fn target(&self, name: &str) -> String {
        format!("{}{DIRECTORY}/linux_sys/fn.{name}.html", self.up)
    }
}

/// What a piece of code calls: `umask` in `umask(0)`.
fn called(code: &str) -> &str {
    code.split_once('(').map_or(code, |(name, _)| name)
}
