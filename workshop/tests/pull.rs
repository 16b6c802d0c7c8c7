//! A newer workshop over edited levels, as `cargo workshop --help` says to take it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod fixture;

use fixture::Fixture;

/// A learner who has done level 00 and committed that, and the workshop they cloned.
fn learner() -> (Fixture, Fixture) {
    let upstream = Fixture::new();
    let learner = Fixture::clone_of(&upstream);
    for step in [1, 2] {
        learner.solve("00", step);
    }
    learner.says(&["check"]);
    learner.commit("my work");
    (upstream, learner)
}

fn pull(learner: &Fixture) -> fixture::Run {
    learner.try_run("git", &["pull", "-q", "--no-rebase", "--no-edit"])
}

#[test]
fn what_changed_around_my_lines_is_merged_and_the_level_is_to_be_checked_again() {
    let (upstream, learner) = learner();
    let main = "levels/00_fork_exec/src/main.rs";
    upstream.replace(main, "//! Level 00.", "//! Level 00, explained better.");
    upstream.replace(
        "levels/01_chroot_image/src/main.rs",
        "//! Level 01.",
        "//! Level 01!",
    );
    upstream.lock();
    upstream.commit("better words");
    let before = learner.read(".workshop/progress");
    let pulled = pull(&learner);
    assert_eq!(pulled.status, 0, "{}{}", pulled.out, pulled.err);
    assert!(learner.read(main).contains("explained better"));
    assert!(learner.read(main).contains("// mine"));
    assert_eq!(learner.read(".workshop/progress"), before);

    let map = learner.says(&[]);
    assert!(
        map.contains("done  00  title 00                        changed since"),
        "{map}"
    );
    assert!(
        map.contains("here  01  title 01\n"),
        "an untouched level: {map}"
    );
    assert!(learner.says(&["check", "00"]).contains("level 00 is done"));
    assert!(!learner.says(&[]).contains("changed since"));
    // The skeleton is the new one.
    learner.says(&["reset", "00"]);
    assert_eq!(learner.read(main), upstream.read(main));
}

#[test]
fn a_level_that_has_moved_brings_my_lines_and_my_progress_along() {
    let (upstream, learner) = learner();
    upstream.run(
        "git",
        &["mv", "levels/01_chroot_image", "levels/02_chroot_image"],
    );
    upstream.run("git", &["mv", "levels/00_fork_exec", "levels/01_fork_exec"]);
    upstream.replace("levels/02_chroot_image/Cargo.toml", "level01", "level02");
    upstream.replace("levels/01_fork_exec/Cargo.toml", "level00", "level01");
    upstream.lock();
    upstream.commit("room for a level");
    let pulled = pull(&learner);
    assert_eq!(pulled.status, 0, "{}{}", pulled.out, pulled.err);
    assert!(
        learner
            .read("levels/01_fork_exec/src/main.rs")
            .contains("// mine")
    );
    let map = learner.says(&[]);
    assert!(map.contains("done  01  title 00"), "{map}");
    assert!(map.contains("here  02  title 01"), "{map}");
}

#[test]
fn a_conflict_is_ended_by_reset_and_nothing_is_lost() {
    let (upstream, learner) = learner();
    let main = "levels/00_fork_exec/src/main.rs";
    upstream.replace(main, "let _ = \"00 1\";", "let _ = \"00 one\";");
    upstream.lock();
    upstream.commit("another way to begin");
    assert_ne!(pull(&learner).status, 0);
    assert!(learner.read(main).contains("<<<<<<<"));

    let said = learner.says(&["reset", "00"]);
    assert_eq!(learner.read(main), upstream.read(main));
    assert!(
        said.contains(".workshop/kept/fork_exec-1/src/main.rs"),
        "{said}"
    );
    let kept = learner.read(".workshop/kept/fork_exec-1/src/main.rs");
    assert_eq!(kept.matches("// mine").count(), 2, "{kept}");
    learner.run("git", &["add", "levels"]);
    learner.run("git", &["commit", "-q", "-m", "the newer workshop"]);
    assert_eq!(learner.run("git", &["status", "--porcelain"]), "");
    assert!(learner.says(&[]).contains("here  01  title 01"));
}
