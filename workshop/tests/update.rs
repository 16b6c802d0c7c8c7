//! `cargo workshop update`: the newer workshop under a learner's work, wherever git stands.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod fixture;

use fixture::{Fixture, Run};

const MAIN: &str = "levels/00_fork_exec/src/main.rs";
const KEPT: &str = ".workshop/kept/update-1/yours";

/// A learner who has filled in both blocks of level 00.
fn learner_of(upstream: &Fixture) -> Fixture {
    let learner = Fixture::clone_of(upstream);
    for step in [1, 2] {
        learner.solve("00", step);
    }
    learner
}

/// The same, from a workshop of which there is then a newer one, with `edit` made to it.
fn behind(edit: impl FnOnce(&Fixture)) -> (Fixture, Fixture) {
    let upstream = Fixture::new();
    let learner = learner_of(&upstream);
    newer(&upstream, edit);
    (upstream, learner)
}

fn newer(upstream: &Fixture, edit: impl FnOnce(&Fixture)) {
    edit(upstream);
    upstream.lock();
    upstream.commit("newer");
}

/// Lines of the first block and below it: git finds no way to merge that.
fn in_the_way(upstream: &Fixture) {
    upstream.replace(MAIN, "let _ = \"00 1\";", "let _ = \"00 one\";");
    upstream.replace(MAIN, "let _between_0_1 = ();", "let _between = \"newer\";");
}

/// On a machine where git has not been told a name.
fn update(learner: &Fixture) -> Run {
    let mut command = learner.command(&["update"]);
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "user.useConfigOnly")
        .env("GIT_CONFIG_VALUE_0", "true");
    fixture::of(command.output().unwrap())
}

fn succeeds(learner: &Fixture) -> String {
    let run = update(learner);
    assert_eq!(run.status, 0, "{}{}", run.out, run.err);
    run.out
}

/// Today's code with both blocks of mine in it, and nothing else of theirs or of git's.
fn is_mine_in_the_newer(text: &str) {
    assert_eq!(text.matches("// mine").count(), 2, "{text}");
    assert!(text.contains("let _between = \"newer\";"), "{text}");
    assert!(!text.contains("let _between_0_1"), "{text}");
    assert!(!text.contains("00 one"), "{text}");
    assert!(!text.contains("<<<<<<<"), "{text}");
}

fn is_clean(learner: &Fixture) {
    assert_eq!(learner.run("git", &["status", "--porcelain"]), "");
    let git = learner.path(".git/MERGE_HEAD");
    assert!(!git.exists(), "the merge is not ended");
}

#[test]
fn work_that_is_not_committed_is_committed_and_stands_in_the_newer_workshop() {
    let (upstream, learner) = behind(in_the_way);
    learner.write("levels/00_fork_exec/src/mine.rs", "// a file of mine\n");
    let before = learner.read(MAIN);
    let said = succeeds(&learner);
    assert!(said.contains("Your work is committed, as "), "{said}");
    assert!(
        said.contains("Taken from origin/main: one change."),
        "{said}"
    );
    assert!(
        said.contains("TODO(00) 1 in src/main.rs: the skeleton has other"),
        "{said}"
    );
    assert!(said.contains("00  compiles"), "{said}");
    is_mine_in_the_newer(&learner.read(MAIN));
    is_clean(&learner);
    assert_eq!(learner.read(&format!("{KEPT}/{MAIN}")), before);
    assert_eq!(
        learner.run("git", &["show", &format!("HEAD^:{MAIN}")]),
        before
    );
    assert!(learner.path("levels/00_fork_exec/src/mine.rs").exists());
    // What is not mine is the newer workshop.
    let other = "levels/01_chroot_image/src/main.rs";
    assert_eq!(learner.read(other), upstream.read(other));

    // Once more is harmless.
    let mine = learner.read(MAIN);
    let head = learner.run("git", &["rev-parse", "HEAD"]);
    let said = succeeds(&learner);
    assert!(
        said.contains("There is nothing newer at origin/main."),
        "{said}"
    );
    assert_eq!(learner.read(MAIN), mine);
    assert_eq!(learner.run("git", &["rev-parse", "HEAD"]), head);
    assert!(!learner.path(".workshop/kept/update-2").exists());
}

#[test]
fn a_pull_that_has_stopped_is_ended() {
    let (_upstream, learner) = behind(in_the_way);
    learner.commit("my work");
    let pulled = learner.try_run("git", &["pull", "-q", "--no-rebase", "--no-edit"]);
    assert_ne!(pulled.status, 0);
    assert!(learner.read(MAIN).contains("<<<<<<<"));
    succeeds(&learner);
    is_mine_in_the_newer(&learner.read(MAIN));
    is_clean(&learner);
    let left = learner.read(&format!(".workshop/kept/update-1/as-git-left-it/{MAIN}"));
    assert!(left.contains("<<<<<<<"), "{left}");
}

#[test]
fn a_pull_that_git_has_merged_by_itself_is_left_alone_and_compiled() {
    let (_upstream, learner) = behind(|upstream| {
        upstream.replace(MAIN, "//! Level 00.", "//! Level 00, explained better.");
    });
    learner.commit("my work");
    learner.run("git", &["pull", "-q", "--no-rebase", "--no-edit"]);
    let merged = learner.read(MAIN);
    let said = succeeds(&learner);
    assert!(said.contains("00  compiles"), "{said}");
    assert_eq!(learner.read(MAIN), merged);
    assert!(!learner.path(".workshop/kept").exists());
}

#[test]
fn what_comes_back_from_the_stash_stays_uncommitted() {
    let (_upstream, learner) = behind(in_the_way);
    let before = learner.read(MAIN);
    learner.run("git", &["stash", "-q"]);
    learner.run("git", &["pull", "-q"]);
    assert_ne!(learner.try_run("git", &["stash", "pop", "-q"]).status, 0);
    succeeds(&learner);
    is_mine_in_the_newer(&learner.read(MAIN));
    assert_eq!(
        learner.run("git", &["status", "--porcelain"]),
        format!(" M {MAIN}\n")
    );
    assert_eq!(learner.read(&format!("{KEPT}/{MAIN}")), before);
}

#[test]
fn a_rebase_is_not_touched() {
    let (_upstream, learner) = behind(in_the_way);
    learner.commit("my work");
    assert_ne!(
        learner.try_run("git", &["pull", "-q", "--rebase"]).status,
        0
    );
    let before = fixture::tree(&learner.path("levels"));
    let run = update(&learner);
    assert_eq!(run.status, 1, "{}", run.out);
    assert!(run.err.contains("git rebase --abort"), "{}", run.err);
    assert_eq!(fixture::tree(&learner.path("levels")), before);
    // As it says.
    learner.run("git", &["rebase", "--abort"]);
    succeeds(&learner);
    is_mine_in_the_newer(&learner.read(MAIN));
}

#[test]
fn a_block_that_does_not_compile_any_more_is_named_with_what_has_changed() {
    let upstream = Fixture::new();
    let helper = "\nfn print(step: u8) {\n    println!(\"level 00 step {step}\");\n}\n";
    let with_helper = upstream.read(MAIN) + helper;
    newer(&upstream, |upstream| upstream.write(MAIN, &with_helper));
    let learner = learner_of(&upstream);
    learner.replace(
        MAIN,
        "println!(\"level 00 step 1\"); // mine",
        "print(1); // mine",
    );
    newer(&upstream, |upstream| {
        in_the_way(upstream);
        upstream.replace(MAIN, "print(step: u8)", "print(step: u8, end: &str)");
    });
    let run = update(&learner);
    assert_eq!(run.status, 1, "{}{}", run.out, run.err);
    for line in [
        "  00  does not compile\n",
        &format!("your TODO(00) 1, {MAIN}:4\n"),
        "was  fn print(step: u8)\n",
        "is   fn print(step: u8, end: &str)\n",
        "cargo workshop solution 00",
    ] {
        assert!(run.out.contains(line), "{line}: {}", run.out);
    }
    is_mine_in_the_newer(&learner.read(MAIN));
    is_clean(&learner);
    learner.replace(MAIN, "print(1)", "print(1, \"\")");
    let said = succeeds(&learner);
    assert!(said.contains("00  compiles"), "{said}");
}

#[test]
fn a_block_that_has_moved_to_another_file_takes_mine_and_its_imports_along() {
    let upstream = Fixture::new();
    let learner = learner_of(&upstream);
    let mine = "println!(\"level 00 step 2\"); // mine";
    learner.replace(MAIN, mine, "drop(Vec::<OsString>::new()); // mine");
    learner.replace(MAIN, "\nfn main", "\nuse std::ffi::OsString;\n\nfn main");
    newer(&upstream, |upstream| {
        in_the_way(upstream);
        let block =
            "    // TODO(00) 2. Print step 2.\n    let _ = \"00 2\";\n    // END TODO(00)\n";
        upstream.replace(MAIN, block, "    second::print();\n");
        upstream.replace(MAIN, "\nfn main", "\nmod second;\n\nfn main");
        let second = format!("//! The second.\n\npub fn print() {{\n{block}}}\n");
        upstream.write("levels/00_fork_exec/src/second.rs", &second);
    });
    let said = succeeds(&learner);
    let moved = "TODO(00) 2 has gone from src/main.rs to src/second.rs, and yours with it";
    assert!(said.contains(moved), "{said}");
    assert_eq!(
        learner.read("levels/00_fork_exec/src/second.rs"),
        "//! The second.\nuse std::ffi::OsString;\n\npub fn print() {\n    drop(Vec::<OsString>::new()); \
         // mine\n}\n"
    );
    is_clean(&learner);
}

#[test]
fn a_level_and_a_file_of_other_names_are_found_again() {
    let upstream = Fixture::new();
    let second = "levels/00_fork_exec/src/second.rs";
    let code = "//! The second.\n//!\n//! It prints.\n\npub fn print() {\n    // TODO(00) 3. Once more.\n    let \
                _ = 3;\n    // END TODO(00)\n}\n\npub fn other() {\n    print();\n}\n";
    newer(&upstream, |upstream| {
        upstream.write(second, code);
        upstream.replace(
            MAIN,
            "\nfn main() {",
            "\nmod second;\n\nfn main() {\n    second::other();",
        );
    });
    let learner = learner_of(&upstream);
    learner.write("levels/00_fork_exec/.notes", "what I thought\n");
    learner.write(".git/info/exclude", ".notes\n");
    learner.replace(
        second,
        "    let _ = 3;\n",
        "    let mine = 3;\n    drop(mine);\n",
    );
    newer(&upstream, |upstream| {
        in_the_way(upstream);
        upstream.replace(second, "let _ = 3;", "let _ = \"three\";");
        upstream.replace(MAIN, "second", "third");
        for (from, to) in [
            (second, "levels/00_fork_exec/src/third.rs"),
            ("levels/01_chroot_image", "levels/02_chroot_image"),
            ("levels/00_fork_exec", "levels/01_fork_exec"),
        ] {
            upstream.run("git", &["mv", from, to]);
        }
        upstream.replace("levels/02_chroot_image/Cargo.toml", "level01", "level02");
        upstream.replace("levels/01_fork_exec/Cargo.toml", "level00", "level01");
        for file in ["main.rs", "third.rs"] {
            upstream.replace(
                &format!("levels/01_fork_exec/src/{file}"),
                "TODO(00)",
                "TODO(01)",
            );
        }
        upstream.replace("levels/02_chroot_image/src/main.rs", "TODO(01)", "TODO(02)");
    });
    let said = succeeds(&learner);
    assert!(
        said.contains("levels/00_fork_exec is levels/01_fork_exec now"),
        "{said}"
    );
    is_mine_in_the_newer(&learner.read("levels/01_fork_exec/src/main.rs"));
    assert_eq!(
        learner.read("levels/01_fork_exec/src/third.rs"),
        code.replace("TODO(00)", "TODO(01)")
            .replace("    let _ = 3;\n", "    let mine = 3;\n    drop(mine);\n")
    );
    assert!(!learner.path("levels/00_fork_exec").exists());
    let notes = ".workshop/kept/update-1/left-over/00_fork_exec/.notes";
    assert_eq!(learner.read(notes), "what I thought\n");
    is_clean(&learner);
}

#[test]
fn a_level_of_another_name_is_known_by_its_number() {
    let (_upstream, learner) = behind(|upstream| {
        in_the_way(upstream);
        // Too many lines have changed for git to see that it is the same file.
        let text = upstream.read(MAIN);
        let more: String = (0..40).map(|it| format!("// {it}\n")).collect();
        upstream.write(MAIN, &(text + &more));
        upstream.replace("levels/00_fork_exec/Cargo.toml", "2024", "2021");
        let to = "levels/00_two_processes";
        upstream.run("git", &["mv", "levels/00_fork_exec", to]);
    });
    let said = succeeds(&learner);
    let renamed = "levels/00_fork_exec is levels/00_two_processes now";
    assert!(said.contains(renamed), "{said}");
    is_mine_in_the_newer(&learner.read("levels/00_two_processes/src/main.rs"));
    is_clean(&learner);
}

#[test]
fn a_level_that_was_taken_away_is_kept() {
    let upstream = Fixture::new();
    let learner = learner_of(&upstream);
    learner.solve("01", 1);
    let (main, other) = (learner.read(MAIN), "levels/01_chroot_image/src/main.rs");
    let before = learner.read(other);
    newer(&upstream, |upstream| {
        upstream.run("git", &["rm", "-rq", "levels/01_chroot_image"]);
    });
    let said = succeeds(&learner);
    assert!(
        said.contains("levels/01_chroot_image is no level any more"),
        "{said}"
    );
    assert!(
        said.contains("not in the workshop any more:\n  levels/01_"),
        "{said}"
    );
    assert!(!learner.path("levels/01_chroot_image").exists());
    assert_eq!(learner.read(&format!("{KEPT}/{other}")), before);
    assert_eq!(learner.read(MAIN), main);
    is_clean(&learner);
}

#[test]
fn what_is_not_the_learners_to_write_is_the_workshops_and_theirs_is_kept() {
    let upstream = Fixture::new();
    upstream.write("words.txt", "old\n");
    upstream.commit("words");
    let learner = learner_of(&upstream);
    learner.write("words.txt", "mine\n");
    newer(&upstream, |upstream| upstream.write("words.txt", "newer\n"));
    let said = succeeds(&learner);
    assert!(said.contains("the workshop's own"), "{said}");
    assert!(said.contains("  words.txt\n"), "{said}");
    assert_eq!(learner.read("words.txt"), "newer\n");
    assert_eq!(learner.read(&format!("{KEPT}/words.txt")), "mine\n");
    assert_eq!(learner.read(MAIN).matches("// mine").count(), 2);
    is_clean(&learner);
}

#[test]
fn a_conflict_that_the_learner_has_ended_is_as_they_left_it() {
    let (_upstream, learner) = behind(in_the_way);
    learner.commit("my work");
    assert_ne!(
        learner
            .try_run("git", &["pull", "-q", "--no-rebase"])
            .status,
        0
    );
    let by_hand = "fn main() {\n    println!(\"by hand\");\n}\n";
    learner.write(MAIN, by_hand);
    let said = succeeds(&learner);
    assert!(
        said.contains("You had ended the conflict in these"),
        "{said}"
    );
    assert_eq!(learner.read(MAIN), by_hand);
    is_clean(&learner);
}

#[test]
fn what_has_no_place_any_more_is_told_and_kept() {
    let upstream = Fixture::new();
    let learner = learner_of(&upstream);
    learner.replace(
        MAIN,
        "    let _between_1_1 = ();\n",
        "    let _of_mine = 1;\n",
    );
    let before = learner.read(MAIN);
    newer(&upstream, |upstream| {
        in_the_way(upstream);
        upstream.replace(MAIN, "let _between_1_1", "let _newer");
        let block =
            "    // TODO(00) 2. Print step 2.\n    let _ = \"00 2\";\n    // END TODO(00)\n";
        upstream.replace(MAIN, block, "");
        upstream.replace(
            "levels/00_fork_exec/README.md",
            "2. **Print it.**",
            "3. **No.**",
        );
    });
    let said = succeeds(&learner);
    assert!(
        said.contains("TODO(00) 2 of src/main.rs: there is no such block"),
        "{said}"
    );
    assert!(said.contains("    let _of_mine = 1;\n"), "{said}");
    assert_eq!(learner.read(MAIN).matches("// mine").count(), 1);
    assert_eq!(learner.read(&format!("{KEPT}/{MAIN}")), before);
}

#[test]
fn without_a_network_or_without_git_nothing_is_touched() {
    let upstream = Fixture::new();
    let learner = learner_of(&upstream);
    let before = fixture::tree(&learner.path("levels"));
    learner.run("git", &["remote", "set-url", "origin", "/nowhere/at/all"]);
    let run = update(&learner);
    assert_eq!(run.status, 0, "{}{}", run.out, run.err);
    assert!(
        run.err
            .contains("Not asked whether there is something newer"),
        "{}",
        run.err
    );
    assert_eq!(fixture::tree(&learner.path("levels")), before);
    std::fs::remove_dir_all(learner.path(".git")).unwrap();
    let run = update(&learner);
    assert_eq!(run.status, 1);
    assert!(
        run.err.contains("a newer workshop comes by git"),
        "{}",
        run.err
    );
    assert_eq!(fixture::tree(&learner.path("levels")), before);
}

#[test]
fn a_branch_of_mine_can_be_merged_into_the_workshops_as_well() {
    let (_upstream, learner) = behind(in_the_way);
    learner.run("git", &["checkout", "-q", "-b", "mine"]);
    learner.commit("my work");
    learner.run("git", &["checkout", "-q", "main"]);
    learner.run("git", &["pull", "-q"]);
    assert_ne!(learner.try_run("git", &["merge", "-q", "mine"]).status, 0);
    succeeds(&learner);
    is_mine_in_the_newer(&learner.read(MAIN));
    is_clean(&learner);
}

#[test]
fn a_shallow_clone_of_a_tag_gets_a_branch_and_what_is_newest() {
    let upstream = Fixture::new();
    upstream.run("git", &["tag", "part-1"]);
    let learner = Fixture::clone_of(&upstream);
    std::fs::remove_dir_all(learner.path(".git")).unwrap();
    let from = format!("file://{}", upstream.root.display());
    let clone = format!(
        "git clone -q --depth 1 --branch part-1 {from} shallow && mv shallow/.git . && rm -r shallow"
    );
    learner.run("sh", &["-c", &clone]);
    for step in [1, 2] {
        learner.solve("00", step);
    }
    newer(&upstream, in_the_way);
    let said = succeeds(&learner);
    assert!(
        said.contains("Your work has a branch now: my-work."),
        "{said}"
    );
    assert!(said.contains("Taken from origin: "), "{said}");
    is_mine_in_the_newer(&learner.read(MAIN));
    is_clean(&learner);
    let branch = learner.run("git", &["symbolic-ref", "--short", "HEAD"]);
    assert_eq!(branch, "my-work\n");
}

#[test]
fn what_is_left_of_a_level_with_another_name_does_not_stop_cargo() {
    let (_upstream, learner) = behind(|upstream| {
        upstream.run(
            "git",
            &["mv", "levels/01_chroot_image", "levels/01_new_root"],
        );
    });
    learner.write("levels/01_chroot_image/.notes", "what I thought\n");
    learner.write(".git/info/exclude", ".notes\n");
    let said = succeeds(&learner);
    assert!(said.contains("00  compiles"), "{said}");
    let notes = "update-1/left-over/01_chroot_image";
    assert!(said.contains(notes), "{said}");
    let notes = learner.read(&format!(".workshop/kept/{notes}/.notes"));
    assert_eq!(notes, "what I thought\n");
    assert!(!learner.path("levels/01_chroot_image").exists());
    is_clean(&learner);
}

#[test]
fn what_stops_cargo_after_a_pull_by_hand_can_be_moved_away() {
    let (_upstream, learner) = behind(|upstream| {
        in_the_way(upstream);
        let text = upstream.read(MAIN);
        let more: String = (0..80).map(|it| format!("// {it}\n")).collect();
        upstream.write(MAIN, &(text + &more));
        let to = "levels/00_two_processes";
        upstream.run("git", &["mv", "levels/00_fork_exec", to]);
    });
    learner.commit("my work");
    let pulled = learner.try_run("git", &["pull", "-q", "--no-rebase"]);
    assert_ne!(pulled.status, 0);
    // git sees no connection between the two files, and cargo no manifest.
    assert!(learner.path(MAIN).exists());
    assert!(!learner.path("levels/00_fork_exec/Cargo.toml").exists());
    learner.run("mv", &["levels/00_fork_exec", ".git/aside"]);
    succeeds(&learner);
    is_mine_in_the_newer(&learner.read("levels/00_two_processes/src/main.rs"));
    is_clean(&learner);
}
