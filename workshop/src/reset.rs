//! `cargo workshop reset`: a level as it came; what was in it is kept aside.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use curriculum::levels::Level;

use crate::Result;
use crate::course::{Course, id, word};
use crate::progress;
use crate::screen::{CODE, paint, prose, say};

/// What may be said after `reset`.
#[derive(clap::Args)]
#[command(after_help = "\
What you have written is moved to .workshop/kept/ first, and its place is
named. If the workspace is so broken that cargo does not even start this, run
target/debug/workshop instead.

Example: cargo workshop reset 03")]
pub(crate) struct Arguments {
    /// Which level
    #[arg(value_name = "LEVEL", value_parser = crate::level_word(), hide_possible_values = true)]
    level: String,
}

pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    let course = Course::find()?;
    let level = course.level(&arguments.level)?;
    let own = word(level);
    let changed = course.changed(level)?;
    if changed.is_empty() {
        prose(format!(
            "Level {own} is as it came: there is nothing to reset."
        ));
        return Ok(ExitCode::SUCCESS);
    }
    // All that is needed is in hand before anything is touched.
    let skeleton = course.skeleton_files(level);
    let mut fresh = Vec::new();
    for file in changed.iter().filter(|file| skeleton.contains(file)) {
        fresh.push((file, course.skeleton(level, file)?));
    }
    let kept = keep(&course, level, &changed)?;
    let directory = course.root.join(level.path());
    for (file, content) in &fresh {
        put(&directory.join(file), content)?;
    }
    for file in changed.iter().filter(|file| !skeleton.contains(file)) {
        let path = directory.join(file);
        fs::remove_file(&path).map_err(|error| refused("remove", &path, &error))?;
    }
    prose(format!(
        "Level {own} is as it came. Yours is kept, {} files:",
        changed.len()
    ));
    for file in &changed {
        match kept.join(file).symlink_metadata() {
            Ok(_) => say(format!("  {}", shown(&course, &kept.join(file)))),
            Err(_) => say(format!("  ({} was not there)", file.display())),
        }
    }
    let from = shown(&course, &kept);
    say("To have it back:");
    say(format!(
        "  {}",
        paint(CODE, format!("cp -r {from}/. {}/", level.path().display()))
    ));
    Ok(ExitCode::SUCCESS)
}

/// Copies the learner's files to a place that nothing else has had before.
fn keep(course: &Course, level: &Level, files: &[PathBuf]) -> Result<PathBuf> {
    let kept = progress::kept(course, id(level))?;
    for file in files {
        let from = course.root.join(level.path()).join(file);
        let to = kept.join(file);
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(|error| refused("make", parent, &error))?;
        }
        match from.symlink_metadata() {
            // Taken away by the learner: nothing to keep.
            Err(_) => {}
            Ok(it) if it.is_symlink() => {
                let target =
                    fs::read_link(&from).map_err(|error| refused("read", &from, &error))?;
                std::os::unix::fs::symlink(target, &to)
                    .map_err(|error| refused("make", &to, &error))?;
            }
            Ok(_) => {
                fs::copy(&from, &to).map_err(|error| refused("copy to", &to, &error))?;
            }
        }
    }
    Ok(kept)
}

/// Writes a file whatever was there.
fn put(path: &Path, content: &[u8]) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|error| refused("make", parent, &error))?;
    }
    progress::write(path, content).map_err(|error| refused("write", path, &error))
}

fn refused(what: &str, path: &Path, error: &std::io::Error) -> crate::Error {
    format!("cannot {what} {}: {error}", path.display()).into()
}

fn shown(course: &Course, path: &Path) -> String {
    let path = path.strip_prefix(&course.root).unwrap_or(path);
    path.display().to_string()
}
