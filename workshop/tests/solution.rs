//! What the reference does differently: from my code, block by block.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod fixture;

use fixture::Fixture;

/// The lines of a difference.
fn diff(said: &str) -> Vec<&str> {
    let is_diff = |line: &&str| line.starts_with("  - ") || line.starts_with("  + ");
    said.lines().filter(is_diff).map(str::trim).collect()
}

const FROM_SKELETON: [&str; 4] = [
    "-     let _ = \"00 1\";",
    "+     println!(\"level 00 step 1\");",
    "-     let _ = \"00 2\";",
    "+     println!(\"level 00 step 2\");",
];

#[test]
fn from_the_skeleton_as_long_as_i_have_nothing() {
    let fixture = Fixture::new();
    let said = fixture.says(&["solution", "0"]);
    assert_eq!(diff(&said), FROM_SKELETON);
    let words = "1. Print it. The words of step 1 of 00.";
    assert!(said.contains(words), "{said}");
    assert!(
        said.contains("levels/00_fork_exec/src/main.rs:4\n"),
        "{said}"
    );
    assert!(!said.contains("Text 1a"), "no hint: {said}");
}

#[test]
fn from_my_code_also_without_the_markers() {
    let fixture = Fixture::new();
    fixture.solve("00", 1);
    fixture.replace(
        "levels/00_fork_exec/src/main.rs",
        "let _ = \"00 2\";",
        "println!(\"level 00 step 2\");",
    );
    let said = fixture.says(&["solution", "00"]);
    let expected = [
        "-     println!(\"level 00 step 1\"); // mine",
        "+     println!(\"level 00 step 1\");",
    ];
    assert_eq!(diff(&said), expected);
    assert!(said.contains("line for line what you have"), "{said}");
}

#[test]
fn the_next_level_gives_it_also_after_i_have_written_there() {
    let fixture = Fixture::new();
    fixture.replace(
        "levels/01_chroot_image/src/main.rs",
        "println!(\"level 00 step 1\");",
        "",
    );
    fixture.commit("mine");
    assert_eq!(diff(&fixture.says(&["solution", "00"])), FROM_SKELETON);
    std::fs::remove_dir_all(fixture.path(".git")).unwrap();
    let run = fixture.workshop(&["solution", "00"]);
    assert_eq!(run.status, 1);
    assert!(
        run.err.contains("levels/01_chroot_image/src/main.rs"),
        "{}",
        run.err
    );
    assert!(run.err.contains("only in git's history"), "{}", run.err);
}

#[test]
fn the_last_levels_is_complete_and_complete_has_none() {
    let fixture = Fixture::new();
    assert_eq!(diff(&fixture.says(&["solution", "01"])).len(), 4);
    assert!(
        fixture
            .says(&["solution", "rd"])
            .contains("solution of all levels of part 1 itself")
    );
    let run = fixture.workshop(&["solution", "7"]);
    assert_eq!(run.status, 1);
    assert!(run.err.contains("they are 00 to 01"), "{}", run.err);
}
