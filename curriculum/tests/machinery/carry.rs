//! A maintainer's edit on its way through the levels.

use crate::fixture::Workshop;
use curriculum::carry::{self, Outcome, Station};
use curriculum::patch::Patch;
use curriculum::refresh;
use std::path::{Path, PathBuf};

const FILES: [&str; 3] = [
    "levels/00_first/src/main.rs",
    "levels/01_second/src/main.rs",
    "levels/complete/src/main.rs",
];

fn main_of(name: &str, solved: &str) -> String {
    let lines: Vec<String> = (0..8)
        .map(|line| format!("    common({line});\n"))
        .collect();
    format!(
        "fn main() {{\n    start(\"{name}\");\n{}{solved}    end(\"{name}\");\n}}\n",
        lines.concat()
    )
}

/// Three levels with a long common part, committed.
fn workshop() -> Workshop {
    let todo = "    // TODO(00) 1. Fork.\n    // END TODO(00)\n";
    let mains = [
        main_of("level00", todo),
        main_of("level01", "    fork();\n"),
        main_of("rd", "    fork();\n    more();\n"),
    ];
    let workshop = Workshop::of_mains([&mains[0], &mains[1], &mains[2]]);
    workshop.commit();
    workshop
}

fn carry(workshop: &Workshop, from: usize) -> Vec<(Outcome, PathBuf)> {
    let file = Some(Path::new("src/main.rs"));
    let stations = carry::carry(workshop.root(), &workshop.levels(), from, file).unwrap();
    stations
        .into_iter()
        .map(|Station { path, outcome }| (outcome, path))
        .collect()
}

#[test]
fn an_edit_reaches_every_later_level() {
    let workshop = workshop();
    workshop.edit(FILES[0], "    common(2);\n", "    uncommon(2);\n");
    let outcome = carry(&workshop, 0);
    assert_eq!(
        outcome,
        [
            (Outcome::Carried, FILES[1].into()),
            (Outcome::Carried, FILES[2].into())
        ]
    );
    for file in FILES {
        assert!(workshop.read(file).contains("    uncommon(2);\n"), "{file}");
    }
    assert!(
        workshop.read(FILES[1]).contains("fork();") && workshop.read(FILES[2]).contains("more();")
    );
}

#[test]
fn a_line_with_the_levels_name_is_carried_under_the_next_ones_name() {
    let workshop = workshop();
    workshop.edit(FILES[0], "start(\"level00\")", "begin(\"level00\")");
    carry(&workshop, 0);
    assert!(workshop.read(FILES[1]).contains("begin(\"level01\")"));
    assert!(workshop.read(FILES[2]).contains("begin(\"rd\")"));
}

#[test]
fn carrying_twice_changes_nothing_and_still_reaches_the_last() {
    let workshop = workshop();
    workshop.edit(FILES[0], "    common(2);\n", "    uncommon(2);\n");
    workshop.edit(FILES[1], "    common(2);\n", "    uncommon(2);\n");
    let outcome = carry(&workshop, 0);
    assert_eq!(
        outcome,
        [
            (Outcome::Unchanged, FILES[1].into()),
            (Outcome::Carried, FILES[2].into())
        ]
    );
    let outcome = carry(&workshop, 0);
    assert_eq!(
        outcome,
        [
            (Outcome::Unchanged, FILES[1].into()),
            (Outcome::Unchanged, FILES[2].into())
        ]
    );
}

#[test]
fn a_conflict_is_reported_and_nothing_is_written_for_it() {
    let workshop = workshop();
    workshop.edit(FILES[1], "    common(2);\n", "    special(2);\n");
    workshop.edit(FILES[0], "    common(2);\n", "    uncommon(2);\n");
    let before = workshop.read(FILES[1]);
    let outcome = carry(&workshop, 0);
    assert_eq!(
        outcome,
        [
            (Outcome::Conflict, FILES[1].into()),
            (Outcome::Carried, FILES[2].into())
        ]
    );
    assert_eq!(workshop.read(FILES[1]), before);
}

#[test]
fn a_level_without_the_file_is_said_to_miss_it() {
    let workshop = workshop();
    std::fs::remove_file(workshop.root().join(FILES[1])).unwrap();
    workshop.edit(FILES[0], "    common(2);\n", "    uncommon(2);\n");
    let outcome = carry(&workshop, 0);
    assert_eq!(
        outcome,
        [
            (Outcome::Missing, FILES[1].into()),
            (Outcome::Carried, FILES[2].into())
        ]
    );
}

#[test]
fn nothing_edited_is_nothing_carried() {
    assert_eq!(carry(&workshop(), 0), []);
}

const WRONG: &str = "checks/wrong/00/no-fork.patch";
const RIGHT: &str = "checks/right/00/later.patch";
const HEADER: &str = "mistake: it does not fork\ncheck: it forks\nsays: fork is missing\n\n";

/// A patch against level 00's solution, which is `levels/01_second`.
fn diff(lines: &str) -> String {
    format!("--- a/src/main.rs\n+++ b/src/main.rs\n{lines}")
}

/// The workshop above with a wrong and a right solution of level 00.
fn with_patches() -> Workshop {
    let workshop = workshop();
    let no_fork = "@@ -8,5 +8,4 @@\n     common(5);\n     common(6);\n     common(7);\n-    fork();\n     end(\"level01\");\n";
    workshop.write(WRONG, &format!("{HEADER}{}", diff(no_fork)));
    let later = "@@ -1,5 +1,5 @@\n fn main() {\n     start(\"level01\");\n-    common(0);\n+    common(\"0\");\n     common(1);\n     common(2);\n";
    workshop.write(
        RIGHT,
        &format!("right: a string will do\n\n{}", diff(later)),
    );
    workshop.commit();
    workshop
}

fn refreshed(workshop: &Workshop) -> Vec<(Outcome, PathBuf)> {
    let stations = refresh::refresh(workshop.root(), &workshop.levels()).unwrap();
    stations
        .into_iter()
        .map(|it| (it.outcome, it.path))
        .collect()
}

/// The solution of level 00 with the patch.
fn solved(workshop: &Workshop, path: &str) -> String {
    let patch = Patch::read(workshop.root(), Path::new(path)).unwrap();
    let solution = Path::new("levels/01_second");
    let target = workshop.root().join("target");
    patch.write(workshop.root(), solution, &target).unwrap();
    workshop.read("target/src/main.rs")
}

#[test]
fn patches_follow_the_solution_and_keep_their_headers() {
    let workshop = with_patches();
    // In the lines around both changes, so that neither patch applies any more.
    workshop.edit(FILES[1], "    common(2);\n", "    uncommon(2);\n");
    workshop.edit(
        FILES[1],
        "    common(6);\n",
        "    uncommon(6);\n    new();\n",
    );
    let outcome = refreshed(&workshop);
    let carried = |path: &str| (Outcome::Carried, path.into());
    assert_eq!(outcome, [carried(WRONG), carried(RIGHT)]);
    assert!(workshop.read(WRONG).starts_with(HEADER));
    assert!(
        workshop
            .read(RIGHT)
            .starts_with("right: a string will do\n\n--- a/src/main.rs\n")
    );
    let solution = workshop.read(FILES[1]);
    assert_eq!(
        solved(&workshop, WRONG),
        solution.replace("    fork();\n", "")
    );
    let expected = solution.replace("common(0)", "common(\"0\")");
    assert_eq!(solved(&workshop, RIGHT), expected);
}

#[test]
fn a_refreshed_patch_is_only_names_and_hunks() {
    let workshop = with_patches();
    workshop.edit(FILES[1], "    common(6);\n", "    uncommon(6);\n");
    refreshed(&workshop);
    let hunk = "@@ -8,5 +8,4 @@\n     common(5);\n     uncommon(6);\n     common(7);\n-    fork();\n     end(\"level01\");\n }\n";
    let hunk = hunk.replace("-8,5 +8,4", "-8,6 +8,5");
    assert_eq!(workshop.read(WRONG), format!("{HEADER}{}", diff(&hunk)));
}

#[test]
fn a_patch_whose_lines_have_changed_is_named_and_left_as_it_is() {
    let workshop = with_patches();
    let before = workshop.read(WRONG);
    workshop.edit(FILES[1], "    fork();\n", "    clone();\n");
    let outcome = refreshed(&workshop);
    assert_eq!(outcome[0], (Outcome::Conflict, WRONG.into()));
    assert_eq!(workshop.read(WRONG), before);
    // A maintainer has mended it by hand: now it is right.
    let mended = before.replace("-    fork();", "-    clone();");
    workshop.write(WRONG, &mended);
    assert_eq!(refreshed(&workshop)[0], (Outcome::Unchanged, WRONG.into()));
    assert_eq!(workshop.read(WRONG), mended);
}

#[test]
fn a_patch_of_which_nothing_is_left_is_named() {
    let workshop = with_patches();
    workshop.edit(FILES[1], "    fork();\n", "");
    assert_eq!(refreshed(&workshop)[0], (Outcome::Dissolved, WRONG.into()));
}

#[test]
fn a_patch_that_applies_all_the_same_is_not_written_again() {
    let workshop = with_patches();
    let before = workshop.read(WRONG);
    workshop.edit(FILES[1], "    common(0);\n", "    common(0);\n    new();\n");
    let outcome = refreshed(&workshop);
    assert_eq!(outcome[0], (Outcome::Unchanged, WRONG.into()));
    assert_eq!(outcome[1].0, Outcome::Conflict);
    assert_eq!(workshop.read(WRONG), before);
}

#[test]
fn patches_follow_a_second_edit_before_the_first_is_committed() {
    let workshop = with_patches();
    workshop.edit(FILES[1], "    common(6);\n", "    uncommon(6);\n");
    refreshed(&workshop);
    workshop.edit(FILES[1], "    common(5);\n", "    uncommon(5);\n");
    assert_eq!(refreshed(&workshop)[0], (Outcome::Carried, WRONG.into()));
    let expected = workshop.read(FILES[1]).replace("    fork();\n", "");
    assert_eq!(solved(&workshop, WRONG), expected);
}

#[test]
fn patches_with_a_file_of_their_own_keep_it() {
    let workshop = with_patches();
    let file = "--- /dev/null\n+++ b/src/more.rs\n@@ -0,0 +1 @@\n+fn more() {}\n";
    let text = workshop.read(WRONG) + file;
    workshop.write(WRONG, &text);
    workshop.commit();
    workshop.edit(FILES[1], "    common(6);\n", "    uncommon(6);\n");
    assert_eq!(refreshed(&workshop)[0], (Outcome::Carried, WRONG.into()));
    assert!(workshop.read(WRONG).ends_with(file));
}

#[test]
fn patches_of_a_solution_that_is_as_it_was_are_not_looked_at() {
    let workshop = with_patches();
    workshop.edit(FILES[0], "    common(2);\n", "    uncommon(2);\n");
    assert_eq!(refreshed(&workshop), []);
}
