//! A level as it came, and what was in it kept.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod fixture;

use fixture::{Fixture, tree};

const MAIN: &str = "levels/00_fork_exec/src/main.rs";

#[test]
fn my_work_is_kept_aside_with_all_its_files() {
    let fixture = Fixture::new();
    let skeleton = tree(&fixture.path("levels"));
    assert!(fixture.says(&["reset", "00"]).contains("nothing to reset"));
    fixture.solve("00", 1);
    fixture.write("levels/00_fork_exec/src/deep/mine.rs", "// mine too\n");
    fixture.write("levels/00_fork_exec/tests/mine.rs", "// my test\n");
    fixture.write("levels/00_fork_exec/notes.txt", "not of the level\n");
    // The history has it, whatever was committed since.
    fixture.commit("mine");
    let mine = fixture.read(MAIN);
    let said = fixture.says(&["reset", "level00"]);
    assert!(
        said.contains(".workshop/kept/fork_exec-1/src/deep/mine.rs"),
        "{said}"
    );
    let kept = ".workshop/kept/fork_exec-1";
    assert_eq!(fixture.read(&format!("{kept}/src/main.rs")), mine);
    assert_eq!(
        fixture.read(&format!("{kept}/src/deep/mine.rs")),
        "// mine too\n"
    );
    assert_eq!(
        fixture.read(&format!("{kept}/tests/mine.rs")),
        "// my test\n"
    );
    // What is no part of the level is left alone.
    assert_eq!(
        fixture.read("levels/00_fork_exec/notes.txt"),
        "not of the level\n"
    );
    std::fs::remove_file(fixture.path("levels/00_fork_exec/notes.txt")).unwrap();
    assert_eq!(tree(&fixture.path("levels")), skeleton);

    // The command that it names brings it back, and the next time has another name.
    let command = said.lines().last().unwrap().trim();
    fixture.run("sh", &["-c", command]);
    assert_eq!(fixture.read(MAIN), mine);
    assert!(
        fixture
            .says(&["reset", "0"])
            .contains("fork_exec-2/src/main.rs")
    );
    assert_eq!(fixture.read(&format!("{kept}/src/main.rs")), mine);
}

#[test]
fn a_file_that_was_taken_away_comes_back() {
    let fixture = Fixture::new();
    let skeleton = fixture.read(MAIN);
    std::fs::remove_file(fixture.path(MAIN)).unwrap();
    fixture.says(&["reset", "00"]);
    assert_eq!(fixture.read(MAIN), skeleton);
}

#[test]
fn without_gits_history_nothing_is_touched_and_it_says_so() {
    let fixture = Fixture::new();
    fixture.solve("00", 1);
    std::fs::remove_dir_all(fixture.path(".git")).unwrap();
    let before = tree(&fixture.root);
    let run = fixture.workshop(&["reset", "00"]);
    assert_eq!(run.status, 1);
    assert!(run.err.contains("only in git's history"), "{}", run.err);
    assert!(run.err.contains("git clone"), "{}", run.err);
    assert_eq!(tree(&fixture.root), before);
}
