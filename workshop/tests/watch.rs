//! Saves that come while a check is busy, and where a level is chosen from.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod fixture;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use fixture::Fixture;

const MAIN: &str = "levels/00_fork_exec/src/main.rs";

/// A level with its first step done, and in `second` the same with both.
fn two_saves(fixture: &Fixture) {
    fixture.solve("00", 1);
    let first = fixture.read(MAIN);
    fixture.solve("00", 2);
    let second = fixture.read(MAIN);
    fixture.write("second", &second);
    fixture.write(MAIN, &first);
}

/// Writes `second` to where the level is, the first time it runs: as an editor saves.
const SAVE: &str =
    "if [ -e second ]; then cat second >levels/00_fork_exec/src/main.rs; rm second; fi";

/// A program in the fixture's directory.
fn program(fixture: &Fixture, path: &str, text: &str) {
    fixture.write(path, text);
    fs::set_permissions(fixture.path(path), fs::Permissions::from_mode(0o755)).unwrap();
}

/// A `cargo` before which the learner saves once more: what is built is not what the check has
/// seen when it began.
fn saving_cargo(fixture: &Fixture) {
    let cargo = std::env::var("CARGO").unwrap();
    program(
        fixture,
        "cargo",
        &format!("#!/bin/sh\n{SAVE}\nexec {cargo} \"$@\"\n"),
    );
}

#[test]
fn what_was_built_is_what_is_remembered() {
    let fixture = Fixture::new();
    two_saves(&fixture);
    saving_cargo(&fixture);
    let mut check = fixture.command(&["check", "00"]);
    let run = fixture::of(check.env("CARGO", fixture.path("cargo")).output().unwrap());
    assert_eq!(run.status, 0, "{}{}", run.out, run.err);
    let map = fixture.says(&[]);
    assert!(map.contains("done  00  title 00\n"), "{}{map}", run.err);
}

#[test]
fn a_check_says_so_if_it_has_judged_what_is_not_there_any_more() {
    let fixture = Fixture::new();
    two_saves(&fixture);
    program(
        &fixture,
        ".cargo/as-root",
        &format!("#!/bin/sh\n{SAVE}\nexec \"$@\"\n"),
    );
    let run = fixture.workshop(&["check", "00"]);
    assert_eq!(run.status, 1, "{}{}", run.out, run.err);
    assert!(
        run.err.contains("have judged what was there before"),
        "{}",
        run.err
    );
    assert!(fixture.says(&[]).contains("not checked yet"));
}

/// A watch whose lines are read as they come.
struct Watch {
    child: Child,
    lines: Receiver<String>,
    seen: String,
}

impl Watch {
    fn start(fixture: &Fixture, words: &[&str]) -> Watch {
        let mut command = fixture.command(words);
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            out.lines()
                .map_while(Result::ok)
                .try_for_each(|it| sender.send(it))
        });
        Watch {
            child,
            lines,
            seen: String::new(),
        }
    }

    /// Reads on until a line has `what` in it.
    fn sees(&mut self, what: &str) {
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(600));
            let line = line.unwrap_or_else(|_| panic!("{what:?} never came:\n{}", self.seen));
            self.seen += &(line + "\n");
            if self.seen.lines().next_back().unwrap().contains(what) {
                return;
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_watch_goes_on_only_from_what_is_there() {
    let fixture = Fixture::new();
    two_saves(&fixture);
    // Solved; and while that is judged, saved with one step missing.
    let (second, first) = (fixture.read("second"), fixture.read(MAIN));
    fixture.write("second", &first);
    fixture.write(MAIN, &second);
    program(
        &fixture,
        ".cargo/as-root",
        &format!("#!/bin/sh\n{SAVE}\nexec \"$@\"\n"),
    );
    let mut watch = Watch::start(&fixture, &["watch"]);
    watch.sees("FAIL  step 2 is done");
    watch.sees("watching levels/00_fork_exec");
    assert!(!watch.seen.contains("watching levels/01"), "{}", watch.seen);
    // And then the solution again, which stays.
    fixture.write(MAIN, &second);
    watch.sees("level 00 is done.");
    watch.sees("watching levels/01_chroot_image");
    assert!(fixture.says(&[]).contains("done  00  title 00\n"));
}

#[test]
fn a_watch_that_goes_on_by_itself_tells_nobody_to_start_it() {
    let fixture = Fixture::new();
    for step in [1, 2] {
        fixture.solve("00", step);
    }
    let mut watch = Watch::start(&fixture, &["watch"]);
    watch.sees("level 00 is done.");
    watch.sees("watching levels/01_chroot_image");
    assert!(
        !watch.seen.contains("cargo workshop watch"),
        "{}",
        watch.seen
    );
    // At a shell it is what comes next.
    assert!(
        fixture
            .says(&["check", "00"])
            .contains("Then: cargo workshop watch")
    );
}

#[test]
fn the_directory_chooses_the_level() {
    let fixture = Fixture::new();
    for directory in ["levels/01_chroot_image", "levels/01_chroot_image/src"] {
        let mut hint = fixture.command(&["hint"]);
        let run = fixture::of(hint.current_dir(fixture.path(directory)).output().unwrap());
        assert!(
            run.out.starts_with("Level 01, step 1"),
            "{directory}: {}{}",
            run.out,
            run.err
        );
    }
    let mut check = fixture.command(&["check"]);
    let complete = fixture.path("levels/complete");
    let run = fixture::of(check.current_dir(complete).output().unwrap());
    assert!(run.out.contains("level00"), "{}{}", run.out, run.err);
    let directory = fixture.path("levels/01_chroot_image");
    let run = fixture::of(
        fixture
            .command(&["solution"])
            .current_dir(&directory)
            .output()
            .unwrap(),
    );
    assert!(
        run.out.contains("level 01 step 1"),
        "{}{}",
        run.out,
        run.err
    );
    // A named level is the one that was named, and elsewhere it goes by progress.
    let mut named = fixture.command(&["hint", "00"]);
    let run = fixture::of(named.current_dir(&directory).output().unwrap());
    assert!(run.out.starts_with("Level 00"), "{}", run.out);
    let mut levels = fixture.command(&["hint"]);
    let run = fixture::of(levels.current_dir(fixture.path("levels")).output().unwrap());
    assert!(run.out.starts_with("Level 00"), "{}", run.out);
}
