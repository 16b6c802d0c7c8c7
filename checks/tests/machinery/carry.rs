//! A maintainer's edit on its way through the levels.

use crate::fixture::Workshop;
use checks::curriculum::carry::{self, Outcome, Station};
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
