//! The end of a merge at which git has stopped: each level that has a conflict is merged
//! block by block, and everything else is the workshop's.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::git::Git;
use super::left_over;
use super::level::{self, Note, Side};
use super::sides::{Sides, Tree, UnderWay, within};
use crate::Result;
use crate::course::Course;
use crate::progress;

/// What `update` has done where git had stopped.
#[derive(Default)]
pub(super) struct Settled {
    /// The levels that were merged block by block, by their directories, with what there is to
    /// say of each.
    pub(super) levels: Vec<(String, Vec<Note>)>,
    /// Files outside of the levels that the learner had changed, and the workshop otherwise.
    pub(super) theirs: Vec<PathBuf>,
    /// Files that the learner had changed and the workshop has no more.
    pub(super) gone: Vec<PathBuf>,
    /// Those with a conflict that the learner has ended already.
    pub(super) by_hand: Vec<PathBuf>,
    /// Where all is that was there before, seen from the checkout.
    pub(super) kept: PathBuf,
    /// What is left to do for the learner, as git has said it.
    pub(super) uncommitted: Option<String>,
}

pub(super) fn settle(
    course: &Course,
    git: &Git,
    sides: &Sides,
    under_way: UnderWay,
) -> Result<Settled> {
    let unmerged = git.unmerged()?;
    let mut settled = Settled::default();
    if !unmerged.is_empty() {
        let plan = Plan::of(course, git, sides, unmerged.keys().cloned().collect())?;
        // Nothing is touched before all of it is in hand, and what is there is in safety.
        settled.kept = keep(course, git, sides, &plan)?;
        settled.by_hand = plan.by_hand.iter().cloned().collect();
        for (path, content) in &plan.files {
            put(course, path, content)?;
        }
        for path in &plan.gone {
            let _ = fs::remove_file(course.root.join(path));
            // The directories above go with it if they are empty.
            for above in path.ancestors().skip(1) {
                let _ = fs::remove_dir(course.root.join(above));
            }
        }
        left_over::put_aside(course, Some(&settled.kept))?;
        tell_git(git, sides, &plan)?;
        settled.levels = plan.levels;
        settled.theirs = plan.theirs.into_iter().collect();
        settled.gone = plan.given_up;
    }
    match under_way {
        UnderWay::Merge => {
            settled.uncommitted = match git.says(&["commit", "-q", "--no-edit"]) {
                Ok(_) => None,
                Err(error) => Some(error.to_string()),
            };
        }
        // The learner's work was not committed before, and is not now.
        UnderWay::Stash => _ = git.says(&["reset", "-q"])?,
    }
    Ok(settled)
}

/// Everything that will be written, before anything is.
#[derive(Default)]
struct Plan {
    files: BTreeMap<PathBuf, Vec<u8>>,
    /// What git writes, as the newer workshop has it.
    theirs: BTreeSet<PathBuf>,
    gone: BTreeSet<PathBuf>,
    by_hand: BTreeSet<PathBuf>,
    /// The files of `gone` that no merged level has taken up.
    given_up: Vec<PathBuf>,
    levels: Vec<(String, Vec<Note>)>,
    /// The learner's version of whatever is written over, where they had one.
    yours: BTreeMap<PathBuf, Vec<u8>>,
}

impl Plan {
    fn of(
        course: &Course,
        git: &Git,
        sides: &Sides,
        mut unmerged: BTreeSet<PathBuf>,
    ) -> Result<Plan> {
        let mut plan = Plan::default();
        let trees = [&sides.base, &sides.mine, &sides.new].map(|it| Tree::read(git, it));
        let [base, mine, new] = trees;
        let (base, mine, new) = (base?, mine?, new?);
        for path in &unmerged {
            if is_ended(course, git, sides, path) {
                plan.by_hand.insert(path.clone());
            }
        }
        unmerged.retain(|path| !plan.by_hand.contains(path));
        for directory in base.directories() {
            let Some(heir) = base.heir(directory, &new) else {
                continue;
            };
            let is_in = |path: &&PathBuf| match within(path) {
                Some((it, _)) => it == directory || it == heir,
                None => false,
            };
            let mut own: BTreeSet<PathBuf> = unmerged.iter().filter(is_in).cloned().collect();
            if own.is_empty() {
                continue;
            }
            unmerged.retain(|path| !own.contains(path));
            let named = match mine.has(directory) {
                true => directory,
                false => &heir,
            };
            let three = (
                base.side(git, directory)?,
                mine.side(git, named)?,
                new.side(git, &heir)?,
            );
            plan.level(three, &mut own)?;
        }
        // What is left is the workshop's.
        for path in unmerged {
            match git.file(&sides.new, &path) {
                Some(_) => _ = plan.theirs.insert(path.clone()),
                None => {
                    plan.gone.insert(path.clone());
                    plan.given_up.push(path.clone());
                }
            }
            if let Some(content) = git.file(&sides.mine, &path) {
                plan.yours.insert(path, content);
            }
        }
        Ok(plan)
    }

    fn level(
        &mut self,
        (base, mine, new): (Side, Side, Side),
        unmerged: &mut BTreeSet<PathBuf>,
    ) -> Result<()> {
        let merged = level::merged(&base, &mine, &new)?;
        let at = |side: &Side, file: &Path| Path::new("levels").join(&side.directory).join(file);
        for (file, text) in &mine.files {
            let path = at(&mine, file);
            if base.files.get(file) != Some(text) {
                self.yours.insert(path.clone(), text.clone().into_bytes());
            }
            unmerged.insert(path);
        }
        for (file, text) in merged.files {
            let path = at(&new, &file);
            if !self.by_hand.contains(&path) {
                self.files.insert(path, text.into_bytes());
            }
        }
        for path in unmerged.iter() {
            if !self.files.contains_key(path) && !self.by_hand.contains(path) {
                self.gone.insert(path.clone());
            }
        }
        self.levels.push((new.directory, merged.notes));
        Ok(())
    }
}

/// Whether the learner has ended this conflict in their editor, and git has not been told.
fn is_ended(course: &Course, git: &Git, sides: &Sides, path: &Path) -> bool {
    let both = [&sides.mine, &sides.new].map(|it| git.file(it, path).is_some());
    let text = fs::read(course.root.join(path)).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let is_marker = |line: &str| ["<<<<<<<", ">>>>>>>"].iter().any(|it| line.starts_with(it));
    both == [true, true] && !text.is_empty() && !text.lines().any(is_marker)
}

/// Copies what is written over: as the learner had it, and as the merge has left it.
fn keep(course: &Course, git: &Git, sides: &Sides, plan: &Plan) -> Result<PathBuf> {
    let kept = progress::kept(course, "update")?;
    let save = |part: &str, path: &Path, content: &[u8]| {
        let to = kept.join(part).join(path);
        let made = to.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| fs::write(&to, content))
            .map_err(|error| format!("cannot write {}: {error}", to.display()))
    };
    for (path, content) in &plan.yours {
        save("yours", path, content)?;
    }
    for path in plan.files.keys().chain(&plan.theirs).chain(&plan.gone) {
        let Ok(content) = course.read_file(path) else {
            continue;
        };
        let is_known = [&sides.mine, &sides.new]
            .iter()
            .any(|it| git.file(it, path).as_ref() == Some(&content));
        if !is_known {
            save("as-git-left-it", path, &content)?;
        }
    }
    let shown = kept.strip_prefix(&course.root).unwrap_or(&kept);
    Ok(shown.to_owned())
}

fn put(course: &Course, path: &Path, content: &[u8]) -> Result<()> {
    let to = course.root.join(path);
    if fs::read(&to).is_ok_and(|it| it == content) {
        return Ok(());
    }
    let refused = |error| format!("cannot write {}: {error}", path.display());
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).map_err(refused)?;
    }
    Ok(progress::write(&to, content).map_err(refused)?)
}

fn tell_git(git: &Git, sides: &Sides, plan: &Plan) -> Result<()> {
    let files: Vec<&PathBuf> = plan.files.keys().chain(&plan.by_hand).collect();
    let rm = ["rm", "-q", "--cached", "--ignore-unmatch", "--"];
    for (first, paths) in [
        (&["add", "--force", "--"][..], files),
        (
            &["checkout", &sides.new, "--"],
            plan.theirs.iter().collect(),
        ),
        (&rm, plan.gone.iter().collect()),
    ] {
        if !paths.is_empty() {
            let words = first.iter().map(|it| OsString::from(*it));
            let paths = paths.into_iter().map(|it| it.clone().into_os_string());
            git.says(&words.chain(paths).collect::<Vec<OsString>>())?;
        }
    }
    Ok(())
}
