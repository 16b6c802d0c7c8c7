//! Words into lines as wide as the terminal: no word is broken, and no command.

use std::io::IsTerminal;
use std::os::fd::AsFd;

use textwrap::core::display_width;
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

/// A command is shown between these: backticks, or the colour that commands have.
const COMMANDS: [(&str, &str); 2] = [("`", "`"), ("\x1b[36m", "\x1b[0m")];

/// A space at which no line ends, while lines are made.
const GLUE: &str = "\u{a0}";

/// How wide text may be on the terminal that `stream` is; `None` if it is none, and text
/// goes there as it is. Two columns less than the terminal has, and `COLUMNS` goes before
/// what the kernel says (ioctl_tty(2), `TIOCGWINSZ`), as everywhere.
pub fn width(stream: impl IsTerminal + AsFd) -> Option<usize> {
    if !stream.is_terminal() {
        return None;
    }
    let wished = std::env::var("COLUMNS").ok();
    let wished = wished.and_then(|columns| columns.parse().ok());
    let columns = wished.filter(|columns| *columns > 0).or_else(|| {
        let (columns, _) = terminal_size::terminal_size_of(stream)?;
        Some(usize::from(columns.0))
    });
    // A serial line does not know its size, and is what terminals have always been.
    Some(columns.unwrap_or(80).saturating_sub(2).max(20))
}

/// Each line of `text` in lines of at most `width` columns, of which all but the first are
/// set in by `hanging`, and by as much as the line itself was. Only what has no space in it
/// may be wider. Colours take no room.
pub fn wrap(text: &str, width: usize, hanging: usize) -> String {
    let lines = text.split('\n').map(|line| one(line, width, hanging));
    lines.collect::<Vec<_>>().join("\n")
}

fn one(line: &str, width: usize, hanging: usize) -> String {
    let own = line.len() - line.trim_start_matches(' ').len();
    let indent = " ".repeat(hanging.max(own));
    let options = Options::new(width)
        .subsequent_indent(&indent)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    let whole = whole_commands(line, width.saturating_sub(indent.len()));
    textwrap::fill(&whole, options).replace(GLUE, " ")
}

/// Commands are copied: their spaces are glued, if they fit into `room` at all.
fn whole_commands(mut rest: &str, room: usize) -> String {
    let mut text = String::new();
    let next = |rest: &str| {
        let found = COMMANDS.iter().filter_map(|(open, close)| {
            let start = rest.find(open)?;
            let inner = start + open.len();
            Some((start, inner + rest[inner..].find(close)? + close.len()))
        });
        found.min()
    };
    while let Some((start, end)) = next(rest) {
        let command = &rest[start..end];
        text += &rest[..start];
        text += &match display_width(command) <= room {
            true => command.replace(' ', GLUE),
            false => command.to_owned(),
        };
        rest = &rest[end..];
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_and_words_are_whole() {
        let words = "pivot_root wants a mount point, and CLONE_NEWNS|CLONE_NEWPID is one word";
        for columns in [20, 40, 60, 80] {
            let text = wrap(words, columns, 3);
            assert!(
                text.lines().all(|line| line.len() <= columns.max(29)),
                "{text}"
            );
            let again: Vec<&str> = text.split_whitespace().collect();
            assert_eq!(again.join(" "), words);
            assert!(
                text.lines().skip(1).all(|line| line.starts_with("   ")),
                "{text}"
            );
        }
    }

    #[test]
    fn commands_stay_on_their_line() {
        let text = wrap(
            "to see more of it say `cargo workshop hint 03` there",
            30,
            0,
        );
        assert_eq!(
            text,
            "to see more of it say\n`cargo workshop hint 03` there"
        );
        let painted = "what it needs: \x1b[36mcargo workshop doctor\x1b[0m";
        assert!(wrap(painted, 24, 0).ends_with("\n\x1b[36mcargo workshop doctor\x1b[0m"));
        // One that is too long for any line ends where a word does.
        assert_eq!(wrap("`cargo run level03`", 10, 0), "`cargo run\nlevel03`");
    }
}
