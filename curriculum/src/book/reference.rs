//! linux-sys's documentation, put beside the pages, so that mdBook takes it along and
//! the whole book is one directory that needs no network.

use super::super::Result;
use super::super::pages::PAGES;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Its directory below `PAGES` and in the book; git ignores it.
pub const DIRECTORY: &str = "reference";

/// Makes it, and returns the names of the functions it has a page for.
pub fn put(root: &Path) -> Result<Vec<String>> {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root.join("target"), PathBuf::from)
        // Not where `cargo doc` puts every crate's: the search would find them all.
        .join("book-reference");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let made = Command::new(cargo)
        .args([
            "doc",
            "--quiet",
            "--no-deps",
            "--package",
            "linux-sys",
            "--target-dir",
        ])
        .arg(&target)
        .current_dir(root)
        .stdin(Stdio::null())
        // Ours is the book's.
        .stdout(Stdio::null())
        .status()?;
    if !made.success() {
        return Err("linux-sys's documentation cannot be made".into());
    }
    let to = root.join(PAGES).join(DIRECTORY);
    if to.exists() {
        fs::remove_dir_all(&to)?;
    }
    copy(&target.join("doc"), &to)?;
    functions(&to)
}

/// The functions that have a page in the documentation at `directory`.
pub fn functions(directory: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory.join("linux_sys"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let function = name
            .strip_prefix("fn.")
            .and_then(|name| name.strip_suffix(".html"));
        names.extend(function.map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}
