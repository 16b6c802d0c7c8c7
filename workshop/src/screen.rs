//! What reaches the user's eyes: colours where they are wanted, lines that fit, and no
//! failure when the reader has gone.

use std::fmt::Display;
use std::io::{IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use given::wrap as fit;
use given::{printable, printable_lines};

/// A heading.
pub(crate) const BOLD: Style = Style::new().bold();
/// What matters less.
pub(crate) const DIM: Style = Style::new().dimmed();
/// The learner has done it.
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
/// Not true, or not there any more.
pub(crate) const RED: Style = AnsiColor::Red.on_default();
/// Where the learner should look.
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
/// Something to type.
pub(crate) const CODE: Style = AnsiColor::Cyan.on_default();

/// How wide our own text is where no terminal says otherwise. They have been that wide since
/// they were card readers.
pub(crate) const WIDTH: usize = 78;

/// How wide our own text is on standard output.
pub(crate) fn width() -> usize {
    fit::width(std::io::stdout()).unwrap_or(WIDTH)
}

/// `text` in a style; a pipe and `NO_COLOR` take the style away when it is printed.
pub(crate) fn paint(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// A line on standard output. Not `println!`: that panics when the reader of a pipe has
/// gone away.
pub(crate) fn say(line: impl Display) {
    printed(writeln!(anstream::stdout(), "{}", tame(&line.to_string())));
}

/// What has become of something that was printed. A reader who has gone away has seen enough;
/// but if a disk is full, what was asked for is not there, and going on would look like success.
pub(crate) fn printed(outcome: std::io::Result<()>) {
    match outcome {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            given::log(&format!("cannot write to standard output: {error}"));
            std::process::exit(1);
        }
        _ => {}
    }
}

/// How many columns there are for a line that cannot be wrapped; in a pipe, as many as it has.
pub(crate) fn room() -> usize {
    fit::width(std::io::stdout()).unwrap_or(usize::MAX)
}

/// What a command is for, and the command, beside each other if there is room for that.
pub(crate) fn row(what: &str, columns: usize, command: &str) {
    match 2 + columns + command.chars().count() > room() {
        true => say(format!("  {what}\n      {}", paint(CODE, command))),
        false => say(format!("  {what:<columns$}{}", paint(CODE, command))),
    }
}

/// Sentences on standard output: in lines that fit on a terminal, and into a pipe as they are.
pub(crate) fn prose(text: impl Display) {
    let text = text.to_string();
    match fit::width(std::io::stdout()) {
        Some(width) => say(fit::wrap(&text, width, 0)),
        None => say(text),
    }
}

/// Sentences on standard error, for what is about the run and not its result.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(
        anstream::stderr(),
        "{}",
        tame(&for_stderr(&text.to_string(), 0))
    );
}

/// The same text, so that it fits on standard error behind a word of `before` columns.
pub(crate) fn for_stderr(text: &str, before: usize) -> String {
    match fit::width(std::io::stderr()) {
        Some(width) => fit::wrap(text, width.saturating_sub(before), 0),
        None => text.to_owned(),
    }
}

/// The top of an empty screen; what was there stays to be scrolled back to.
pub(crate) fn clear() {
    let _ = writeln!(anstream::stdout(), "\x1b[H\x1b[2J");
}

/// Of all that a terminal obeys, only colours are left: file names, lessons and a learner's
/// code are in what we print, and may have anything in them.
fn tame(text: &str) -> String {
    let mut pieces = text.split('\x1b');
    let mut tame = printable_lines(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (style, rest) = piece.split_at(style_end(piece).unwrap_or(0));
        match style {
            "" => tame += &printable('\x1b'),
            style => tame += &format!("\x1b{style}"),
        }
        tame += &printable_lines(rest);
    }
    tame
}

/// Where `[1;31m` ends, if that is what follows the escape character.
fn style_end(text: &str) -> Option<usize> {
    let numbers = text.strip_prefix('[')?;
    let end = numbers.find(|letter: char| !letter.is_ascii_digit() && letter != ';')?;
    numbers[end..].starts_with('m').then_some(end + 2)
}

/// Whether we print to a terminal, where the learner can be shown a new screen.
pub(crate) fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Whether standard output is to have colours: what anstream decides for what we print,
/// asked for those who print by themselves.
pub(crate) fn has_color() -> bool {
    anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
}

/// The words of `text` in lines of at most `width` columns.
pub(crate) fn wrap(text: &str, width: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    fit::wrap(&words.join(" "), width, 0)
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
    fn colours_are_left_and_nothing_else_that_a_terminal_obeys() {
        let ours = format!("{}\n\t{}", paint(BOLD, "a"), paint(GREEN, "b"));
        assert_eq!(tame(&ours), ours);
        let theirs = "\x1b[2J\x1b]0;x\x07\u{9b}2J\u{202e}\x1b[31\x1b";
        let shown = r"\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}2J\u{202e}\u{1b}[31\u{1b}";
        assert_eq!(tame(theirs), shown);
    }
}
