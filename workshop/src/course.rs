//! The levels as the learner has them: which there are, what each is about, and how far
//! each is from its skeleton.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use checks::curriculum::levels::{self, Level};
use checks::curriculum::lock::{Lock, blob_id};
use checks::curriculum::task::{self, Step};

use crate::Result;

/// The checkout that we were started in.
pub(crate) struct Course {
    /// Its directory.
    pub(crate) root: PathBuf,
    /// All levels in order; `complete` is the last.
    pub(crate) levels: Vec<Level>,
    lock: Lock,
}

impl Course {
    /// Looks for the checkout above the current directory.
    pub(crate) fn find() -> Result<Course> {
        let root = levels::workspace_root()?;
        let levels = levels::discover(&root)?;
        let lock = Lock::read(&root)?;
        Ok(Course { root, levels, lock })
    }

    /// The levels that have something to write in them: all but `complete`.
    pub(crate) fn numbered(&self) -> impl DoubleEndedIterator<Item = &Level> {
        self.levels.iter().filter(|level| level.number.is_some())
    }

    /// The level that somebody means by `4`, `04`, `level04`, `rd` or a directory's name.
    pub(crate) fn level(&self, word: &str) -> Result<&Level> {
        let digits = word.strip_prefix("level").unwrap_or(word);
        let number: Option<u8> = digits.parse().ok();
        let is_it = |level: &&Level| match number {
            Some(number) => level.number == Some(number),
            None => level.package == word || level.directory == word || id(level) == word,
        };
        let found = self.levels.iter().find(is_it);
        found.ok_or_else(|| {
            let last = self.numbered().next_back().and_then(|level| level.number);
            format!(
                "there is no level `{word}`: they are 00 to {:02}, and `rd`, which is all of them",
                last.unwrap_or_default()
            )
            .into()
        })
    }

    /// The level after this one: its skeleton is this one's solution.
    pub(crate) fn after(&self, level: &Level) -> Option<&Level> {
        let mut rest = self.levels.iter().skip_while(|it| *it != level);
        rest.nth(1)
    }

    /// What the level is about: its lesson's title without the number.
    pub(crate) fn title(&self, level: &Level) -> String {
        let readme = fs::read_to_string(self.lesson_path(level)).unwrap_or_default();
        let title = readme.lines().next().unwrap_or_default();
        let title = title.trim_start_matches('#').trim();
        let title = title.split_once(": ").map_or(title, |(_, title)| title);
        title.to_owned()
    }

    /// Where its lesson is, seen from the checkout.
    pub(crate) fn lesson(&self, level: &Level) -> String {
        format!("{}/README.md", level.path().display())
    }

    fn lesson_path(&self, level: &Level) -> PathBuf {
        self.root.join(self.lesson(level))
    }

    /// The steps of its task.
    pub(crate) fn steps(&self, level: &Level) -> Result<Vec<Step>> {
        let path = self.lesson_path(level);
        let readme = fs::read_to_string(&path)
            .map_err(|error| format!("cannot read the lesson {}: {error}", path.display()))?;
        Ok(task::steps(&readme))
    }

    /// The files of its skeleton, relative to the level's directory.
    pub(crate) fn skeleton_files(&self, level: &Level) -> Vec<PathBuf> {
        let directory = level.path();
        let paths = self.lock.paths().map(Path::new);
        paths
            .filter_map(|path| path.strip_prefix(&directory).ok())
            .map(Path::to_owned)
            .collect()
    }

    /// A file as the skeleton has it: from the tree if it is untouched, otherwise from
    /// git's history.
    pub(crate) fn skeleton(&self, level: &Level, file: &Path) -> Result<Vec<u8>> {
        let path = level.path().join(file);
        let Some(blob) = self.lock.blob(&path.display().to_string()) else {
            return Err(format!("{} is in no skeleton", path.display()).into());
        };
        match fs::read(self.root.join(&path)) {
            Ok(content) if blob_id(&content) == blob => Ok(content),
            _ => self.cat_file(blob, &path),
        }
    }

    fn cat_file(&self, blob: &str, path: &Path) -> Result<Vec<u8>> {
        let mut git = Command::new("git");
        let git = git
            .arg("-C")
            .arg(&self.root)
            .args(["cat-file", "blob", blob]);
        let because = match git.output() {
            Ok(output) if output.status.success() => return Ok(output.stdout),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => format!("git does not start: {error}"),
        };
        Err(format!(
            "{} has been changed here, and the original is only in git's history, which does \
             not give it ({because}). A checkout made by `git clone` has that history; an \
             unpacked archive has not: then take the file from a fresh download",
            path.display()
        )
        .into())
    }

    /// The files that differ from the skeleton, that are new, or that are gone; relative to
    /// the level's directory.
    pub(crate) fn changed(&self, level: &Level) -> Result<Vec<PathBuf>> {
        let now = level.files(&self.root)?;
        let skeleton = self.skeleton_files(level);
        let differs = |file: &PathBuf| {
            let path = level.path().join(file);
            let content = fs::read(self.root.join(&path)).ok();
            let blob = self.lock.blob(&path.display().to_string());
            content.map(|content| blob_id(&content)).as_deref() != blob
        };
        let mut changed: Vec<PathBuf> = now.into_iter().chain(skeleton).collect();
        changed.sort();
        changed.dedup();
        changed.retain(differs);
        Ok(changed)
    }

    /// One number for what the learner has written: the same for the same files, also when
    /// the level was given another number meanwhile.
    pub(crate) fn content(&self, level: &Level) -> Result<String> {
        let marker = format!("TODO({:02})", level.number.unwrap_or_default());
        let mut all = Vec::new();
        for file in level.files(&self.root)? {
            // The level's test is ours, and the same everywhere.
            if file.starts_with("tests") {
                continue;
            }
            let content = fs::read(self.root.join(level.path()).join(&file)).unwrap_or_default();
            let text = String::from_utf8_lossy(&content)
                .replace(&level.directory, "{level}")
                .replace(&level.package, "{level}")
                .replace(
                    &format!("Level {:02}", level.number.unwrap_or_default()),
                    "{level}",
                )
                .replace(&marker, "TODO");
            all.extend(format!("{} {}\n{text}", file.display(), text.len()).into_bytes());
        }
        Ok(blob_id(&all))
    }
}

/// What a level is called whatever its number: `pivot_root`.
pub(crate) fn id(level: &Level) -> &str {
    match level.number {
        Some(_) => level.directory.get(3..).unwrap_or(&level.directory),
        None => &level.directory,
    }
}

/// How a level is named in a command: `03`, `rd`.
pub(crate) fn word(level: &Level) -> String {
    level
        .number
        .map_or_else(|| level.package.clone(), |number| format!("{number:02}"))
}
