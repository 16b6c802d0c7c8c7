//! A lesson at the terminal: in a pipe, through a pager, on the key of a watch, and as a page of
//! the book.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod fixture;

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use curriculum::levels;
use expectrl::{ControlCode, Eof, Expect, Session};
use fixture::Fixture;

/// An end to a hang, and no time that anything may take.
const HANGS: Duration = Duration::from_secs(600);

/// A program in the fixture's directory.
fn program(fixture: &Fixture, path: &str, text: &str) {
    fixture.write(path, text);
    fs::set_permissions(fixture.path(path), fs::Permissions::from_mode(0o755)).unwrap();
}

/// What a command has written on a terminal.
fn on_terminal(mut command: Command, variables: &[(&str, &str)]) -> String {
    command
        .env_remove("NO_COLOR")
        .env_remove("COLUMNS")
        .env_remove("LESS")
        .env("TERM", "xterm")
        .envs(variables.iter().copied());
    let mut session = Session::spawn(command).unwrap();
    let mut seen = Vec::new();
    // At the end the other side is gone, which is EIO.
    let _ = session.read_to_end(&mut seen);
    String::from_utf8(seen).unwrap().replace("\r\n", "\n")
}

#[test]
fn in_a_pipe_it_is_plain_text() {
    let root = levels::workspace_root().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_workshop"));
    command.args(["lesson", "03"]).current_dir(&root);
    // No pager is asked.
    let run = fixture::of(command.env("PAGER", "false").output().unwrap());
    assert_eq!(run.status, 0, "{}", run.err);
    assert!(
        run.out
            .starts_with("Level 03: pivot_root\n====================\n"),
        "{}",
        run.out
    );
    for text in [
        "(docs/src/prepare/chroot.md) (25 minutes)",
        "    $ cargo run -q -p checks -- probe-image\n    /var/lib/rubber-docker/images/probe.tar\n",
        "\n1. Make the root a mount point. In `contain`,",
        "(4 hints for this step; `cargo workshop hint 03` shows the next)",
        "`cargo workshop lesson 04`",
    ] {
        assert!(run.out.contains(text), "no {text:?} in:\n{}", run.out);
    }
    assert!(!run.out.contains('\x1b') && !run.out.contains("Hint:"));
    let unfolded = command.arg("--hints").output().unwrap();
    let unfolded = fixture::of(unfolded);
    assert!(
        unfolded
            .out
            .contains("   Hint: what does pivot_root move?\n"),
        "{}",
        unfolded.out
    );
}

#[test]
fn a_reader_who_has_seen_enough_is_no_failure() {
    let root = levels::workspace_root().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_workshop"));
    command.args(["lesson", "03"]).current_dir(&root);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut lesson = command.spawn().unwrap();
    drop(lesson.stdout.take());
    let mut said = String::new();
    let mut errors = lesson.stderr.take().unwrap();
    errors.read_to_string(&mut said).unwrap();
    assert!(lesson.wait().unwrap().success(), "{said}");
    assert_eq!(said, "");
}

#[test]
fn it_is_the_lesson_of_the_level_where_the_learner_is() {
    let fixture = Fixture::new();
    assert!(
        fixture
            .says(&["lesson"])
            .starts_with("Level 00: title 00\n")
    );
    assert!(fixture.says(&["lesson", "level01"]).contains("title 01"));
    let mut command = fixture.command(&["lesson"]);
    command.current_dir(fixture.path("levels/01_chroot_image/src"));
    let run = fixture::of(command.output().unwrap());
    assert!(run.out.starts_with("Level 01"), "{}{}", run.out, run.err);
    let run = fixture.workshop(&["lesson", "7"]);
    assert_eq!(run.status, 1);
    assert!(run.err.contains("there is no level `7`"), "{}", run.err);
    fs::remove_file(fixture.path("levels/01_chroot_image/README.md")).unwrap();
    let run = fixture.workshop(&["lesson", "01"]);
    assert_eq!(run.status, 1);
    assert!(
        run.err
            .contains("cannot read the lesson levels/01_chroot_image/README.md"),
        "{}",
        run.err
    );
}

#[test]
fn at_a_terminal_the_learners_pager_shows_it() {
    let fixture = Fixture::new();
    program(
        &fixture,
        "my pager",
        "#!/bin/sh\necho \"given $1, LESS=$LESS\"\nsed 's/^/> /'\n",
    );
    let pager = format!("'{}' -x", fixture.path("my pager").display());
    let seen = on_terminal(fixture.command(&["lesson"]), &[("PAGER", &pager)]);
    assert!(seen.starts_with("given -x, LESS=FRX\n"), "{seen}");
    let plain = anstream::adapter::strip_str(&seen).to_string();
    assert!(plain.contains("> Level 00: title 00\n"), "{seen}");
    assert!(seen.contains("> \x1b[1mLevel 00"), "with colours: {seen:?}");
    assert!(
        seen.contains("\x1b[36mcargo workshop hint 00\x1b[0m"),
        "{seen:?}"
    );
    let variables = [("PAGER", pager.as_str()), ("NO_COLOR", "1"), ("LESS", "i")];
    let seen = on_terminal(fixture.command(&["lesson"]), &variables);
    assert!(seen.starts_with("given -x, LESS=i\n"), "{seen}");
    assert!(!seen.contains('\x1b'), "{seen:?}");
}

#[test]
fn a_pager_that_is_not_there_or_ends_early_is_no_failure() {
    let fixture = Fixture::new();
    // More than a pipe holds.
    let words = "Words and words.\n\n".repeat(20_000);
    fixture.replace(
        "levels/00_fork_exec/README.md",
        "## Your task",
        &format!("{words}## Your task"),
    );
    let ended = |pager: &str| {
        let mut shell = Command::new("sh");
        let workshop = env!("CARGO_BIN_EXE_workshop");
        shell.args([
            "-c",
            "\"$0\" lesson 00 --hints; echo \"ended with $?\"",
            workshop,
        ]);
        shell.current_dir(&fixture.root);
        on_terminal(shell, &[("PAGER", pager)])
    };
    let seen = ended("sed 2q");
    assert!(seen.ends_with("ended with 0\n"), "{seen}");
    assert!(
        seen.contains("title 00") && !seen.contains("Text 2b"),
        "{seen}"
    );
    for pager in ["no-such-pager", "", "cat"] {
        let seen = ended(pager);
        assert!(seen.ends_with("ended with 0\n"), "{pager:?}");
        assert!(
            seen.contains("title 00") && seen.contains("Text 2b"),
            "{pager:?}"
        );
    }
}

/// The kernel sends SIGINT to all of the foreground: the pager knows what to do with it.
#[test]
fn the_keys_of_a_pager_are_the_pagers() {
    let fixture = Fixture::new();
    program(
        &fixture,
        "pager",
        // A signal just before `read` would be noticed after it: so none is awaited in one.
        "#!/bin/sh\ntrap 'key=1; echo interrupted' INT\ncat >text\necho ready\n\
         while [ -z \"$key\" ]; do sleep 0.02; done\n\
         read -r answer </dev/tty || exit 1\necho \"answered $answer\"\n",
    );
    // Where the tests run in a shell's background, SIGINT is ignored, and no trap changes that.
    let mut shell = Command::new("env");
    shell
        .args(["--default-signal=INT", "sh", "-c"])
        .arg("trap : INT; \"$0\" lesson 00; echo \"ended with $?\"")
        .arg(env!("CARGO_BIN_EXE_workshop"))
        .current_dir(&fixture.root)
        .env("TERM", "xterm")
        .env("PAGER", "exec ./pager");
    let mut session = Session::spawn(shell).unwrap();
    session.set_expect_timeout(Some(HANGS));
    session.expect("ready").unwrap();
    session.send(ControlCode::EndOfText).unwrap();
    session.expect("interrupted").unwrap();
    session.send_line("yes").unwrap();
    session.expect("answered yes").unwrap();
    session.expect("ended with 0").unwrap();
    assert!(fixture.read("text").contains("Level 00"));
}

#[test]
fn the_key_of_a_watch_shows_it() {
    let fixture = Fixture::new();
    let mut command = fixture.command(&["watch"]);
    command.env("PAGER", "cat").env("TERM", "xterm");
    let mut session = Session::spawn(command).unwrap();
    session.set_expect_timeout(Some(HANGS));
    session.expect("l lesson").unwrap();
    session.expect("q quit").unwrap();
    session.send("l").unwrap();
    session.expect("The words of step 2 of 00.").unwrap();
    // And the keys are there again.
    session.expect("watching levels/00_fork_exec").unwrap();
    session.send("l").unwrap();
    session.expect("The words of step 2 of 00.").unwrap();
    session.expect("q quit").unwrap();
    session.send("q").unwrap();
    session.expect(Eof).unwrap();
}

/// Opens the page of level 00: what the browser was given, and what was said. The browser tells
/// it through a FIFO, since the companion does not wait for its end.
fn opened(fixture: &Fixture, path: &str) -> (String, String) {
    let fifo = fixture.path("browser.fifo");
    if !fifo.exists() {
        fixture.run("mkfifo", &["browser.fifo"]);
        let script = format!("#!/bin/sh\necho \"$1\" >'{}'\n", fifo.display());
        program(fixture, "browser", &script);
    }
    let mut command = fixture.command(&["lesson", "00", "--book"]);
    let command = command
        .env("PATH", path)
        .env("BROWSER", fixture.path("browser"));
    let run = fixture::of(command.output().unwrap());
    assert_eq!(run.status, 0, "{}", run.err);
    (fs::read_to_string(&fifo).unwrap(), run.err)
}

#[test]
fn the_book_is_opened_and_built_if_it_has_to_be() {
    let fixture = Fixture::new();
    let page = "docs/book/lessons/00.html";
    let mut without = fixture.command(&["lesson", "00", "--book"]);
    let without = fixture::of(without.env("PATH", "").output().unwrap());
    assert_eq!(without.status, 1);
    assert!(
        without.err.contains("mdbook build docs") && without.err.contains("cargo install mdbook"),
        "{}",
        without.err
    );
    program(
        &fixture,
        "bin/mdbook",
        &format!("#!/bin/sh\n/bin/mkdir -p docs/book/lessons\necho \"$*\" >{page}\n"),
    );
    let path = fixture.path("bin").display().to_string();
    let (given, said) = opened(&fixture, &path);
    assert!(Path::new(given.trim()).ends_with(page), "{given}");
    assert_eq!(fixture.read(page), "build docs\n");
    assert!(said.contains("Building the book"), "{said}");
    // It is there now, and not older than the lesson.
    assert_eq!(opened(&fixture, &path).1, "");
    fixture.run("touch", &["-d", "1 minute ago", page]);
    let (_, said) = opened(&fixture, "");
    assert!(said.contains("older than the lesson"), "{said}");
    assert!(opened(&fixture, &path).1.contains("Building the book"));
    program(&fixture, "bin/mdbook", "#!/bin/sh\nexit 1\n");
    fixture.run("touch", &["-d", "1 minute ago", page]);
    assert!(opened(&fixture, &path).1.contains("as it was before"));
}
