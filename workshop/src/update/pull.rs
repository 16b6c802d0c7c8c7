//! What a learner would type at git: commit, fetch, merge.

use std::os::unix::process::CommandExt;

use super::git::Git;
use super::left_over;
use crate::Result;
use crate::course::Course;
use crate::screen::{note, prose};

/// Takes the newer workshop: `from`, or what the branch follows. git may have stopped at a
/// conflict then.
pub(super) fn pull(course: &Course, git: &Git, from: Option<&str>) -> Result<()> {
    fetch(git, from);
    let names = ["@{upstream}", "refs/remotes/origin/HEAD"];
    let found = match from {
        Some(name) => git.commit(name).map(|it| (name.to_owned(), it)),
        None => names
            .into_iter()
            .find_map(|name| git.commit(name).map(|it| (called(git, name), it)))
            .or_else(|| whatever_is_newest(git)),
    };
    let Some((name, new)) = found else {
        return Err(match from {
            Some(name) => {
                format!("git knows no commit `{name}`; `git branch -a` lists what it has")
            }
            None => "this clone does not know where it is from: `git remote add origin ADDRESS`, \
                     and `cargo workshop update origin/main`"
                .to_owned(),
        }
        .into());
    };
    if git.is(&["merge-base", "--is-ancestor", &new, "HEAD"]) {
        prose(format!("There is nothing newer at {name}."));
        return Ok(());
    }
    be_on_a_branch(git)?;
    commit_work(git)?;
    let before = git.says(&["rev-parse", "HEAD"])?;
    let range = format!("{before}..{new}");
    let count = git.says(&["rev-list", "--count", &range])?;
    let merge = git.says(&["merge", "--ff", "--no-edit", "-q", &new]);
    let is_conflict = git.commit("MERGE_HEAD").is_some();
    if let (Err(error), false) = (&merge, is_conflict) {
        return Err(format!(
            "nothing was merged, and what you have is as it was, committed. {error}"
        )
        .into());
    }
    let changes = match count.as_str() {
        "1" => "one change".to_owned(),
        count => format!("{count} changes"),
    };
    prose(format!("Taken from {name}: {changes}."));
    if !is_conflict {
        left_over::put_aside(course, None)?;
    }
    hand_over(course, git, &before, &new)
}

/// Without a network what was fetched before is taken.
fn fetch(git: &Git, from: Option<&str>) {
    let fetched = match from {
        // The learner may have named a branch of any remote.
        Some(_) => git.says(&["fetch", "-q", "--all"]),
        None => git.says(&["fetch", "-q"]),
    };
    if let Err(error) = fetched {
        note(format!(
            "Not asked whether there is something newer: {error}"
        ));
    }
}

/// A clone of one tag follows nothing.
fn whatever_is_newest(git: &Git) -> Option<(String, String)> {
    git.answer(&["fetch", "-q", "origin", "HEAD"])?;
    Some(("origin".to_owned(), git.commit("FETCH_HEAD")?))
}

/// `origin/main`.
fn called(git: &Git, name: &str) -> String {
    let short = git.answer(&["rev-parse", "--abbrev-ref", name]);
    short.unwrap_or_else(|| name.to_owned())
}

/// A clone of a tag is on no branch, and commits that are on none are lost to a learner who does
/// not know their numbers.
fn be_on_a_branch(git: &Git) -> Result<()> {
    let name = "my-work";
    if git.is(&["symbolic-ref", "-q", "HEAD"]) {
        return Ok(());
    }
    git.says(&["checkout", "-q", "-b", name])?;
    prose(format!("Your work has a branch now: {name}."));
    Ok(())
}

/// What is not committed git would not merge, and could not give back.
fn commit_work(git: &Git) -> Result<()> {
    // New files too; those outside of the levels are not the workshop's affair.
    git.says(&["add", "--all", "--", "levels"])?;
    if git.is(&["diff", "--quiet", "HEAD"]) {
        return Ok(());
    }
    git.says(&[
        "commit",
        "-q",
        "-a",
        "-m",
        "My work, before a newer workshop",
    ])?;
    prose(format!("Your work is committed, as {}.", git.short("HEAD")));
    Ok(())
}

/// We are of the old workshop: what is newer in the companion does the rest, if something is.
fn hand_over(course: &Course, git: &Git, before: &str, new: &str) -> Result<()> {
    let is_here = course.root.join("workshop/Cargo.toml").is_file();
    let words = ["diff", "--quiet", before, new, "--", ":!levels", ":!docs"];
    // What has a conflict cannot be built, and then we are the only ones to end it.
    let unmerged = git.unmerged()?;
    let in_the_way = unmerged.keys().any(|path| !path.starts_with("levels"))
        || !left_over::find(course)?.is_empty();
    if !is_here || in_the_way || git.is(&words) {
        return Ok(());
    }
    prose("The companion is newer too: it is built, and goes on.");
    let error = curriculum::cargo(&course.root)
        .args(["run", "--package", "workshop", "--", "update"])
        .exec();
    Err(format!("cargo does not start: {error}. Say `cargo workshop update` again").into())
}
