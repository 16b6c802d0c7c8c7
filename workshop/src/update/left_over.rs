//! What is left of a level that has another name now, or none. cargo takes each directory of
//! `levels` for a crate, and stops at one without a manifest whatever it is asked for.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::course::Course;
use crate::progress;
use crate::screen::prose;

/// The directories of `levels` that cargo would stop at.
pub(super) fn find(course: &Course) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(course.root.join("levels"))? {
        let path = entry?.path();
        if path.is_dir() && !path.join("Cargo.toml").exists() {
            found.push(path);
        }
    }
    Ok(found)
}

/// Moves them out of the way, to `kept` (seen from the checkout) or to a new place of their
/// own: what git has left there is a file of the learner's that it does not know.
pub(super) fn put_aside(course: &Course, kept: Option<&Path>) -> Result<()> {
    let found = find(course)?;
    let Some(first) = found.first() else {
        return Ok(());
    };
    let kept = match kept {
        Some(kept) => course.root.join(kept),
        None => progress::kept(course, "update")?,
    };
    let kept = kept.join("left-over");
    let refused = |error| format!("cannot move {}: {error}", first.display());
    fs::create_dir_all(&kept).map_err(refused)?;
    for from in &found {
        let to = kept.join(from.file_name().unwrap_or_default());
        fs::rename(from, &to).map_err(refused)?;
        let shown = |path: &Path| {
            let path = path.strip_prefix(&course.root).unwrap_or(path);
            path.display().to_string()
        };
        prose(format!(
            "{} is no level any more. A file of yours that git does not know was left in it, and \
             is in {} now.",
            shown(from),
            shown(&to)
        ));
    }
    Ok(())
}
