//! `levels/skeletons.lock`: the git blob id of every file of every skeleton.
//!
//! It tells a skeleton from a learner's work, and gives `reset` and `solution`
//! the id by which git still has the skeleton after the learner committed.
//!
//! A level that differs from its lock is the learner's as soon as one of its
//! TODO blocks differs. Where every block is as it was and something *around*
//! them changed, a maintainer is at work: such a level is still judged,
//! so that a fix made in one level and forgotten in the next is caught even
//! before anybody renews the lock.

use super::levels::Level;
use super::{Result, block, read};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the lock lives, seen from the root of the workspace.
pub const PATH: &str = "levels/skeletons.lock";

const HEADER: &str = "\
# The skeleton of each level, as git blob ids: `git cat-file blob ID` prints the file.
# Written by `cargo run -q -p curriculum -- lock`; do not edit by hand.
";

/// The blob ids of the skeletons, by path from the root of the workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    blobs: BTreeMap<String, String>,
}

/// What a level is, measured by the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Every file is the skeleton's.
    Skeleton,
    /// These files differ, and every TODO block is as it was: maintenance.
    Maintained(Vec<String>),
    /// These files differ, a TODO block among the differences: a learner's work.
    Learner(Vec<String>),
    /// The lock does not know the level.
    Unlocked,
}

impl Lock {
    /// Reads the lock of the workspace at `root`; a missing one is empty.
    pub fn read(root: &Path) -> Result<Lock> {
        let path = root.join(PATH);
        if !path.exists() {
            return Ok(Lock::default());
        }
        let mut lock = Lock::default();
        for (index, line) in read(&path)?.lines().enumerate() {
            if line.starts_with('#') || line.is_empty() {
                continue;
            }
            let Some((blob, path)) = line.split_once("  ") else {
                return Err(
                    format!("{PATH}:{}: not `<blob id>  <path>`: {line}", index + 1).into(),
                );
            };
            lock.blobs.insert(path.to_owned(), blob.to_owned());
        }
        Ok(lock)
    }

    /// The lock that would be true of the files as they are now.
    pub fn of(root: &Path, levels: &[Level]) -> Result<Lock> {
        let mut lock = Lock::default();
        for level in levels {
            for (path, blob) in blobs(root, level)? {
                lock.blobs.insert(path, blob);
            }
        }
        Ok(lock)
    }

    /// Writes the lock of the workspace at `root`.
    pub fn write(&self, root: &Path) -> Result<()> {
        let mut text = HEADER.to_owned();
        for (path, blob) in &self.blobs {
            writeln!(text, "{blob}  {path}")?;
        }
        let path = root.join(PATH);
        fs::write(&path, text).map_err(|error| format!("write {}: {error}", path.display()).into())
    }

    /// The blob id of a path, if the lock has it.
    pub fn blob(&self, path: &str) -> Option<&str> {
        self.blobs.get(path).map(String::as_str)
    }

    /// The locked paths, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.blobs.keys().map(String::as_str)
    }

    /// Whether `level` is its skeleton, is being maintained, or is a learner's.
    pub fn state(&self, root: &Path, level: &Level) -> Result<State> {
        let prefix = format!("{}/", level.path().display());
        if !self.paths().any(|path| path.starts_with(&prefix)) {
            return Ok(State::Unlocked);
        }
        let mut differing = Vec::new();
        let now = blobs(root, level)?;
        for (path, blob) in &now {
            if self.blob(path) != Some(blob) {
                differing.push(path.clone());
            }
        }
        let gone = |path: &&str| path.starts_with(&prefix) && !now.contains_key(*path);
        differing.extend(self.paths().filter(gone).map(str::to_owned));
        differing.sort();
        if differing.is_empty() {
            return Ok(State::Skeleton);
        }
        let touched = differing
            .iter()
            .any(|path| self.block_touched(root, level, path));
        Ok(if touched {
            State::Learner(differing)
        } else {
            State::Maintained(differing)
        })
    }

    /// Whether a TODO block of the locked file is no longer as it was. Without
    /// git's help we do not know, and then no learner's work is judged.
    fn block_touched(&self, root: &Path, level: &Level, path: &str) -> bool {
        let Some(blob) = self.blob(path) else {
            return false;
        }; // a new file replaces no block
        let Some(skeleton) = cat_file(root, blob) else {
            return true;
        };
        let now = fs::read_to_string(root.join(path)).unwrap_or_default();
        let blocks = |text: &str| -> Vec<String> {
            let (blocks, _) = block::parse(&PathBuf::from(path), text, level.number);
            let lines: Vec<&str> = text.lines().collect();
            blocks
                .iter()
                .map(|block| lines[block.first - 1..block.last].join("\n"))
                .collect()
        };
        blocks(&skeleton) != blocks(&now)
    }
}

/// The id git gives to a file with this content.
pub fn blob_id(content: &[u8]) -> String {
    let mut hash = sha1_smol::Sha1::new();
    hash.update(format!("blob {}\0", content.len()).as_bytes());
    hash.update(content);
    hash.digest().to_string()
}

fn blobs(root: &Path, level: &Level) -> Result<BTreeMap<String, String>> {
    let mut blobs = BTreeMap::new();
    for file in level.files(root)? {
        let path = level.path().join(file);
        let content = fs::read(root.join(&path))
            .map_err(|error| format!("read {}: {error}", path.display()))?;
        blobs.insert(path.display().to_string(), blob_id(&content));
    }
    Ok(blobs)
}

/// The content of a blob, if there is git and its history holds it.
fn cat_file(root: &Path, blob: &str) -> Option<String> {
    let mut git = Command::new("git");
    git.arg("-C").arg(root).args(["cat-file", "blob", blob]);
    let output = git.output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
