//! Terminals of 60, 80 and 160 columns: what is said fits, no word is broken, and what is
//! there to be copied is on one line.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod fixture;

use std::io::Read;
use std::process::Command;

use expectrl::{Expect, Session};
use fixture::Fixture;

const WIDTHS: [u16; 3] = [60, 80, 160];

const LONG: &str = "The kernel looks the name up in the mount namespace of the process that asks, and \
    not in that of its parent, so that unmounting it elsewhere leaves it where it is. \
    Say `cargo workshop trace 00 -- sh -c ls` to see that, and then \
    `man 7 mount_namespaces` for the rest of it, which is long and worth the time it takes.";

const CODE: &str =
    "let status = linux_sys::waitpid(child, linux_sys::WaitOptions::empty())?; // the child's";

/// What stands on a terminal that is so wide, with its colours; the kernel breaks no line.
fn on_terminal(mut command: Command, columns: u16) -> String {
    command
        .env_remove("NO_COLOR")
        .env_remove("COLUMNS")
        .env("PAGER", "cat")
        .env("TERM", "xterm");
    let mut session = Session::spawn(waiting(command)).unwrap();
    session
        .get_process_mut()
        .set_window_size(columns, 24)
        .unwrap();
    session.send_line("").unwrap();
    let mut seen = Vec::new();
    // At the end the other side is gone, which is EIO.
    let _ = session.read_to_end(&mut seen);
    String::from_utf8(seen).unwrap().replace("\r\n", "\n")
}

/// The same command, which begins when a line is typed: by then its terminal has its width.
fn waiting(command: Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", "read -r _; exec \"$@\"", "sh"]);
    shell.arg(command.get_program()).args(command.get_args());
    if let Some(directory) = command.get_current_dir() {
        shell.current_dir(directory);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

/// Each line fits, unless it is one that is there to be copied.
fn fits(words: &[&str], text: &str, columns: u16) {
    for line in text.lines() {
        let plain = anstream::adapter::strip_str(line).to_string();
        // A command's colour, or a line of code; the terminal breaks those, and we do not.
        let is_code = line.contains("\x1b[36m") && plain.starts_with("    ");
        let is_command = is_code || plain.trim_start().starts_with("ran ");
        // cargo's own words are cargo's affair.
        let is_cargo = ["Finished", "Compiling", "Blocking"]
            .iter()
            .any(|verb| plain.trim_start().starts_with(verb));
        let is_word = !plain.trim().contains(' ');
        let fits = plain.chars().count() <= usize::from(columns);
        assert!(
            fits || is_command || is_cargo || is_word,
            "{columns} columns, {words:?}: {plain}\n{text}"
        );
    }
}

/// A workshop that has much to say.
fn talkative() -> Fixture {
    let fixture = Fixture::new();
    let told = format!("{LONG}\n\n   ```rust\n   {CODE}\n   ```\n");
    fixture.replace("levels/00_fork_exec/README.md", "Text 1a.", &told);
    fixture.replace(
        "levels/00_fork_exec/README.md",
        "The words of step 1 of 00.",
        LONG,
    );
    fixture.replace(
        "checks/src/main.rs",
        "\"seen\":\"nothing\"",
        &format!("\"seen\":\"{}\",\"usually\":\"{}\"", LONG, LONG),
    );
    fixture
}

#[test]
fn what_is_said_fits_every_terminal() {
    let fixture = talkative();
    fixture.solve("00", 1);
    fixture.workshop(&["check", "00"]);
    for columns in WIDTHS {
        for words in [
            &["hint", "--again"][..],
            &["lesson", "00", "--hints"],
            &["check", "00"],
            &["doctor"],
            &["solution", "00"],
            &["--help"],
            &["check", "--help"],
            &["report", "-h"],
            &["hint", "99"],
            &["reset", "01"],
        ] {
            fits(
                words,
                &on_terminal(fixture.command(words), columns),
                columns,
            );
        }
    }
    // Done, and changed since: the longest line that the map has.
    fixture.solve("00", 2);
    assert_eq!(fixture.workshop(&["check", "00"]).status, 0);
    for columns in WIDTHS {
        let words = &["check", "00"];
        fits(
            words,
            &on_terminal(fixture.command(words), columns),
            columns,
        );
    }
    fixture.replace(
        "levels/00_fork_exec/src/main.rs",
        "// mine",
        "// mine as well",
    );
    for columns in WIDTHS {
        let map = on_terminal(fixture.command(&[]), columns);
        assert!(map.contains("changed since"), "{map}");
        fits(&[], &map, columns);
        assert!(map.contains("cargo workshop check 00"), "{map}");
    }
}

#[test]
fn the_welcome_fits_every_terminal() {
    let fixture = Fixture::new();
    for columns in WIDTHS {
        let welcome = on_terminal(fixture.command(&[]), columns);
        assert!(welcome.contains("Welcome"), "{welcome}");
        fits(&[], &welcome, columns);
    }
}

#[test]
fn a_hint_uses_the_terminal_that_there_is() {
    let fixture = talkative();
    fixture.says(&["hint", "00"]);
    let again = &["hint", "00", "--again"];
    let widest = |text: &str| text.lines().map(|line| line.chars().count()).max().unwrap();
    for columns in WIDTHS {
        let shown = on_terminal(fixture.command(again), columns);
        let plain = anstream::adapter::strip_str(&shown).to_string();
        // Commands and code are whole, and so is every word.
        for whole in [
            "cargo workshop trace 00 -- sh -c ls",
            "man 7 mount_namespaces",
            CODE,
        ] {
            assert!(
                plain.lines().any(|line| line.contains(whole)),
                "{columns}: {plain}"
            );
        }
        // Where there is no colour, backticks say what is code.
        let words = |text: &str| {
            text.replace('`', "")
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(words(&plain), words(&fixture.says(again)), "{columns}");
    }
    let shown = on_terminal(fixture.command(again), 160);
    assert!(
        widest(anstream::adapter::strip_str(&shown).to_string().as_str()) > 120,
        "{shown}"
    );
    // What the learner wishes goes first; and a pipe is as wide as it always was.
    let mut narrow = Command::new("env");
    narrow
        .arg("COLUMNS=50")
        .arg(env!("CARGO_BIN_EXE_workshop"))
        .args(again);
    narrow.current_dir(&fixture.root);
    fits(again, &on_terminal(narrow, 160), 50);
    let mut piped = fixture.command(again);
    let piped = fixture::of(piped.env("COLUMNS", "50").output().unwrap());
    assert_eq!(piped.out, fixture.says(again));
}
