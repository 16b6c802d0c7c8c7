//! Rooms take values, never options.
//!
//! The files of a level are its rooms: `cgroup.rs`, `rootfs.rs`, `user.rs`. Such a file is
//! read by itself, and a later part of the course, whose options are others, uses it as it
//! is. So it is given what it needs (a path, a user, a row for a limit), and `Options` is
//! known to two files only: to `main.rs`, where the command line is, and to `container.rs`,
//! the recipe, which hands out what each step needs.

use super::levels::Level;
use super::{Result, read};
use std::path::Path;

/// The files that may name the options.
const KNOW_THEM: [&str; 2] = ["src/main.rs", "src/container.rs"];

/// Every line of another file of the level's that names `Options`.
pub fn that_know_options(root: &Path, level: &Level) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for file in level.files(root)? {
        let is_room = file.starts_with("src") && !KNOW_THEM.iter().any(|it| file == Path::new(it));
        if !is_room {
            continue;
        }
        let path = level.path().join(&file);
        for (index, line) in read(&root.join(&path))?.lines().enumerate() {
            if names_options(line) {
                let (place, number, text) = (path.display(), index + 1, line.trim());
                found.push(format!("{place}:{number}: {text}"));
            }
        }
    }
    Ok(found)
}

/// Whether the word is in the line, and not in a comment.
fn names_options(line: &str) -> bool {
    let code = line.split_once("//").map_or(line, |(code, _)| code);
    let is_in_word = |character: char| character.is_alphanumeric() || character == '_';
    code.split(|character| !is_in_word(character))
        .any(|word| word == "Options")
}
