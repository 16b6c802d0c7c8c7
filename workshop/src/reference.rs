//! The reference of a level as a program: the level after it, as it came, whatever the learner
//! has written there.
//!
//! It is built in a place of its own below `target/`, and what its libraries are made of is
//! shared with the learner's own levels. Nothing of it is in the learner's way: it has another
//! name than the level.

use std::fs;
use std::path::{Path, PathBuf};

use curriculum::levels::Level;
use curriculum::patch::write_if_changed;
use curriculum::workshop::write_workspace;

use crate::Result;
use crate::build;
use crate::course::{Course, word};

/// What was built.
pub(crate) struct Reference {
    /// The program.
    pub(crate) program: PathBuf,
    /// The directory in which `levels/` has its sources.
    pub(crate) course: PathBuf,
}

/// Builds the reference of a level whose own `program` was built. `None` if the compiler has
/// found something, which it has said itself then.
pub(crate) fn build(course: &Course, level: &Level, program: &Path) -> Result<Option<Reference>> {
    let Some(next) = course.solution(level) else {
        return Err(format!(
            "{} is the solution of all levels of part {} itself: there is nothing to show it \
             against",
            level.package, level.facts.part
        )
        .into());
    };
    // target/debug/level03
    let target = program.ancestors().nth(2).unwrap_or(&course.root);
    let directory = target.join("reference");
    let name = format!("reference-{}", word(level));
    write(course, next, &directory, &name)?;
    let mut cargo = build::cargo_build(&directory);
    cargo
        // The manifest has settings for packages that only others need, which cargo would tell.
        .args(["--config", "term.quiet=true"])
        .args(["--offline", "--bin", &name, "--target-dir"])
        .arg(target);
    let Some(programs) = build::programs(cargo)? else {
        return Ok(None);
    };
    Ok(Some(Reference {
        program: build::program(&programs, &name)?,
        course: directory,
    }))
}

fn write(course: &Course, next: &Level, directory: &Path, name: &str) -> Result<()> {
    let levels = directory.join("levels");
    for file in course.skeleton_files(next) {
        if file.starts_with("tests") {
            continue;
        }
        let text = String::from_utf8_lossy(&course.skeleton(next, &file)?).into_owned();
        let text = match file == Path::new("Cargo.toml") {
            true => manifest(course, next, &text, name),
            false => text,
        };
        let path = levels.join(&next.directory).join(file);
        fs::create_dir_all(path.parent().unwrap_or(&levels))?;
        write_if_changed(&path, &text)?;
    }
    let member = format!("levels/{}", next.directory);
    write_workspace(&course.root, directory, [&member].into_iter())
}

/// The level's manifest with another name for the program, without its tests, and with the
/// libraries beside it where they are.
fn manifest(course: &Course, next: &Level, text: &str, name: &str) -> String {
    let text = text
        .replace(
            &format!("name = \"{}\"", next.package),
            &format!("name = \"{name}\""),
        )
        .replace(
            "path = \"../",
            &format!("path = \"{}/levels/", course.root.display()),
        );
    let sections = text.split("\n[").filter(|it| {
        let is_of_tests = it.starts_with("[test]]") || it.starts_with("dev-dependencies]");
        !is_of_tests
    });
    sections.collect::<Vec<_>>().join("\n[")
}
