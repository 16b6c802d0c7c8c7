//! The pages of the book: the Markdown files below `docs/`; and those at the root.

use std::fs;
use std::path::{Path, PathBuf};

/// The Markdown files that the book is made of, seen from the root.
pub const PAGES: &str = "docs/src";

/// What everybody looks for at the root of a project. No pages of the book: they are read in
/// the tree, where their links lead.
pub const AT_THE_ROOT: [&str; 4] = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
];

/// What tools put beside the pages.
const NOT_PAGES: [&str; 3] = ["book", "node_modules", "reference"];

/// All pages, relative to `root`, in the order of their names.
pub fn of_the_book(root: &Path) -> Vec<PathBuf> {
    let mut pages = Vec::new();
    walk(root, Path::new("docs"), &mut pages);
    pages.sort();
    pages
}

fn walk(root: &Path, directory: &Path, pages: &mut Vec<PathBuf>) {
    // No docs, no pages: the machinery's own tests have trees without them.
    let Ok(entries) = fs::read_dir(root.join(directory)) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let path = directory.join(&name);
        if entry.path().is_dir() {
            if !NOT_PAGES.iter().any(|other| name == *other) {
                walk(root, &path, pages);
            }
        } else if path.extension().is_some_and(|end| end == "md") {
            pages.push(path);
        }
    }
}
