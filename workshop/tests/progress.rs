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
    // The learner is not sent back, and git sees nothing of all this.
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

/// The steps of a level that this machine cannot look at.
fn lacking(fixture: &Fixture, steps: &[&str]) {
    let lines: String = steps.iter().map(|step| format!("level {step}\n")).collect();
    fixture.write("lacking", &lines);
}

#[test]
fn a_level_whose_checks_are_all_skipped_is_neither_done_nor_failed() {
    let fixture = Fixture::new();
    lacking(&fixture, &["00 step 1", "00 step 2"]);
    for step in [1, 2] {
        fixture.solve("00", step);
    }
    let run = fixture.workshop(&["check"]);
    assert_eq!(run.status, 125, "{}{}", run.out, run.err);
    let told = "\nlevel00 was not judged: all 2 of its checks were skipped: nothing\n";
    assert!(run.out.contains(told), "{}", run.out);
    assert!(run.out.contains("cargo workshop doctor"), "{}", run.out);
    assert!(!run.out.contains("is done."), "{}", run.out);
    assert!(!fixture.path(".workshop/progress").exists());
    // Nor on a watch, which has nothing to wait for then.
    let run = fixture.workshop(&["watch"]);
    assert_eq!(run.status, 125, "{}{}", run.out, run.err);
    assert!(run.out.contains(told), "{}", run.out);

    // The companion still knows what it knew before.
    lacking(&fixture, &[]);
    assert!(fixture.says(&["check"]).contains("level 00 is done"));
    lacking(&fixture, &["00 step 1", "00 step 2"]);
    assert_eq!(fixture.workshop(&["check", "0"]).status, 125);
    assert_eq!(map(&fixture, "00"), "done  00  title 00");
}

#[test]
fn where_a_part_is_missing_each_level_counts_by_its_own_checks() {
    let fixture = Fixture::new();
    for (level, step) in [("00", 1), ("00", 2), ("01", 1), ("01", 2)] {
        fixture.solve(level, step);
    }
    // That all is true of level 00 makes level 01 no truer.
    lacking(&fixture, &["01 step 1", "01 step 2"]);
    let run = fixture.workshop(&["check", "--all"]);
    assert_eq!(run.status, 125, "{}{}", run.out, run.err);
    assert!(
        run.out.contains("level01 was not judged: all 2"),
        "{}",
        run.out
    );
    assert_eq!(line(&run.out, "00"), "done  00  title 00");
    assert!(
        line(&run.out, "01").ends_with("not checked yet"),
        "{}",
        run.out
    );
    // What fails is still what counts most, and one check is enough to judge by.
    lacking(&fixture, &["00 step 1", "00 step 2", "01 step 1"]);
    let main = fixture.main_of("01");
    fixture.replace(&main, "level 01 step 2\"); // mine", "nothing\"); // mine");
    assert_eq!(fixture.workshop(&["check", "--all"]).status, 1);
    fixture.replace(&main, "nothing\"); // mine", "level 01 step 2\"); // mine");
    let run = fixture.workshop(&["check", "1"]);
    assert_eq!(run.status, 0, "{}{}", run.out, run.err);
    assert!(run.out.contains("3 skipped"), "{}", run.out);
    assert!(!run.out.contains("not judged"), "{}", run.out);
    assert_eq!(map(&fixture, "01"), "done  01  title 01");
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
    fixture.write("levels/00_new/level.toml", &fixture::facts("new"));
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
    // The companion leaves it alone when it writes next.
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
