//! Wrong solutions: mistakes that people make, each a patch against the solution of a
//! level, and the check that must notice.
//!
//! The solution of a level is the next crate's `src/`. A mistake lies in
//! `checks/wrong/NN/NAME.patch` and begins with what it is about:
//!
//! ```text
//! mistake: propagation stays shared
//! check: the container's mounts do not appear on the host
//! says: propagation was left shared
//!
//! --- a/src/container.rs
//! +++ b/src/container.rs
//! ...
//! ```
//!
//! `says` may be there several times: all of it must be in the failure's text. With
//! `also: NAME` a further check must fail that would not be run otherwise, or not be
//! the first to fail: it is asked by itself. Where cgroup version 2 has the kernel refuse
//! what version 1 lets pass, another check notices: `check-v2` and `says-v2` tell which.

use super::levels::Level;
use super::{Result, read};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where they are, from the root of the workspace.
pub const PATH: &str = "checks/wrong";

/// A wrong solution of a level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The patch, from the root of the workspace.
    pub path: PathBuf,
    /// The level whose solution it spoils.
    pub level: u8,
    /// What was done wrong, in a person's words.
    pub mistake: String,
    /// The name of the check that must fail.
    pub check: String,
    /// What the failure must say.
    pub says: Vec<String>,
    /// Checks that fail for it, too, when they are run by themselves.
    pub also: Vec<String>,
    /// The check that must fail on cgroup version 2, if it is another one there, and what
    /// it must say.
    pub on_v2: Option<(String, Vec<String>)>,
}

/// All patches below `root`, in order. They are not read yet, so that one which
/// cannot be read does not hide the others.
pub fn discover(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for directory in entries(&root.join(PATH))? {
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

/// The crate that holds the solution of level `number`: the next one.
pub fn solution(levels: &[Level], number: u8) -> Option<usize> {
    let own = levels
        .iter()
        .position(|level| level.number == Some(number))?;
    (own + 1 < levels.len()).then_some(own + 1)
}

impl Mistake {
    /// Reads the patch at `path`, seen from `root`.
    pub fn read(root: &Path, path: &Path) -> Result<Mistake> {
        let text = read(&root.join(path))?;
        let header = text.lines().take_while(|line| !line.starts_with("--- "));
        let all = |key: &str| -> Vec<String> {
            let values = header.clone().filter_map(|line| line.strip_prefix(key));
            let values = values.map(|value| value.trim().to_owned());
            values.filter(|value| !value.is_empty()).collect()
        };
        let shown = path.display();
        let one = |key: &str| match &all(key)[..] {
            [value] => Ok(value.clone()),
            found => Err(format!(
                "{shown}: one line `{key} ...` belongs above the patch; there are {}",
                found.len()
            )),
        };
        let on_v2 = match (&all("check-v2:")[..], all("says-v2:")) {
            ([], says) if says.is_empty() => None,
            ([check], says) if !says.is_empty() => Some((check.clone(), says)),
            _ => {
                return Err(format!(
                    "{shown}: one line `check-v2: ...` and a line `says-v2: ...` belong together"
                )
                .into());
            }
        };
        let directory = path.parent().and_then(Path::file_name).unwrap_or_default();
        let level = directory.to_string_lossy().parse();
        let mistake = Mistake {
            path: path.to_owned(),
            level: level.map_err(|_| format!("{shown}: its directory is not a level's number"))?,
            mistake: one("mistake:")?,
            check: one("check:")?,
            says: all("says:"),
            also: all("also:"),
            on_v2,
        };
        if mistake.says.is_empty() {
            return Err(format!("{shown}: no line `says: ...` says what the failure says").into());
        }
        Ok(mistake)
    }

    /// Makes `target/src` the solution with this mistake. `solution` is the crate's
    /// directory.
    ///
    /// What is there already and right is not written again: it need not be built again.
    pub fn write(&self, root: &Path, solution: &Path, target: &Path) -> Result<()> {
        let scratch = tempfile::tempdir()?;
        copy(
            &root.join(solution).join("src"),
            &scratch.path().join("src"),
        )?;
        self.apply(root, solution, scratch.path())?;
        synchronize(&scratch.path().join("src"), &target.join("src"))
    }

    /// `git apply` takes a hunk that has moved, and none whose lines have changed.
    fn apply(&self, root: &Path, solution: &Path, directory: &Path) -> Result<()> {
        let output = Command::new("git")
            .args(["apply", "--whitespace=nowarn"])
            .arg(root.join(&self.path))
            .current_dir(directory)
            // In somebody's repository it would look for the files there.
            .env("GIT_CEILING_DIRECTORIES", "/")
            .env("GIT_DIR", directory.join("none"))
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("run git apply: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        let (path, solution) = (self.path.display(), solution.display());
        Err(format!(
            "{path} does not apply to {solution}/src any more: {}\n\
             To refresh it: copy {solution} to a/ and b/, make the mistake in b/ (\"{}\"), and put \
             `diff -ru a/src b/src` below the header of {path}.",
            String::from_utf8_lossy(&output.stderr).trim(),
            self.mistake
        )
        .into())
    }
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
fn synchronize(from: &Path, to: &Path) -> Result<()> {
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
