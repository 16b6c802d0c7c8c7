//! A page as prose and fences: in a fence, nothing but its first line is rewritten.

/// A piece of a page.
#[derive(Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// A line outside of any fence.
    Prose(&'a str),
    /// A fence, from its opening line to its closing one.
    Fence(Fence<'a>),
}

/// A fence.
#[derive(Debug, PartialEq, Eq)]
pub struct Fence<'a> {
    /// What stands before the backticks, for a fence in a list.
    pub indent: &'a str,
    /// What stands behind them: `console before`.
    pub info: &'a str,
    /// The lines between, as they stand there.
    pub lines: Vec<&'a str>,
}

/// The page's parts, in order.
pub fn parts(content: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut open: Option<Fence<'_>> = None;
    for line in content.lines() {
        let bare = line.trim_start();
        match (open.take(), bare.strip_prefix("```")) {
            (Some(fence), Some(rest)) if rest.trim().is_empty() => parts.push(Part::Fence(fence)),
            (Some(mut fence), _) => {
                fence.lines.push(line);
                open = Some(fence);
            }
            (None, Some(info)) => {
                open = Some(Fence {
                    indent: &line[..line.len() - bare.len()],
                    info: info.trim_matches(['`', ' ']),
                    lines: Vec::new(),
                });
            }
            (None, None) => parts.push(Part::Prose(line)),
        }
    }
    // Markdown closes at the end what the author has left open.
    parts.extend(open.map(Part::Fence));
    parts
}

/// The pieces of a line of prose, each with whether it is a code span.
pub fn spans(line: &str) -> impl Iterator<Item = (&str, bool)> {
    line.split('`')
        .enumerate()
        .map(|(index, piece)| (piece, index % 2 == 1))
}
