//! Every command explains itself, with an example, on 80 columns.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

use std::process::Command;

fn printed(words: &[&str]) -> String {
    let mut workshop = Command::new(env!("CARGO_BIN_EXE_workshop"));
    let output = workshop.args(words).output().unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The commands, as the help of all of them lists them.
fn commands() -> Vec<String> {
    let help = printed(&["-h"]);
    let list = help.split("Commands:\n").nth(1).unwrap();
    let list = list.split("\n\n").next().unwrap();
    let first = |line: &str| line.split_whitespace().next().unwrap().to_owned();
    list.lines().map(first).collect()
}

#[test]
fn every_command_has_an_example_and_fits() {
    let commands = commands();
    assert!(commands.len() >= 10, "{commands:?}");
    let words = commands.iter().map(|command| vec![command.as_str()]);
    // doctor is looked after by tests of its own, and images by a crate that is built when
    // a learner asks for it.
    let words = words.filter(|words| words != &["doctor"] && words != &["images"]);
    for words in words.chain([vec![]]) {
        for option in ["-h", "--help"] {
            let words = [words.clone(), vec![option]].concat();
            let help = printed(&words);
            assert!(help.contains("Example"), "{words:?} has no example");
            assert!(help.contains("cargo workshop"), "{words:?}");
            let wide = help.lines().find(|line| line.chars().count() > 80);
            assert_eq!(wide, None, "{words:?}");
            assert!(!help.contains('\x1b'), "colours in a pipe: {words:?}");
        }
    }
}

#[test]
fn completions_are_for_a_command_that_they_define() {
    for (shell, function) in [
        ("bash", "workshop() { cargo workshop \"$@\"; }"),
        ("zsh", "workshop() { cargo workshop \"$@\"; }"),
        ("fish", "function workshop; cargo workshop $argv; end"),
    ] {
        let script = printed(&["completions", shell]);
        assert!(script.starts_with(function), "{script}");
        assert!(
            script.contains("solution") && script.contains("trace"),
            "{script}"
        );
    }
}
