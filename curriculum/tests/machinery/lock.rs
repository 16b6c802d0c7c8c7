//! The lock: a skeleton, a workshop under maintenance, and a learner's work.

use crate::fixture::Workshop;
use curriculum::lock::{Lock, PATH, State, blob_id};

const MAIN: &str = "\
fn main() {
    // TODO(00) 1. Fork.
    run_in_place();
    // END TODO(00)
    report();
}
";
const FILE: &str = "levels/00_first/src/main.rs";

/// One level, locked and committed.
fn workshop() -> Workshop {
    let workshop = Workshop::new();
    workshop.level("00_first", "level00");
    workshop.write(FILE, MAIN);
    Lock::of(workshop.root(), &workshop.levels())
        .unwrap()
        .write(workshop.root())
        .unwrap();
    workshop.commit();
    workshop
}

fn state(workshop: &Workshop) -> State {
    let lock = Lock::read(workshop.root()).unwrap();
    lock.state(workshop.root(), &workshop.levels()[0]).unwrap()
}

#[test]
fn a_blob_id_is_what_git_says() {
    // `git hash-object --stdin < /dev/null`, and `printf 'hello\n' | git hash-object --stdin`
    assert_eq!(blob_id(b""), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
    assert_eq!(
        blob_id(b"hello\n"),
        "ce013625030ba8dba906f756967f9e9ca394464a"
    );
}

#[test]
fn the_lock_survives_writing_and_reading() {
    let workshop = workshop();
    let lock = Lock::read(workshop.root()).unwrap();
    assert_eq!(lock, Lock::of(workshop.root(), &workshop.levels()).unwrap());
    assert_eq!(
        lock.paths().collect::<Vec<_>>(),
        ["levels/00_first/Cargo.toml", FILE]
    );
    assert_eq!(lock.blob(FILE), Some(blob_id(MAIN.as_bytes()).as_str()));
    assert!(workshop.read(PATH).starts_with("# "));
}

#[test]
fn an_untouched_level_is_a_skeleton() {
    assert_eq!(state(&workshop()), State::Skeleton);
}

#[test]
fn a_level_that_the_lock_does_not_know_is_said_to_be_unlocked() {
    let workshop = workshop();
    workshop.level("01_second", "level01");
    let lock = Lock::read(workshop.root()).unwrap();
    assert_eq!(
        lock.state(workshop.root(), &workshop.levels()[1]).unwrap(),
        State::Unlocked
    );
}

#[test]
fn a_level_whose_block_changed_is_the_learners() {
    let workshop = workshop();
    workshop.edit(FILE, "    run_in_place();\n", "    fork();\n");
    assert_eq!(state(&workshop), State::Learner(vec![FILE.to_owned()]));
}

#[test]
fn a_level_solved_and_committed_is_the_learners() {
    let workshop = workshop();
    workshop.write(FILE, "fn main() {\n    fork();\n    report();\n}\n");
    workshop.commit();
    assert_eq!(state(&workshop), State::Learner(vec![FILE.to_owned()]));
}

#[test]
fn a_level_changed_around_its_blocks_is_maintained() {
    let workshop = workshop();
    workshop.edit(FILE, "    report();\n", "    report_loudly();\n");
    assert_eq!(state(&workshop), State::Maintained(vec![FILE.to_owned()]));
}

#[test]
fn a_file_that_came_or_went_counts() {
    let workshop = workshop();
    workshop.write("levels/00_first/src/more.rs", "");
    workshop.write("levels/00_first/src/more.rs~", "an editor's leftover");
    workshop.write("levels/00_first/src/.main.rs.swp", "another");
    assert_eq!(
        state(&workshop),
        State::Maintained(vec!["levels/00_first/src/more.rs".to_owned()])
    );
    std::fs::remove_file(workshop.root().join(FILE)).unwrap();
    let State::Learner(files) = state(&workshop) else {
        panic!("the file with the block is gone")
    };
    assert_eq!(files, [FILE, "levels/00_first/src/more.rs"]);
}

#[test]
fn without_git_history_nobody_is_judged() {
    let workshop = workshop();
    std::fs::remove_dir_all(workshop.root().join(".git")).unwrap();
    assert_eq!(state(&workshop), State::Skeleton);
    workshop.edit(FILE, "    report();\n", "    report_loudly();\n");
    assert_eq!(state(&workshop), State::Learner(vec![FILE.to_owned()]));
}
