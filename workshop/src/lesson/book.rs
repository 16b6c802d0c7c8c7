//! A lesson as a page of the book, in a browser. A book that is not there, or older than the
//! lesson, is built, if there is something to build it with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use curriculum::book;
use curriculum::levels::Level;

use crate::course::{Course, word};
use crate::screen::note;
use crate::{Result, browser, program};

/// How the program is installed that builds the book.
const INSTALL: &str = "cargo install mdbook --version 0.5.4 --locked";

pub(super) fn open(course: &Course, level: &Level) -> Result<()> {
    let page = course.root.join("docs/book").join(book::page_of(level));
    let page = page.with_extension("html");
    let is_old = match (changed(&page), changed(&lesson(course, level))) {
        (Some(page), Some(lesson)) => page < lesson,
        (page, _) => page.is_none(),
    };
    if is_old {
        build(course, page.is_file())?;
    }
    let otherwise = format!(
        "copy all of docs/book to one that has a browser, or read the lesson here: `cargo \
         workshop lesson {}`",
        word(level)
    );
    browser::open(&page, &otherwise)
}

fn lesson(course: &Course, level: &Level) -> PathBuf {
    course.root.join(course.lesson(level))
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|file| file.modified()).ok()
}

/// Builds the book anew. Without that, an old one `is_there` at least.
fn build(course: &Course, is_there: bool) -> Result<()> {
    let Some(mdbook) = program::find("mdbook") else {
        if is_there {
            note("The book is older than the lesson: `mdbook build docs` would build it anew.");
            return Ok(());
        }
        return Err(format!(
            "the book is not built yet. Once: `{INSTALL}`; then `mdbook build docs`, in {}",
            course.root.display()
        )
        .into());
    };
    note("Building the book, as `mdbook build docs` does:");
    let status = Command::new(mdbook)
        .args(["build", "docs"])
        .current_dir(&course.root)
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("mdbook does not start: {error}"))?;
    match (status.success(), is_there) {
        (true, _) => Ok(()),
        (false, true) => {
            note("This is the page as it was before.");
            Ok(())
        }
        (false, false) => {
            Err(format!("mdbook has not built the book; this one does: `{INSTALL}`").into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_installs_the_same() {
        let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
        let readme = fs::read_to_string(readme).unwrap_or_default();
        assert!(readme.contains(&format!("\n{INSTALL}\n")), "{INSTALL}");
    }
}
