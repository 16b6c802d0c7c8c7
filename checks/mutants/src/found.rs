//! What was found on the way.

use crate::mutant::{Edit, Mutant};
use std::collections::BTreeSet;
use std::ops::Range;
use syn::spanned::Spanned;

/// What was found so far, and where we are.
pub(crate) struct Found<'a> {
    source: &'a str,
    learners: &'a BTreeSet<usize>,
    function: String,
    exempt: Vec<(&'static str, Range<usize>)>,
    pub(crate) mutants: Vec<Mutant>,
}

impl Found<'_> {
    /// Nothing yet.
    pub(crate) fn of<'a>(source: &'a str, learners: &'a BTreeSet<usize>) -> Found<'a> {
        Found {
            source,
            learners,
            function: String::new(),
            exempt: Vec::new(),
            mutants: Vec::new(),
        }
    }

    /// The text of a piece of syntax.
    pub(crate) fn text(&self, node: &impl Spanned) -> &str {
        &self.source[node.span().byte_range()]
    }

    /// The bytes between and including two pieces of syntax.
    pub(crate) fn bytes(&self, node: &impl Spanned) -> Range<usize> {
        node.span().byte_range()
    }

    /// Leaves `node` alone, as far as this operator is concerned.
    pub(crate) fn exempt(&mut self, operator: &'static str, node: &impl Spanned) {
        let bytes = self.bytes(node);
        self.exempt.push((operator, bytes));
    }

    /// Notes a change of `node` into `text`.
    pub(crate) fn replace(&mut self, operator: &'static str, node: &impl Spanned, text: &str) {
        let bytes = self.bytes(node);
        if !self.exempt.contains(&(operator, bytes.clone())) {
            self.edit(operator, &[(bytes, text.to_owned())]);
        }
    }

    /// Notes a change in several places at once.
    pub(crate) fn edit(&mut self, operator: &'static str, edits: &[(Range<usize>, String)]) {
        let shown: Vec<String> = edits.iter().map(|it| self.shown(it)).collect();
        self.edit_called(operator, shown.join(", "), edits);
    }

    /// The same, called by `change`. It is noted if all the places are the learner's.
    pub(crate) fn edit_called(
        &mut self,
        operator: &'static str,
        change: String,
        edits: &[(Range<usize>, String)],
    ) {
        if !edits.iter().all(|(bytes, _)| self.is_learners(bytes)) {
            return;
        }
        let edit = |(bytes, text): &(Range<usize>, String)| Edit {
            bytes: bytes.clone(),
            text: text.clone(),
        };
        self.mutants.push(Mutant {
            function: self.function.clone(),
            operator,
            change,
            edits: edits.iter().map(edit).collect(),
        });
    }

    /// `old => new`, or `old` if nothing takes its place.
    fn shown(&self, (bytes, text): &(Range<usize>, String)) -> String {
        let old = short(&self.source[bytes.clone()]);
        match text.as_str() {
            "" => old,
            _ => format!("{old} => {}", short(text)),
        }
    }

    fn is_learners(&self, bytes: &Range<usize>) -> bool {
        let line = |byte: usize| self.source[..byte].matches('\n').count() + 1;
        let lines = line(bytes.start)..=line(bytes.end);
        let mut text = self.source.lines().zip(1..);
        // A blank line between two of the learner's counts as theirs.
        text.all(|(text, number)| {
            !lines.contains(&number) || text.trim().is_empty() || self.learners.contains(&number)
        })
    }

    /// Goes into what has a name of its own.
    pub(crate) fn within(&mut self, name: &syn::Ident, go: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.function, name.to_string());
        go(self);
        self.function = outer;
    }
}

/// Code on one line, and no more of it than tells what it is.
pub(crate) fn short(code: &str) -> String {
    const MOST: usize = 60;
    let lines = code.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("//"));
    let line = lines.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", line[..end].trim_end()),
        None => line,
    }
}
