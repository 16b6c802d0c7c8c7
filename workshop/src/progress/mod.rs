//! What the workshop remembers: `.workshop/progress` in the checkout, a text file.
//!
//! ```text
//! done fork_exec 2026-11-24 9f2c...e1 4b1d...07
//! last fork_exec fail 9f2c...e1
//! hint fork_exec two ways out of one call
//! skip chroot_image 2026-11-24
//! ```
//!
//! A level goes by its name without the number, so that a workshop that has grown a level
//! in the middle remembers all the same. And "done" goes by content: by what the learner
//! had written then, and by which checks there were. An update that changes either makes
//! the level "changed since", never silently done or undone.

mod entry;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use curriculum::levels::Level;
use curriculum::lock::blob_id;
use nix::fcntl::{Flock, FlockArg};

use crate::course::{Course, id};
use crate::{Result, date, screen};

use entry::Entry;

/// The directory of all that is remembered, seen from the checkout.
pub(crate) const DIRECTORY: &str = ".workshop";

const HEADER: &str = "\
# What `cargo workshop` remembers of your way, for you alone. A line is a word, a
# level, and what there is to say. Take a line out and it is forgotten.
";

/// What is remembered.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    entries: Vec<Entry>,
    /// What we do not understand, with the numbers of the lines: kept as it is.
    strange: Vec<(usize, String)>,
}

/// How far a level is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// As it came: the learner has not written in it.
    Untouched,
    /// As it came, and the learner has begun further on.
    Skipped,
    /// The learner has written in it, and not checked it since.
    Begun,
    /// Checked as it is now, and something is not true yet.
    Failing,
    /// All true, as it is now.
    Done,
    /// It was done, and has been changed since; or its checks have.
    Changed,
}

impl Progress {
    /// What is remembered in this checkout. A line that makes no sense is reported.
    pub(crate) fn read(course: &Course) -> Result<Progress> {
        let path = path(course);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(format!("cannot read {}: {error}", path.display()).into()),
        };
        let progress = Progress::parse(&text);
        for (number, line) in &progress.strange {
            let place = format!("{DIRECTORY}/progress:{number}");
            let line = given::printable(line);
            screen::note(format!("{place}: not understood, and left alone: {line}"));
        }
        Ok(progress)
    }

    /// Whether nothing has ever been remembered.
    pub(crate) fn is_new(course: &Course) -> bool {
        !path(course).exists()
    }

    fn parse(text: &str) -> Progress {
        let mut progress = Progress::default();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            match Entry::parse(line) {
                Some(entry) => progress.entries.push(entry),
                None => progress.strange.push((index + 1, line.to_owned())),
            }
        }
        progress
    }

    fn print(&self) -> String {
        let strange = self.strange.iter().map(|(_, line)| line.clone());
        let lines = self.entries.iter().map(Entry::print).chain(strange);
        lines.fold(HEADER.to_owned(), |text, line| text + &line + "\n")
    }

    /// How far a level is, by what is in it now.
    pub(crate) fn state(&self, course: &Course, level: &Level) -> Result<State> {
        let now = course.content(level)?;
        let own = id(level);
        let is_done = |entry: &Entry| match entry {
            Entry::Done {
                level: it,
                content,
                checks,
                ..
            } => *it == own && *content == now && *checks == fingerprint(level),
            _ => false,
        };
        if self.entries.iter().any(is_done) {
            return Ok(State::Done);
        }
        if course.changed(level)?.is_empty() {
            return Ok(match self.was_skipped(level) {
                true => State::Skipped,
                false => State::Untouched,
            });
        }
        if self.was_done(level) {
            return Ok(State::Changed);
        }
        let fails = |entry: &Entry| {
            matches!(entry, Entry::Last { level, verdict, content }
                if *level == own && verdict == "fail" && *content == now)
        };
        Ok(match self.entries.iter().any(fails) {
            true => State::Failing,
            false => State::Begun,
        })
    }

    /// Whether it was ever done.
    pub(crate) fn was_done(&self, level: &Level) -> bool {
        let own = id(level);
        let is_it = |entry: &Entry| matches!(entry, Entry::Done { level, .. } if level == own);
        self.entries.iter().any(is_it)
    }

    /// Whether the learner has chosen to begin behind it.
    fn was_skipped(&self, level: &Level) -> bool {
        let own = id(level);
        let is_it = |entry: &Entry| matches!(entry, Entry::Skipped { level, .. } if level == own);
        self.entries.iter().any(is_it)
    }

    /// Where the learner is: the level after the last one that is done or skipped. A learner who
    /// has begun in the middle, as a class may, is not sent back.
    pub(crate) fn here<'a>(&self, course: &'a Course) -> Result<Option<&'a Level>> {
        let levels: Vec<&Level> = course.numbered().collect();
        let is_behind = |level: &&Level| self.was_done(level) || self.was_skipped(level);
        let reached = levels.iter().rposition(is_behind);
        let after = reached.map_or(0, |index| index + 1);
        let order = levels[after..].iter().chain(&levels[..after]);
        for level in order {
            let state = self.state(course, level)?;
            if !matches!(state, State::Done | State::Changed | State::Skipped) {
                return Ok(Some(level));
            }
        }
        Ok(None)
    }

    /// Whether the level as it is now has failed its checks.
    pub(crate) fn fails(&self, course: &Course, level: &Level) -> Result<bool> {
        Ok(self.state(course, level)? == State::Failing)
    }

    /// The hints of a level that have been read.
    pub(crate) fn hints<'a>(&'a self, level: &'a Level) -> impl Iterator<Item = &'a str> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Hint { level: it, title } if it == id(level) => Some(title.as_str()),
            _ => None,
        })
    }
}

/// A check of the level with this content has ended.
pub(crate) fn checked(course: &Course, level: &Level, content: &str, passed: bool) -> Result<()> {
    change(course, |entries| {
        let own = id(level).to_owned();
        entries.retain(|entry| !matches!(entry, Entry::Last { level, .. } if *level == own));
        let verdict = if passed { "pass" } else { "fail" };
        entries.push(Entry::Last {
            level: own.clone(),
            verdict: verdict.to_owned(),
            content: content.to_owned(),
        });
        if passed {
            entries.retain(|entry| !matches!(entry, Entry::Done { level, .. } if *level == own));
            entries.push(Entry::Done {
                level: own,
                day: date::today(),
                content: content.to_owned(),
                checks: fingerprint(level),
            });
        }
    })
}

/// These levels are skipped, and no others.
pub(crate) fn skipped(course: &Course, levels: &[&Level]) -> Result<()> {
    change(course, |entries| {
        entries.retain(|entry| !matches!(entry, Entry::Skipped { .. }));
        entries.extend(levels.iter().map(|level| Entry::Skipped {
            level: id(level).to_owned(),
            day: date::today(),
        }));
    })
}

/// A hint has been read.
pub(crate) fn hinted(course: &Course, level: &Level, title: &str) -> Result<()> {
    change(course, |entries| {
        entries.push(Entry::Hint {
            level: id(level).to_owned(),
            title: title.to_owned(),
        });
    })
}

/// Changes what is remembered. A companion in another terminal that is about to do the same
/// waits; and a reader sees the file before or after, never half of it.
fn change(course: &Course, edit: impl FnOnce(&mut Vec<Entry>)) -> Result<()> {
    let directory = directory(course)?;
    let refused = |why: &dyn std::fmt::Display| format!("cannot write {DIRECTORY}/progress: {why}");
    let open = File::open(&directory).map_err(|error| refused(&error))?;
    let _lock =
        Flock::lock(open, FlockArg::LockExclusive).map_err(|(_, errno)| refused(&errno.desc()))?;
    let path = path(course);
    let mut progress = Progress::parse(&fs::read_to_string(&path).unwrap_or_default());
    edit(&mut progress.entries);
    write(&path, progress.print().as_bytes()).map_err(|error| refused(&error).into())
}

/// A file that is there as a whole or not at all.
pub(crate) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    write_with_mode(path, content, 0o666)
}

/// The same for what only the learner may read.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    write_with_mode(path, content, 0o600)
}

fn write_with_mode(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))
        .tempfile_in(directory)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// `.workshop`, made if it is not there.
pub(crate) fn directory(course: &Course) -> Result<PathBuf> {
    let directory = course.root.join(DIRECTORY);
    fs::create_dir_all(&directory)
        .map_err(|error| format!("cannot make {}: {error}", directory.display()))?;
    Ok(directory)
}

/// A directory for what is kept aside under this name, which nothing else has had before.
pub(crate) fn kept(course: &Course, name: &str) -> Result<PathBuf> {
    let all = directory(course)?.join("kept");
    let refused =
        |error: io::Error| format!("cannot make a directory in {}: {error}", all.display());
    fs::create_dir_all(&all).map_err(refused)?;
    let made = (1..)
        .map(|number: u32| all.join(format!("{name}-{number}")))
        .find_map(|path| match fs::create_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => None,
            made => Some(made.map(|()| path)),
        });
    match made {
        Some(made) => Ok(made.map_err(refused)?),
        None => Err(format!("there are too many of them in {}", all.display()).into()),
    }
}

fn path(course: &Course) -> PathBuf {
    course.root.join(DIRECTORY).join("progress")
}

/// Which checks a level has, as one number.
fn fingerprint(level: &Level) -> String {
    let own = id(level);
    let is_it = |it: &&checks::LevelChecks| it.directory().get(3..) == Some(own);
    let checks = checks::LEVELS
        .iter()
        .find(is_it)
        .map_or(&[][..], |it| it.checks);
    let names: Vec<&str> = checks.iter().map(|check| check.name).collect();
    blob_id(names.join("\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "0123456789012345678901234567890123456789";

    #[test]
    fn what_is_not_understood_is_told_and_kept() {
        let good = format!("done fork_exec 2026-11-24 {HASH} {HASH}");
        let text = format!("{HEADER}{good}\nhint fork_exec two ways\ndone half a li\n");
        let progress = Progress::parse(&text);
        assert_eq!(progress.strange, [(5, "done half a li".to_owned())]);
        assert_eq!(progress.entries.len(), 2);
        assert_eq!(progress.print(), text);
    }

    #[test]
    fn a_file_is_replaced_as_a_whole() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("file");
        write(&path, b"one")?;
        write(&path, b"two")?;
        assert_eq!(fs::read(&path)?, b"two");
        assert_eq!(fs::read_dir(directory.path())?.count(), 1);
        Ok(())
    }
}
