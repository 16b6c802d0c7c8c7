//! How a transcript is written; how it is performed needs root, and is tried by the
//! curriculum's own tests.

use curriculum::lesson::{Fence, Mode};
use curriculum::transcript::{Shown, read, wildcards};
use rstest::rstest;
use std::path::Path;

fn fence(text: &str) -> Fence {
    Fence {
        line: 10,
        mode: Mode::Before,
        lines: text.lines().map(str::to_owned).collect(),
    }
}

#[test]
fn a_command_has_a_line_a_terminal_and_its_output() {
    let commands = read(
        Path::new("README.md"),
        &fence("$ one |\n> more\n1\n> 2\nhost$ two\n"),
    )
    .unwrap();
    let shown = |line, terminal, command: &str, output: &str| Shown {
        line,
        terminal,
        command: command.to_owned(),
        output: output.to_owned(),
    };
    assert_eq!(
        commands,
        [
            shown(11, "$", "one |\nmore", "1\n> 2\n"),
            shown(15, "host$", "two", "")
        ]
    );
}

#[test]
fn output_before_any_command_is_an_error() {
    let error = read(Path::new("README.md"), &fence("one\n$ two\n"))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("README.md:11: a transcript begins with `$ `"),
        "{error}"
    );
}

#[rstest]
#[case("level00: [PID] exited", "level00: [..] exited")]
#[case("[ID] [..] [a] [] [", "[..] [..] [a] [] [")]
#[case("[[PID]]", "[[..]]")]
fn placeholders_are_wildcards(#[case] text: &str, #[case] pattern: &str) {
    assert_eq!(wildcards(text), pattern);
}
