//! The three-way merge of a file, as git does it.

use super::Result;
use std::io::Write;
use std::process::Command;

/// Brings what differs between `base` and `edited` into `current`; `None` is a conflict.
pub fn merge(current: &str, base: &str, edited: &str) -> Result<Option<String>> {
    merge_file(&[], current, base, edited)
}

/// The same; where both have changed the same lines, those of `edited` are taken.
pub fn merge_preferring_edited(current: &str, base: &str, edited: &str) -> Result<String> {
    let merged = merge_file(&["--theirs"], current, base, edited)?;
    merged.ok_or_else(|| "git merge-file --theirs has left a conflict".into())
}

fn merge_file(options: &[&str], current: &str, base: &str, edited: &str) -> Result<Option<String>> {
    let mut files = Vec::new();
    for text in [current, base, edited] {
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(text.as_bytes())?;
        files.push(file);
    }
    let mut git = Command::new("git");
    git.args(["merge-file", "-p", "--quiet"])
        .args(options)
        .args(files.iter().map(tempfile::NamedTempFile::path));
    let output = git
        .output()
        .map_err(|error| format!("run git merge-file: {error}"))?;
    match output.status.code() {
        Some(0) => Ok(Some(String::from_utf8_lossy(&output.stdout).into_owned())),
        // The number of conflicts; from 128 on git itself failed.
        Some(1..=127) => Ok(None),
        _ => Err(format!(
            "git merge-file: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )
        .into()),
    }
}
