//! Carries an edit of one level into every later one of its part.
//!
//! The edit is what differs between the working tree and git's HEAD. Each later
//! level receives it by `git merge-file`, under its own name. Where the level has
//! other lines in that place there is a conflict: nothing is written for it. Mend it
//! there by hand, and carry on from there.
//!
//! The wrong and right solutions are patches against the levels: [`refresh`] brings them
//! after the edit.
//!
//! [`refresh`]: super::refresh

use super::levels::Level;
use super::merge::merge;
use super::{Result, read};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What became of a file in one of the later levels, or of a patch against one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The edit is in, and the file was written.
    Carried,
    /// The level had the edit already, or the edit is within what it replaced.
    Unchanged,
    /// The edit and the level have touched the same lines; nothing was written.
    Conflict,
    /// The level has no such file.
    Missing,
    /// The level has all that the patch changes: nothing would be left of it, and nothing
    /// was written.
    Dissolved,
}

/// A later level's file, or a patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Station {
    /// The file, from the root of the workspace.
    pub path: PathBuf,
    /// What `carry` did with it.
    pub outcome: Outcome,
}

/// Carries what changed in `levels[from]` since HEAD into the later levels of its part, and
/// into the part's solution. There the way ends: later parts have that as their library.
///
/// `file`, relative to the level's directory, restricts it to one file.
pub fn carry(
    root: &Path,
    levels: &[Level],
    from: usize,
    file: Option<&Path>,
) -> Result<Vec<Station>> {
    let Some(level) = levels.get(from) else {
        return Err("there is no such level".into());
    };
    let files = match file {
        Some(file) => vec![file.to_owned()],
        None => level.files(root)?,
    };
    let later = levels[from..].iter();
    let part = later.take_while(|it| it.facts.part == level.facts.part);
    let part: Vec<Level> = part.cloned().collect();
    let mut stations = Vec::new();
    for file in files {
        carry_file(root, &part, &file, &mut stations)?;
    }
    Ok(stations)
}

fn carry_file(
    root: &Path,
    levels: &[Level],
    file: &Path,
    stations: &mut Vec<Station>,
) -> Result<()> {
    let [first, later @ ..] = levels else {
        return Ok(());
    };
    let path = first.path().join(file);
    let edited = read(&root.join(&path))?;
    // A file that HEAD does not know is new: there is no edit to carry, and
    // copying it is the maintainer's decision.
    let Some(base) = at_head(root, &path)? else {
        return Ok(());
    };
    if base == edited {
        return Ok(());
    }
    for level in later {
        let path = level.path().join(file);
        let rename = |text: &str| {
            text.replace(&first.directory, &level.directory)
                .replace(&first.package, &level.package)
        };
        let outcome = receive(&root.join(&path), &rename(&base), &rename(&edited))?;
        stations.push(Station { path, outcome });
    }
    Ok(())
}

/// Brings the difference between `base` and `edited` into the file at `target`.
fn receive(target: &Path, base: &str, edited: &str) -> Result<Outcome> {
    if !target.is_file() {
        return Ok(Outcome::Missing);
    }
    let current = read(target)?;
    Ok(match merge(&current, base, edited)? {
        None => Outcome::Conflict,
        Some(merged) if merged == current => Outcome::Unchanged,
        Some(merged) => {
            fs::write(target, merged)
                .map_err(|error| format!("write {}: {error}", target.display()))?;
            Outcome::Carried
        }
    })
}

/// The file as HEAD has it.
pub(super) fn at_head(root: &Path, path: &Path) -> Result<Option<String>> {
    let mut git = Command::new("git");
    // `./` makes the path relative to the workspace, wherever in the repository it lies.
    git.arg("-C")
        .arg(root)
        .arg("show")
        .arg(format!("HEAD:./{}", path.display()));
    let output = git.output().map_err(|error| format!("run git: {error}"))?;
    Ok(output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned()))
}

/// The files that HEAD has below a directory.
pub(super) fn list_at_head(root: &Path, directory: &Path) -> Result<Vec<PathBuf>> {
    let mut git = Command::new("git");
    git.arg("-C").arg(root);
    git.args(["ls-tree", "-r", "-z", "--name-only", "HEAD", "--"]);
    let output = git
        .arg(directory)
        .output()
        .map_err(|error| format!("run git: {error}"))?;
    let names = String::from_utf8_lossy(&output.stdout);
    let names = names.split_terminator('\0').map(PathBuf::from);
    Ok(names.collect())
}
