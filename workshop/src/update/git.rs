//! What is asked of git, and how.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::Result;
use crate::course::Course;

/// git in the learner's clone.
pub(super) struct Git<'a>(&'a Course);

impl<'a> Git<'a> {
    /// git, if this checkout is a clone of its own.
    pub(super) fn of(course: &'a Course) -> Result<Git<'a>> {
        let git = Git(course);
        match git.answer(&["rev-parse", "--show-prefix"]) {
            Some(prefix) if prefix.is_empty() => Ok(git),
            Some(_) => Err(
                "this checkout is a directory inside of another git repository: \
                 update it as that one is updated"
                    .into(),
            ),
            None => Err(
                "this is no clone that git knows, and a newer workshop comes by git. Make \
                 a clone beside it, and copy what you have written in levels/ into that"
                    .into(),
            ),
        }
    }

    fn output<S: AsRef<OsStr>>(&self, words: &[S]) -> Result<Output> {
        let mut git = self.0.git();
        git.args(words);
        // A commit of the learner's needs a name, which git refuses to guess on a machine
        // that is new.
        let mut asks = self.0.git();
        let is_known = asks.args(["var", "GIT_COMMITTER_IDENT"]).output();
        if !is_known.is_ok_and(|it| it.status.success()) {
            for who in ["AUTHOR", "COMMITTER"] {
                git.env(format!("GIT_{who}_NAME"), "learner");
                git.env(format!("GIT_{who}_EMAIL"), "learner@localhost");
            }
        }
        git.output()
            .map_err(|error| format!("git does not start: {error}").into())
    }

    /// What git says, which must succeed.
    pub(super) fn says<S: AsRef<OsStr>>(&self, words: &[S]) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.bytes(words)?)
            .trim_end_matches('\n')
            .to_owned())
    }

    /// The same, unchanged.
    pub(super) fn bytes<S: AsRef<OsStr>>(&self, words: &[S]) -> Result<Vec<u8>> {
        let output = self.output(words)?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let first = words.first().map(|it| it.as_ref().to_string_lossy());
        let mut said = String::from_utf8_lossy(&output.stderr).into_owned();
        // `merge` says there why it has stopped.
        said += &String::from_utf8_lossy(&output.stdout);
        Err(format!("git {}: {}", first.unwrap_or_default(), said.trim()).into())
    }

    /// What git says, if it succeeds.
    pub(super) fn answer<S: AsRef<OsStr>>(&self, words: &[S]) -> Option<String> {
        self.says(words).ok()
    }

    /// Whether git says yes.
    pub(super) fn is<S: AsRef<OsStr>>(&self, words: &[S]) -> bool {
        (self.output(words)).is_ok_and(|output| output.status.success())
    }

    /// The commit that a word means.
    pub(super) fn commit(&self, word: &str) -> Option<String> {
        let commit = format!("{word}^{{commit}}");
        self.answer(&["rev-parse", "--verify", "-q", &commit])
    }

    /// A commit in a few letters.
    pub(super) fn short(&self, commit: &str) -> String {
        let short = self.answer(&["rev-parse", "--short", commit]);
        short.unwrap_or_else(|| commit.to_owned())
    }

    /// A file of git's own that is there while something is under way: `rebase-merge`.
    pub(super) fn has(&self, name: &str) -> bool {
        let path = self.answer(&["rev-parse", "--git-path", name]);
        path.is_some_and(|path| self.0.root.join(path).exists())
    }

    /// The paths that a merge has left undecided, each with its blobs by stage: 1 is the
    /// base, 2 and 3 are the two sides (git-ls-files(1)).
    pub(super) fn unmerged(&self) -> Result<BTreeMap<PathBuf, BTreeMap<u8, String>>> {
        let listed = self.bytes(&["ls-files", "--unmerged", "-z"])?;
        let mut all: BTreeMap<PathBuf, BTreeMap<u8, String>> = BTreeMap::new();
        for entry in String::from_utf8_lossy(&listed).split_terminator('\0') {
            let Some((facts, path)) = entry.split_once('\t') else {
                continue;
            };
            let words: Vec<&str> = facts.split(' ').collect();
            if let [_, blob, stage] = words.as_slice() {
                let stages = all.entry(PathBuf::from(path)).or_default();
                stages.insert(stage.parse().unwrap_or_default(), (*blob).to_owned());
            }
        }
        Ok(all)
    }

    /// The files of a commit below `levels`, each with its blob.
    pub(super) fn levels(&self, commit: &str) -> Result<BTreeMap<PathBuf, String>> {
        let listed = self.bytes(&["ls-tree", "-r", "-z", commit, "--", "levels"])?;
        let mut all = BTreeMap::new();
        for entry in String::from_utf8_lossy(&listed).split_terminator('\0') {
            let Some((facts, path)) = entry.split_once('\t') else {
                continue;
            };
            if let Some(blob) = facts.split(' ').nth(2) {
                all.insert(PathBuf::from(path), blob.to_owned());
            }
        }
        Ok(all)
    }

    /// A file as a commit has it.
    pub(super) fn file(&self, commit: &str, path: &Path) -> Option<Vec<u8>> {
        let name = format!("{commit}:{}", path.display());
        self.bytes(&["cat-file", "blob", &name]).ok()
    }

    /// What is in a blob.
    pub(super) fn blob(&self, blob: &str) -> Result<String> {
        let content = self.bytes(&["cat-file", "blob", blob])?;
        Ok(String::from_utf8_lossy(&content).into_owned())
    }
}
