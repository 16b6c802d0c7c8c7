//! Other people's text on our terminal.
//!
//! A terminal obeys what it is shown: `ESC [ 2 J` clears it, other sequences rename the
//! window or answer as if a person had typed. U+202E turns the letters after it round,
//! so that a name reads as another one. File names, arguments, images and registries are
//! written by others and may have all of that in them.

use std::fmt::{Display, Write};

/// The text with everything visible: a character that a terminal would obey, or not show,
/// is written as Rust writes it in a string, such as `\u{1b}` or `\n`.
///
/// ```
/// assert_eq!(given::printable("caf\u{e9} \u{1b}[2J \u{202e}cod.exe"), r"café \u{1b}[2J \u{202e}cod.exe");
/// ```
pub fn printable(text: impl Display) -> String {
    let text = text.to_string();
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            // Rust would escape them as well, for the sake of its own syntax.
            '\'' | '"' | '\\' => shown.push(letter),
            _ => write_visible(letter, &mut shown),
        }
    }
    shown
}

/// The same for text of several lines: their ends and tabs stay.
pub fn printable_lines(text: impl Display) -> String {
    let text = text.to_string();
    let mut shown = String::with_capacity(text.len());
    for piece in text.split_inclusive(['\n', '\t']) {
        let end = piece.len() - usize::from(piece.ends_with(['\n', '\t']));
        shown += &printable(&piece[..end]);
        shown += &piece[end..];
    }
    shown
}

/// `escape_debug` knows which characters are control or format characters, separators of
/// lines, or no characters at all. It escapes an accent that stands alone, too, and so
/// there is a letter before it.
fn write_visible(letter: char, shown: &mut String) {
    let mut pair = [0; 5];
    pair[0] = b'a';
    let end = 1 + letter.encode_utf8(&mut pair[1..]).len();
    let pair = std::str::from_utf8(&pair[..end]).unwrap_or("a?");
    // Writing into a string cannot fail.
    let _ = pair
        .escape_debug()
        .skip(1)
        .try_for_each(|letter| shown.write_char(letter));
}

/// Whether a letter means the same to a shell with quotes and without.
pub fn is_plain_to_a_shell(letter: char) -> bool {
    letter.is_alphanumeric() || "-_./:=,+@".contains(letter)
}

/// A word as a shell takes it for one: in quotes, if it needs them.
pub fn shell_word(word: &str) -> String {
    match !word.is_empty() && word.chars().all(is_plain_to_a_shell) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::{printable, printable_lines, shell_word};

    #[test]
    fn a_shell_takes_a_word_for_one() {
        for word in [
            "",
            "a b",
            "it's",
            "$HOME",
            "a;b",
            "*",
            "~",
            "plain/one-2.txt",
        ] {
            let script = format!("printf %s {}", shell_word(word));
            let output = std::process::Command::new("sh")
                .args(["-c", &script])
                .output();
            let said = output.map(|it| it.stdout).unwrap_or_default();
            assert_eq!(String::from_utf8_lossy(&said), word);
        }
    }

    #[test]
    fn what_a_terminal_obeys_is_shown_as_text() {
        for (raw, shown) in [
            ("\u{1b}]0;mine\u{7}", r"\u{1b}]0;mine\u{7}"),
            ("\u{9b}2J", r"\u{9b}2J"), // the same as ESC [ in one character (C1)
            ("a\rb\nc\td\u{8}\u{7f}", r"a\rb\nc\td\u{8}\u{7f}"),
            (
                "\u{202e}\u{2066}\u{200f}\u{61c}",
                r"\u{202e}\u{2066}\u{200f}\u{61c}",
            ),
            ("in\u{200b}visible\u{feff}", r"in\u{200b}visible\u{feff}"),
            ("\u{2028}\u{2029}\u{e0041}", r"\u{2028}\u{2029}\u{e0041}"),
        ] {
            assert_eq!(printable(raw), shown);
        }
    }

    #[test]
    fn what_people_write_stays_as_it_is() {
        let names = "it's \"fine\" \\ Übung, e\u{301}t\u{e9}, 日本語, שלום, 🦀 ~/a b";
        assert_eq!(printable(names), names);
        assert_eq!(printable_lines("a\n\tb\n"), "a\n\tb\n");
        assert_eq!(printable_lines("a\u{1b}\r\nb"), "a\\u{1b}\\r\nb");
    }
}
