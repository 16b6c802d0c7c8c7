//! The lessons as they are: every step can be hinted at, and has a solution.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use curriculum::lesson::Lesson;
use curriculum::{chain, levels, task};

#[test]
fn the_steps_and_hints_that_are_shown_are_all_that_the_lessons_have() {
    let root = levels::workspace_root().unwrap();
    for level in levels::discover(&root).unwrap() {
        let path = root.join(level.path()).join("README.md");
        let readme = fs::read_to_string(&path).unwrap();
        let steps = task::steps(&readme);
        let lesson = Lesson::parse(&readme);
        let numbers: Vec<u32> = steps.iter().map(|step| step.number).collect();
        assert_eq!(numbers, lesson.steps, "{}", path.display());
        let hints = steps.iter().flat_map(|step| &step.hints);
        let count = readme.matches("<details>").count();
        assert_eq!(hints.clone().count(), count, "{}", path.display());
        let titles: BTreeSet<&str> = hints.clone().map(|hint| hint.title.as_str()).collect();
        assert_eq!(
            titles.len(),
            count,
            "remembered by title: {}",
            path.display()
        );
        for step in &steps {
            let words = step.words.trim();
            assert!(
                words.starts_with("**") || words.contains(' '),
                "{}: {step:?}",
                path.display()
            );
            assert!(!words.contains("<details"), "{}: {step:?}", path.display());
        }
        for hint in hints {
            assert!(!hint.title.is_empty() && !hint.text.is_empty(), "{hint:?}");
            assert!(!hint.text.contains("details>"), "{hint:?}");
        }
    }
}

#[test]
fn every_step_of_every_level_is_in_its_solution() {
    let root = levels::workspace_root().unwrap();
    for level in levels::discover(&root).unwrap() {
        let Some(number) = level.number else { continue };
        let mut workshop = Command::new(env!("CARGO_BIN_EXE_workshop"));
        let output = workshop
            .args(["solution", &number.to_string()])
            .current_dir(Path::new(&root))
            .output()
            .unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        if error.contains("only in git's history") {
            eprintln!("{}: edited, and no history here: not judged", level.package);
            continue;
        }
        assert!(output.status.success(), "{error}");
        let said = String::from_utf8(output.stdout).unwrap();
        for (path, block) in chain::blocks(&root, &level).unwrap() {
            let place = format!("{}:", path.display());
            assert!(said.contains(&place), "{place} is not in:\n{said}");
            for (step, _) in block.steps {
                assert!(
                    said.contains(&format!("\n{step}. ")) || said.starts_with(&format!("{step}. ")),
                    "step {step}:\n{said}"
                );
            }
        }
        // Two blocks side by side do not both have what stands between their neighbours.
        // (An instruction of a filter and what begins a block may be there twice.)
        let long = said.lines().filter(|line| {
            line.len() > 50
                && line.starts_with("  + ")
                && !line.contains(" op(")
                && !line.ends_with('{')
        });
        let distinct: BTreeSet<&str> = long.clone().collect();
        assert_eq!(long.count(), distinct.len(), "twice the same:\n{said}");
        assert!(
            !said.contains("// TODO(") && !said.contains("// END TODO("),
            "{said}"
        );
    }
}
