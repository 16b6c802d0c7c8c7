//! What reaches the user's eyes: colours where they are wanted, lines that fit, and no
//! failure when nobody reads.

use std::fmt::Display;
use std::io::{IsTerminal, Write};

use anstyle::{AnsiColor, Style};

/// A heading.
pub(crate) const BOLD: Style = Style::new().bold();
/// What matters less.
pub(crate) const DIM: Style = Style::new().dimmed();
/// Well done.
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
/// Not true, or not there any more.
pub(crate) const RED: Style = AnsiColor::Red.on_default();
/// Look here.
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
/// Something to type.
pub(crate) const CODE: Style = AnsiColor::Cyan.on_default();

/// How wide our own text is. Terminals have been that wide since they were card readers.
pub(crate) const WIDTH: usize = 78;

/// `text` in a style; a pipe and `NO_COLOR` take the style away when it is printed.
pub(crate) fn paint(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// A line on standard output. Not `println!`: that panics when the reader of a pipe has
/// gone away.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(anstream::stdout(), "{line}");
}

/// A line on standard error, for what is about the run and not its result.
pub(crate) fn note(line: impl Display) {
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// Whether somebody sees what we print, and can be shown a new screen.
pub(crate) fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Whether standard output is to have colours: what anstream decides for what we print,
/// asked for those who print by themselves.
pub(crate) fn has_color() -> bool {
    anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
}

/// Markdown for a terminal: paragraphs as wide as the screen, code as it is.
pub(crate) fn markdown(text: &str) -> String {
    let mut out = String::new();
    let mut paragraph = String::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            flush(&mut paragraph, &mut out);
            in_code = !in_code;
        } else if in_code {
            out += &format!("    {}\n", paint(CODE, line));
        } else if line.trim().is_empty() {
            flush(&mut paragraph, &mut out);
            out.push('\n');
        } else {
            if line.starts_with("- ") {
                flush(&mut paragraph, &mut out);
            }
            paragraph += line.trim();
            paragraph.push(' ');
        }
    }
    flush(&mut paragraph, &mut out);
    out.trim_end().to_owned()
}

fn flush(paragraph: &mut String, out: &mut String) {
    if !paragraph.is_empty() {
        *out += &wrap(&paragraph.replace("**", ""), WIDTH);
        out.push('\n');
        paragraph.clear();
    }
}

/// The words of `text` in lines of at most `width` columns.
pub(crate) fn wrap(text: &str, width: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let fits = |line: &String| line.chars().count() + 1 + word.chars().count() <= width;
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if fits(line) => *line += &format!(" {word}"),
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

/// The same text, each line of it set in by `columns`.
pub(crate) fn indent(text: &str, columns: usize) -> String {
    let by = " ".repeat(columns);
    let set_in = |line: &str| match line {
        "" => String::new(),
        line => format!("{by}{line}"),
    };
    text.lines().map(set_in).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_wrapped_and_code_is_not() {
        let long = "word ".repeat(30);
        let text = format!("{long}\n\n```rust\n{long}\n```\nlast\n");
        let shown = anstream::adapter::strip_str(&markdown(&text)).to_string();
        let (prose, code): (Vec<&str>, Vec<&str>) =
            shown.lines().partition(|line| !line.starts_with("    "));
        assert!(
            prose.iter().all(|line| line.len() <= WIDTH),
            "too wide: {shown}"
        );
        assert_eq!(code, [format!("    {long}")]);
        assert!(shown.ends_with("last"), "{shown}");
    }
}
