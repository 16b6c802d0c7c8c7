//! A text in lines that fit: how wide it is, and which colours go on in the next line.

use given::wrap;

/// A text in lines of at most `width` columns. What has no space in it may be wider.
pub(super) fn fit(text: &str, width: usize) -> Vec<String> {
    let text = wrap::wrap(text, width.max(1), 0);
    let mut open = String::new();
    text.split('\n')
        .map(|line| closed(line, &mut open))
        .collect()
}

/// A line in which each style ends that begins in it, or that was `open` before it.
fn closed(line: &str, open: &mut String) -> String {
    let mut text = open.clone() + line;
    for piece in line.split('\x1b').skip(1) {
        let Some((numbers, _)) = piece.split_once('m') else {
            continue;
        };
        match numbers {
            "[0" => open.clear(),
            numbers => *open += &format!("\x1b{numbers}m"),
        }
    }
    if !open.is_empty() {
        text += "\x1b[0m";
    }
    text
}

/// How many columns a text takes, without its colours.
pub(super) fn columns(text: &str) -> usize {
    anstream::adapter::strip_str(text)
        .map(|piece| piece.chars().count())
        .sum()
}
