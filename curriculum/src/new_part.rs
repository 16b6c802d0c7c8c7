//! A level that begins a part: a crate of two files above the library that the last solution
//! is.
//!
//! Behind it the new part's solution is there at once, for the solution of its blocks. The
//! program `rd` is that of the last part, so the solution below gets another name: that of
//! its directory.

use super::levels::Level;
use super::skeleton::{Files, NewLevel, of_the_level};
use super::{Result, promotion, read};
use std::fs;
use std::path::Path;

/// What a part begins with; all other files of `src/` are the library's.
const OWN: [&str; 2] = ["src/main.rs", "src/container.rs"];

/// The level and the solution behind it, of the files that are not the library's.
pub(super) fn code(root: &Path, below: &Level, new: &NewLevel, part: &str) -> Result<Files> {
    let library = promotion::library(root, below)?.ok_or_else(|| {
        let manifest = below.path().join("Cargo.toml");
        format!(
            "{} has no [lib]: a part begins above the library of the last one",
            manifest.display()
        )
    })?;
    let [level, solution] = [&new.directory(), part].map(|it| Path::new("levels").join(it));
    let mut files = Files::new();
    let mut own = String::new();
    for file in OWN {
        own += &read(&root.join(below.path()).join(file))?;
    }
    for file in below.files(root)? {
        if file.starts_with("src") && !OWN.iter().any(|it| file == Path::new(it)) {
            continue;
        }
        let mut text = read(&root.join(below.path()).join(&file))?;
        if file == Path::new("Cargo.toml") {
            let place = format!("../{}", below.directory);
            text = promotion::above(&text, &library, &place, &below.directory, &own);
        }
        let of_the_level = of_the_level(&file, text.clone(), below, new);
        files.insert(level.join(&file), of_the_level);
        if file == Path::new("Cargo.toml") {
            text = text.replace(
                &format!("[lib]\nname = \"{library}\""),
                &format!("[lib]\nname = \"{part}\""),
            );
        }
        files.insert(solution.join(&file), text);
    }
    let rooms = include_str!("template/lib.rs.txt").replace("{part}", part);
    files.insert(solution.join(promotion::LIBRARY), rooms);
    let facts = read(&root.join(below.path()).join("level.toml"))?;
    let [was, is] = [0, 1].map(|more| format!("part = {}\n", below.facts.part + more));
    files.insert(solution.join("level.toml"), facts.replace(&was, &is));
    // It is about `rd`, and goes with that.
    let about = fs::read_to_string(root.join(below.path()).join("README.md")).unwrap_or_default();
    files.insert(solution.join("README.md"), about);
    let page = format!("{{{{#include ../../../levels/{part}/README.md}}}}\n");
    files.insert(page_of(part).into(), page);
    Ok(files)
}

/// The files of the solution below in which its name changes: in what cargo calls it, and in
/// what its lesson shows.
pub(super) fn under_another_name(root: &Path, below: &Level) -> Result<Files> {
    let (old, new) = (&below.package, &below.directory);
    let mut files = Files::new();
    let more = ["README.md"].map(Into::into);
    for file in below.files(root)?.into_iter().chain(more) {
        let path = below.path().join(&file);
        let Ok(was) = fs::read_to_string(root.join(&path)) else {
            continue; // a fixture without a lesson
        };
        let mut text = was.clone();
        for mark in [
            "name = \"{}\"",
            "description = \"{}: ",
            "CARGO_BIN_EXE_{}\"",
            "//! {}: ",
            "`{}`",
            "-p {} ",
            "-p {}\n",
            "-p {}`",
            "# {}\n",
            "\n{}: [",
            "Usage: {} ",
        ] {
            text = text.replace(&mark.replace("{}", old), &mark.replace("{}", new));
        }
        if text != was {
            files.insert(path, text);
        }
    }
    Ok(files)
}

/// The lines about the two solutions, in lists in which the level is already.
pub(super) fn list(
    root: &Path,
    below: &Level,
    new: &NewLevel,
    part: &str,
    files: &mut Files,
) -> Result<()> {
    let (old, number) = (&below.directory, below.facts.part);
    let level = format!("](lessons/{:02}.md)\n", new.number);
    for (file, was, is) in [
        (
            "syllabus/src/lib.rs",
            format!("    \"{}\",\n", new.directory()),
            format!("    \"{}\",\n    \"{part}\",\n", new.directory()),
        ),
        (
            "docs/src/SUMMARY.md",
            format!("[The finished runtime](lessons/{old}.md)"),
            format!("[The solution of Part {number}](lessons/{old}.md)"),
        ),
        (
            "docs/src/SUMMARY.md",
            level.clone(),
            format!("{level}- [The finished runtime](lessons/{part}.md)\n"),
        ),
        (
            "README.md",
            format!("](levels/{old}) |"),
            format!("](levels/{part}) |"),
        ),
        // The one way to root knows programs by their names.
        (
            ".cargo/as-root",
            needs_root(&below.package, old),
            needs_root(old, old) + &needs_root(&below.package, part),
        ),
    ] {
        let text = match files.remove(Path::new(file)) {
            Some(text) => text,
            None => read(&root.join(file))?,
        };
        if !text.contains(&was) {
            return Err(format!("{file}: no line has {was:?}").into());
        }
        files.insert(file.into(), text.replace(&was, &is));
    }
    Ok(())
}

/// The arm of `.cargo/as-root` that a solution's program has.
fn needs_root(program: &str, directory: &str) -> String {
    let arm = format!("{program})");
    format!("    {arm:<24}needs_root=$(verb_needs_root \"$levels/{directory}/level.toml\") ;;\n")
}

fn page_of(part: &str) -> String {
    format!("{}/lessons/{part}.md", super::book::PAGES)
}
