//! A source file that is all of its mutants at once: a number in the program built from it
//! chooses one. To build some hundreds one by one would take an hour.
//!
//! Each function has a body for each mutant of it, and its own for all the others:
//!
//! ```text
//! fn enter(root: &Path) -> Result<(), Error> {
//!     match crate::mutant() {
//!         7 => { chdir("/")?; Ok(()) },
//!         8 => { chroot(root)?; Ok(()) },
//!         _ => { chroot(root)?; chdir("/")?; Ok(()) },
//!     }
//! }
//! ```
//!
//! For a constant the mutant is a second constant, and a body of every function that
//! mentions it.

use crate::mutant::{Edit, Mutant};
use std::fmt::Write;
use std::ops::Range;
use syn::Item;
use syn::spanned::Spanned;

/// What stands in a program, in front of the number of the mutant that it is.
pub const MARK: &str = "which mutant this is: ";

/// How many digits the number has.
pub const DIGITS: usize = 5;

/// The source file, and where in it which mutant is.
#[derive(Debug, Clone, Default)]
pub struct Combined {
    /// The text.
    pub text: String,
    /// The lines of each mutant, counted from 1.
    lines: Vec<(Range<usize>, usize)>,
}

impl Combined {
    /// All `mutants` of `source`, each with its number; 0 is none of them.
    ///
    /// # Errors
    ///
    /// If it is no Rust.
    pub fn new(source: &str, mutants: &[(usize, &Mutant)]) -> syn::Result<Combined> {
        let file = syn::parse_file(source)?;
        let mut combined = Combined::default();
        let mut written = 0;
        for item in &file.items {
            let Item::Fn(function) = item else { continue };
            let block = function.block.span().byte_range();
            let bodies = bodies(source, &file, &block, mutants);
            if bodies.is_empty() {
                continue;
            }
            combined.text.push_str(&source[written..block.start]);
            combined.choose(&source[block.clone()], bodies);
            written = block.end;
        }
        combined.text.push_str(&source[written..]);
        for (number, mutant) in mutants {
            if let Some((name, item)) = constant_of(&file, mutant) {
                let text = apply(source, &item, &mutant.edits);
                let text = text.replacen(&name, &renamed(&name, *number), 1);
                combined.add(*number, &format!("{text}\n"));
            }
        }
        Ok(combined)
    }

    /// The same of the file with `main`, where the number is.
    ///
    /// # Errors
    ///
    /// If it is no Rust.
    pub fn of_main(source: &str, mutants: &[(usize, &Mutant)]) -> syn::Result<Combined> {
        Ok(Combined::new(source, mutants)?.with_number())
    }

    /// Adds the number, which one file of a program must have: that with `main`.
    #[must_use]
    pub fn with_number(mut self) -> Combined {
        // The compiler must not take the number for a constant: the test writes another
        // into the program afterwards.
        let start = MARK.len();
        // Writing to a string cannot fail.
        let _ = write!(
            self.text,
            "\nstatic MUTANT: &str = \"{MARK}{:0DIGITS$}\";\n\
             fn mutant() -> usize {{\n    \
                 std::hint::black_box(MUTANT)[{start}..].parse().unwrap_or(0)\n}}\n",
            0
        );
        self
    }

    /// A body that is one of several: its own, or that of a number.
    pub(crate) fn choose(&mut self, own: &str, bodies: Vec<(usize, String)>) {
        self.text.push_str("{\n    match crate::mutant() {\n");
        for (number, body) in bodies {
            self.add(number, &format!("        {number} => {body},\n"));
        }
        self.text
            .push_str(&format!("        _ => {own},\n    }}\n}}"));
    }

    fn add(&mut self, number: usize, text: &str) {
        let first = self.text.matches('\n').count() + 1;
        self.text.push_str(text);
        let end = self.text.matches('\n').count() + 1;
        self.lines.push((first..end, number));
    }

    /// Which mutant a line belongs to.
    pub fn mutant_at(&self, line: usize) -> Option<usize> {
        let found = self.lines.iter().find(|(lines, _)| lines.contains(&line));
        found.map(|(_, number)| *number)
    }
}

/// Writes into a program which mutant it is.
///
/// # Errors
///
/// If it has no place for the number.
pub fn mark(program: &mut [u8], number: usize) -> Result<(), String> {
    let unmarked = [MARK.as_bytes(), &[b'0'; DIGITS]].concat();
    let digits = format!("{number:0DIGITS$}");
    let mut rest = program;
    let mut count = 0;
    // A level has the text of its main.rs in it as well: there it does no harm.
    while let Some(place) = find(rest, &unmarked) {
        let (marked, after) = rest.split_at_mut(place + unmarked.len());
        marked[place + MARK.len()..].copy_from_slice(digits.as_bytes());
        rest = after;
        count += 1;
    }
    match count {
        0 => Err("the program has no place for a mutant's number".to_owned()),
        _ => Ok(()),
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|it| it == wanted)
}

/// The bodies of a function, with the number of the mutant that has it.
fn bodies(
    source: &str,
    file: &syn::File,
    block: &Range<usize>,
    mutants: &[(usize, &Mutant)],
) -> Vec<(usize, String)> {
    let mut bodies = Vec::new();
    for (number, mutant) in mutants {
        if is_within(mutant, block) {
            bodies.push((*number, apply(source, block, &mutant.edits)));
        } else if let Some((name, _)) = constant_of(file, mutant) {
            let body = &source[block.clone()];
            let changed = replace_word(body, &name, &renamed(&name, *number));
            if changed != body {
                bodies.push((*number, changed));
            }
        }
    }
    bodies
}

/// The constant in which a mutant is, and its place.
fn constant_of(file: &syn::File, mutant: &Mutant) -> Option<(String, Range<usize>)> {
    file.items.iter().find_map(|item| {
        let Item::Const(item) = item else { return None };
        let start = item.const_token.span().byte_range().start;
        let bytes = start..item.span().byte_range().end;
        is_within(mutant, &bytes).then(|| (item.ident.to_string(), bytes))
    })
}

fn is_within(mutant: &Mutant, bytes: &Range<usize>) -> bool {
    let mut edits = mutant.edits.iter();
    edits.all(|it| bytes.start <= it.bytes.start && it.bytes.end <= bytes.end)
}

fn renamed(name: &str, number: usize) -> String {
    format!("{name}_{number}")
}

/// A part of the source with the edits made.
fn apply(source: &str, part: &Range<usize>, edits: &[Edit]) -> String {
    let mut text = source[part.clone()].to_owned();
    for edit in edits.iter().rev() {
        let bytes = edit.bytes.start - part.start..edit.bytes.end - part.start;
        text.replace_range(bytes, &edit.text);
    }
    text
}

fn replace_word(text: &str, word: &str, other: &str) -> String {
    let is_part = |char: Option<char>| char.is_some_and(|it| it.is_alphanumeric() || it == '_');
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, found) = rest.split_at(at);
        let after = &found[word.len()..];
        let whole = !is_part(before.chars().next_back()) && !is_part(after.chars().next());
        result.push_str(before);
        result.push_str(if whole { other } else { word });
        rest = after;
    }
    result + rest
}
