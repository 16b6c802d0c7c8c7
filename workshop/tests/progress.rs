//! What is remembered: by content and by name, so that nothing loses or fakes it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod fixture;

use fixture::Fixture;

fn line(map: &str, level: &str) -> String {
    let mut lines = map.lines();
    let found = lines.find(|line| line.contains(&format!("  {level}  ")));
    found
        .unwrap_or_else(|| panic!("no level {level}:\n{map}"))
        .trim()
        .to_owned()
}

/// The map's line of a level.
fn map(fixture: &Fixture, level: &str) -> String {
    line(&fixture.says(&[]), level)
}

#[test]
fn a_level_is_done_by_what_is_in_it_now() {
    let fixture = Fixture::new();
    assert!(fixture.says(&[]).contains("Welcome"));
    fixture.solve("00", 1);
    assert_eq!(
        map(&fixture, "00"),
        "here  00  title 00                        not checked yet"
    );
    let run = fixture.workshop(&["check"]);
    assert_eq!(run.status, 1, "{}{}", run.out, run.err);
    assert!(run.out.contains("FAIL  step 2 is done"), "{}", run.out);
    assert!(map(&fixture, "00").ends_with("a check fails"));

    let halfway = fixture.read("levels/00_fork_exec/src/main.rs");
    fixture.solve("00", 2);
    let solved = fixture.read("levels/00_fork_exec/src/main.rs");
    assert!(fixture.says(&["check", "0"]).contains("level 00 is done"));
    assert_eq!(map(&fixture, "00"), "done  00  title 00");
    assert_eq!(map(&fixture, "01"), "here  01  title 01");

    // Another content is not done, and the same one is.
    fixture.write("levels/00_fork_exec/src/main.rs", &halfway);
    assert!(map(&fixture, "00").contains("changed since"));
    fixture.write("levels/00_fork_exec/src/main.rs", &solved);
    assert_eq!(map(&fixture, "00"), "done  00  title 00");
    fixture.run("git", &["checkout", "-q", "levels"]);
    assert_eq!(map(&fixture, "00"), "00  title 00");
    // Nobody is sent back, and git sees nothing of all this.
    assert_eq!(map(&fixture, "01"), "here  01  title 01");
    assert_eq!(fixture.run("git", &["status", "--porcelain"]), "");
}

#[test]
fn a_level_that_does_not_compile_is_shown_as_the_compiler_does_and_not_remembered() {
    let fixture = Fixture::new();
    fixture.replace(
        "levels/00_fork_exec/src/main.rs",
        "fn main() {",
        "fn main() { 0 + ;",
    );
    let run = fixture.workshop(&["check", "level00"]);
    assert_eq!(run.status, 1);
    assert!(
        run.err.contains("error: expected expression"),
        "{}",
        run.err
    );
    assert!(!fixture.path(".workshop/progress").exists());
}

#[test]
fn whoever_cannot_be_judged_is_not_failed() {
    let fixture = Fixture::new();
    fixture.solve("00", 1);
    fixture.write(
        ".cargo/as-root",
        "#!/bin/sh\necho 'needs root' >&2\nexit 125\n",
    );
    let run = fixture.workshop(&["check"]);
    assert_eq!(run.status, 125, "{}{}", run.out, run.err);
    assert!(run.err.contains("needs root"), "{}", run.err);
    assert!(map(&fixture, "00").ends_with("not checked yet"));
}

#[test]
fn a_level_in_the_middle_moves_nothing_of_ours() {
    let fixture = Fixture::new();
    for step in [1, 2] {
        fixture.solve("00", step);
    }
    fixture.says(&["check"]);
    // fork_exec becomes level 01, and something else is level 00.
    fixture.run(
        "git",
        &["mv", "levels/01_chroot_image", "levels/02_chroot_image"],
    );
    fixture.run("git", &["mv", "levels/00_fork_exec", "levels/01_fork_exec"]);
    for (level, from, to) in [
        ("02_chroot_image", "01", "02"),
        ("01_fork_exec", "00", "01"),
    ] {
        let manifest = format!("levels/{level}/Cargo.toml");
        fixture.replace(&manifest, &format!("level{from}"), &format!("level{to}"));
        let main = format!("levels/{level}/src/main.rs");
        fixture.replace(&main, &format!("Level {from}"), &format!("Level {to}"));
    }
    fixture.write(
        "levels/00_new/Cargo.toml",
        "[package]\nname = \"level00\"\nedition = \"2024\"\n",
    );
    fixture.write("levels/00_new/src/main.rs", "fn main() {}\n");
    fixture.write("levels/00_new/README.md", "# Level 00: new\n");
    let map = fixture.says(&[]);
    assert_eq!(line(&map, "01"), "done  01  title 00");
    assert_ne!(line(&map, "00").split("  ").next(), Some("done"));
}

#[test]
fn a_broken_line_is_told_and_kept_and_stops_nobody() {
    let fixture = Fixture::new();
    for step in [1, 2] {
        fixture.solve("00", step);
    }
    fixture.says(&["check"]);
    let progress = fixture.read(".workshop/progress");
    fixture.write(
        ".workshop/progress",
        &format!("{progress}done chroot_image yesterday\n"),
    );
    let run = fixture.workshop(&[]);
    assert_eq!(run.status, 0);
    assert!(
        run.err.contains("progress:5: not understood"),
        "{}",
        run.err
    );
    assert_eq!(line(&run.out, "00"), "done  00  title 00");
    // Also by what is written next.
    fixture.says(&["hint", "1"]);
    assert!(
        fixture
            .read(".workshop/progress")
            .contains("done chroot_image yesterday\n")
    );
    let left: Vec<_> = std::fs::read_dir(fixture.path(".workshop"))
        .unwrap()
        .collect();
    assert_eq!(left.len(), 2, "a temporary file is left: {left:?}");
}

#[test]
fn all_levels_that_were_begun_are_checked() {
    let fixture = Fixture::new();
    assert!(
        fixture
            .says(&["check", "--all"])
            .contains("nothing of yours")
    );
    for step in [1, 2] {
        fixture.solve("00", step);
    }
    fixture.solve("01", 1);
    let run = fixture.workshop(&["check", "--all"]);
    assert_eq!(run.status, 1);
    assert_eq!(line(&run.out, "00"), "done  00  title 00");
    assert!(
        line(&run.out, "01").ends_with("a check fails"),
        "{}",
        run.out
    );
}
