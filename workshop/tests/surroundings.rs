//! Surroundings that are not as usual: each works, or gets a sentence that says what to do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod fixture;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use fixture::{Fixture, Run};

/// A level whose skeleton is only in git's history.
fn written_in() -> Fixture {
    let fixture = Fixture::new();
    fixture.solve("00", 1);
    fixture
}

#[test]
fn another_repository_in_the_environment_is_not_ours() {
    for variable in ["GIT_DIR", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"] {
        let fixture = written_in();
        for words in [&["solution", "00"][..], &["report"], &["reset", "00"]] {
            let mut command = fixture.command(words);
            let run = fixture::of(command.env(variable, "/nonexistent").output().unwrap());
            assert_eq!(
                run.status, 0,
                "{variable}, {words:?}: {}{}",
                run.out, run.err
            );
            assert!(
                !run.out.contains("workshop: not known"),
                "{variable}: {}",
                run.out
            );
            assert!(
                !run.out.contains("has been changed here"),
                "{variable}: {}",
                run.out
            );
        }
        assert!(
            fixture
                .read("levels/00_fork_exec/src/main.rs")
                .contains("TODO(00) 1.")
        );
    }
}

#[test]
fn a_checkout_of_somebody_else_has_its_history_too() {
    if !nix::unistd::geteuid().is_root() {
        return; // only root can give it away
    }
    let fixture = written_in();
    fixture.run("chown", &["-R", "12345:12345", "."]);
    let mut git = Command::new("git");
    git.args(["log", "-1"]).current_dir(&fixture.root);
    let refused = fixture::of(git.output().unwrap());
    assert!(refused.err.contains("dubious ownership"), "{}", refused.err);
    let said = fixture.says(&["reset", "00"]);
    assert!(said.contains("is as it came"), "{said}");
    assert!(!fixture.says(&["report"]).contains("workshop: not known"));
}

#[test]
fn a_path_that_is_no_text_is_explained() {
    let fixture = Fixture::new();
    let odd = fixture.root.with_file_name(OsStr::from_bytes(b"odd-\xff"));
    fs::rename(&fixture.root, &odd).unwrap();
    for words in [&["check"][..], &["hint"], &[]] {
        let run = fixture::of(fixture.command(words).current_dir(&odd).output().unwrap());
        assert_eq!(run.status, 1, "{words:?}: {}{}", run.out, run.err);
        assert!(run.err.contains("is not UTF-8"), "{words:?}: {}", run.err);
    }
}

#[test]
fn a_directory_that_is_gone_is_named_as_that() {
    let fixture = Fixture::new();
    let gone = fixture.path("gone");
    let script = "mkdir gone && cd gone && rmdir ../gone && exec \"$0\" hint";
    let mut shell = Command::new("sh");
    shell.args(["-c", script, env!("CARGO_BIN_EXE_workshop")]);
    let run = fixture::of(shell.current_dir(&fixture.root).output().unwrap());
    assert!(!gone.exists());
    assert_eq!(run.status, 1, "{}{}", run.out, run.err);
    assert!(run.err.contains("not there any more"), "{}", run.err);
    assert!(run.err.contains("`cd`"), "{}", run.err);
}

/// What a command says with this set in its environment.
fn with(variable: &str, value: &str, words: &[&str]) -> Run {
    let fixture = written_in();
    fixture::of(
        fixture
            .command(words)
            .env(variable, value)
            .output()
            .unwrap(),
    )
}

#[test]
fn a_variable_that_is_empty_is_as_good_as_unset() {
    if !nix::unistd::geteuid().is_root() {
        println!("not tried: the usual container directory is root's");
        return;
    }
    for variable in ["RUBBER_DOCKER_CONTAINERS", "RUBBER_DOCKER_IMAGES"] {
        let run = with(variable, "", &["doctor"]);
        let all = format!("{}{}", run.out, run.err);
        assert!(all.contains("/var/lib/rubber-docker"), "{variable}: {all}");
        let run = with(variable, "", &["images", "list"]);
        assert_eq!(run.status, 0, "{variable}: {}{}", run.out, run.err);
        let run = with(variable, "", &["clean", "--dry-run"]);
        assert_eq!(run.status, 0, "{variable}: {}{}", run.out, run.err);
    }
}

#[test]
fn a_container_directory_that_overlayfs_cannot_be_told_of_is_refused() {
    let long = format!("/{}", "long/".repeat(280));
    let run = with("RUBBER_DOCKER_CONTAINERS", &long, &["clean", "--dry-run"]);
    assert_ne!(run.status, 0, "{}{}", run.out, run.err);
    assert!(run.err.contains("overlayfs"), "{}", run.err);
}

#[test]
fn a_stack_that_is_too_small_is_named_before_it_ends() {
    let fixture = Fixture::new();
    for words in ["hint", "doctor", "check", "--help"] {
        let mut shell = Command::new("sh");
        shell.args(["-c", "ulimit -s 64 && exec \"$0\" \"$1\""]);
        shell.arg(env!("CARGO_BIN_EXE_workshop")).arg(words);
        let run = fixture::of(shell.current_dir(&fixture.root).output().unwrap());
        assert_eq!(run.status, 1, "{words}: {}{}", run.out, run.err);
        assert!(run.err.contains("ulimit -s 8192"), "{words}: {}", run.err);
    }
}

#[test]
fn a_temporary_directory_that_is_not_there_is_named() {
    for words in [&["check"][..], &["watch"], &["check", "--all"]] {
        let run = with("TMPDIR", "/nonexistent", words);
        assert_eq!(run.status, 1, "{words:?}: {}{}", run.out, run.err);
        assert!(run.err.contains("TMPDIR"), "{words:?}: {}", run.err);
    }
}
