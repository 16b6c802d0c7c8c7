//! A solution as a learner might write it: the levels' own, changed by a patch.
//!
//! The solution of a level is the next crate's `src/`. A patch against it lies in
//! `checks/SUITE/NN/NAME.patch`, below a header of lines `key: value`, the first of which
//! says what it is about. Each suite has keys of its own: [`wrong`](super::mistakes) and
//! [`right`](super::unusual).

use super::levels::{self, Level};
use super::{Result, read};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A patch against the solution of a level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// Where it is, from the root of the workspace.
    pub path: PathBuf,
    /// The level whose solution it changes.
    pub level: u8,
    /// The whole file.
    pub text: String,
}

/// All patches of the suite in the directory `suite` below `root`, in order. They are not
/// read yet, so that one which cannot be read does not hide the others.
pub fn discover(root: &Path, suite: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for directory in entries(&root.join(suite))? {
        for file in entries(&directory)? {
            if file.extension() == Some(OsStr::new("patch")) {
                found.push(file.strip_prefix(root)?.to_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The name by which it is called: `03/old-root-left`.
pub fn name(path: &Path) -> String {
    let part = |path: Option<&OsStr>| path.unwrap_or_default().to_string_lossy().into_owned();
    let level = part(path.parent().and_then(Path::file_name));
    format!("{level}/{}", part(path.file_stem()))
}

/// The name of the trial that judges it: `wrong::03/old-root-left`.
pub fn trial(path: &Path) -> String {
    let suite = path.ancestors().nth(2).and_then(Path::file_name);
    let suite = suite.unwrap_or_default().to_string_lossy();
    format!("{suite}::{}", name(path))
}

/// The crate that holds the solution of level `number`: the next one of its part.
pub fn solution(levels: &[Level], number: u8) -> Option<usize> {
    let own = levels
        .iter()
        .position(|level| level.number == Some(number))?;
    levels::solution(levels, own)
}

impl Patch {
    /// Reads the patch at `path`, seen from `root`.
    pub fn read(root: &Path, path: &Path) -> Result<Patch> {
        let directory = path.parent().and_then(Path::file_name).unwrap_or_default();
        let level = directory.to_string_lossy().parse();
        let level = level.map_err(|_| {
            let shown = path.display();
            format!("{shown}: its directory is not a level's number")
        })?;
        Ok(Patch {
            path: path.to_owned(),
            level,
            text: read(&root.join(path))?,
        })
    }

    /// What stands above the diff.
    pub(super) fn header(&self) -> &str {
        &self.text[..self.text.len() - self.diff().len()]
    }

    /// What is to be changed.
    pub fn diff(&self) -> &str {
        below_header(&self.text)
    }

    /// The values of all lines `key: value` of the header.
    pub(super) fn all(&self, key: &str) -> Vec<String> {
        let values = self.header().lines();
        let values = values.filter_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        let values = values.map(|value| value.trim().to_owned());
        values.filter(|value| !value.is_empty()).collect()
    }

    /// The value of the one line `key: value` that there must be.
    pub(super) fn one(&self, key: &str) -> Result<String> {
        match &self.all(key)[..] {
            [value] => Ok(value.clone()),
            found => Err(format!(
                "{}: one line `{key}: ...` belongs above the patch; there are {}",
                self.path.display(),
                found.len()
            )
            .into()),
        }
    }

    /// Makes `target/src` the solution, so changed. `solution` is the crate's directory.
    ///
    /// What is there already and right is not written again: it need not be built again.
    pub fn write(&self, root: &Path, solution: &Path, target: &Path) -> Result<()> {
        let scratch = tempfile::tempdir()?;
        copy(
            &root.join(solution).join("src"),
            &scratch.path().join("src"),
        )?;
        self.apply(solution, scratch.path())?;
        synchronize(&scratch.path().join("src"), &target.join("src"))
    }

    fn apply(&self, solution: &Path, directory: &Path) -> Result<()> {
        let output = git_apply(self.diff(), directory)?;
        if output.status.success() {
            return Ok(());
        }
        let (path, solution) = (self.path.display(), solution.display());
        let about = self.text.lines().next().unwrap_or_default();
        Err(format!(
            "{path} does not apply to {solution}/src any more: {}\n\
             To refresh it: copy {solution} to a/ and b/, make the change in b/ (\"{about}\"), and \
             put `diff -ru a/src b/src` below the header of {path}. `curriculum carry` does it where \
             it can, as long as git's HEAD has the old solution.",
            String::from_utf8_lossy(&output.stderr).trim(),
        )
        .into())
    }
}

/// The text of a patch from the first file's name on.
pub(super) fn below_header(text: &str) -> &str {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with("--- ") || line.starts_with("diff ") {
            break;
        }
        at += line.len();
    }
    &text[at..]
}

/// `git apply` takes a hunk that has moved, and none whose lines have changed.
pub(super) fn git_apply(diff: &str, directory: &Path) -> Result<Output> {
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(diff.as_bytes())?;
    Command::new("git")
        .args(["apply", "--whitespace=nowarn"])
        .arg(file.path())
        .current_dir(directory)
        // Inside of a repository it would look for the files there.
        .env("GIT_CEILING_DIRECTORIES", "/")
        .env("GIT_DIR", directory.join("none"))
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("run git apply: {error}").into())
}

/// What is in a directory, sorted.
fn entries(directory: &Path) -> Result<Vec<PathBuf>> {
    let list = fs::read_dir(directory)
        .map_err(|error| format!("list {}: {error}", directory.display()))?;
    let mut paths = list
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<PathBuf>>>()?;
    paths.sort();
    Ok(paths)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to).map_err(|error| format!("make {}: {error}", to.display()))?;
    for path in entries(from)? {
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            fs::write(target, read(&path)?)?;
        }
    }
    Ok(())
}

/// Makes `to` the same as `from` and touches nothing that is.
pub(super) fn synchronize(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).map_err(|error| format!("make {}: {error}", to.display()))?;
    let mut wanted = BTreeSet::new();
    for path in entries(from)? {
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            synchronize(&path, &target)?;
        } else {
            write_if_changed(&target, &read(&path)?)?;
        }
        wanted.insert(target);
    }
    for path in entries(to)? {
        if !wanted.contains(&path) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Writes a file unless it has this text: what has not changed need not be built again.
pub fn write_if_changed(path: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|found| found == text) {
        return Ok(());
    }
    fs::write(path, text).map_err(|error| format!("write {}: {error}", path.display()).into())
}
