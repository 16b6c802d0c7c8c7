//! The three sides of an update as commits: where the learner began, what they have, and the
//! newer workshop; and which level of one is which level of another.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use curriculum::lock;

use super::git::Git;
use super::level::{Files, Side};
use crate::Result;

/// Three commits.
pub(super) struct Sides {
    /// The newest of the workshop's that the learner had.
    pub(super) base: String,
    /// The learner's.
    pub(super) mine: String,
    /// The newer workshop.
    pub(super) new: String,
}

/// The command of git's that has stopped in the middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnderWay {
    /// `git pull` or `git merge`.
    Merge,
    /// `git stash pop`: what it brings is not committed, and stays so.
    Stash,
}

impl Sides {
    /// The sides of a merge that is under way, if there is one.
    pub(super) fn under_way(git: &Git) -> Result<Option<(Sides, UnderWay)>> {
        if git.has("rebase-merge") || git.has("rebase-apply") {
            return Err(
                "git is in the middle of a rebase. `git rebase --abort` makes everything what it \
                 was before, your work included; then `cargo workshop update`, which merges"
                    .into(),
            );
        }
        let unmerged = git.unmerged()?;
        if let Some(other) = git.commit("MERGE_HEAD") {
            let sides = Sides::of(git, "HEAD", &other)?.whichever_is_mine(git)?;
            return Ok(Some((sides, UnderWay::Merge)));
        }
        if unmerged.is_empty() {
            return Ok(None);
        }
        let is_stash = |(path, stages): (&PathBuf, &BTreeMap<u8, String>)| {
            let name = format!("refs/stash:{}", path.display());
            stages.get(&3) == git.answer(&["rev-parse", "-q", "--verify", &name]).as_ref()
        };
        match git.commit("refs/stash") {
            Some(stash) if unmerged.iter().any(is_stash) => {
                let sides = Sides::of(git, &stash, "HEAD")?;
                Ok(Some((sides, UnderWay::Stash)))
            }
            _ => Err(
                "git has conflicts here that are not from a pull, a merge or a stash: `git \
                 status` says how to end or to abort what it is doing. Then come back"
                    .into(),
            ),
        }
    }

    /// The sides of the last merge, which is done.
    pub(super) fn last(git: &Git) -> Option<Sides> {
        let words = ["rev-list", "--first-parent", "--merges", "-1", "HEAD"];
        let merge = git.answer(&words).filter(|it| !it.is_empty())?;
        let (one, other) = (format!("{merge}^1"), format!("{merge}^2"));
        Sides::of(git, &one, &other)
            .and_then(|it| it.whichever_is_mine(git))
            .ok()
    }

    fn of(git: &Git, mine: &str, new: &str) -> Result<Sides> {
        let base = git.answer(&["merge-base", mine, new]).ok_or(
            "the newer workshop and yours have no history in common: make a new clone beside this \
             one, and copy what you have written in levels/ into that",
        )?;
        let commit = |word| git.commit(word).ok_or("git does not find its own commits");
        let (mine, new) = (commit(mine)?, commit(new)?);
        Ok(Sides { base, mine, new })
    }

    /// A learner may also merge a branch of theirs into the workshop's. Theirs is the commit
    /// whose levels are less what its lock says of them.
    fn whichever_is_mine(mut self, git: &Git) -> Result<Sides> {
        if written(git, &self.mine)? < written(git, &self.new)? {
            std::mem::swap(&mut self.mine, &mut self.new);
        }
        Ok(self)
    }
}

/// How many files of the levels are not what the lock of the same commit says.
fn written(git: &Git, commit: &str) -> Result<usize> {
    let lock = git.file(commit, Path::new(lock::PATH)).unwrap_or_default();
    let lock = String::from_utf8_lossy(&lock).into_owned();
    let files = git.levels(commit)?;
    let differs = |line: &&str| match line.split_once("  ") {
        Some((blob, path)) => files.get(Path::new(path)).is_none_or(|it| it != blob),
        None => false,
    };
    Ok(lock.lines().filter(differs).count())
}

/// The levels of a commit.
pub(super) struct Tree {
    /// The files of each level's skeleton, by its directory, each with its blob.
    levels: BTreeMap<String, BTreeMap<PathBuf, String>>,
}

impl Tree {
    pub(super) fn read(git: &Git, commit: &str) -> Result<Tree> {
        let mut levels: BTreeMap<String, BTreeMap<PathBuf, String>> = BTreeMap::new();
        for (path, blob) in git.levels(commit)? {
            if let Some((directory, file)) = within(&path) {
                levels.entry(directory).or_default().insert(file, blob);
            }
        }
        levels.retain(|_, files| files.contains_key(Path::new("Cargo.toml")));
        Ok(Tree { levels })
    }

    pub(super) fn directories(&self) -> impl Iterator<Item = &str> {
        self.levels.keys().map(String::as_str)
    }

    pub(super) fn files(&self, directory: &str) -> BTreeMap<PathBuf, String> {
        self.levels.get(directory).cloned().unwrap_or_default()
    }

    pub(super) fn has(&self, directory: &str) -> bool {
        self.levels.contains_key(directory)
    }

    /// A level, read.
    pub(super) fn side(&self, git: &Git, directory: &str) -> Result<Side> {
        let mut files = Files::new();
        for (path, blob) in self.files(directory) {
            files.insert(path, git.blob(&blob)?);
        }
        let number = directory
            .split_once('_')
            .and_then(|(it, _)| it.parse().ok());
        Ok(Side {
            number,
            directory: directory.to_owned(),
            files,
        })
    }

    /// The level of another commit that is this one under whatever number: that of the same
    /// name; or a new one, to which most of its files have gone or which has its number.
    pub(super) fn heir(&self, directory: &str, others: &Tree) -> Option<String> {
        let name = |it: &str| it.split_once('_').map_or(it, |(_, name)| name).to_owned();
        let same = others.directories().find(|it| name(it) == name(directory));
        if let Some(same) = same {
            return Some(same.to_owned());
        }
        let files = self.files(directory);
        let blobs: BTreeSet<&String> = files.values().collect();
        let shares = |it: &str| {
            let theirs = others.files(it);
            let shared = theirs.values().filter(|blob| blobs.contains(blob));
            shared.count()
        };
        let number = |it: &str| it.split_once('_').map(|(number, _)| number.to_owned());
        let strangers = others.directories().filter(|it| !self.has(it));
        let best = strangers.max_by_key(|it| (shares(it), number(it) == number(directory)))?;
        let is_it = 2 * shares(best) > files.len() || number(best) == number(directory);
        is_it.then(|| best.to_owned())
    }
}

/// The level and the path within it of a file that is a part of a skeleton.
pub(super) fn within(path: &Path) -> Option<(String, PathBuf)> {
    let path = path.strip_prefix("levels").ok()?;
    let directory = path.iter().next()?.to_str()?.to_owned();
    let file = path.strip_prefix(&directory).ok()?;
    let is_part =
        file == Path::new("Cargo.toml") || file.starts_with("src") || file.starts_with("tests");
    is_part.then(|| (directory, file.to_owned()))
}
