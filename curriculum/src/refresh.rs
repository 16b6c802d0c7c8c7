//! Brings the wrong and right solutions up to date after a solution has changed.
//!
//! Each is a [patch] against the solution of a level. Where that differs
//! from git's HEAD, the patch as HEAD has it is applied to the solution as HEAD has it;
//! `git merge-file` brings both changes together, and what then differs from the new
//! solution is the new patch. Its header stays. Where both have changed the same lines,
//! only a person knows what the mistake is now: that patch is left as it is.

use super::carry::{Outcome, Station, at_head, list_at_head};
use super::levels::Level;
use super::merge::merge;
use super::patch::{self, Patch};
use super::{Result, choices, mistakes, unusual};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The files of a solution, by their paths from its crate on.
type Tree = BTreeMap<PathBuf, String>;

/// A solution before and after.
struct Solution {
    old: Tree,
    new: Tree,
}

/// Refreshes every patch whose solution is not what it is in HEAD.
pub fn refresh(root: &Path, levels: &[Level]) -> Result<Vec<Station>> {
    let mut solutions = BTreeMap::new();
    let mut stations = Vec::new();
    for suite in [mistakes::PATH, unusual::PATH, choices::PATH] {
        if !root.join(suite).is_dir() {
            continue;
        }
        for path in patch::discover(root, suite)? {
            let patch = Patch::read(root, &path)?;
            let Some(index) = patch::solution(levels, patch.level) else {
                continue;
            };
            if let std::collections::btree_map::Entry::Vacant(place) = solutions.entry(index) {
                place.insert(Solution::read(root, &levels[index])?);
            }
            let solution = &solutions[&index];
            if solution.old != solution.new {
                let outcome = solution.refresh(root, &patch)?;
                stations.push(Station { path, outcome });
            }
        }
    }
    Ok(stations)
}

impl Solution {
    fn read(root: &Path, level: &Level) -> Result<Solution> {
        let (mut old, mut new) = (Tree::new(), Tree::new());
        for file in list_at_head(root, &level.path().join("src"))? {
            if let (Ok(name), Some(text)) = (file.strip_prefix(level.path()), at_head(root, &file)?)
            {
                old.insert(name.to_owned(), text);
            }
        }
        for name in level.files(root)? {
            if name.starts_with("src") {
                let text = super::read(&root.join(level.path()).join(&name))?;
                new.insert(name, text);
            }
        }
        Ok(Solution { old, new })
    }

    fn refresh(&self, root: &Path, patch: &Patch) -> Result<Outcome> {
        let now = apply(&self.new, patch.diff())?;
        // A carry before this one may have refreshed it, or a person by hand.
        let committed = at_head(root, &patch.path)?;
        let committed = committed
            .as_deref()
            .map_or(patch.diff(), patch::below_header);
        if committed != patch.diff() && now.is_some() {
            return Ok(Outcome::Unchanged);
        }
        let merged = match apply(&self.old, committed)? {
            Some(changed) => merge_trees(&self.new, &self.old, &changed)?,
            // It did not fit the old solution either, but was written for the new one.
            None => now.clone(),
        };
        let Some(merged) = merged else {
            return Ok(Outcome::Conflict);
        };
        if merged == self.new {
            return Ok(Outcome::Dissolved);
        }
        if now.as_ref() == Some(&merged) {
            return Ok(Outcome::Unchanged);
        }
        let text = format!("{}{}", patch.header(), diff(&self.new, &merged)?);
        fs::write(root.join(&patch.path), text)
            .map_err(|error| format!("write {}: {error}", patch.path.display()))?;
        Ok(Outcome::Carried)
    }
}

/// The tree, changed by a diff; `None` where it does not fit.
fn apply(tree: &Tree, diff: &str) -> Result<Option<Tree>> {
    let scratch = tempfile::tempdir()?;
    write(tree, scratch.path())?;
    let output = patch::git_apply(diff, scratch.path())?;
    if !output.status.success() {
        return Ok(None);
    }
    let mut changed = Tree::new();
    collect(scratch.path(), Path::new(""), &mut changed)?;
    Ok(Some(changed))
}

/// The three-way merge of whole trees; `None` is a conflict.
fn merge_trees(current: &Tree, base: &Tree, edited: &Tree) -> Result<Option<Tree>> {
    let mut merged = Tree::new();
    let names: BTreeSet<&PathBuf> = current.keys().chain(edited.keys()).collect();
    for name in names {
        let (now, before, then) = (current.get(name), base.get(name), edited.get(name));
        let text = match (now, before, then) {
            _ if then == before || then == now => now.cloned(),
            _ if now == before => then.cloned(),
            (Some(now), Some(before), Some(then)) => match merge(now, before, then)? {
                Some(text) => Some(text),
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        if let Some(text) = text {
            merged.insert(name.clone(), text);
        }
    }
    Ok(Some(merged))
}

/// What differs between the trees, in the form that the patches have: no lines but the
/// names of the files and the hunks.
fn diff(from: &Tree, to: &Tree) -> Result<String> {
    let scratch = tempfile::tempdir()?;
    write(from, &scratch.path().join("a"))?;
    write(to, &scratch.path().join("b"))?;
    let output = Command::new("git")
        .args([
            "diff",
            "--no-index",
            "--no-prefix",
            "--no-color",
            "--no-ext-diff",
        ])
        .args(["--no-renames", "--unified=3", "a", "b"])
        .current_dir(scratch.path())
        .env("GIT_CEILING_DIRECTORIES", "/")
        // A maintainer's own settings make no other patches.
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .map_err(|error| format!("run git diff: {error}"))?;
    // git exits with 1 if the two differ.
    if output.status.code() != Some(1) {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("git diff: {}", said.trim()).into());
    }
    let mut text = String::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        // Behind the second `@@` git repeats the function that the hunk is in.
        let shown = match line.match_indices(" @@").next() {
            Some((at, _)) if line.starts_with("@@ ") => &line[..at + 3],
            _ => line,
        };
        // In a hunk every line begins with one of these; the rest is git's own.
        if shown.starts_with([' ', '+', '-', '@', '\\']) {
            text.push_str(shown);
            text.push('\n');
        }
    }
    Ok(text)
}

fn write(tree: &Tree, directory: &Path) -> Result<()> {
    for (name, text) in tree {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().unwrap_or(directory))?;
        fs::write(path, text)?;
    }
    Ok(())
}

fn collect(root: &Path, below: &Path, tree: &mut Tree) -> Result<()> {
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let name = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            collect(root, &name, tree)?;
        } else {
            let text = super::read(&root.join(&name))?;
            tree.insert(name, text);
        }
    }
    Ok(())
}
