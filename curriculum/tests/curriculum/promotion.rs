//! The solution of a part is the library of the next, whose first level begins as nothing
//! but its `main.rs` and its recipe.

use crate::course::{Course, Verdict, nothing_of};
use crate::patched;
use curriculum::promotion::library;
use curriculum::{cargo, workshop};
use libtest_mimic::{Completion, Trial};
use serde_json::Value;
use std::fs;
use std::path::Path;

pub(crate) fn trials(course: &'static Course) -> Vec<Trial> {
    let solutions = course.levels.iter().enumerate();
    let solutions = solutions.filter(|(_, level)| level.number.is_none());
    let trial = |(index, level): (usize, &curriculum::levels::Level)| {
        let name = format!("promotion::above_{}", level.package);
        Trial::ignorable_test(name, move || {
            course.unless_learners(&[index], || carries_a_level(course, index))
        })
    };
    solutions.map(trial).collect()
}

/// Such a level, below target/, builds without a warning and is a program.
fn carries_a_level(course: &'static Course, index: usize) -> Verdict {
    let solution = &course.levels[index];
    let Some(library) = library(&course.root, solution)? else {
        return Err(format!(
            "{}/Cargo.toml has no [lib]: nothing can stand above it",
            solution.path().display()
        )
        .into());
    };
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let directory = scratch.join("above").join(&solution.directory);
    let level = directory.join("first");
    fs::create_dir_all(level.join("src"))?;
    for file in ["src/main.rs", "src/container.rs"] {
        fs::copy(
            course.root.join(solution.path()).join(file),
            level.join(file),
        )?;
    }
    let dependencies = workshop::dependencies(&course.root, solution)?;
    let manifest = format!(
        "[package]\nname = \"first\"\nedition.workspace = true\n\n\
         {}\n{library} = {{ path = {:?}, package = {:?} }}\n\n\
         [lints]\nworkspace = true\n",
        dependencies.trim_end(),
        course.root.join(solution.path()),
        solution.package,
    );
    fs::write(level.join("Cargo.toml"), manifest)?;
    workshop::write_workspace(&course.root, &directory, ["first".to_owned()].iter())?;

    let output = cargo(&directory)
        .args(["build", "--offline", "--message-format=json"])
        // Most of what it needs is there, or will be needed there.
        .env("CARGO_TARGET_DIR", scratch.join(patched::TARGET))
        .env("CARGO_PROFILE_DEV_DEBUG", "none")
        .env("CARGO_PROFILE_DEV_STRIP", "symbols")
        .env("CARGO_INCREMENTAL", "0")
        .output()?;
    let mut said = Vec::new();
    let mut program = None;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let message: Value = serde_json::from_str(line)?;
        if let Some(rendered) = message["message"]["rendered"].as_str() {
            said.push(rendered.to_owned());
        }
        if message["target"]["name"] == "first" {
            program = message["executable"]
                .as_str()
                .map(str::to_owned)
                .or(program);
        }
    }
    if !output.status.success() {
        said.push(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    nothing_of(
        &format!("above {library} a main.rs and a container.rs do not build in silence"),
        said,
    )?;
    let program = program.ok_or("cargo says of no program that it has built it")?;
    let help = std::process::Command::new(program)
        .args(["run", "--help"])
        .output()?;
    match help.status.success() {
        true => Ok(Completion::Completed),
        false => Err(String::from_utf8_lossy(&help.stderr).into_owned().into()),
    }
}
